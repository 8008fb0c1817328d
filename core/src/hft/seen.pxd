cimport cython

cdef class Horizon:
    cdef public object since_ns

cdef class Seen:
    cdef Horizon _horizon
    cdef Py_ssize_t _most
    cdef dict _times
    cdef list _order
    cdef Py_ssize_t _first

    @cython.locals(times=dict, known=Py_ssize_t)
    cpdef bint add(self, object key, object at_ns=*)

    @cython.locals(times=dict, order=list, first=Py_ssize_t)
    cdef object _forget(self)
