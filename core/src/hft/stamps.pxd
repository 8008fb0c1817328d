# The slots of these classes where CPython puts them, in the order of their names. Their Python code knows nothing of
# it; core/tests/test_compiled.py compares. No slot may ever be empty.

cdef extern from *:
    """
    typedef struct {
        PyObject_HEAD
        PyObject *acknowledged_ns;
        PyObject *applied_ns;
        PyObject *approved_ns;
        PyObject *decided_ns;
        PyObject *decoded_ns;
        PyObject *exchange_ns;
        PyObject *recv_ns;
        PyObject *sent_ns;
        PyObject *written_ns;
        #if PY_VERSION_HEX < 0x030C0000
        PyObject *weak_references;  /* since Python 3.12 they are before the object */
        #endif
    } HftStamps;
    """
    ctypedef class hft.stamps.Stamps [object HftStamps, check_size error]:
        cdef object acknowledged_ns
        cdef object applied_ns
        cdef object approved_ns
        cdef object decided_ns
        cdef object decoded_ns
        cdef object exchange_ns
        cdef object recv_ns
        cdef object sent_ns
        cdef object written_ns

cdef extern from *:
    """
    typedef struct {
        PyObject_HEAD
        PyObject *_arrived_ns;
        PyObject *_last_ns;
        PyObject *_pending;
        PyObject *_replay_ns;
        PyObject *_stages;
        PyObject *applied_ns;
        PyObject *approved_ns;
        PyObject *decided_ns;
        PyObject *decoded_ns;
        PyObject *exchange_ns;
        PyObject *now_ns;
        PyObject *recv_ns;
        PyObject *stages;
        PyObject *tick_to_order;
    } HftMoments;
    """
    ctypedef class hft.stamps.Moments [object HftMoments, check_size error]:
        cdef object _arrived_ns
        cdef object _last_ns
        cdef object _pending
        cdef object _replay_ns
        cdef object _stages
        cdef object applied_ns
        cdef object approved_ns
        cdef object decided_ns
        cdef object decoded_ns
        cdef object exchange_ns
        cdef object now_ns
        cdef object recv_ns
        cdef object stages
        cdef object tick_to_order
