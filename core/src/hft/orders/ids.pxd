cdef class ClientOrderIds:
    cdef public str profile_prefix
    cdef public str prefix
    cdef public object _count
    cdef public str _head

    cpdef str next(self)

    cpdef bint owns(self, object client_order_id)

    cpdef bint owns_profile(self, object client_order_id)
