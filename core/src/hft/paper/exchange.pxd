cimport cython

from hft.events cimport Fill, OrderReport
from hft.order cimport Order
from hft.paper.delay_line cimport DelayLine
from hft.paper.fees cimport FeeSchedule
from hft.paper.listing cimport Listing, PaperOrder
from hft.paper.statistics cimport OrderStatistics

cdef class PaperExchange:
    cdef object _clock
    cdef object _now_ns
    cdef object _events
    cdef DelayLine _requests
    cdef DelayLine _responses
    cdef FeeSchedule _fees
    cdef public dict listings
    cdef public dict orders
    cdef public dict open
    cdef object _finished
    cdef object _last_order
    cdef object _last_trade

    cpdef object add(self, object instrument, object model, object funding)

    cpdef object close(self)

    cpdef object place(self, Order order)

    cpdef object amend(self, str client_order_id, object price, object size)

    cpdef object cancel(self, str client_order_id)

    cpdef object query(self, str client_order_id)

    @cython.locals(listing=Listing)
    cpdef object _on_place(self, PaperOrder order)

    @cython.locals(order=PaperOrder, listing=Listing)
    cpdef object _on_amend(self, str client_order_id, object price, object size)

    @cython.locals(order=PaperOrder)
    cpdef object _on_cancel(self, str client_order_id)

    @cython.locals(order=PaperOrder)
    cpdef object _on_query(self, str client_order_id)

    @cython.locals(order=PaperOrder)
    cpdef object settle(self, object matches)

    @cython.locals(listing=Listing, statistics=OrderStatistics)
    cdef object _fill(self, PaperOrder order, object price, object size, object liquidity)

    cdef object _cancel(self, PaperOrder order, str reason)

    cdef object _finish(self, PaperOrder order, OrderReport final)

    @cython.locals(listing=Listing)
    cdef object _join(self, PaperOrder order)

    cdef object _leave(self, PaperOrder order)

    cdef object _fund_later(self, Listing listing)

    cpdef object _fund(self, Listing listing, object due)

    cdef OrderReport _report(self, PaperOrder order, object kind, str reason=*)

    cdef object _reject(self, str client_order_id, object kind, PaperOrder order)

    cpdef object _deliver_report(self, OrderReport report)

    cpdef object _deliver_fill(self, Fill fill)

# As C knows them, both would have to have their attributes already.

@cython.locals(report=object)
cdef OrderReport _new_report(
    str client_order_id, object kind, str exchange_order_id, object price, object size, str reason, object now_ns
)

@cython.locals(fill=object)
cdef Fill _new_fill(
    PaperOrder order, str trade_id, object price, object size, object liquidity, object fee, object now_ns
)
