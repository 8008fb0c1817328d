cimport cython

from hft.primitives cimport copied
from hft.order cimport Order
from hft.orders.desk cimport Desk
from hft.orders.evidence cimport OrderEvidence
from hft.orders.notices cimport Notices
from hft.orders.record cimport Record, new_record
from hft.orders.self_trade cimport SelfTradeGuard
from hft.orders.sender cimport Sender
from hft.orders.states cimport supported_state
from hft.stamps cimport Moments

cdef object _NEW
cdef object _PARTIALLY_FILLED
cdef object _PENDING_NEW
cdef object _PENDING_CANCEL
cdef object _PENDING_REPLACE
cdef object _UNKNOWN
cdef object _LIMIT
cdef object _BUY

cdef class OrderManager(OrderEvidence):
    cdef public SelfTradeGuard self_trade
    cdef public object on_halt
    cdef public object _now_ns
    cdef public Notices _notices
    cdef public object _again
    cdef public object _backoff

    @cython.locals(desk=Desk)
    cpdef object exposure(self, object instrument, object side)

    @cython.locals(desk=Desk)
    cpdef tuple exposures(self, object instrument)

    @cython.locals(record=Record)
    cpdef object exposure_of(self, object client_order_id)

    @cython.locals(record=Record)
    cpdef bint amend(self, Order order, object price, object size)

    @cython.locals(record=Record)
    cpdef object cancel(self, Order order)

    cpdef Order place_like(self, object owner, Desk desk, Order blank, object size, object price)

    @cython.locals(order=Order)
    cdef Order _blank(
        self, object owner, Desk desk, object side, object type, object time_in_force, object post_only,
        object reduce_only, object trigger_price, object expire_ns, object position_side, object replaces
    )

    @cython.locals(sender=Sender, trace=Moments)
    cdef Order _ask(self, object owner, Desk desk, Order order, object size, object price)

    @cython.locals(reason=str)
    cdef object _approve(self, Order order, object owner, Desk desk)

    @cython.locals(record=Record)
    cdef object _send(self, Order order, object owner, Desk desk, object approved, bint closes)

    cdef object _cancel_later(self)

    cpdef object _cancel_again(self)

    @cython.locals(trace=Moments, order=Order, desk=Desk, reason=str)
    cdef bint _amend_now(self, Record record, object price, object size)

    @cython.locals(trace=Moments)
    cdef object _cancel_now(self, Record record)

    cdef object _on_not_placed(self, Record record, str reason)

    @cython.locals(order=Order)
    cdef object _on_not_sent(self, Record record, str reason)

    cdef object _refuse(self, Order order, object owner, object reason)

    cdef bint _refuse_amendment(self, Record record, object reason)

    @cython.locals(order=Order)
    cdef object _send_waiting(self, Record record)

    @cython.locals(order=Order, successor=Order)
    cdef object _place_successor(self, Record record, object price, object size)

cdef str _unamendable(Order order, object size)
