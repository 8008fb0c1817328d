# The slots of these classes where CPython puts them, in the order of their names. Their Python code knows nothing of
# it; core/tests/test_compiled.py compares. No slot may ever be empty.

cdef extern from *:
    """
    typedef struct {
        PyObject_HEAD
        PyObject *book;
        PyObject *channels;
        PyObject *counters;
        PyObject *instrument;
        PyObject *on_book;
        PyObject *on_book_lost;
        PyObject *on_mark;
        PyObject *on_quote;
        PyObject *on_trade;
        PyObject *trace;
    } HftMarket;
    """
    ctypedef class hft.market.Market [object HftMarket, check_size error]:
        cdef object book
        cdef object channels
        cdef object counters
        cdef object instrument
        cdef object on_book
        cdef object on_book_lost
        cdef object on_mark
        cdef object on_quote
        cdef object on_trade
        cdef object trace
