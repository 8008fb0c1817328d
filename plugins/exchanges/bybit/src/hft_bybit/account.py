"""What the exchange is asked by REST about the account: orders, trades, funding, positions, balances."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from msgspec import Raw

from hft import (
    BalanceReport,
    DecodeError,
    Fill,
    Funding,
    Instrument,
    NoSuchOrder,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionReport,
    PositionSide,
    Size,
    TimeInForce,
    reading,
)
from hft_bybit.endpoints import Product, product_traded
from hft_bybit.evidence import (
    FUNDING,
    SIDES,
    Evidence,
    milliseconds,
    position_side_of,
)
from hft_bybit.private_codec import (
    Coin,
    Execution,
    ExecutionPage,
    OrderPage,
    OrderState,
    PositionPage,
    PositionState,
    decode_executions,
    decode_orders,
    decode_positions,
    decode_wallets,
)
from hft_bybit.requests import NS_PER_MS
from hft_bybit.rest_api import RestApi, Result

__all__ = ["Account"]

_ORDERS, _HISTORY = "/v5/order/realtime", "/v5/order/history"
_EXECUTIONS, _POSITIONS = "/v5/execution/list", "/v5/position/list"
_BALANCES = "/v5/account/wallet-balance"

_ORDER_PAGE, _EXECUTION_PAGE, _POSITION_PAGE = 50, 100, 200
_WINDOW_MS = 7 * 86_400_000 - 1
"""How long the time between begin and end of a question about executions may be."""

_OPEN, _CLOSED = 0, 1

_UNIFIED = "UNIFIED"


class _Page(Protocol):
    cursor: str


PageT = TypeVar("PageT", bound=_Page)


class Account:
    """The account of one key. Raises `TransportError` where there is no answer."""

    def __init__(
        self,
        api: RestApi,
        evidence: Evidence,
        exchange: str,
        instruments: Sequence[Instrument],
        position_mode: PositionMode,
    ) -> None:
        self.instruments = {(product_traded(each).value, each.native_symbol): each for each in instruments}
        self._api = api
        self._evidence = evidence
        self._exchange = exchange
        self._hedge = position_mode is PositionMode.HEDGE

    @property
    def contracts(self) -> list[Instrument]:
        """The instruments that have positions."""
        return [each for (category, _), each in self.instruments.items() if category != Product.SPOT.value]

    # -- orders ------------------------------------------------------------------------------------

    async def open_orders(self) -> list[OrderStatus]:
        """Return the open orders in the instruments of the run, conditional ones among them."""
        found: list[OrderStatus] = []
        for instrument in self.instruments.values():
            params = {**_symbol(instrument), "openOnly": _OPEN, "limit": _ORDER_PAGE}
            async for page, result in self._pages(_ORDERS, params, decode_orders):
                found += [self._status(each, instrument, result.recv_ns) for each in page.orders]
        return found

    async def order(self, instrument: Instrument, client_order_id: str) -> OrderStatus | NoSuchOrder:
        """Return how an order stands, or that the exchange knows no such order.

        Open orders are asked for first: one that is found nowhere was not there when that was asked.
        """
        asked_ns = 0
        for path, more in ((_ORDERS, {"openOnly": _OPEN}), (_ORDERS, {"openOnly": _CLOSED}), (_HISTORY, {})):
            params = {**_symbol(instrument), "orderLinkId": client_order_id, **more}
            result = await self._api.fetch(path, params)
            asked_ns = asked_ns or result.asked_ns
            for order in decode_orders(result.body).orders:
                # The filter is the exchange's: what it ignores must not make this another order.
                if order.client_id == client_order_id:
                    return self._status(order, instrument, result.recv_ns)
        return NoSuchOrder(asked_ns)

    def _status(self, order: OrderState, instrument: Instrument, recv_ns: int) -> OrderStatus:
        with reading(f"order {order.order_id} of {instrument}"):
            self._evidence.note_listed(order)
            limit = order.type == "Limit"
            trigger = instrument.price(order.trigger_price or "0")
            return OrderStatus(
                report=self._evidence.report(order, instrument, recv_ns, whole=True),
                instrument=instrument,
                side=SIDES[order.side],
                size=instrument.size(order.size),
                price=(instrument.price(order.price or "0") or None) if limit else None,
                type=_type(limit=limit, stop=bool(trigger)),
                time_in_force=_time_in_force(order.time_in_force),
                post_only=order.time_in_force in ("PostOnly", "RPI"),
                reduce_only=order.reduce_only,
                trigger_price=trigger or None,
                position_side=position_side_of(order.position_idx),
                created_ns=milliseconds(order.created_ms) * NS_PER_MS,
            )

    # -- trades ------------------------------------------------------------------------------------

    async def fills_of(self, instrument: Instrument, order_id: str) -> list[Fill]:
        """Return all trades of one order, in their order."""
        params = {**_symbol(instrument), "orderId": order_id, "limit": _EXECUTION_PAGE}
        found: list[tuple[Execution, int]] = []
        async for page, result in self._pages(_EXECUTIONS, params, decode_executions):
            found += [(each, result.recv_ns) for each in page.executions if each.order_id == order_id]
        return [self._fill(each, instrument, recv_ns) for each, recv_ns in _in_order(found)]

    async def executions(self, instrument: Instrument, since_ns: int) -> list[Fill]:
        """Return all trades since then, whoever's order made them, in their order."""
        found = await self._executions(instrument, since_ns, "")
        trades = [(each, recv_ns) for each, recv_ns in found if self._evidence.is_trade(each)]
        await self._learn_orders(instrument, [each for each, _ in trades])
        return [self._fill(each, instrument, recv_ns) for each, recv_ns in trades]

    async def fundings(self, instrument: Instrument, since_ns: int) -> list[Funding]:
        """Return the funding payments since then, in their order."""
        if product_traded(instrument) is Product.SPOT:
            return []
        found = await self._executions(instrument, since_ns, FUNDING)
        with reading(f"funding of {instrument}"):
            return [self._evidence.funding(each, instrument) for each, _ in found if each.kind == FUNDING]

    async def _executions(
        self, instrument: Instrument, since_ns: int, kind: str
    ) -> list[tuple[Execution, int]]:
        """Return the executions since then with when each was told, by windows of which none is too long."""
        found: dict[str, tuple[Execution, int]] = {}
        begin_ms = max(0, since_ns // NS_PER_MS)
        while True:
            params: dict[str, str | int] = {
                **_symbol(instrument),
                **({"execType": kind} if kind else {}),
                "startTime": begin_ms,
                "endTime": begin_ms + _WINDOW_MS,
                "limit": _EXECUTION_PAGE,
            }
            recv_ns = 0
            async for page, result in self._pages(_EXECUTIONS, params, decode_executions):
                recv_ns = result.recv_ns
                found.update((each.id, (each, recv_ns)) for each in page.executions)
            begin_ms += _WINDOW_MS + 1
            if begin_ms > self._api.server_ms(recv_ns):
                return _in_order(list(found.values()))

    async def _learn_orders(self, instrument: Instrument, trades: Sequence[Execution]) -> None:
        """Ask for orders of which a trade does not say which position it changes: in hedge mode alone."""
        if not self._hedge or product_traded(instrument) is Product.SPOT:
            return
        for order_id in dict.fromkeys(each.order_id for each in trades if not each.closed):
            if self._evidence.is_known(order_id):
                continue
            for path in (_ORDERS, _HISTORY):
                result = await self._api.fetch(path, {**_symbol(instrument), "orderId": order_id})
                for order in decode_orders(result.body).orders:
                    self._evidence.note_listed(order)
                if self._evidence.is_known(order_id):
                    break

    def _fill(self, execution: Execution, instrument: Instrument, recv_ns: int) -> Fill:
        with reading(f"trade {execution.id} of {instrument}"):
            return self._evidence.fill(execution, instrument, recv_ns)

    # -- money -------------------------------------------------------------------------------------

    async def positions(self) -> list[PositionReport]:
        """Return the positions in the instruments of the run, flat ones as 0."""
        sides = (PositionSide.LONG, PositionSide.SHORT) if self._hedge else (PositionSide.BOTH,)
        reports = {
            (instrument, side): PositionReport(instrument=instrument, size=Size(0), position_side=side)
            for instrument in self.contracts
            for side in sides
        }
        for coin in dict.fromkeys(instrument.settle for instrument in self.contracts):
            params: dict[str, str | int] = {
                "category": Product.LINEAR.value,
                "settleCoin": coin,
                "limit": _POSITION_PAGE,
            }
            async for page, _ in self._pages(_POSITIONS, params, decode_positions):
                for position in page.positions:
                    instrument = self.instruments.get((Product.LINEAR.value, position.symbol))
                    if instrument is not None:
                        report = self.position(position, instrument)
                        reports[instrument, report.position_side] = report
        return list(reports.values())

    def position(self, position: PositionState, instrument: Instrument) -> PositionReport:
        """Return a position from the exchange's words: what is flat has no side."""
        with reading(f"position in {instrument}"):
            size = instrument.size(position.size or "0")
            entry = Decimal(position.entry_price or position.average_price or "0")
            sign = SIDES[position.side].sign if size else 1
            return PositionReport(
                instrument=instrument,
                size=Size(sign * size),
                position_side=position_side_of(position.position_idx),
                entry_price=entry if size and entry else None,
                exchange_ns=milliseconds(position.updated_ms) * NS_PER_MS,
            )

    async def balances(self) -> list[BalanceReport]:
        """Return what the account has."""
        result = await self._api.fetch(_BALANCES, {"accountType": _UNIFIED})
        reports = [
            self.balance(coin, 0)
            for wallet in decode_wallets(result.body).wallets
            if wallet.kind in ("", _UNIFIED)
            for coin in wallet.coins
        ]
        return [report for report in reports if report.total]

    def balance(self, coin: Coin, when_ms: int) -> BalanceReport:
        """Return a balance from the exchange's words."""
        with reading(f"balance of {coin.asset[:40]!r}"):
            amount, locked = Decimal(coin.total or "0"), Decimal(coin.locked or "0")
        if not (amount.is_finite() and locked.is_finite()):
            raise DecodeError(f"balance of {coin.asset[:40]!r} is no number")
        return BalanceReport(
            exchange=self._exchange,
            asset=coin.asset,
            total=amount,
            locked=locked,
            exchange_ns=when_ms * NS_PER_MS,
        )

    # -- pages -------------------------------------------------------------------------------------

    async def _pages(
        self, path: str, params: dict[str, str | int], decode: Callable[[Raw], PageT]
    ) -> AsyncIterator[tuple[PageT, Result]]:
        cursor = ""
        while True:
            result = await self._api.fetch(path, {**params, **({"cursor": cursor} if cursor else {})})
            page = decode(result.body)
            yield page, result
            # The last page may have a cursor as well, which leads to an empty one.
            if not page.cursor or page.cursor == cursor or _is_empty(page):
                return
            cursor = page.cursor


def _is_empty(page: _Page) -> bool:
    match page:
        case OrderPage():
            return not page.orders
        case ExecutionPage():
            return not page.executions
        case PositionPage():
            return not page.positions
        case _:
            return True


def _symbol(instrument: Instrument) -> dict[str, str | int]:
    return {"category": product_traded(instrument).value, "symbol": instrument.native_symbol}


def _in_order(found: list[tuple[Execution, int]]) -> list[tuple[Execution, int]]:
    """Return executions oldest first; lists have the newest first."""
    found.reverse()
    try:
        return sorted(found, key=lambda each: (milliseconds(each[0].time_ms), each[0].seq))
    except ValueError as error:
        raise DecodeError(f"executions: {error}") from None


def _type(*, limit: bool, stop: bool) -> OrderType:
    if stop:
        return OrderType.STOP_LIMIT if limit else OrderType.STOP_MARKET
    return OrderType.LIMIT if limit else OrderType.MARKET


def _time_in_force(text: str) -> TimeInForce:
    return TimeInForce(text) if text in TimeInForce.__members__ else TimeInForce.GTC
