# What is counted one by one fits into 64 bits, sums are checked: lots, which no book holds more of, and times, for 200
# years to come. Not so what is a product, or comes of all orders.

cimport cython
from libc.stdint cimport int64_t

cdef object _BUY
cdef object _MAKER
cdef int64_t _FACTOR
cdef int64_t _PART

cdef class Sum:
    cdef int64_t _part
    cdef object _whole

    cdef int add(self, int64_t number) except -1

    @cython.locals(large=object)
    cdef int add_product(self, int64_t first, int64_t second) except -1

    cpdef object value(self)

cdef class OrderStatistics:
    cdef public Py_ssize_t accepted
    cdef public Py_ssize_t traded
    cdef public Py_ssize_t maker_fills
    cdef public Py_ssize_t taker_fills
    cdef public Py_ssize_t joined
    cdef public Py_ssize_t queue_fills
    cdef public int64_t quoting_ns
    cdef public int64_t inventory
    cdef public int64_t inventory_max
    cdef Sum _lots
    cdef Sum _turnover
    cdef Sum _ahead
    cdef Sum _waited_ns
    cdef Sum _inventory_time
    cdef int64_t _held
    cdef Py_ssize_t _bids
    cdef Py_ssize_t _asks
    cdef int64_t _quoting_since_ns
    cdef int64_t _inventory_since_ns

    cpdef object join(self, object side, int64_t ahead, int64_t now_ns)

    cpdef object leave(self, object side, int64_t now_ns)

    cpdef object reach(self, int64_t waited_ns)

    cpdef object fill(
        self, object side, int64_t price, int64_t size, object liquidity, object fee, int64_t now_ns
    )

    cpdef object close(self, int64_t now_ns)

    cdef int _hold(self, int64_t now_ns) except -1

    cdef int _wait(self, object side, Py_ssize_t change, int64_t now_ns) except -1
