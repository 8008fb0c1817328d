cimport cython

from hft.events cimport OrderReport
from hft.order cimport Order
from hft.orders.desk cimport Desk
from hft.orders.owner cimport Owner
from hft.orders.states cimport has_ended, largest_size

cdef object _ACCEPTED
cdef object _CANCELED
cdef object _CANCEL_REJECTED
cdef object _EXPIRED
cdef object _REPLACED
cdef object _REPLACE_REJECTED
cdef object _UNKNOWN
cdef object _IN_DOUBT
cdef object _BUY
cdef object _NOTHING

cdef class Record:
    cdef public Order order
    cdef public Desk desk
    cdef public Owner owner
    cdef public bint is_open
    cdef public Py_ssize_t number
    cdef public object exposure
    cdef public bint cancel_wanted
    cdef public bint unwanted
    cdef public bint closes
    cdef public tuple amend_wanted
    cdef public tuple successor
    cdef public object held
    cdef public object held_filled
    cdef public bint is_suspect
    cdef public object requested_ns
    cdef public object asked_ns
    cdef public object last_event
    cdef public object last_ns

    @cython.locals(order=Order)
    cpdef bint is_stale(self, object event, OrderReport report)

    @cython.locals(order=Order, desk=Desk)
    cpdef object expose(self)

    @cython.locals(order=Order)
    cpdef object take(self, OrderReport report, object event)

    @cython.locals(order=Order)
    cpdef object drop_amendment(self)

@cython.locals(record=Record)
cpdef Record new_record(Order order, Desk desk, Owner owner)
