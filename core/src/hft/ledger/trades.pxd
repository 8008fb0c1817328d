cimport cython

from hft.seen cimport Horizon

cdef object _BUY

cdef class Trades:
    cdef Horizon _horizon
    cdef Py_ssize_t _most
    cdef dict _bought
    cdef dict _sold
    cdef list _ids
    cdef list _sides
    cdef Py_ssize_t _first

    cpdef bint knows(self, object trade_id, object side)

    @cython.locals(times=dict, known=Py_ssize_t)
    cpdef bint add(self, object trade_id, object side, object at_ns)

    @cython.locals(ids=list, sides=list, times=dict, first=Py_ssize_t)
    cdef object _forget(self)
