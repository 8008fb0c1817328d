cimport cython

from hft.clock cimport Timer
from hft.events cimport Fill
from hft.order cimport Order
from hft.orders.guard cimport Guard
from hft.orders.manager cimport OrderManager
from hft.orders.owner cimport Owner
from hft.orders.quoter cimport Quoter

cdef class StrategyTrading(Owner):
    cdef public str name
    cdef public object clock
    cdef public object random
    cdef public object markets
    cdef public str refusal
    cdef public Guard guard
    cdef public object tell_order
    cdef public object tell_fill
    cdef public object tell_parent
    cdef public OrderManager _manager
    cdef public object _ledger
    cdef public object _log
    cdef public object _on_fault
    cdef public set _timers
    cdef public dict _quoters
    cdef public object _router
    cdef public object _last_instrument
    cdef public Quoter _last_quoter
    cdef public bint _routes

    cpdef object quote(self, object instrument, object bids, object asks)

    cpdef object on_order(self, Order order)

    cpdef object on_fill(self, Fill fill)

    cpdef object _on_parent(self, object parent)

    @cython.locals(quoter=Quoter)
    cdef Quoter _quoter(self, object instrument)

    cpdef object _fail(self, object error)

cdef class _Repeating(Timer):
    cdef public object _again
    cdef public object _call_at
    cdef public object _current
    cdef public Guard _guard
    cdef public object _interval_ns
    cdef public bint _may_be_late
    cdef public object _now_ns
    cdef public set _running

    cpdef object _repeat(self)
