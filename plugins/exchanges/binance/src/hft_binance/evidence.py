"""What the exchange says of our orders, told to the kernel in its words: fills first, then reports."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from hft import (
    DecodeError,
    ExecutionEvents,
    Fill,
    Instrument,
    Liquidity,
    OrderReport,
    PositionSide,
    Price,
    Recent,
    ReportKind,
    Side,
    Size,
    booked_price,
)
from hft_binance.private_codec import (
    AlgoOrder,
    AlgoUpdate,
    AmendedOrder,
    AnswerFill,
    ExecutionReport,
    FuturesOrder,
    OrderAnswer,
    OwnTrade,
)
from hft_binance.requests import NS_PER_MS

__all__ = ["Evidence", "is_exchange_made", "kind_of", "order_id_text"]

_IDS_KEPT = 50_000

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_POSITION_SIDES = {side.name: side for side in PositionSide}

_KINDS = {
    "NEW": ReportKind.ACCEPTED,
    "PENDING_NEW": ReportKind.ACCEPTED,
    "PARTIALLY_FILLED": ReportKind.ACCEPTED,
    "FILLED": ReportKind.ACCEPTED,
    "PENDING_CANCEL": ReportKind.ACCEPTED,
    "NEW_INSURANCE": ReportKind.ACCEPTED,
    "NEW_ADL": ReportKind.ACCEPTED,
    "CANCELED": ReportKind.CANCELED,
    "REJECTED": ReportKind.REJECTED,
    "EXPIRED": ReportKind.EXPIRED,
    "EXPIRED_IN_MATCH": ReportKind.EXPIRED,
}

_ALGO_KINDS = {
    "NEW": ReportKind.ACCEPTED,
    "TRIGGERING": ReportKind.ACCEPTED,
    "TRIGGERED": ReportKind.ACCEPTED,
    "CANCELED": ReportKind.CANCELED,
    "EXPIRED": ReportKind.EXPIRED,
    # It was accepted before: what is refused is the order that it became.
    "REJECTED": ReportKind.EXPIRED,
}

_EXCHANGE_MADE = ("autoclose-", "adl_autoclose", "settlement_autoclose-", "delivery_autoclose-")
"""How the client ids of orders begin that the exchange places for an account."""


def kind_of(status: str) -> ReportKind:
    """Return what a status says; raise `DecodeError` for one that is not documented."""
    kind = _KINDS.get(status)
    if kind is None:
        raise DecodeError(f"order status {status[:40]!r} is unknown")
    return kind


def is_exchange_made(client_order_id: str) -> bool:
    """Say whether an order is a liquidation, deleveraging or settlement."""
    return client_order_id.startswith(_EXCHANGE_MADE)


def order_id_text(order_id: str | int | None) -> str:
    """Return an order's id as text, empty where there is none."""
    return "" if order_id in (None, 0, "0") else str(order_id)


