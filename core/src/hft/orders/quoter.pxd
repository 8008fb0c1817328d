cimport cython

from hft.events cimport Fill
from hft.order cimport Order
from hft.orders.desk cimport Desk
from hft.orders.manager cimport OrderManager
from hft.orders.states cimport largest_size
from hft.orders.whole cimport check_whole

cdef object _PENDING_NEW
cdef object _NEW
cdef object _PARTIALLY_FILLED
cdef object _CANCELED
cdef object _FILLED
cdef object _BUY
cdef object _SELL

cdef dict _NO_LEVELS

cdef class _Statement:
    cdef public tuple only
    cdef public list levels
    cdef public object price
    cdef public object lots
    cdef public dict several
    cdef public bint used

    cdef object take(self, object levels)

    cdef object _note(self, tuple level)

    cdef object _want(self, object price, object size)

    @cython.locals(stated=list, index=Py_ssize_t)
    cdef bint is_as(self, list levels) except -1

    cdef bint wants(self) except -1

    cdef Py_ssize_t count(self) except -1

    cdef object total(self)

    cdef object highest(self)

    cdef object lowest(self)

    cdef dict by_price(self)

    cdef object lots_at(self, object price)

    cdef object want_only(self, object price, object size)

    cdef object want_less(self, object price, object size)

cdef class _Side:
    cdef public Order blank
    cdef public bint buys
    cdef public _Statement statement
    cdef public _Statement spare
    cdef public Order order
    cdef public dict orders
    cdef public bint settled
    cdef public list leftovers
    cdef public list moves
    cdef public dict lacking
    cdef public object lacking_price

    cdef Order find(self, str key)

    cdef object add(self, Order order)

    cdef object remove(self, str key)

    cdef Py_ssize_t count(self) except -1

    cdef list all(self)

    cdef bint is_settled_as(self, object levels) except -1

    @cython.locals(statement=_Statement)
    cdef _Statement statement_of(self, object levels)

    @cython.locals(order=Order)
    cdef object state(self, _Statement statement)

    cdef object _keep(self, Order order)

    cdef bint is_met_by(self, Order order) except -1

    cdef bint is_empty(self) except -1

    @cython.locals(order=Order)
    cdef bint has_room(self, object size) except -1

    @cython.locals(order=Order)
    cdef bint is_met(self, object price) except -1

    cdef bint _meets(self, Order order, object price) except -1

    @cython.locals(statement=_Statement)
    cdef object take_back(self, Order order, object size=*)

cdef class Quoter:
    cdef public OrderManager _manager
    cdef public object _owner
    cdef public object _instrument
    cdef public object _clock
    cdef public _Side _bids
    cdef public _Side _asks
    cdef public Desk _desk
    cdef public bint _can_amend
    cdef public object _backoff
    cdef public object _retry
    cdef public bint _retried
    cdef public set _cancels
    cdef public set _uncancellable
    cdef public dict _amends
    cdef public set _unamendable

    cpdef bint owns(self, Order order)

    @cython.locals(bids_stand=cython.bint, asks_stand=cython.bint, wanted_bids=_Statement, wanted_asks=_Statement)
    cpdef object quote(self, object bids, object asks)

    @cython.locals(side=_Side)
    cpdef object withdraw(self)

    @cython.locals(side=_Side, order=Order)
    cpdef object on_fill(self, Fill fill)

    @cython.locals(side=_Side, asked=cython.bint, settled=cython.bint)
    cpdef object on_order(self, Order order)

    @cython.locals(bids=_Side, asks=_Side)
    cdef object _settle(self)

    @cython.locals(moves=list)
    cdef object _follow(self, _Side side)

    @cython.locals(moves=list)
    cdef object _follow_both(self, _Side bids, _Side asks)

    @cython.locals(order=Order)
    cdef object _make(self, list moves)

    @cython.locals(statement=_Statement, order=Order)
    cdef object _plan(self, _Side side)

    @cython.locals(settled=cython.bint)
    cdef object _plan_one(self, _Side side, Order order, object price, object size)

    @cython.locals(order=Order, lacking=dict, leftovers=list, settled=cython.bint)
    cdef object _plan_several(self, _Side side, list standing, dict wanted)

    cdef bint _is_open(self, Order order) except -1

    @cython.locals(order=Order, movable=dict, pairs=list, moves=list)
    cdef dict _pair(self, _Side side, list leftovers, dict lacking)

    cdef object _cancel_leftovers(self, _Side side)

    cdef object _place_lacking(self, _Side side)

    @cython.locals(side=_Side)
    cdef object _move(self, Order order, object price, object size)

    @cython.locals(statement=_Statement, order=Order, standing=Py_ssize_t)
    cdef object _place(self, _Side side, object price)

    cdef object _cancel(self, Order order)

    cdef object _retry_later(self)

    cpdef object _retry_now(self)

    cdef object _forget(self, str key)

    cdef _Side _side(self, Order order)

    cdef _Side _others(self, _Side side)

cdef object _blank(object owner, object instrument, object side)

cdef object _price_of(Order order)

cdef object _left_of(Order order)

cdef object _exposed(Order order)

cdef object _lots(object count)
