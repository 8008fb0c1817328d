"""What the exchange says of our orders, told to the kernel in its words: fills first, then reports."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import attrs

from hft import (
    DecodeError,
    ExecutionEvents,
    Fill,
    Funding,
    Instrument,
    InstrumentKind,
    Liquidity,
    Order,
    OrderReport,
    PositionSide,
    Price,
    Recent,
    ReportKind,
    Side,
    Size,
    booked_price,
)
from hft.money import total
from hft_bybit.confirmations import Awaited, Confirmations
from hft_bybit.order_params import POSITION_INDEX
from hft_bybit.private_codec import Execution, OrderState, decode_extra_fees
from hft_bybit.requests import NS_PER_MS

__all__ = ["FUNDING", "SIDES", "Evidence", "kind_of", "milliseconds", "position_side_of"]

FUNDING = "Funding"

SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_POSITION_SIDES = {index: side for side, index in POSITION_INDEX.items()}

_IDS_KEPT = 50_000

_KINDS = {
    "New": ReportKind.ACCEPTED,
    "PartiallyFilled": ReportKind.ACCEPTED,
    "Filled": ReportKind.ACCEPTED,
    "Untriggered": ReportKind.ACCEPTED,
    "Triggered": ReportKind.ACCEPTED,
    "Cancelled": ReportKind.CANCELED,
    "PartiallyFilledCanceled": ReportKind.CANCELED,
    "Deactivated": ReportKind.CANCELED,
    # It had been taken, with an answer that may have been told: what it ends as is no refusal any more.
    "Rejected": ReportKind.EXPIRED,
}

_NO_REASON = ("", "EC_NoError", "UNKNOWN", "UNKNOWN_CANCEL")
_ASKED_FOR = ("CancelByUser", "EC_PerCancelRequest")

_TRADES = ("Trade", "BlockTrade", "FutureSpread")
_EXCHANGE_MADE = ("AdlTrade", "BustTrade", "Delivery", "MovePosition")
"""What changes a position without an order of the account's: deleveraging, liquidation and the like."""


def kind_of(order: OrderState) -> ReportKind:
    """Return what an order's status says; raise `DecodeError` for one that is not documented.

    One that the exchange ended by itself, such as the rest of an immediate order, has expired.
    """
    kind = _KINDS.get(order.status)
    if kind is None:
        raise DecodeError(f"order status {order.status[:40]!r} is unknown")
    if kind is ReportKind.CANCELED and _reason(order):
        return ReportKind.EXPIRED
    return kind


def _reason(order: OrderState) -> str:
    """Return why the exchange ended an order by itself, empty where it was asked to."""
    if order.cancel_type in _ASKED_FOR or order.reject_reason in _ASKED_FOR:
        return ""
    if order.reject_reason not in _NO_REASON:
        return order.reject_reason
    return "" if order.cancel_type in _NO_REASON else order.cancel_type


def milliseconds(text: str) -> int:
    """Return a time, 0 where there is none; raise `ValueError` for what is no time."""
    if not text:
        return 0
    if not (text.isdecimal() and text.isascii() and len(text) < 16):
        raise ValueError(f"{text[:40]!r} is not a time")
    return int(text)


def position_side_of(index: int) -> PositionSide:
    """Return which position an index means; raise `KeyError` for one that is not documented."""
    return _POSITION_SIDES[index]


@attrs.define
class _Known:
    """What is remembered of an order: which it is to us, what it changes, and what was told of it last."""

    client_id: str
    position_side: PositionSide
    terms: tuple[Price | None, Size] | None = None
    """Price and size as they were placed, or told since."""
    ended: bool = False
    """Whether the stream said so: what it tells after that is of a cancel that came too late."""


