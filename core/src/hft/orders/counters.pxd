# The slots of these classes where CPython puts them, in the order of their names. Their Python code knows nothing of
# it; core/tests/test_compiled.py compares. No slot may ever be empty.

cdef extern from *:
    """
    typedef struct {
        PyObject_HEAD
        PyObject *adopted;
        PyObject *amended;
        PyObject *cancelled;
        PyObject *duplicates;
        PyObject *fills;
        PyObject *foreign;
        PyObject *illegal;
        PyObject *queries;
        PyObject *refused;
        PyObject *sent;
        #if PY_VERSION_HEX < 0x030C0000
        PyObject *weak_references;  /* since Python 3.12 they are before the object */
        #endif
    } HftOrderCounters;
    """
    ctypedef class hft.orders.counters.OrderCounters [object HftOrderCounters, check_size error]:
        cdef object adopted
        cdef object amended
        cdef object cancelled
        cdef object duplicates
        cdef object fills
        cdef object foreign
        cdef object illegal
        cdef object queries
        cdef object refused
        cdef object sent
