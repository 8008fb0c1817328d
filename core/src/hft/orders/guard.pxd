cdef class Guard:
    cdef public bint closed
    cdef public object _on_fault

    cpdef object call(self, object callback)

    cpdef object fail(self, object error)

    cpdef object close(self)
