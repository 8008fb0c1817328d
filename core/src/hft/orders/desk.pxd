from hft.market cimport Market
from hft.order cimport Order

cdef object _BUY
cdef object _LIVE
cdef object _LIMIT
cdef object _BOTH
cdef object _GTC
cdef object _GTD
cdef object _IOC
cdef object _FOK

cdef class Desk:
    cdef public bint _any_price
    cdef public bint _post_only
    cdef public bint _tradable
    cdef public Order blank
    cdef public Market market
    cdef public object client
    cdef public object instrument
    cdef public list records
    cdef public object buys
    cdef public object sells
    cdef public str offline
    cdef public object capabilities
    cdef public object _min_size
    cdef public object _max_size
    cdef public object _min_value

    cpdef str refusal(self, object side, object price, object size, bint reduce_only)

    cpdef str unsupported(self, Order order)

    cpdef bint amends(self, Order order, object price, object size)
