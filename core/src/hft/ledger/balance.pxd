cimport cython

from libc.stdint cimport int64_t

from hft.ledger.wide cimport Wide

cdef int _FLOWS_KEPT
cdef int _TIES_KEPT

cdef class Flow:
    cdef public Wide amount
    cdef public int64_t count
    cdef public object exchange_ns

    cpdef object moved(self)

cdef class Balance:
    cdef public object exchange
    cdef public object wallet
    cdef public object asset
    cdef public object reported
    cdef public object locked
    cdef public object reported_ns
    cdef Wide _total
    cdef list _flows
    cdef Py_ssize_t _next
    cdef Py_ssize_t _kept
    cdef list _ties

    @cython.locals(total=Wide, flows=list, at=Py_ssize_t, flow=Flow)
    cdef object flow(self, Wide amount, int64_t count, object exchange_ns)

    cpdef object view(self)

    @cython.locals(begin=Py_ssize_t)
    cdef list _newest(self)

    cdef object _tie(self, list amounts)
