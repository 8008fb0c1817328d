cdef class Timer:
    cdef public object when_ns
    cdef public object callback
    cdef public bint _cancelled

    cpdef object cancel(self)

    cpdef object fire(self)

cdef class _LoopTimer(Timer):
    cdef public object handle
