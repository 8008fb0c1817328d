"""Where the exchange and the ledger differ."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from decimal import Decimal

import attrs

from hft.events import BalanceReport, PositionReport
from hft.instrument import Instrument
from hft.ledger.ledger import Ledger
from hft.money import amount_to_decimal, difference, trim
from hft.types import InstrumentKind, PositionSide, Size

__all__ = ["Difference", "DifferenceKind", "compare"]


class DifferenceKind(enum.Enum):
    """What differs."""

    POSITION = "position"
    BALANCE = "balance"


@attrs.frozen(kw_only=True)
class Difference:
    """One figure of ours and the exchange's, in base currency or contracts, or in the asset.

    ``report`` is what the exchange said, None of a position that it does not list and so is flat.
    """

    kind: DifferenceKind
    subject: str
    ours: Decimal
    theirs: Decimal
    exchange: str
    instrument: Instrument | None = None
    position_side: PositionSide = PositionSide.BOTH
    asset: str = ""
    report: PositionReport | BalanceReport | None = None

    @property
    def amount(self) -> Decimal:
        """How much more the exchange has."""
        return trim(difference(self.theirs, self.ours))

    def __str__(self) -> str:
        return (
            f"{self.kind.value} of {self.subject} is {self.ours:f} in the ledger and {self.theirs:f} at the"
            f" exchange, which has {self.amount:+f}"
        )


def compare(
    ledger: Ledger,
    positions: Iterable[PositionReport],
    balances: Iterable[BalanceReport],
    *,
    complete: Collection[str] = (),
    tolerance: Decimal = Decimal(0),
) -> list[Difference]:
    """Return what differs, positions first; nothing is changed.

    ``complete`` are the exchanges whose list of positions is whole: a derivative of theirs that we hold
    and they do not list is flat there. Spot has no positions at an exchange, its balances are compared.
    A balance is compared as it must have been at the report's ``exchange_ns``; one that the exchange has
    never stated before differs from nothing. ``tolerance`` is how far a balance may be off, since exchanges
    round what they book. Compare before the ledger is given the same balance reports.
    """
    found: list[Difference] = []
    listed: set[tuple[Instrument, PositionSide]] = set()
    for position in positions:
        listed.add((position.instrument, position.position_side))
        found += _position(ledger, position.instrument, position.position_side, position)
    for instrument, side in ledger.sides():
        if (
            instrument.kind is not InstrumentKind.SPOT
            and instrument.exchange in complete
            and (instrument, side) not in listed
        ):
            found += _position(ledger, instrument, side, None)
    for balance in balances:
        ours = ledger.balance_at(balance.exchange, balance.wallet, balance.asset, balance.exchange_ns)
        if ours is None:
            continue
        theirs, mine = balance.total, amount_to_decimal(ours)
        if abs(difference(theirs, mine)) > tolerance:
            found.append(
                Difference(
                    kind=DifferenceKind.BALANCE,
                    subject=f"{balance.asset}@{balance.exchange}"
                    + (f" ({balance.wallet})" if balance.wallet else ""),
                    ours=mine,
                    theirs=theirs,
                    exchange=balance.exchange,
                    asset=balance.asset,
                    report=balance,
                )
            )
    return found


def _position(
    ledger: Ledger, instrument: Instrument, side: PositionSide, report: PositionReport | None
) -> list[Difference]:
    ours = ledger.position_of(instrument, side)
    theirs = Size(0) if report is None else report.size
    if ours == theirs:
        return []
    return [
        Difference(
            kind=DifferenceKind.POSITION,
            subject=f"{instrument}" + ("" if side is PositionSide.BOTH else f" {side.value}"),
            ours=instrument.size_to_decimal(ours),
            theirs=instrument.size_to_decimal(theirs),
            exchange=instrument.exchange,
            instrument=instrument,
            position_side=side,
            report=report,
        )
    ]
