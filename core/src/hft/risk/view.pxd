from hft.order cimport Order

cdef object _LIVE
cdef object _BUY
cdef object _SELL
cdef object _BOTH
cdef object _LONG

cdef object _worst_case_position(object orders, object positions, Order order)

cdef object _growth(object orders, Order order)

cdef bint _closes(Order order)
