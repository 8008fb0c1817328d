cimport cython

from libc.stdint cimport int64_t

from hft.ledger.balance cimport Balance
from hft.ledger.position cimport Paid, Position
from hft.ledger.trades cimport Trades
from hft.ledger.wide cimport Wide
from hft.seen cimport Seen

cdef class InstrumentAccount:
    cdef public object instrument
    cdef public object base
    cdef public object settle
    cdef public object wallet
    cdef public bint is_spot
    cdef public Wide point
    cdef public Wide lot
    cdef public dict positions
    cdef public object side
    cdef public Position position
    cdef public dict funding
    cdef public dict balances
    cdef public object asset
    cdef public Balance balance
    cdef public Trades trades
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

    cdef bint book(self, Position position, int64_t signed, int64_t price)

    cpdef object trade(self, Position position, object signed, object value)

    cpdef object mark(self, object price)

    cpdef bint mark_mid(self, object twice_ticks)

    @cython.locals(position=Position)
    cdef tuple worth(self)

    @cython.locals(position=Position, paid=Paid)
    cdef object settle_fees(self)

    cdef object _average_price(self, Position position)
