cimport cython

from hft.order cimport Order
from hft.orders.record cimport Record

cdef class OrderStore:
    cdef public dict desks
    cdef public Py_ssize_t open_count
    cdef public Py_ssize_t kept
    cdef dict _records
    cdef Py_ssize_t _added
    cdef list _ring
    cdef Py_ssize_t _first
    cdef public dict _clients

    @cython.locals(record=Record)
    cpdef Record find(self, object client_order_id)

    @cython.locals(record=Record)
    cpdef Record find_open(self, object client_order_id)

    @cython.locals(record=Record)
    cpdef Record find_finished(self, object client_order_id)

    cpdef object add(self, Record record)

    @cython.locals(records=list, place=Py_ssize_t)
    cpdef object finish(self, Record record)

    cpdef object remember(self, Record record)

    @cython.locals(ring=list, oldest=Record, kept=Py_ssize_t)
    cdef object _keep(self, Record record)
