cimport cython

from hft.events cimport Fill, OrderReport
from hft.latency cimport acknowledge
from hft.ledger.ledger cimport Ledger
from hft.order cimport Order
from hft.orders.counters cimport OrderCounters
from hft.orders.doubts cimport Doubts
from hft.orders.ids cimport ClientOrderIds
from hft.orders.record cimport Record
from hft.orders.sender cimport Sender
from hft.orders.states cimport edge_of, event_of, follow, has_ended, largest_size
from hft.orders.store cimport OrderStore
from hft.plugin.hearer cimport Hearer
from hft.risk.engine cimport RiskGate

cdef tuple _UNANSWERED

cdef object _ACCEPTED
cdef object _CANCELED
cdef object _CANCEL_REJECTED
cdef object _EXPIRED
cdef object _REPLACED
cdef object _REPLACE_REJECTED
cdef object _NOT_FOUND
cdef object _REJECTED
cdef object _FILL
cdef object _LAST_FILL
cdef object _PENDING_CANCEL
cdef object _UNKNOWN
cdef object _ENDED_CANCELED
cdef object _ENDED_REJECTED

cdef class OrderEvidence(Hearer):
    cdef public OrderCounters counters
    cdef public str halted
    cdef public RiskGate risk
    cdef public OrderStore store
    cdef public object _clock
    cdef public ClientOrderIds _ids
    cdef public Ledger _ledger
    cdef public object _warn
    cdef public str _refusal
    cdef public Sender _sender
    cdef public Doubts _doubts

    @cython.locals(record=Record)
    cpdef str refusal(self, Order order)

    cpdef object on_funding(self, object funding)

    @cython.locals(record=Record, order=Order, answers=bint)
    cpdef object on_report(self, OrderReport report)

    @cython.locals(record=Record, order=Order)
    cpdef object on_fill(self, Fill fill)

    cdef bint _is_proof(self, Record record, OrderReport report)

    @cython.locals(record=Record)
    cdef object _on_report_without_order(self, OrderReport report, object event)

    cdef object _note(self, Order order)

    cdef object _on_illegal(self, Order order, object event)

    cdef object _on_foreign(self, object client_order_id, str what)

    cpdef object halt(self, str reason)

    cdef object _send_waiting(self, Record record)

    cdef object _place_successor(self, Record record, object price, object size)
