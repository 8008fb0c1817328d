from hft.events cimport Fill
from hft.order cimport Order

cdef class Owner:
    cpdef object on_order(self, Order order)

    cpdef object on_fill(self, Fill fill)
