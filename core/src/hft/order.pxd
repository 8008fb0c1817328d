# The slots of these classes where CPython puts them, in the order of their names. Their Python code knows nothing of
# it; core/tests/test_compiled.py compares. No slot may ever be empty.

cdef extern from *:
    """
    typedef struct {
        PyObject_HEAD
        PyObject *acknowledged;
        PyObject *client_order_id;
        PyObject *created_ns;
        PyObject *exchange_order_id;
        PyObject *expire_ns;
        PyObject *filled;
        PyObject *final_filled;
        PyObject *instrument;
        PyObject *pending_price;
        PyObject *pending_size;
        PyObject *position_side;
        PyObject *post_only;
        PyObject *price;
        PyObject *reason;
        PyObject *reduce_only;
        PyObject *replaces;
        PyObject *side;
        PyObject *size;
        PyObject *stamps;
        PyObject *state;
        PyObject *strategy;
        PyObject *time_in_force;
        PyObject *trigger_price;
        PyObject *type;
        #if PY_VERSION_HEX < 0x030C0000
        PyObject *weak_references;  /* since Python 3.12 they are before the object */
        #endif
    } HftOrder;
    """
    ctypedef class hft.order.Order [object HftOrder, check_size error]:
        cdef object acknowledged
        cdef object client_order_id
        cdef object created_ns
        cdef object exchange_order_id
        cdef object expire_ns
        cdef object filled
        cdef object final_filled
        cdef object instrument
        cdef object pending_price
        cdef object pending_size
        cdef object position_side
        cdef object post_only
        cdef object price
        cdef object reason
        cdef object reduce_only
        cdef object replaces
        cdef object side
        cdef object size
        cdef object stamps
        cdef object state
        cdef object strategy
        cdef object time_in_force
        cdef object trigger_price
        cdef object type
