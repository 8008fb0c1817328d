cimport cython

from hft.order cimport Order

cdef dict _EDGES
cdef dict _EVENTS

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

@cython.locals(edges=dict)
cpdef object edge_of(object state, object event)

cpdef object follow(Order order, object edge)

cpdef bint has_ended(object state)

cpdef object largest_size(Order order)

cpdef object supported_state(Order order)
