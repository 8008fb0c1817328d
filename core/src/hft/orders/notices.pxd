cdef class Notices:
    cdef public object _clock
    cdef public list _waiting

    cpdef object tell_later(self, object owner, object order)

    cpdef object _tell(self)
