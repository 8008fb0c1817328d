cimport cython

from hft.order cimport Order
from hft.orders.record cimport Record

cdef class Doubts:
    cdef public object _clock
    cdef public object _random
    cdef public object _ask
    cdef public dict _doubts
    cdef public object _timer
    cdef public bint _is_over

    cpdef object _look(self)

    cdef object _schedule(self)

@cython.locals(order=Order)
cdef bint _is_in_doubt(Record record, object now_ns)
