from hft.orders.record cimport Record

cdef class OrderStore:
    cdef public dict desks
    cdef public dict open
    cdef public dict finished
    cdef public object _oldest
    cdef public dict _clients

    cpdef Record find(self, object client_order_id)

    cpdef object add(self, Record record)

    cpdef object finish(self, Record record)

    cpdef object remember(self, Record record)
