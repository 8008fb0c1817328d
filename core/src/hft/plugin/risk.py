"""The interface of risk rules: they look at every order before it is sent, and at the account."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Self, final

import attrs

from hft.errors import UsageError
from hft.instrument import Instrument, InstrumentId
from hft.market import Market
from hft.money import Amount
from hft.order import Order
from hft.plugin.config import ConfigT, Configured
from hft.spelling import did_you_mean
from hft.types import PositionSide, Size

__all__ = [
    "APPROVED",
    "Approved",
    "Halt",
    "KernelRefusal",
    "Refusal",
    "Refused",
    "Review",
    "RiskRule",
    "RiskView",
    "Verdict",
]


class Refusal(enum.Enum):
    """Base of a rule's refusal codes: each has a value that never changes and a sentence for the docs.

    ::

        class Code(Refusal):
            TOO_LARGE = "too-large", "the order is larger than one order may be"
    """

    doc: str

    def __new__(cls, value: str, doc: str) -> Self:
        member = object.__new__(cls)
        member._value_ = value
        member.doc = doc
        return member

    def __str__(self) -> str:
        return str(self.value)


class KernelRefusal(Refusal):
    """Why an order is refused whatever the rules say."""

    UNSPECIFIED = "unspecified", "the rule gave no code of its own"
    RULE_FAILED = "rule-failed", "a rule raised or answered what is no verdict; trading halts"
    HALTED = "halted", "a rule has halted trading"
    NOT_CLOSING = "not-closing", "the order was to close a position and could do more than that"


@final
@attrs.frozen
class Approved:
    """The order may be sent, or trading may go on, as far as this rule is concerned."""


@final
@attrs.frozen
class Refused:
    """The order may not be sent; ``reason`` says why, with the figures, ``code`` for machines."""

    reason: str
    code: Refusal = KernelRefusal.UNSPECIFIED


@final
@attrs.frozen
class Halt:
    """Trading must stop: every order is refused and cancelled, until a person resets the kill switch.

    With ``flatten`` the positions are closed at the market, too. ``reason`` says why, with the figures.
    """

    reason: str
    flatten: bool = False


Verdict = Approved | Refused
Review = Approved | Halt
APPROVED = Approved()


class RiskView(ABC):
    """What a rule may look at. Positions are signed lots, long positive.

    Money is an `Amount`: an integer that is exact and quick to compare. Turn the profile's decimals into
    amounts in `RiskRule.on_start`, with `to_amount`, and print one with `amount_to_decimal`. A figure that
    is not known is None, and a rule that needs it refuses.
    """

    # -- instruments and markets -----------------------------------------------------------------

    @property
    @abstractmethod
    def now_ns(self) -> int:
        """The time, in nanoseconds UTC."""

    @property
    @abstractmethod
    def instruments(self) -> Sequence[Instrument]:
        """The instruments of this run."""

    @abstractmethod
    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        """Return an instrument of this run; raise `UsageError` if the run does not have it."""

    def settled_in(self, asset: str) -> list[Instrument]:
        """Return the instruments that settle in an asset; raise `UsageError` if none of this run does."""
        found = [instrument for instrument in self.instruments if instrument.settle == asset]
        if not found:
            known = {instrument.settle for instrument in self.instruments}
            hint = did_you_mean(asset, known) or f", this run has {', '.join(sorted(known))}"
            raise UsageError(f"no instrument of this run settles in {asset!r}{hint}")
        return found

    @abstractmethod
    def market(self, instrument: Instrument) -> Market:
        """Return the book and counters of an instrument."""

    @abstractmethod
    def mark(self, instrument: Instrument) -> Decimal | None:
        """Return the price that positions are valued at, None if there is none; not for the hot path.

        It is the middle of the book, or the last one there was.
        """

    @abstractmethod
    def value(self, instrument: Instrument, size: int) -> Amount | None:
        """Return what signed lots are worth at the mark, in the settlement asset; None without a mark."""

    # -- positions and orders --------------------------------------------------------------------

    @abstractmethod
    def position(self, instrument: Instrument) -> Size:
        """Return the position as the ledger has it, of all position sides together."""

    @abstractmethod
    def position_of(self, instrument: Instrument, position_side: PositionSide) -> Size:
        """Return the position of one side, for hedge mode."""

    @abstractmethod
    def open_orders(self, instrument: Instrument) -> Sequence[Order]:
        """Return the orders that may still trade, UNKNOWN ones included."""

    @abstractmethod
    def open_order_count(self, instrument: Instrument | None = None) -> int:
        """Return how many orders may still trade, of one instrument or of all."""

    @abstractmethod
    def worst_case_position(self, order: Order) -> Size:
        """Return the position if this order and every open order of its side filled.

        Of the two possible extremes it is the one that the order moves: a buy is judged by the
        longest position possible, a sell by the shortest. An amendment is judged by the larger of
        what the order was and what it is to be.
        """

    @abstractmethod
    def extremes(self, instrument: Instrument) -> tuple[Size, Size]:
        """Return the shortest and the longest position that the open orders can lead to."""

    # -- money -----------------------------------------------------------------------------------

    @abstractmethod
    def net_profit(self, asset: str) -> Amount:
        """Return realized and unrealized profit less fees, with funding, since the ledger began."""

    @abstractmethod
    def profit_today(self, asset: str) -> Amount:
        """Return the part of `net_profit` that came since the day began, also before a restart."""

    @abstractmethod
    def peak_profit(self, asset: str) -> Amount:
        """Return the highest `net_profit` that any rule has seen, at least 0, also before a restart."""

    @abstractmethod
    def balance(self, exchange: str, asset: str) -> Amount | None:
        """Return what an account has of an asset, in all its wallets: as reported, with our trades since."""

    @abstractmethod
    def equity(self, asset: str) -> Amount | None:
        """Return the balances of an asset with what open positions would bring in it.

        Those are the value of spot positions of our own trades, and the unrealized profit of
        derivatives. None while no exchange has stated a balance of the asset.
        """

    @abstractmethod
    def gross_exposure(self, asset: str) -> Amount | None:
        """Return the value of all positions that settle in an asset if the worse side's orders filled.

        Long and short add up. None while something that is held or ordered cannot be valued.
        """

    @abstractmethod
    def exposure_growth(self, order: Order) -> Amount | None:
        """Return by how much an order raises the `gross_exposure` of its settlement asset, at least 0.

        It is 0 of an order that leads a position back. None while the instrument cannot be valued.
        """


class RiskRule(Configured[ConfigT], ABC):
    """Approves or refuses one order at a time before it is sent, and may stop trading altogether.

    Rules run in the order of the profile; the first refusal ends the chain. `check` is on the hot
    path: pure, no I/O, no awaiting, no logging, and quick (a microsecond or two). A rule that raises
    refuses the order and halts trading: what cannot be checked is not sent. A verdict is `APPROVED`
    or `Refused`, never None.

    A rule about the account rather than about an order overrides `review` as well.

    ::

        class Code(Refusal):
            TOO_LARGE = "too-large", "the order is larger than one order may be"


        class MaxOrderSize(RiskRule[Config]):
            refusals = Code

            def check(self, order, view):
                if order.size > self.limit:
                    return Refused(f"size is {order.size}, limit is {self.limit}", Code.TOO_LARGE)
                return APPROVED
    """

    refusals: ClassVar[type[Refusal] | None] = None
    """The codes that this rule refuses with, for the reference."""

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    def on_start(self, view: RiskView) -> None:
        """Prepare once the instruments are known: turn decimals of the profile into lots and amounts.

        Raise `UsageError` for a limit that cannot be held.
        """

    @abstractmethod
    def check(self, order: Order, view: RiskView) -> Verdict:
        """Judge a new order, or an open one with the price and size it is to have."""

    def review(self, view: RiskView) -> Review:
        """Judge the account; `Halt` stops trading.

        Called after every fill, funding payment and balance report, and whenever the middle of a book
        moves in whose instrument there is a position; positions are valued at it already. Only rules that
        override this are called, as quick and pure as `check`. One that raises halts trading.
        """
        return APPROVED
