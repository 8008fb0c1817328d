from libc.stdint cimport int64_t

from hft.market cimport Market
from hft.order cimport Order
from hft.primitives cimport within

cdef object _MAX_SIZE
cdef int64_t _MOST

cdef object _BUY
cdef object _LIVE
cdef object _LIMIT
cdef object _BOTH
cdef object _GTC
cdef object _GTD
cdef object _IOC
cdef object _FOK

cdef class Desk:
    cdef public bint _amends
    cdef public bint _any_price
    cdef public bint _post_only
    cdef public bint _tradable
    cdef public Order blank
    cdef public Market market
    cdef public object client
    cdef public object place
    cdef public object amend
    cdef public object cancel
    cdef public object instrument
    cdef public list records
    cdef public object buys
    cdef public object sells
    cdef public str offline
    cdef public object capabilities
    cdef public object _min_size
    cdef public object _max_size
    cdef public object _min_value
    cdef public int64_t _least_size
    cdef public int64_t _most_size
    cdef public int64_t _least_price

    cpdef str refusal(self, Order order, object price, object size)

    cdef str _objection(self, Order order, object price, object size)

    cpdef str unsupported(self, Order order)

    cpdef bint amends(self, Order order, object price, object size)
