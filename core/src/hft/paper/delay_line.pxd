cimport cython

cdef class DelayLine:
    cdef object _now_ns
    cdef object _call_at
    cdef object _delay_ns
    cdef object _last_ns
    cdef list _waiting
    cdef Py_ssize_t _next
    cdef object _timer
    cdef bint _closed

    cpdef object send(self, object call, tuple arguments)

    cpdef object close(self)

    cdef object _arm(self)

    @cython.locals(waiting=list, due=Py_ssize_t)
    cpdef object _deliver(self)
