# The slots of these classes where CPython puts them, in the order of their names. Their Python code knows nothing of
# it; core/tests/test_compiled.py compares. No slot may ever be empty.

cdef extern from *:
    """
    typedef struct {
        PyObject_HEAD
        PyObject *asked_ns;
        PyObject *client_order_id;
        PyObject *code;
        PyObject *exchange_ns;
        PyObject *exchange_order_id;
        PyObject *filled;
        PyObject *kind;
        PyObject *price;
        PyObject *reason;
        PyObject *recv_ns;
        PyObject *size;
        #if PY_VERSION_HEX < 0x030C0000
        PyObject *weak_references;  /* since Python 3.12 they are before the object */
        #endif
    } HftOrderReport;
    """
    ctypedef class hft.events.OrderReport [object HftOrderReport, check_size error]:
        cdef object asked_ns
        cdef object client_order_id
        cdef object code
        cdef object exchange_ns
        cdef object exchange_order_id
        cdef object filled
        cdef object kind
        cdef object price
        cdef object reason
        cdef object recv_ns
        cdef object size

cdef extern from *:
    """
    typedef struct {
        PyObject_HEAD
        PyObject *client_order_id;
        PyObject *exchange_made;
        PyObject *exchange_ns;
        PyObject *exchange_order_id;
        PyObject *fee;
        PyObject *fee_asset;
        PyObject *instrument;
        PyObject *liquidity;
        PyObject *position_side;
        PyObject *price;
        PyObject *realized;
        PyObject *recv_ns;
        PyObject *side;
        PyObject *size;
        PyObject *trade_id;
        #if PY_VERSION_HEX < 0x030C0000
        PyObject *weak_references;  /* since Python 3.12 they are before the object */
        #endif
    } HftFill;
    """
    ctypedef class hft.events.Fill [object HftFill, check_size error]:
        cdef object client_order_id
        cdef object exchange_made
        cdef object exchange_ns
        cdef object exchange_order_id
        cdef object fee
        cdef object fee_asset
        cdef object instrument
        cdef object liquidity
        cdef object position_side
        cdef object price
        cdef object realized
        cdef object recv_ns
        cdef object side
        cdef object size
        cdef object trade_id
