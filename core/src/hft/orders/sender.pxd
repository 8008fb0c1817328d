cimport cython

from hft.latency cimport stamp
from hft.order cimport Order
from hft.orders.counters cimport OrderCounters
from hft.orders.record cimport Record
from hft.stamps cimport Moments

cdef class Sender:
    cdef public Moments trace
    cdef public object journal
    cdef public bint shares_clock
    cdef public object _now_ns
    cdef public OrderCounters _counters
    cdef public object _halt

    @cython.locals(order=Order)
    cpdef str place(self, Record record, object approved)

    @cython.locals(order=Order)
    cpdef str amend(self, Record record, object approved, object price, object size)

    @cython.locals(order=Order)
    cpdef str cancel(self, Record record)

    cpdef object ask(self, Record record)

    @cython.locals(order=Order)
    cdef str _on_bug(self, Record record, str doing, object error)
