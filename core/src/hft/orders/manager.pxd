cimport cython

from hft.order cimport Order
from hft.orders.desk cimport Desk
from hft.orders.evidence cimport OrderEvidence
from hft.orders.notices cimport Notices
from hft.orders.record cimport Record
from hft.orders.self_trade cimport SelfTradeGuard
from hft.orders.states cimport supported_state

cdef object _NEW
cdef object _PARTIALLY_FILLED
cdef object _PENDING_NEW
cdef object _PENDING_CANCEL
cdef object _PENDING_REPLACE
cdef object _UNKNOWN
cdef object _LIMIT

cdef class OrderManager(OrderEvidence):
    cdef public SelfTradeGuard self_trade
    cdef public object on_halt
    cdef public Notices _notices
    cdef public object _again
    cdef public object _backoff

    @cython.locals(record=Record)
    cpdef bint amend(self, Order order, object price, object size)

    @cython.locals(record=Record)
    cpdef object cancel(self, Order order)

    @cython.locals(desk=Desk)
    cdef object _approve(self, Order order, object owner)

    @cython.locals(record=Record)
    cdef object _send(self, Order order, object owner, object approved, bint closes)

    cdef object _cancel_later(self)

    cpdef object _cancel_again(self)

    @cython.locals(order=Order, desk=Desk)
    cdef bint _amend_now(self, Record record, object price, object size)

    cdef object _cancel_now(self, Record record)

    cdef object _on_not_placed(self, Record record, str reason)

    @cython.locals(order=Order)
    cdef object _on_not_sent(self, Record record, str reason)

    cdef object _refuse(self, Order order, object owner, str reason)

    cdef bint _refuse_amendment(self, Record record, str reason)

    @cython.locals(order=Order)
    cdef object _send_waiting(self, Record record)

    @cython.locals(order=Order, successor=Order)
    cdef object _place_successor(self, Record record, object price, object size)
