cdef class Horizon:
    cdef public object since_ns

cdef class Seen:
    cdef Horizon _horizon
    cdef dict _times
    cdef object _order

    cpdef bint add(self, object key, object at_ns=*)
