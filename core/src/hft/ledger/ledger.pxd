cimport cython

from libc.stdint cimport int64_t

from hft.events cimport Fill
from hft.ledger.account cimport InstrumentAccount
from hft.ledger.assets cimport AssetFigures
from hft.ledger.balance cimport Balance
from hft.ledger.fees cimport Fee, Fees
from hft.ledger.position cimport Paid, Position
from hft.ledger.wide cimport Wide
from hft.money cimport to_amount
from hft.seen cimport Horizon

cdef object _BUY
cdef object _BOTH
cdef int64_t _MOST

cdef class Ledger:
    cdef public object duplicates
    cdef public list adjustments
    cdef public set hedged
    cdef public object day_start_ns
    cdef public object wallet_of
    cdef object _day
    cdef dict _accounts
    cdef InstrumentAccount _latest
    cdef list _stale
    cdef Fees _fees
    cdef dict _assets
    cdef dict _balances
    cdef dict _dormant
    cdef dict _horizons

    @cython.locals(
        account=InstrumentAccount,
        position=Position,
        paid=Paid,
        fee=Fee,
        stated=Wide,
        price=int64_t,
        size=int64_t,
        signed=int64_t,
        is_counted=bint,
    )
    cpdef bint on_fill(self, Fill fill)

    @cython.locals(account=InstrumentAccount)
    cpdef bint mark_mid(self, object instrument, object twice_ticks)

    @cython.locals(account=InstrumentAccount)
    cpdef object position(self, object instrument)

    @cython.locals(account=InstrumentAccount, position=Position)
    cpdef object position_of(self, object instrument, object position_side)

    cpdef AssetFigures figures(self, object asset)

    cdef InstrumentAccount _open(self, object instrument, object mark)

    cdef Horizon _horizon(self, object exchange)

    @cython.locals(position=Position)
    cdef Position _position(self, InstrumentAccount account, object side)

    @cython.locals(paid=Paid)
    cdef Paid _paid(self, InstrumentAccount account, Position position, object asset)

    @cython.locals(figures=AssetFigures)
    cdef AssetFigures _figures(self, object asset)

    @cython.locals(figures=AssetFigures)
    cdef object _earn(self, object asset, object amount)

    cdef object _revalue_later(self, InstrumentAccount account)

    @cython.locals(account=InstrumentAccount, figures=AssetFigures)
    cdef object _revalue(self)

    @cython.locals(balance=Balance)
    cdef object _flow(
        self, InstrumentAccount account, object asset, Wide amount, int64_t count, object exchange_ns
    )

    @cython.locals(balance=Balance)
    cdef Balance _balance_of(self, InstrumentAccount account, object asset)

    @cython.locals(balance=Balance)
    cdef Balance _balance(self, object exchange, object wallet, object asset)
