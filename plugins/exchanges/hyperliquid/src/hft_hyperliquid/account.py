"""What the exchange is asked by REST about the account: orders, trades, funding, positions, balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from hft import (
    BalanceReport,
    DecodeError,
    Fill,
    Funding,
    Instrument,
    InstrumentKind,
    NoSuchOrder,
    OrderReport,
    OrderStatus,
    OrderType,
    PositionReport,
    RestAnswer,
    RestCall,
    Size,
    TimeInForce,
    decoder,
    reading,
)
from hft.money import difference, total
from hft_hyperliquid import limits
from hft_hyperliquid import private_codec as wire
from hft_hyperliquid.cloid import client_id_of, cloid_of
from hft_hyperliquid.codec import NS_PER_MS, side_of
from hft_hyperliquid.evidence import Evidence, kind_of
from hft_hyperliquid.rest_api import RestApi

__all__ = ["PERPS", "SPOT", "Account", "Found"]

PERPS, SPOT = "perps", "spot"
"""Names of the wallets."""

_FILLS_PAGE = 2000
_MARGIN_MS = 5_000
"""How much earlier than an order its fills are looked for: clocks differ."""

_USDC = "USDC"

_decode_open = decoder(list[wire.ListedOrder], "open orders")
_decode_status = decoder(wire.OrderStatusAnswer, "order")
_decode_fills = decoder(list[wire.Fill], "fills")
_decode_fundings = decoder(list[wire.FundingPaid], "funding")
_decode_clearinghouse = decoder(wire.Clearinghouse, "positions")
_decode_spot = decoder(wire.SpotBalances, "balances")


@attrs.frozen
class Found:
    """How an order stands, and all its fills."""

    status: OrderStatus
    fills: Sequence[Fill]


class _Rows:
    """What was answered to one question about all coins, for whoever asks for one coin after the other."""

    def __init__(self) -> None:
        self.since_ms = -1
        self.rows: Sequence[Any] = ()
        self.recv_ns = 0
        self._served: set[str] = set()

    def serves(self, coin: str, since_ms: int) -> bool:
        """Say whether it answers; who asks a second time wants to know what is new."""
        if since_ms != self.since_ms or coin in self._served:
            return False
        self._served.add(coin)
        return True

    def take(self, coin: str, since_ms: int, rows: Sequence[Any], recv_ns: int) -> None:
        """Keep an answer."""
        self.since_ms, self.rows, self.recv_ns, self._served = since_ms, rows, recv_ns, {coin}


class Account:
    """The account of one address. Raises `TransportError` where there is no answer."""

    def __init__(
        self,
        api: RestApi,
        evidence: Evidence,
        exchange: str,
        user: str,
        instruments: Mapping[str, Instrument],
    ) -> None:
        self._api = api
        self._evidence = evidence
        self._exchange = exchange
        self._user = user
        self._instruments = instruments
        self._fills, self._fundings = _Rows(), _Rows()

    async def _ask(self, kind: str, **more: Any) -> RestAnswer:
        return await self._api.ask({"type": kind, "user": self._user, **more})

    # -- orders ------------------------------------------------------------------------------------

    async def open_orders(self) -> list[OrderStatus]:
        """Return the open orders in the instruments of the run, stops among them."""
        answer = await self._ask("frontendOpenOrders")
        found = []
        for listed in _decode_open(answer.body):
            if instrument := self._instruments.get(listed.coin):
                filled = self._evidence.filled(listed, "open", instrument)
                before = self._evidence.replacements.before(client_id_of(listed.cloid), listed.order_id)
                recv_ns = answer.recv_ns
                found.append(
                    _status(listed, "open", 0, instrument, before=before, filled=filled, recv_ns=recv_ns)
                )
        return found

    async def order(
        self, instrument: Instrument, client_order_id: str, since_ns: int = 0
    ) -> Found | NoSuchOrder:
        """Return how an order stands, or that the exchange knows no such order.

        What it has traded is counted from its fills, since ``since_ns`` or since it was placed: neither is
        told of an open order, nor is that of the orders that it replaced.
        """
        answer = await self._ask("orderStatus", oid=cloid_of(client_order_id))
        told = _decode_status(answer.body)
        if told.order is None:
            if told.status != "unknownOid":
                raise DecodeError(f"order: status {told.status[:40]!r} without an order")
            return NoSuchOrder(answer.sent_ns)
        update = told.order
        listed = update.order
        if listed.coin != instrument.native_symbol:
            raise DecodeError(f"order {client_order_id}: is one of {listed.coin[:40]!r}")
        self._evidence.note_id(listed.order_id, client_order_id)
        since_ms = min(since_ns // NS_PER_MS or listed.created_ms, listed.created_ms) - _MARGIN_MS
        rows, recv_ns = await self._rows("userFillsByTime", since_ms, _decode_fills)
        fills = [self._evidence.fill(row, instrument, recv_ns) for row in rows if row.coin == listed.coin]
        fills = [fill for fill in fills if fill.client_order_id == client_order_id]
        lots = Counter[str]()
        for fill in fills:
            lots[fill.exchange_order_id] += fill.size
        filled = Size(lots.pop(str(listed.order_id), 0))
        before = sum(lots.values())
        self._evidence.replacements.settle(client_order_id, listed.order_id, before)
        if update.status == "filled":
            filled = instrument.size(listed.original_size)
        status = _status(
            listed,
            update.status,
            update.when_ms,
            instrument,
            before=before,
            filled=filled,
            recv_ns=answer.recv_ns,
        )
        return Found(status, fills)

    # -- what has happened -------------------------------------------------------------------------

    async def executions(self, instrument: Instrument, since_ns: int) -> list[Fill]:
        """Return all fills in an instrument since then."""
        coin, since_ms = instrument.native_symbol, since_ns // NS_PER_MS
        kept = self._fills
        if not kept.serves(coin, since_ms):
            kept.take(coin, since_ms, *await self._rows("userFillsByTime", since_ms, _decode_fills))
        return [
            self._evidence.fill(row, instrument, kept.recv_ns)
            for row in kept.rows
            if row.coin == coin and row.time_ms >= since_ms
        ]

    async def fundings(self, instrument: Instrument, since_ns: int) -> list[Funding]:
        """Return all funding payments in an instrument since then."""
        coin, since_ms = instrument.native_symbol, since_ns // NS_PER_MS
        kept = self._fundings
        if not kept.serves(coin, since_ms):
            kept.take(coin, since_ms, *await self._rows("userFunding", since_ms, _decode_fundings))
        return [
            self._evidence.funding(row.delta, row.time_ms, instrument)
            for row in kept.rows
            if row.delta.coin == coin
        ]

    async def _rows(self, kind: str, since_ms: int, decode: Any) -> tuple[list[Any], int]:
        """Return all rows since then, page by page, and when the last page came."""
        page = _FILLS_PAGE if kind == "userFillsByTime" else limits.PAGE_ROWS
        start_ms, rows = max(0, since_ms), list[Any]()
        while True:
            answer = await self._ask(kind, startTime=start_ms)
            found = decode(answer.body)
            # Rows of the millisecond at which the last page ended come again.
            known = [row for row in rows if row.time_ms == start_ms]
            rows += [row for row in found if row.time_ms > start_ms or row not in known]
            last_ms = max((row.time_ms for row in found), default=start_ms)
            if len(found) < page or last_ms <= start_ms:
                rows.sort(key=lambda row: row.time_ms)
                return rows, answer.recv_ns
            start_ms = last_ms

    # -- what there is -----------------------------------------------------------------------------

    async def positions(self) -> list[PositionReport]:
        """Return the positions in the perpetuals of the run, flat ones as 0."""
        state = await self._clearinghouse()
        held = {each.position.coin: each.position for each in state.positions}
        reports = []
        for coin, instrument in self._instruments.items():
            if instrument.kind is not InstrumentKind.PERPETUAL:
                continue
            position = held.get(coin)
            size, entry = ("0", None) if position is None else (position.size, position.entry_price)
            magnitude = instrument.size(size.removeprefix("-"))
            reports.append(
                PositionReport(
                    instrument=instrument,
                    size=Size(-magnitude if size.startswith("-") else magnitude),
                    entry_price=None if entry is None else Decimal(entry),
                    exchange_ns=state.time_ms * NS_PER_MS,
                )
            )
        return reports

    async def balances(self) -> list[BalanceReport]:
        """Return what there is of each token in both wallets, without what open positions would bring."""
        state = await self._clearinghouse()
        brings = total(Decimal(each.position.unrealised) for each in state.positions)
        margin = BalanceReport(
            exchange=self._exchange,
            wallet=PERPS,
            asset=_USDC,
            total=difference(Decimal(state.margin.value), brings),
            exchange_ns=state.time_ms * NS_PER_MS,
        )
        answer = await self._ask("spotClearinghouseState")
        spot = [
            BalanceReport(
                exchange=self._exchange,
                wallet=SPOT,
                asset=each.coin,
                total=Decimal(each.total),
                locked=Decimal(each.hold),
            )
            for each in _decode_spot(answer.body).balances
        ]
        return [margin, *spot]

    def time_call(self) -> RestCall:
        """Return the request whose answer tells the exchange's time."""
        return self._api.question({"type": "clearinghouseState", "user": self._user})

    async def measure(self) -> None:
        """Measure the exchange's clock."""
        await self._clearinghouse()

    async def _clearinghouse(self) -> wire.Clearinghouse:
        return self.take_time(await self._ask("clearinghouseState"))

    def take_time(self, answer: RestAnswer) -> wire.Clearinghouse:
        """Take the answer to `time_call`; raise `DecodeError` for what is none."""
        state = _decode_clearinghouse(answer.body)
        if state.time_ms:
            self._api.clock.measure(answer.sent_ns, answer.recv_ns, state.time_ms * NS_PER_MS)
        return state


