cimport cython

from hft.order cimport Order

cdef tuple _STATES
cdef tuple _KINDS
cdef tuple _SAID
cdef tuple _EVENTS
cdef tuple _CELLS

cdef object _NEW
cdef object _PARTIALLY_FILLED
cdef object _FILLED
cdef object _CANCELED
cdef object _REJECTED
cdef object _EXPIRED
cdef object _PENDING_REPLACE
cdef object _OPEN
cdef object _GONE

cpdef object event_of(object kind)

@cython.locals(cells=tuple)
cpdef object edge_of(object state, object event)

@cython.locals(place=Py_ssize_t)
cdef Py_ssize_t _place_of(object wanted, tuple among) except -1

cpdef object follow(Order order, object edge)

cpdef bint has_ended(object state) noexcept

cpdef object largest_size(Order order)

cpdef object supported_state(Order order)
