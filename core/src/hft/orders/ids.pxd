cimport cython

from hft.primitives cimport joined

cdef tuple _PAIRS
cdef Py_ssize_t _NUMBER_OF_PAIRS

cdef class ClientOrderIds:
    cdef public str profile_prefix
    cdef public str prefix
    cdef public Py_ssize_t _count
    cdef public str _head

    @cython.locals(low=Py_ssize_t)
    cpdef str next(self)

    cpdef bint owns(self, object client_order_id)

    cpdef bint owns_profile(self, object client_order_id)
