cimport cython

from hft.ledger.position cimport Position
from hft.seen cimport Seen

cdef class InstrumentAccount:
    cdef public object instrument
    cdef public object base
    cdef public object settle
    cdef public object wallet
    cdef public bint is_spot
    cdef public object point
    cdef public object lot
    cdef public dict positions
    cdef public dict funding
    cdef public dict balances
    cdef public Seen trades
    cdef public Seen payments
    cdef public object size
    cdef public object profit
    cdef public object gross
    cdef public object open_value
    cdef public object lot_mark
    cdef public bint is_stale
    cdef public object _lot_value
    cdef public object _half_point
    cdef public object _twice_ticks
    cdef public object _mark

    cpdef object lot_price(self, object price)

    cpdef object book(self, Position position, object signed, object lot_price)

    cpdef object mark(self, object price)

    cpdef bint mark_mid(self, object twice_ticks)

    @cython.locals(position=Position)
    cpdef tuple worth(self)

    cdef object _average_price(self, Position position)
