cimport cython
from libc.stdint cimport int64_t

from hft.events cimport Fill, OrderReport
from hft.paper.fees cimport FeeSchedule
from hft.paper.statistics cimport OrderStatistics

cdef object _BUY
cdef object _GTC
cdef object _LIMIT
cdef object _MAKER

cdef class Listing

cdef class PaperOrder:
    cdef public Listing listing
    cdef public str exchange_order_id
    cdef public str client_order_id
    cdef public object instrument
    cdef public object side
    cdef public object price
    cdef public object size
    cdef public object type
    cdef public object time_in_force
    cdef public bint post_only
    cdef public bint reduce_only
    cdef public bint accepted
    cdef public bint waits
    cdef public int64_t joined_ns
    cdef public object filled
    cdef public list fills
    cdef public OrderReport final

    cpdef bint is_open(self) except -1

    cpdef str state(self)

cdef class Costs:
    cdef public object rate
    cdef object _unit
    cdef dict _known

    cpdef object of(self, object value)

cdef class Listing:
    cdef public object instrument
    cdef public Fill form
    cdef public object model
    cdef public int64_t position
    cdef public OrderStatistics statistics
    cdef public object funding
    cdef public object funding_timer
    cdef FeeSchedule _fees
    cdef Costs _maker
    cdef Costs _taker
    cdef bint _tradable
    cdef int64_t _min_size
    cdef int64_t _max_size
    cdef object _min_value

    @cython.locals(lots=int64_t)
    cpdef str refusal(self, PaperOrder order, object price, object size)

    cpdef object reducible(self, PaperOrder order)

    @cython.locals(fees=FeeSchedule)
    cpdef object fill(self, object side, object value, int64_t size, object liquidity, int64_t now_ns)
