"""What happens: market events from an exchange, and reports about our own orders and accounts.

Times are integer nanoseconds UTC: ``exchange_ns`` as the exchange states it (0 where it does not),
``recv_ns`` when the bytes arrived here. Events are not to be changed by whoever receives them; they
are not frozen because freezing triples the cost of making one (attrs assigns through
``object.__setattr__``), and one is made for every trade.
"""

from __future__ import annotations

import enum
from decimal import Decimal

import attrs

from hft.instrument import Instrument
from hft.types import Liquidity, PositionSide, Price, Side, Size, quick

__all__ = [
    "BalanceReport",
    "Fill",
    "Funding",
    "MarkPrice",
    "OrderReport",
    "PositionReport",
    "Quote",
    "ReportKind",
    "Trade",
]


@attrs.define
class Trade:
    """A public trade. ``side`` is the aggressor's."""

    instrument: Instrument
    trade_id: str
    side: Side
    price: Price
    size: Size
    exchange_ns: int
    recv_ns: int


@attrs.define
class Quote:
    """Best bid and ask as the exchange's own ticker states them, often ahead of the book.

    A side that is empty is None with size 0. ``update_id`` is the exchange's, 0 where it has none.
    """

    instrument: Instrument
    bid: Price | None
    bid_size: Size
    ask: Price | None
    ask_size: Size
    update_id: int
    exchange_ns: int
    recv_ns: int


@attrs.define
class MarkPrice:
    """Mark and index price and funding of a perpetual.

    Exact decimals, since exchanges state them finer than the tick. ``funding_rate`` is for one
    funding interval; ``next_funding_ns`` is 0 where the exchange does not say.
    """

    instrument: Instrument
    mark: Decimal
    index: Decimal | None
    funding_rate: Decimal | None
    next_funding_ns: int
    exchange_ns: int
    recv_ns: int


@quick
class ReportKind(enum.Enum):
    """What an exchange says of one of our orders."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CANCEL_REJECTED = "cancel-rejected"
    REPLACE_REJECTED = "replace-rejected"
    UNKNOWN = "unknown"
    """No evidence: the request timed out or its connection broke. Made by the client, not the exchange."""
    NOT_FOUND = "not-found"
    """The exchange was asked and knows no such order. Of a request that may still be under way it proves
    nothing; when it no longer can be (`Capabilities.request_validity_ns`), the order does not exist."""


@attrs.define(kw_only=True)
class OrderReport:
    """Evidence about one of our orders, other than a fill.

    ``price`` and ``size`` are those in force after ``REPLACED`` (total size, not what remains).
    ``filled`` is how many lots have traded in all according to the exchange, None where it does not
    say: a final report that is ahead of its fills waits for them. ``reason`` is the exchange's own
    words for a refusal, ``code`` its code. ``asked_ns`` is when the question left to which this is the
    answer: what is not found then may still have been on its way.
    """

    client_order_id: str
    kind: ReportKind
    exchange_order_id: str = ""
    price: Price | None = None
    size: Size | None = None
    filled: Size | None = None
    code: str = ""
    reason: str = ""
    asked_ns: int = 0
    exchange_ns: int = 0
    recv_ns: int = 0


@attrs.define(kw_only=True)
class Fill:
    """One of our orders traded. ``trade_id`` identifies it: the same id is the same fill.

    ``fee`` is exact and positive when paid, negative when rebated, in ``fee_asset``. ``exchange_made``
    marks what the exchange traded for the account by itself (a liquidation, a settlement): it is of no
    order of ours, and still changes the position.
    """

    client_order_id: str
    instrument: Instrument
    trade_id: str
    side: Side
    price: Price
    size: Size
    liquidity: Liquidity
    fee: Decimal
    fee_asset: str
    position_side: PositionSide = PositionSide.BOTH
    exchange_made: bool = False
    exchange_order_id: str = ""
    exchange_ns: int = 0
    recv_ns: int = 0


@attrs.frozen(kw_only=True)
class Funding:
    """A funding payment of a perpetual. ``amount`` is exact, positive when received.

    ``payment_id`` identifies it: the same id of one instrument is the same payment.
    """

    instrument: Instrument
    payment_id: str
    amount: Decimal
    asset: str
    exchange_ns: int = 0


@attrs.frozen(kw_only=True)
class BalanceReport:
    """What an account has of one asset, as the exchange states it: exact, ``total`` includes ``locked``.

    Of a derivatives account it is the wallet's balance, without what open positions would bring. ``wallet``
    says which one it is where an account has several, see `ExecutionClient.wallet_of`.
    """

    exchange: str
    asset: str
    total: Decimal
    wallet: str = ""
    locked: Decimal = Decimal(0)
    exchange_ns: int = 0


@attrs.frozen(kw_only=True)
class PositionReport:
    """A derivatives position as the exchange states it: signed lots, long positive, 0 when flat."""

    instrument: Instrument
    size: Size
    position_side: PositionSide = PositionSide.BOTH
    entry_price: Decimal | None = None
    exchange_ns: int = 0
