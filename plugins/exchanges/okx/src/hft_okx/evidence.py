"""What the exchange says of our orders, told to the kernel in its words: fills first, then reports."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from hft import (
    DecodeError,
    ExecutionEvents,
    Fill,
    Instrument,
    InstrumentKind,
    Liquidity,
    OrderReport,
    PositionSide,
    Price,
    ReportKind,
    Side,
    booked_price,
)
from hft.money import difference
from hft_okx.codec import NS_PER_MS, milliseconds
from hft_okx.private_codec import OrderRow, OwnTrade

__all__ = ["POSITION_SIDES", "SIDES", "Evidence"]

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
POSITION_SIDES = {
    "net": PositionSide.BOTH,
    "": PositionSide.BOTH,
    "long": PositionSide.LONG,
    "short": PositionSide.SHORT,
}

_LIQUIDITY = {"M": Liquidity.MAKER, "T": Liquidity.TAKER, "": Liquidity.TAKER}

_OPEN = frozenset({"live", "partially_filled", "filled"})
_ENDED = frozenset({"canceled", "mmp_canceled"})

_EXCHANGE_MADE = frozenset({"adl", "full_liquidation", "partial_liquidation", "delivery"})
"""Categories of orders that the exchange places for an account."""

_EXCHANGE_SUB_TYPES = 100
"""Numbers of bills from here on are of liquidations, deliveries and deleveraging."""

_BY_USER = frozenset({"1", "20"})
"""Our cancel, and our dead man's switch."""

_SOURCES = {
    "0": "by the exchange",
    "2": "before a liquidation",
    "3": "risk control",
    "5": "out of time",
    "6": "deleveraging",
    "9": "liquidation",
    "13": "fill-or-kill could not fill",
    "14": "immediate-or-cancel",
    "15": "the price is outside of the limits",
    "20": "dead man's switch",
    "31": "post-only would take",
    "32": "self-trade prevention",
    "33": "too many matches",
}


