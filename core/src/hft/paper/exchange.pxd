cimport cython
from libc.stdint cimport int64_t

from hft cimport primitives
from hft.events cimport Fill, OrderReport
from hft.order cimport Order
from hft.paper.delay_line cimport DelayLine
from hft.paper.fees cimport FeeSchedule
from hft.paper.fill_model cimport Arrival, Match
from hft.paper.listing cimport Listing, PaperOrder
from hft.paper.statistics cimport OrderStatistics
from hft.plugin.hearer cimport Hearer

cdef object _ACCEPTED
cdef object _REPLACED
cdef object _CANCELED
cdef object _REJECTED
cdef object _CANCEL_REJECTED
cdef object _REPLACE_REJECTED
cdef OrderReport _REPORT
cdef object _RESTING
cdef object _ENDED
cdef object _REFUSED

cdef class _Amendment
cdef class _Cancellation
cdef class _Question
cdef class _Requests
cdef class _Answers

# The time of a turn as a number of C, and as the object that its reports share.
cdef class PaperExchange:
    cdef object _clock
    cdef object _ask_ns
    cdef object _now
    cdef int64_t _now_ns
    cdef _Requests _requests
    cdef _Answers _answers
    cdef FeeSchedule _fees
    cdef public dict listings
    cdef Listing _listing
    cdef public dict orders
    cdef list _finished
    cdef Py_ssize_t _oldest
    cdef Py_ssize_t _last_order
    cdef Py_ssize_t _last_trade

    cpdef object add(self, object instrument, object model, object funding)

    @cython.locals(order=PaperOrder)
    cpdef object close(self)

    cpdef object place(self, Order order)

    cpdef object amend(self, str client_order_id, object price, object size)

    cpdef object cancel(self, str client_order_id)

    cpdef object query(self, str client_order_id)

    cdef int _begin(self, object now_ns) except -1

    @cython.locals(listing=Listing, reason=str, arrival=Arrival)
    cdef object _on_place(self, PaperOrder order)

    @cython.locals(order=PaperOrder, listing=Listing, reason=str, arrival=Arrival)
    cdef object _on_amend(self, _Amendment request)

    @cython.locals(order=PaperOrder)
    cdef object _on_cancel(self, _Cancellation request)

    @cython.locals(order=PaperOrder)
    cdef object _on_query(self, _Question request)

    cpdef object settle(self, object matches)

    @cython.locals(match=Match, order=PaperOrder)
    cdef int _settle(self, object matches) except -1

    @cython.locals(listing=Listing, statistics=OrderStatistics, fill=Fill)
    cdef int _fill(self, PaperOrder order, object price, object size, object liquidity) except -1

    cdef int _cancel(self, PaperOrder order, str reason) except -1

    cdef int _refuse(self, PaperOrder order, str reason) except -1

    @cython.locals(finished=list, remembered=Py_ssize_t)
    cdef int _finish(self, PaperOrder order, OrderReport final) except -1

    cdef int _join(self, PaperOrder order, int64_t ahead) except -1

    cdef int _leave(self, PaperOrder order) except -1

    cdef object _fund_later(self, Listing listing)

    cpdef object _fund(self, Listing listing, object due)

    cdef OrderReport _report(self, PaperOrder order, object kind, str reason)

    cdef int _reject(self, str client_order_id, object kind, PaperOrder order) except -1

cdef class _Amendment:
    cdef str client_order_id
    cdef object price
    cdef object size

cdef class _Cancellation:
    cdef str client_order_id

cdef class _Question:
    cdef str client_order_id

cdef class _Requests(DelayLine):
    cdef PaperExchange _exchange

    @cython.locals(exchange=PaperExchange)
    cpdef object arrive(self, object message, object now_ns)

cdef class _Answers(DelayLine):
    cdef Hearer _events

    @cython.locals(fill=Fill, report=OrderReport)
    cpdef object arrive(self, object message, object now_ns)

@cython.locals(made=PaperOrder)
cpdef PaperOrder new_order(Py_ssize_t number, Order order)

@cython.locals(made=_Amendment)
cdef _Amendment _new_amendment(str client_order_id, object price, object size)

@cython.locals(report=OrderReport)
cdef OrderReport _new_report(
    str client_order_id, object kind, str exchange_order_id, object price, object size, str reason, object now
)

@cython.locals(fill=Fill)
cdef Fill _new_fill(
    PaperOrder order, str trade_id, object price, object size, object liquidity, object fee, object now
)
