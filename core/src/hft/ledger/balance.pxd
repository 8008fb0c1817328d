cimport cython

cdef int _FLOWS_KEPT
cdef int _TIES_KEPT

cdef class Balance:
    cdef public object exchange
    cdef public object wallet
    cdef public object asset
    cdef public object reported
    cdef public object locked
    cdef public object reported_ns
    cdef public object total
    cdef list _flows
    cdef list _ties

    @cython.locals(flows=list)
    cpdef object flow(self, object amount, object exchange_ns)

    cpdef object view(self)

    cdef object _tie(self, list amounts)
