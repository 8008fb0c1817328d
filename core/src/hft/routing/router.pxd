cimport cython

from hft.events cimport Fill
from hft.order cimport Order

cdef class Router:
    cdef str _name
    cdef dict _markets
    cdef object _place
    cdef object _orders
    cdef object _conditions
    cdef object _clock
    cdef object _refusal
    cdef object _tell
    cdef Py_ssize_t _count
    cdef dict _works
    cdef dict _ended
    cdef dict _children
    cdef set _unanswered
    cdef dict _notices

    cpdef bint owns(self, Order order)

    cpdef object on_order(self, Order order)

    cpdef object on_fill(self, Fill fill)

    cpdef object _tell_now(self)