class Evidence:
    """Turns messages into fills and reports.

    It remembers orders: executions name neither the side of a position that they change nor, always, the
    client's id, and only a comparison shows that a message tells of an amendment. What the stream confirms
    is told to ``confirmations``.
    """

    def __init__(
        self,
        events: ExecutionEvents,
        *,
        hedge: bool,
        warn: Callable[[str], None],
        confirmations: Confirmations,
    ) -> None:
        self.events = events
        self._hedge = hedge
        self._warn = warn
        self._confirmations = confirmations
        self._orders: Recent[str, _Known] = Recent(_IDS_KEPT)
        """By client id, of orders without one by the exchange's."""
        self._ids: Recent[str, _Known] = Recent(_IDS_KEPT)
        """By the exchange's id."""

    # -- what is remembered ------------------------------------------------------------------------

    def note_placed(self, order: Order) -> None:
        """Remember an order that is about to be sent."""
        terms = None if order.price is None else (order.price, order.size)
        known = _Known(order.client_order_id, order.position_side, terms)
        self._orders[order.client_order_id] = known

    def note_id(self, order_id: str, client_id: str) -> None:
        """Remember which of our orders an id of the exchange's is."""
        known = self._orders.get(client_id)
        if known is not None and order_id:
            self._ids[order_id] = known

    def _note(self, order: OrderState) -> _Known:
        known = self._ids.get(order.order_id) or self._orders.get(order.client_id)
        if known is None:
            known = _Known(order.client_id, position_side_of(order.position_idx))
        if order.client_id:
            self._orders[order.client_id] = known
        self._ids[order.order_id] = known
        return known

    def is_known(self, order_id: str) -> bool:
        """Say whether it is known which order an id of the exchange's is."""
        return order_id in self._ids

    def client_id(self, execution: Execution) -> str:
        """Return our id of the order that an execution is of, empty where it has none."""
        known = self._ids.get(execution.order_id)
        return execution.client_id or (known.client_id if known is not None else "")

    # -- events ------------------------------------------------------------------------------------

    def on_order(self, order: OrderState, instrument: Instrument, recv_ns: int) -> None:
        """Tell how an order stands, as the stream says it."""
        known = self._note(order)
        if known.ended:
            return
        report = self.report(order, instrument, recv_ns)
        known.ended = report.kind is not ReportKind.ACCEPTED or order.status == "Filled"
        self._confirmations.heard(report.client_order_id, Awaited.PLACED)
        if known.ended:
            self._confirmations.settled(report.client_order_id)
        elif order.type == "Limit":
            terms = self._price_of(order, instrument), instrument.size(order.size)
            before, known.terms = known.terms, terms
            if before not in (None, terms):
                report.kind = ReportKind.REPLACED
                report.price, report.size = terms
                self._confirmations.heard(report.client_order_id, Awaited.AMENDED)
        self.events.on_report(report)

    def on_execution(self, execution: Execution, instrument: Instrument, recv_ns: int) -> None:
        """Tell of a trade or of a payment of funding."""
        if execution.kind == FUNDING:
            self.events.on_funding(self.funding(execution, instrument))
        elif self.is_trade(execution):
            self.events.on_fill(self.fill(execution, instrument, recv_ns))

    # -- what messages say -------------------------------------------------------------------------

    def is_trade(self, execution: Execution) -> bool:
        """Say whether an execution changes a position; raise `DecodeError` for an unknown kind."""
        if execution.kind in _TRADES or execution.kind in _EXCHANGE_MADE:
            return True
        if execution.kind in (FUNDING, "Settle", "SessionSettlePnL"):
            return False
        raise DecodeError(f"kind {execution.kind[:40]!r} of an execution is unknown")

    def report(
        self, order: OrderState, instrument: Instrument, recv_ns: int, *, whole: bool = False
    ) -> OrderReport:
        """Return what is said of an order; with ``whole``, its price and size as well."""
        kind = kind_of(order)
        return OrderReport(
            client_order_id=order.client_id,
            kind=kind,
            exchange_order_id=order.order_id,
            price=self._price_of(order, instrument) if whole else None,
            size=instrument.size(order.size) if whole else None,
            filled=instrument.size(order.filled or "0"),
            reason="" if kind is ReportKind.ACCEPTED else _reason(order),
            exchange_ns=milliseconds(order.updated_ms) * NS_PER_MS,
            recv_ns=recv_ns,
        )

    @staticmethod
    def _price_of(order: OrderState, instrument: Instrument) -> Price | None:
        # A market order states the limit that the exchange has set to it.
        return (instrument.price(order.price) or None) if order.type == "Limit" and order.price else None

    def note_listed(self, order: OrderState) -> None:
        """Remember an order that was listed."""
        self._note(order)

    def fill(self, execution: Execution, instrument: Instrument, recv_ns: int) -> Fill:
        """Return the fill that an execution is."""
        exchange_made = execution.kind in _EXCHANGE_MADE
        fee_asset, fee = self._fee(execution, instrument)
        return Fill(
            client_order_id=self.client_id(execution),
            instrument=instrument,
            trade_id=execution.id,
            side=SIDES[execution.side],
            price=self._price(instrument, execution.price, exchange_made=exchange_made),
            size=instrument.size(execution.size),
            liquidity=Liquidity.MAKER if execution.is_maker else Liquidity.TAKER,
            fee=fee,
            fee_asset=fee_asset,
            realized=self._realized(execution, instrument),
            position_side=self._position_side(execution, instrument),
            exchange_made=exchange_made,
            exchange_order_id=execution.order_id,
            exchange_ns=milliseconds(execution.time_ms) * NS_PER_MS,
            recv_ns=recv_ns,
        )

    def funding(self, execution: Execution, instrument: Instrument) -> Funding:
        """Return the payment that an execution is; what it states as a fee was paid."""
        return Funding(
            instrument=instrument,
            payment_id=execution.id,
            amount=-_number(execution.fee or "0"),
            asset=execution.fee_asset or instrument.settle,
            exchange_ns=milliseconds(execution.time_ms) * NS_PER_MS,
        )

    def _position_side(self, execution: Execution, instrument: Instrument) -> PositionSide:
        if not self._hedge or instrument.kind is InstrumentKind.SPOT:
            return PositionSide.BOTH
        known = self._ids.get(execution.order_id) or self._orders.get(execution.client_id)
        if known is not None:
            return known.position_side
        # In hedge mode a trade either opens or closes: what a sale closes was long.
        closes = bool(_number(execution.closed or "0"))
        return PositionSide.LONG if (SIDES[execution.side] is Side.BUY) is not closes else PositionSide.SHORT

    def _fee(self, execution: Execution, instrument: Instrument) -> tuple[str, Decimal]:
        asset = execution.fee_asset or _default_fee_asset(execution, instrument)
        amounts = [_number(execution.fee or "0")]
        for extra in decode_extra_fees(execution.extra_fees):
            if extra.asset == asset:
                amounts.append(_number(extra.fee))
            else:
                self._warn(f"{instrument}: a fee of {extra.fee[:40]} {extra.asset[:20]} is not booked")
        return asset, total(amounts)

    @staticmethod
    def _realized(execution: Execution, instrument: Instrument) -> Decimal | None:
        if instrument.kind is InstrumentKind.SPOT or not execution.realized:
            return None
        return _number(execution.realized)

    def _price(self, instrument: Instrument, text: str, *, exchange_made: bool) -> Price:
        return booked_price(instrument, text, self._warn) if exchange_made else instrument.price(text)


def _default_fee_asset(execution: Execution, instrument: Instrument) -> str:
    """Return the asset of a fee that is not stated: on spot what was received, of a rebate what was paid."""
    if instrument.kind is not InstrumentKind.SPOT:
        return instrument.settle
    buys = SIDES[execution.side] is Side.BUY
    rebate = execution.is_maker and _number(execution.fee or "0") < 0
    return instrument.base if buys is not rebate else instrument.quote


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"{text[:40]!r} is not a number")
    return value
