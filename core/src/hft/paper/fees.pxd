cdef class FeeSchedule:
    cdef public bint is_tiered
    cdef public object maker
    cdef public object taker
    cdef object _tiers
    cdef object _before
    cdef object _days
    cdef object _first_day
    cdef object _day
    cdef object _today
    cdef object _window

    cpdef object advance_to(self, object now_ns)

    cpdef object count(self, object volume)

    cdef object _choose(self)
