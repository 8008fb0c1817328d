cimport cython

from hft.order cimport Order
from hft.orders.desk cimport Desk
from hft.orders.record cimport Record

cdef object _BUY
cdef object _ALLOW
cdef object _LIMIT

cdef class SelfTradeGuard:
    cdef public object policy
    cdef public object _cancel

    cpdef str refusal(self, Desk desk, object side, object price, object type)

@cython.locals(record=Record, order=Order, met=list, buys=cython.bint)
cdef list _met(Desk desk, object side, object price)