class Evidence:
    """Turns messages into fills and reports.

    It remembers which client id belongs to which of the exchange's ids, since lists of trades name only
    these. ``lacking(instrument, order_id, client_order_id)`` is called where a message says that an order
    traded and not how.
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
        self._client_ids: Recent[tuple[Instrument, str], str] = Recent(_IDS_KEPT)
        self._became: Recent[str, str] = Recent(_IDS_KEPT)

    # -- ids ---------------------------------------------------------------------------------------

    def note_id(self, instrument: Instrument, order_id: str, client_order_id: str) -> None:
        """Remember whose id an exchange's id is."""
        self._client_ids[instrument, order_id] = client_order_id

    def client_id(self, instrument: Instrument, order_id: str) -> str | None:
        """Return the client id of an exchange's id, None where it was never told."""
        return self._client_ids.get((instrument, order_id))

    def became(self, client_order_id: str) -> str:
        """Return the id of the order that a triggered stop became, empty while it waits."""
        return self._became.get(client_order_id, "")

    # -- events ------------------------------------------------------------------------------------

    def on_execution(self, event: ExecutionReport, instrument: Instrument, recv_ns: int) -> None:
        """Tell what happened to an order on spot."""
        # On a cancel the first of both is the order's, and the other the request's.
        client_id = event.original_client_id or event.client_id
        side = PositionSide.BOTH
        self._on_event(event, client_id, side, None, event.transact_ms, instrument, recv_ns)

    def on_futures_order(
        self, order: FuturesOrder, transact_ms: int, instrument: Instrument, recv_ns: int
    ) -> None:
        """Tell what happened to an order of futures."""
        known = self._client_ids.get((instrument, str(order.order_id))) if self._became else None
        side = _POSITION_SIDES[order.position_side]
        client_id = known or order.client_id
        self._on_event(order, client_id, side, order.realized, transact_ms, instrument, recv_ns)

    def _on_event(
        self,
        event: ExecutionReport | FuturesOrder,
        client_id: str,
        position_side: PositionSide,
        realized: str | None,
        transact_ms: int,
        instrument: Instrument,
        recv_ns: int,
    ) -> None:
        execution = event.execution
        order_id = str(event.order_id)
        exchange_ns = transact_ms * NS_PER_MS
        filled = instrument.size(event.filled)
        if execution == "NEW":
            self.note_id(instrument, order_id, client_id)
        last = instrument.size(event.last_size) if execution in ("TRADE", "CALCULATED") else 0
        if last:
            exchange_made = execution == "CALCULATED" or is_exchange_made(client_id)
            price = self._price(instrument, event.last_price, exchange_made=exchange_made)
            if not price:
                self._lacking(instrument, order_id, client_id)
            else:
                self.events.on_fill(
                    Fill(
                        client_order_id=client_id,
                        instrument=instrument,
                        trade_id=str(event.trade_id),
                        side=_SIDES[event.side],
                        price=price,
                        size=Size(last),
                        liquidity=Liquidity.MAKER if event.is_maker else Liquidity.TAKER,
                        fee=Decimal(event.fee or 0),
                        fee_asset=event.fee_asset or instrument.settle,
                        realized=None if realized is None else Decimal(realized),
                        position_side=position_side,
                        exchange_made=exchange_made,
                        exchange_order_id=order_id,
                        exchange_ns=exchange_ns,
                        recv_ns=recv_ns,
                    )
                )
            if exchange_made or event.status == "PARTIALLY_FILLED":
                return
        kind = kind_of(event.status)
        price_now = size_now = None
        if execution in ("REPLACED", "AMENDMENT") and kind is ReportKind.ACCEPTED:
            kind = ReportKind.REPLACED
            price_now, size_now = instrument.price(event.price) or None, instrument.size(event.size)
        self.events.on_report(
            OrderReport(
                client_order_id=client_id,
                kind=kind,
                exchange_order_id=order_id,
                price=price_now,
                size=size_now,
                filled=filled,
                reason=_reason(event),
                exchange_ns=exchange_ns,
                recv_ns=recv_ns,
            )
        )

    def on_algo(self, event: AlgoUpdate, instrument: Instrument, recv_ns: int) -> None:
        """Tell what happened to a conditional order of futures."""
        algo = event.order
        order_id = order_id_text(algo.order_id)
        if order_id:
            self._note_became(instrument, algo.client_id, order_id)
        kind = _ALGO_KINDS.get(algo.status)
        filled = instrument.size(algo.filled) if algo.filled else Size(0)
        if kind is None:
            if algo.status != "FINISHED":
                raise DecodeError(f"status {algo.status[:40]!r} of a conditional order is unknown")
            if filled and order_id:
                self._lacking(instrument, order_id, algo.client_id)
            kind = ReportKind.ACCEPTED if filled >= instrument.size(algo.size) else ReportKind.CANCELED
        self.events.on_report(
            OrderReport(
                client_order_id=algo.client_id,
                kind=kind,
                exchange_order_id=order_id or str(algo.algo_id),
                filled=filled,
                reason=algo.reject_reason,
                exchange_ns=event.transact_ms * NS_PER_MS,
                recv_ns=recv_ns,
            )
        )

    def _note_became(self, instrument: Instrument, client_order_id: str, order_id: str) -> None:
        self._became[client_order_id] = order_id
        self.note_id(instrument, order_id, client_order_id)

    # -- answers -----------------------------------------------------------------------------------

    def on_placed(self, answer: OrderAnswer, client_id: str, instrument: Instrument, recv_ns: int) -> None:
        """Tell what an answer to a new order says, its trades first."""
        order_id = str(answer.order_id)
        self.note_id(instrument, order_id, client_id)
        for trade in answer.fills:
            self.events.on_fill(self._answer_fill(trade, answer, client_id, instrument, recv_ns))
        self.events.on_report(self.report(answer, client_id, instrument, recv_ns))

    def on_amended(
        self,
        answer: OrderAnswer | AmendedOrder,
        when_ms: int,
        client_id: str,
        instrument: Instrument,
        recv_ns: int,
    ) -> None:
        """Tell what an answer to an amendment says: futures may have ended the order instead."""
        kind = kind_of(answer.status)
        self.events.on_report(
            OrderReport(
                client_order_id=client_id,
                kind=ReportKind.REPLACED if kind is ReportKind.ACCEPTED else kind,
                exchange_order_id=str(answer.order_id),
                price=instrument.price(answer.price) or None,
                size=instrument.size(answer.size),
                filled=instrument.size(answer.filled),
                exchange_ns=when_ms * NS_PER_MS,
                recv_ns=recv_ns,
            )
        )

    def report(
        self,
        answer: OrderAnswer,
        client_id: str,
        instrument: Instrument,
        recv_ns: int,
        *,
        whole: bool = False,
    ) -> OrderReport:
        """Return what an answer says of an order; with ``whole``, its price and size as well."""
        return OrderReport(
            client_order_id=client_id,
            # Spot's shortest answer has no status: the order was taken.
            kind=kind_of(answer.status) if answer.status else ReportKind.ACCEPTED,
            exchange_order_id=str(answer.order_id),
            price=(instrument.price(answer.price) or None) if whole else None,
            size=instrument.size(answer.size) if whole else None,
            filled=instrument.size(answer.filled) if answer.filled else None,
            exchange_ns=answer.when_ms * NS_PER_MS,
            recv_ns=recv_ns,
        )

    def algo_report(
        self, algo: AlgoOrder, client_id: str, instrument: Instrument, recv_ns: int, *, whole: bool = False
    ) -> OrderReport:
        """Return what an answer says of a conditional order that has not traded."""
        order_id = order_id_text(algo.order_id)
        if order_id:
            self._note_became(instrument, client_id, order_id)
        return OrderReport(
            client_order_id=client_id,
            # FINISHED is told by what became of the order that it became.
            kind=_ALGO_KINDS.get(algo.status, ReportKind.ACCEPTED),
            exchange_order_id=order_id or str(algo.algo_id),
            price=(instrument.price(algo.price or "0") or None) if whole else None,
            size=instrument.size(algo.size) if whole else None,
            filled=Size(0),
            exchange_ns=algo.update_ms * NS_PER_MS,
            recv_ns=recv_ns,
        )

    def trade(self, trade: OwnTrade, client_id: str, instrument: Instrument, recv_ns: int) -> Fill:
        """Return the fill that a listed trade is."""
        exchange_made = is_exchange_made(client_id)
        return Fill(
            client_order_id=client_id,
            instrument=instrument,
            trade_id=str(trade.id),
            side=Side.BUY if trade.is_buy else Side.SELL,
            price=self._price(instrument, trade.price, exchange_made=exchange_made),
            size=instrument.size(trade.size),
            liquidity=Liquidity.MAKER if trade.is_maker else Liquidity.TAKER,
            fee=Decimal(trade.fee),
            fee_asset=trade.fee_asset,
            realized=None if trade.realized is None else Decimal(trade.realized),
            position_side=_POSITION_SIDES[trade.position_side],
            exchange_made=exchange_made,
            exchange_order_id=str(trade.order_id),
            exchange_ns=trade.time_ms * NS_PER_MS,
            recv_ns=recv_ns,
        )

    def _answer_fill(
        self, trade: AnswerFill, answer: OrderAnswer, client_id: str, instrument: Instrument, recv_ns: int
    ) -> Fill:
        return Fill(
            client_order_id=client_id,
            instrument=instrument,
            trade_id=str(trade.trade_id),
            side=_SIDES[answer.side],
            price=instrument.price(trade.price),
            size=instrument.size(trade.size),
            # What an order trades before it is answered, it takes.
            liquidity=Liquidity.TAKER,
            fee=Decimal(trade.fee),
            fee_asset=trade.fee_asset,
            exchange_order_id=str(answer.order_id),
            exchange_ns=answer.when_ms * NS_PER_MS,
            recv_ns=recv_ns,
        )

    def _price(self, instrument: Instrument, text: str, *, exchange_made: bool) -> Price:
        return booked_price(instrument, text, self._warn) if exchange_made else instrument.price(text)


def _reason(event: ExecutionReport | FuturesOrder) -> str:
    if isinstance(event, ExecutionReport) and event.reject_reason != "NONE":
        return event.reject_reason
    if event.status == "EXPIRED_IN_MATCH":
        return "self-trade prevention"
    reason = event.expiry_reason or ""
    return "" if reason in ("0", "NONE") else reason
