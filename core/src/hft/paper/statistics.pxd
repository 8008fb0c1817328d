# Numbers of orders and fills are counted in C; lots, ticks and times are not, since their products and sums may be
# any size.

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
    cdef public object quoting_ns
    cdef public object inventory
    cdef public object inventory_max
    cdef public object inventory_time
    cdef Py_ssize_t _bids
    cdef Py_ssize_t _asks
    cdef object _quoting_since_ns
    cdef object _inventory_since_ns

    cpdef object join(self, object side, object ahead, object now_ns)

    cpdef object leave(self, object side, object now_ns)

    cpdef object fill(self, object side, object price, object size, object liquidity, object fee, object now_ns)

    cpdef object close(self, object now_ns)

    cdef object _hold(self, object now_ns)

    cdef object _wait(self, object side, Py_ssize_t change, object now_ns)
