"""What the exchange says of our orders, told to the kernel in its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

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
    Price,
    Recent,
    ReportKind,
    Size,
    TimeInForce,
    booked_price,
)
from hft_hyperliquid import private_codec as wire
from hft_hyperliquid.cloid import client_id_of
from hft_hyperliquid.codec import NS_PER_MS, side_of
from hft_hyperliquid.replacements import Replaced, Replacements

__all__ = ["Evidence", "kind_of"]

_IDS_KEPT = 50_000

_OPEN = frozenset({"open", "filled", "triggered", "resting", "waitingForFill", "waitingForTrigger"})
_ENDED = frozenset({"canceled", "scheduledCancel", "internalCancel"})
_NO_MATCH = frozenset({"iocCancelRejected", "marketOrderNoLiquidityRejected"})

_EXCHANGE_MADE = frozenset({"Auto-Deleveraging", "Settlement", "Spot Dust Conversion", "Net Child Vaults"})
"""What the direction of a trade says that nobody ordered."""


def kind_of(status: str) -> ReportKind:
    """Return what a status says; raise `DecodeError` for one that is none. New ones end alike."""
    if status in _OPEN:
        return ReportKind.ACCEPTED
    if status in _ENDED or status.endswith("Canceled"):
        return ReportKind.CANCELED
    if status in _NO_MATCH:
        return ReportKind.EXPIRED
    if status == "rejected" or status.endswith("Rejected"):
        return ReportKind.REJECTED
    raise DecodeError(f"order status {status[:40]!r} is unknown")


class Evidence:
    """Turns messages into fills, payments and reports.

    ``instruments`` are those of the run by the exchange's names, ``user`` is the address traded for.
    ``lacking(order)`` is called where only a question tells what became of an order.
    """

    def __init__(
        self,
        events: ExecutionEvents,
        instruments: Mapping[str, Instrument],
        user: str,
        *,
        warn: Callable[[str], None],
        lacking: Callable[[Order], None],
    ) -> None:
        self.events = events
        self.replacements = Replacements()
        self._instruments = instruments
        self._user = user
        self._warn = warn
        self._lacking = lacking
        self._ids: Recent[int, str] = Recent(_IDS_KEPT)
        self._order_ids: Recent[str, int] = Recent(_IDS_KEPT)

    # -- ids ---------------------------------------------------------------------------------------

    def note_id(self, order_id: int, client_order_id: str) -> None:
        """Remember whose id an exchange's id is: not every message names both."""
        self._ids[order_id] = client_order_id
        self._order_ids[client_order_id] = order_id

    def order_id(self, order: Order) -> int | None:
        """Return the exchange's id of an order, None where it was never told."""
        told = order.exchange_order_id
        return self._order_ids.get(order.client_order_id, int(told) if told.isdecimal() else None)

    def client_id(self, order_id: int, cloid: str | None) -> str:
        """Return the client id of an order, empty where it has none."""
        return client_id_of(cloid) or self._ids.get(order_id, "")

    # -- orders ------------------------------------------------------------------------------------

    def on_update(self, update: wire.OrderUpdate, recv_ns: int) -> None:
        """Tell what happened to an order."""
        listed = update.order
        instrument = self._instruments.get(listed.coin)
        if instrument is None:
            return
        client_id = self.client_id(listed.order_id, listed.cloid)
        kind = kind_of(update.status)
        if kind is ReportKind.ACCEPTED and client_id:
            self.note_id(listed.order_id, client_id)
        filled = self.filled(listed, update.status, instrument)
        chain = self.replacements.find(client_id)
        if chain is not None:
            if recv_ns < chain.doubtful_until_ns:
                # What was modified without an answer is no longer what it was: which order it is is asked.
                self._lacking(chain.order)
                return
            if kind is ReportKind.CANCELED and listed.order_id == chain.order_id:
                # Of an order that follows another the end is the end of all, unless one follows it.
                if chain.following is not None:
                    chain.ended_with = filled
                    self._tell_replaced(client_id, chain.advance(), update.when_ms, recv_ns)
                    return
                if chain.is_under_way:
                    chain.ended_with = filled
                    return
            elif listed.order_id != chain.order_id:
                return  # the answer to the modification tells of it, or has told
            filled += chain.before
        self.events.on_report(
            OrderReport(
                client_order_id=client_id,
                kind=kind,
                exchange_order_id=str(listed.order_id),
                filled=Size(filled),
                reason="" if update.status in _OPEN or update.status == "canceled" else update.status,
                exchange_ns=update.when_ms * NS_PER_MS,
                recv_ns=recv_ns,
            )
        )

    @staticmethod
    def filled(listed: wire.ListedOrder, status: str, instrument: Instrument) -> int:
        """Return the lots that an order has traded under its present id."""
        total = instrument.size(listed.original_size)
        return total if status == "filled" else total - instrument.size(listed.size)

    def on_placed(self, order: Order, status: wire.Status, recv_ns: int) -> None:
        """Tell what the answer to a new order says; fills are told by their own feed."""
        named = status.filled or status.resting
        if named is not None:
            self.note_id(named.order_id, order.client_order_id)
        kind, filled, reason = ReportKind.ACCEPTED, None, ""
        if status.filled is not None:
            filled = order.instrument.size(status.filled.filled or "0")
            if filled < order.size:
                # The rest of an immediate order is gone; of any other it is not said whether it rests.
                is_immediate = order.price is None or order.time_in_force is TimeInForce.IOC
                kind = ReportKind.CANCELED if is_immediate else ReportKind.UNKNOWN
                reason = "" if is_immediate else "it was filled in part, and what of the rest is not told"
        self.events.on_report(
            OrderReport(
                client_order_id=order.client_order_id,
                kind=kind,
                exchange_order_id="" if named is None else str(named.order_id),
                filled=filled,
                reason=reason,
                recv_ns=recv_ns,
            )
        )

    # -- modifications -----------------------------------------------------------------------------

    def on_modified(self, order: Order, named: wire.Named, price: Price, size: Size, recv_ns: int) -> bool:
        """Take the answer to a modification; False while what the order before had traded is not told."""
        client_id = order.client_order_id
        self.note_id(named.order_id, client_id)
        chain = self.replacements.find(client_id)
        assert chain is not None, "it was noted when it was sent"
        chain.is_under_way = False
        if chain.order_id == named.order_id:
            return True  # found out by asking, before the answer came
        chain.following = named.order_id, price, size
        replaced = chain.advance()
        self._tell_replaced(client_id, replaced, 0, recv_ns)
        return replaced is not None

    def on_modification_failed(self, client_order_id: str, recv_ns: int) -> None:
        """Learn that no order follows: what ended meanwhile has ended."""
        chain = self.replacements.find(client_order_id)
        assert chain is not None, "it was noted when it was sent"
        chain.is_under_way = False
        if chain.ended_with is None:
            return
        filled, chain.ended_with = Size(chain.before + chain.ended_with), None
        self.events.on_report(
            OrderReport(
                client_order_id=client_order_id,
                kind=ReportKind.CANCELED,
                exchange_order_id=str(chain.order_id),
                filled=filled,
                recv_ns=recv_ns,
            )
        )

    def _tell_replaced(
        self, client_order_id: str, replaced: Replaced | None, when_ms: int, recv_ns: int
    ) -> None:
        if replaced is None:
            return
        self.events.on_report(
            OrderReport(
                client_order_id=client_order_id,
                kind=ReportKind.REPLACED,
                exchange_order_id=str(replaced.order_id),
                price=replaced.price,
                size=replaced.size,
                filled=replaced.filled,
                exchange_ns=when_ms * NS_PER_MS,
                recv_ns=recv_ns,
            )
        )

    # -- money -------------------------------------------------------------------------------------

    def on_fills(self, fills: Iterable[wire.Fill], recv_ns: int) -> None:
        """Tell trades as they happen."""
        for each in fills:
            if instrument := self._instruments.get(each.coin):
                self.events.on_fill(self.fill(each, instrument, recv_ns))

    def fill(self, fill: wire.Fill, instrument: Instrument, recv_ns: int) -> Fill:
        """Return the fill that a trade is, whichever way it was told."""
        liquidated = fill.liquidation is not None and fill.liquidation.user.lower() == self._user
        exchange_made = liquidated or fill.direction in _EXCHANGE_MADE
        return Fill(
            client_order_id=self.client_id(fill.order_id, fill.cloid),
            instrument=instrument,
            trade_id=_trade_id(fill),
            side=side_of(fill.side),
            price=self._price(instrument, fill.price, exchange_made=exchange_made),
            size=instrument.size(fill.size),
            liquidity=Liquidity.TAKER if fill.is_taker else Liquidity.MAKER,
            fee=Decimal(fill.fee),
            fee_asset=fill.fee_token,
            realized=_realized(fill.realized, instrument),
            exchange_made=exchange_made,
            exchange_order_id=str(fill.order_id),
            exchange_ns=fill.time_ms * NS_PER_MS,
            recv_ns=recv_ns,
        )

    def on_fundings(self, fundings: Iterable[wire.FundingEntry]) -> None:
        """Tell payments as they happen."""
        for each in fundings:
            if instrument := self._instruments.get(each.coin):
                self.events.on_funding(self.funding(each, each.time_ms, instrument))

    @staticmethod
    def funding(entry: wire.FundingEntry, time_ms: int, instrument: Instrument) -> Funding:
        """Return the payment that an entry is: an instrument has one at a time."""
        assert instrument.kind is InstrumentKind.PERPETUAL, "spot pays no funding"
        return Funding(
            instrument=instrument,
            payment_id=str(time_ms),
            amount=Decimal(entry.usdc),
            asset=instrument.settle,
            exchange_ns=time_ms * NS_PER_MS,
        )

    def _price(self, instrument: Instrument, text: str, *, exchange_made: bool) -> Price:
        return booked_price(instrument, text, self._warn) if exchange_made else instrument.price(text)


def _trade_id(fill: wire.Fill) -> str:
    """Return what tells a trade apart: its id is a hash, and some have none."""
    if fill.trade_id:
        return f"{fill.time_ms}-{fill.trade_id}-{fill.order_id}"
    return f"{fill.time_ms}-{fill.order_id}-{fill.side}-{fill.price}-{fill.size}"


def _realized(text: str, instrument: Instrument) -> Decimal | None:
    """Return what a trade brought to the wallet; its fee is not taken off."""
    return Decimal(text) if text and instrument.kind is not InstrumentKind.SPOT else None
