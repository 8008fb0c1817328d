cimport cython

from hft.market cimport Market

cdef object _LIVE

cdef class _Watched:
    cdef public Market market
    cdef public object max_age
    cdef public bint is_live
    cdef public bint is_known_live
    cdef public object since_ns
    cdef object _backoff
    cdef object _patience_ns

    cdef bint is_to_be_replaced(self, bint is_live, object now_ns) except -1

cdef class Watchdog:
    cdef object _clock
    cdef object _random
    cdef object _warn
    cdef object _replace
    cdef list _watched
    cdef object _timer

    @cython.locals(watched=_Watched, all_well=cython.bint)
    cdef bint _look_again(self) except -1

    @cython.locals(watched=_Watched, market=Market)
    cpdef object _look(self)
