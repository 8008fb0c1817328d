from libc.stdint cimport int64_t

cdef class OrderCounters:
    cdef public int64_t sent
    cdef public int64_t amended
    cdef public int64_t cancelled
    cdef public int64_t fills
    cdef public int64_t duplicates
    cdef public int64_t illegal
    cdef public int64_t foreign
    cdef public int64_t queries
    cdef public int64_t adopted
    cdef public dict refused

    cpdef object refuse(self, object reason)