def _status(
    listed: wire.ListedOrder,
    status: str,
    when_ms: int,
    instrument: Instrument,
    *,
    before: int,
    filled: int,
    recv_ns: int,
) -> OrderStatus:
    with reading("order"):
        is_market = "Market" in listed.type
        price = instrument.price(listed.limit_price) or None
        trigger = instrument.price(listed.trigger_price or "0") if listed.is_trigger else None
        size = Size(before + instrument.size(listed.original_size))
        limit, market = OrderType.LIMIT, OrderType.MARKET
        if listed.is_trigger:
            limit, market = OrderType.STOP_LIMIT, OrderType.STOP_MARKET
        return OrderStatus(
            report=OrderReport(
                client_order_id=client_id_of(listed.cloid),
                kind=kind_of(status),
                exchange_order_id=str(listed.order_id),
                price=price,
                size=size,
                filled=Size(before + filled),
                reason="" if status in ("open", "filled") else status,
                exchange_ns=when_ms * NS_PER_MS,
                recv_ns=recv_ns,
            ),
            instrument=instrument,
            side=side_of(listed.side),
            size=size,
            price=None if is_market else price,
            type=market if is_market else limit,
            time_in_force=TimeInForce.IOC if listed.tif == "Ioc" else TimeInForce.GTC,
            post_only=listed.tif == "Alo",
            reduce_only=bool(listed.reduce_only),
            trigger_price=trigger,
            created_ns=listed.created_ms * NS_PER_MS,
        )
