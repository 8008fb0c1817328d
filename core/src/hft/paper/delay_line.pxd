cimport cython
from libc.stdint cimport int64_t

# Times fit into 64 bits for 200 years to come; sums are checked.

cdef Py_ssize_t _SPENT

cdef class DelayLine:
    cdef object _now_ns
    cdef object _call_at
    cdef object _delay_of
    cdef int64_t _delay_ns
    cdef object _last
    cdef int64_t _last_ns
    cdef list _messages
    cdef list _due
    cdef Py_ssize_t _next
    cdef Py_ssize_t _end
    cdef object _on_due
    cdef object _timer
    cdef bint _closed

    cpdef object arrive(self, object message, object now_ns)

    @cython.locals(delay_ns=int64_t, due_ns=int64_t, end=Py_ssize_t)
    cpdef object send(self, object message, int64_t now_ns)

    cpdef object close(self)

    cdef int _arm(self) except -1

    @cython.locals(messages=list, due=list, left=Py_ssize_t, spent=Py_ssize_t)
    cpdef object _deliver(self)
