cimport cython
from libc.stdint cimport int64_t

from hft.primitives cimport bit_length, copied, elapsed

# By another name, since Python imports Stamps from here.
from hft.stamps cimport Moments, Stamps as StampsSlots

cdef int _SUB_BITS
cdef int _SUB
cdef int _BUCKETS
cdef object _MOST_NS
cdef StampsSlots _UNSTAMPED

cdef class Histogram:
    cdef int64_t[::1] _counts
    cdef public int64_t count
    cdef public int64_t maximum_ns

    cpdef object record(self, object value_ns)

    @cython.locals(shift=int, at=Py_ssize_t)
    cpdef object add(self, int64_t counted_ns)

cdef class _Stages:
    cdef public Histogram acknowledge
    cdef public Histogram book
    cdef public Histogram decode
    cdef public Histogram feed
    cdef public Histogram risk
    cdef public Histogram send
    cdef public Histogram strategy
    cdef public Histogram tick_to_order

    cpdef object count(self, StampsSlots stamps, object arrived_ns, object since_ns)

    cpdef object count_sending(self, StampsSlots stamps)

@cython.locals(stages=_Stages, stamps=StampsSlots)
cpdef StampsSlots stamp(Moments trace)

@cython.locals(stages=_Stages)
cpdef object acknowledge(Moments trace, StampsSlots stamps, object recv_ns)
