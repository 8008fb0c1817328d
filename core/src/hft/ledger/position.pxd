cimport cython

from hft.ledger.assets cimport AssetFigures
from hft.ledger.balance cimport Balance
from hft.money cimport divide

cdef class Paid:
    cdef public object fees
    cdef public AssetFigures figures
    cdef public Balance balance

cdef class Position:
    cdef public object size
    cdef public object cost
    cdef public object realized
    cdef public object adjusted
    cdef public dict paid

    @cython.locals(is_long=bint, is_bought=bint)
    cpdef object book(self, object signed, object value)
