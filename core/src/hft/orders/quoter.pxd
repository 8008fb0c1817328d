cimport cython

from hft.events cimport Fill
from hft.order cimport Order
from hft.orders.manager cimport OrderManager
from hft.orders.whole cimport check_whole

cdef tuple _SETTLED

cdef object _CANCELED
cdef object _FILLED
cdef object _BUY
cdef object _SELL
cdef object _LIMIT

cdef class _Side:
    cdef public object side
    cdef public list stated
    cdef public dict wanted
    cdef public dict standing
    cdef public bint settled

    cdef bint is_settled_as(self, object levels)

    @cython.locals(order=Order)
    cdef object committed(self)

    cdef object take_back(self, Order order, object size=*)

cdef class _Plan:
    cdef public list leftovers
    cdef public list moves
    cdef public list lacking

cdef class Quoter:
    cdef public OrderManager _manager
    cdef public object _owner
    cdef public object _instrument
    cdef public object _clock
    cdef public _Side _bids
    cdef public _Side _asks
    cdef public bint _can_amend
    cdef public object _backoff
    cdef public object _retry
    cdef public set _cancels
    cdef public set _uncancellable
    cdef public dict _amends
    cdef public set _unamendable

    cpdef bint owns(self, Order order)

    @cython.locals(side=_Side, order=Order)
    cpdef object quote(self, object bids, object asks)

    cpdef object withdraw(self)

    @cython.locals(side=_Side, order=Order)
    cpdef object on_fill(self, Fill fill)

    @cython.locals(side=_Side)
    cpdef object on_order(self, Order order)

    @cython.locals(bids=_Plan, asks=_Plan, plan=_Plan, order=Order, side=_Side)
    cdef object _settle(self)

    @cython.locals(order=Order, plan=_Plan, lacking=dict, leftovers=list)
    cdef _Plan _plan(self, _Side side)

    @cython.locals(order=Order)
    cdef object _pair(self, _Plan plan, dict lacking)

    @cython.locals(side=_Side)
    cdef object _move(self, Order order, object price, object size)

    @cython.locals(order=Order)
    cdef object _place(self, _Side side, object price)

    cdef object _cancel(self, Order order)

    @cython.locals(others=_Side, order=Order)
    cdef bint _meets_ourselves(self, object side, object price)

    cdef object _retry_later(self)

    cpdef object _retry_now(self)

    cdef object _forget(self, str key)

    cdef _Side _side(self, Order order)

cdef list _plain(object levels)

cdef dict _merge(list levels)

cdef tuple _target(Order order)
