cdef class NoJournal:
    cpdef object intend_place(self, object order)

    cpdef object intend_amend(self, object order, object price, object size)

    cpdef object intend_cancel(self, object order)

    cpdef object order(self, object order)

    cpdef object fill(self, object fill)
