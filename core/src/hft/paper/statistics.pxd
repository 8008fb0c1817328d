# Numbers of orders and fills are counted in C, and times, which fit into 64 bits for 200 years to come; lots and ticks
# are not, since their products and sums may be any size.

from libc.stdint cimport int64_t

cdef class OrderStatistics:
    cdef public Py_ssize_t accepted
    cdef public Py_ssize_t traded
    cdef public Py_ssize_t maker_fills
    cdef public Py_ssize_t taker_fills
    cdef public object lots
    cdef public object turnover
    cdef public Py_ssize_t joined
    cdef public object ahead
    cdef public Py_ssize_t queue_fills
    cdef public object waited_ns
    cdef public int64_t quoting_ns
    cdef public object inventory
    cdef public object inventory_max
    cdef public object inventory_time
    cdef Py_ssize_t _bids
    cdef Py_ssize_t _asks
    cdef object _held
    cdef int64_t _quoting_since_ns
    cdef int64_t _inventory_since_ns

    cpdef object join(self, object side, object ahead, int64_t now_ns)

    cpdef object leave(self, object side, int64_t now_ns)

    cpdef object fill(
        self, object side, object price, object size, object liquidity, object fee, int64_t now_ns
    )

    cpdef object close(self, int64_t now_ns)

    cdef object _hold(self, int64_t now_ns)

    cdef object _wait(self, object side, Py_ssize_t change, int64_t now_ns)
