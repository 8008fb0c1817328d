# The items of these named tuples where CPython puts them; core/tests/test_compiled.py compares.

cdef extern from "Python.h":
    ctypedef class hft.paper.fill_model.Match [object PyTupleObject]:
        cdef object order_id "ob_item[0]"
        cdef object price "ob_item[1]"
        cdef object size "ob_item[2]"
        cdef object liquidity "ob_item[3]"

    ctypedef class hft.paper.fill_model.Arrival [object PyTupleObject]:
        cdef object outcome "ob_item[0]"
        cdef object matches "ob_item[1]"
        cdef object reason "ob_item[2]"
        cdef object ahead "ob_item[3]"
