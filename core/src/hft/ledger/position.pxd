cdef class Position:
    cdef public object size
    cdef public object cash
    cdef public object cost
    cdef public object adjusted
    cdef public dict fees

    cpdef object book(self, object signed, object lot_price)

    cpdef object pay(self, object asset, object fee)