class Evidence:
    """Turns messages into fills and reports.

    ``lacking(instrument, order_id, client_order_id)`` is called where a message says that an order traded
    and not how.
    """

    def __init__(
        self,
        events: ExecutionEvents,
        *,
        warn: Callable[[str], None],
        lacking: Callable[[Instrument, str, str], None],
    ) -> None:
        self.events = events
        self._warn = warn
        self._lacking = lacking
        self._unknown_sources: set[str] = set()

    def on_push(self, row: OrderRow, instrument: Instrument, recv_ns: int) -> None:
        """Tell what happened to an order: its fill, whether it was amended, how it stands."""
        fill_ns = milliseconds(row.fill_time or row.updated_ms) * NS_PER_MS
        if row.trade_id not in ("", "0") and row.fill_size not in ("", "0"):
            if row.fill_fee is None:
                # A form of the push that says what all fills cost and not what this one did.
                self._lacking(instrument, row.order_id, row.client_id)
            else:
                self.events.on_fill(self._pushed_fill(row, row.fill_fee, instrument, fill_ns, recv_ns))
        if row.category in _EXCHANGE_MADE:
            return  # no order of ours: the fill is all there is to tell
        if row.amend_result == "-1":
            self._report(row, ReportKind.REPLACE_REJECTED, instrument, recv_ns)
        elif row.amend_result and row.state in _OPEN:
            self._report(row, ReportKind.REPLACED, instrument, recv_ns, whole=True)
        if row.state != "partially_filled" and (row.state in _ENDED or not row.amend_result):
            self.events.on_report(self.report(row, instrument, recv_ns))

    def report(
        self, row: OrderRow, instrument: Instrument, recv_ns: int, *, whole: bool = False
    ) -> OrderReport:
        """Return how an order stands; with ``whole``, its price and size as well."""
        kind, reason = self._kind(row)
        return OrderReport(
            client_order_id=row.client_id,
            kind=kind,
            exchange_order_id=row.order_id,
            price=_price(row, instrument) if whole else None,
            size=instrument.size(row.size) if whole else None,
            filled=instrument.size(row.filled or "0"),
            reason=reason,
            exchange_ns=milliseconds(row.updated_ms) * NS_PER_MS,
            recv_ns=recv_ns,
        )

    def trade(self, trade: OwnTrade, client_id: str, instrument: Instrument, recv_ns: int) -> Fill:
        """Return the fill that a listed trade is."""
        exchange_made = trade.sub_type.isdigit() and int(trade.sub_type) >= _EXCHANGE_SUB_TYPES
        return Fill(
            client_order_id=client_id or trade.client_id,
            instrument=instrument,
            trade_id=trade.trade_id,
            side=SIDES[trade.side],
            price=self._fill_price(instrument, trade.price, exchange_made=exchange_made),
            size=instrument.size(trade.size),
            liquidity=_LIQUIDITY[trade.liquidity],
            fee=_paid(trade.fee),
            fee_asset=trade.fee_asset or instrument.settle,
            realized=_realized(trade.profit, instrument),
            position_side=POSITION_SIDES[trade.position_side],
            exchange_made=exchange_made,
            exchange_order_id=trade.order_id,
            exchange_ns=milliseconds(trade.fill_time or trade.ts) * NS_PER_MS,
            recv_ns=recv_ns,
        )

    def _report(
        self, row: OrderRow, kind: ReportKind, instrument: Instrument, recv_ns: int, *, whole: bool = False
    ) -> None:
        refused = kind is ReportKind.REPLACE_REJECTED
        self.events.on_report(
            OrderReport(
                client_order_id=row.client_id,
                kind=kind,
                exchange_order_id=row.order_id,
                price=_price(row, instrument) if whole else None,
                size=instrument.size(row.size) if whole else None,
                filled=instrument.size(row.filled or "0"),
                code=row.code if refused else "",
                reason=row.msg if refused else "",
                exchange_ns=milliseconds(row.updated_ms) * NS_PER_MS,
                recv_ns=recv_ns,
            )
        )

    def _pushed_fill(
        self, row: OrderRow, fee: str, instrument: Instrument, fill_ns: int, recv_ns: int
    ) -> Fill:
        exchange_made = row.category in _EXCHANGE_MADE
        return Fill(
            client_order_id=row.client_id,
            instrument=instrument,
            trade_id=row.trade_id,
            side=SIDES[row.side],
            price=self._fill_price(instrument, row.fill_price, exchange_made=exchange_made),
            size=instrument.size(row.fill_size),
            liquidity=_LIQUIDITY[row.liquidity],
            fee=_paid(fee),
            fee_asset=row.fill_fee_asset or instrument.settle,
            realized=_realized(row.fill_profit, instrument),
            position_side=POSITION_SIDES[row.position_side],
            exchange_made=exchange_made,
            exchange_order_id=row.order_id,
            exchange_ns=fill_ns,
            recv_ns=recv_ns,
        )

    def _kind(self, row: OrderRow) -> tuple[ReportKind, str]:
        if row.state in _OPEN:
            return ReportKind.ACCEPTED, ""
        if row.state not in _ENDED:
            raise DecodeError(f"order state {row.state[:40]!r} is unknown")
        source = row.cancel_source
        if source in _BY_USER or not source:
            return ReportKind.CANCELED, _SOURCES.get(source, "")
        if source not in _SOURCES and source not in self._unknown_sources:
            self._unknown_sources.add(source)
            self._warn(f"an order was ended for reason {source[:20]!r}, which is unknown here")
        return ReportKind.EXPIRED, row.cancel_reason or _SOURCES.get(source, f"cancelSource {source}")

    def _fill_price(self, instrument: Instrument, text: str, *, exchange_made: bool) -> Price:
        return booked_price(instrument, text, self._warn) if exchange_made else instrument.price(text)


def _price(row: OrderRow, instrument: Instrument) -> Price | None:
    return instrument.price(row.price) if row.price not in ("", "0", "-1") else None


def _realized(profit: str, instrument: Instrument) -> Decimal | None:
    if not profit or instrument.kind is InstrumentKind.SPOT:
        return None
    amount = Decimal(profit)
    if not amount.is_finite():
        raise ValueError(f"a profit of {profit[:40]!r}")
    return amount


def _paid(fee: str) -> Decimal:
    """Return a fee as it was paid: the exchange writes it as a change of the balance."""
    change = Decimal(fee or 0)
    if not change.is_finite():
        raise ValueError(f"a fee of {fee[:40]!r}")
    return difference(Decimal(0), change)
