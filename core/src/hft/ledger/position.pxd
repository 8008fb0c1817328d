cimport cython

from libc.stdint cimport int64_t

from hft.ledger.assets cimport AssetFigures
from hft.ledger.balance cimport Balance
from hft.ledger.wide cimport Wide, wide_t
from hft.money cimport divide

cdef int64_t _MOST

cdef class Paid:
    cdef public object asset
    cdef public Balance balance
    cdef AssetFigures _figures
    cdef Wide _fees
    cdef object _counted
    cdef bint _is_owing

    cpdef object add(self, Wide fee)

    cpdef object fees(self)

    cdef object settle(self)

cdef class Position:
    cdef public object size
    cdef public object adjusted
    cdef public Wide lost
    cdef public dict paid
    cdef public Paid last_paid
    cdef Wide _unit
    cdef object _point
    cdef int64_t _lots
    cdef Wide _cost
    cdef object _read_cost
    cdef object _cash
    cdef int64_t _spent

    cpdef object cost(self)

    cpdef object cash(self)

    cpdef object realized(self)

    cpdef object put(self, object size, object cash, object cost)

    @cython.locals(before=int64_t, after=int64_t, cost=Wide, lost=Wide, product=wide_t, spent=wide_t)
    cdef bint book(self, int64_t signed, int64_t price)

    @cython.locals(is_long=bint, is_bought=bint)
    cpdef object trade(self, object signed, object value)

    cdef object _resize(self, object size)
