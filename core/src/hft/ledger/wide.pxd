cimport cython

from libc.stdint cimport int64_t

cdef extern from *:
    """
    typedef __int128 hft_wide;
    """
    # C knows that it has 128 bits. A compiler without it leaves all modules to Python, whose integers have them.
    ctypedef long long wide_t "hft_wide"

cdef int64_t _MOST
cdef int64_t _LOW
cdef object _LOWER
cdef object _WIDEST

cdef class Wide:
    cdef public int64_t a
    cdef public int64_t b
    cdef public int64_t c
    cdef public int64_t d
    cdef public object number

    @cython.locals(low=wide_t, high=wide_t)
    cpdef object put(self, object number)

    @cython.locals(low=wide_t, high=wide_t, number=object)
    cpdef object get(self)

    cpdef object clear(self)

    cpdef object take(self, Wide other)

    cpdef bint is_zero(self)

    @cython.locals(a=int64_t, b=int64_t, c=int64_t, d=int64_t)
    cpdef bint add(self, Wide other)

    @cython.locals(times=wide_t, a=wide_t, b=wide_t, c=wide_t, d=wide_t)
    cpdef bint add_times(self, Wide other, int64_t count)

    @cython.locals(a=int64_t, b=int64_t, c=int64_t, d=int64_t)
    cpdef bint subtract(self, Wide other)

    @cython.locals(
        times=wide_t, divisor=wide_t, a=wide_t, b=wide_t, c=wide_t, d=wide_t, left=wide_t, rest=wide_t
    )
    cpdef bint reduce(self, int64_t part, int64_t whole)

    cdef object _carry(self)
