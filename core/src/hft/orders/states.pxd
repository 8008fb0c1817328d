from hft.order cimport Order

cdef object _NEW
cdef object _PARTIALLY_FILLED
cdef object _FILLED
cdef object _PENDING_REPLACE
cdef object _OPEN

cpdef object next_state(Order order, object event)

cpdef object supported_state(Order order)
