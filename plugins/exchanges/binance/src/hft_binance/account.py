"""What the exchange is asked by REST about the account: orders, trades, funding, positions, balances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from hft import (
    BalanceReport,
    Fill,
    Funding,
    Instrument,
    NoSuchOrder,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionReport,
    PositionSide,
    Priority,
    RequestRefused,
    Side,
    Size,
    TimeInForce,
    decoder,
    reading,
)
from hft.money import total
from hft_binance.endpoints import Product
from hft_binance.evidence import Evidence
from hft_binance.private_codec import (
    AlgoOrder,
    FuturesWallet,
    Income,
    OrderAnswer,
    OwnTrade,
    PositionRisk,
    SpotAccount,
)
from hft_binance.refusals import NO_SUCH_ORDER
from hft_binance.requests import NS_PER_MS
from hft_binance.rest_api import RestApi

__all__ = ["FUNDING", "Account"]

FUNDING = "FUNDING_FEE"

_PAGE = 1000
_DAY_MS = 86_400_000
_WINDOW_MS = {Product.SPOT: _DAY_MS - 1, Product.USDM: 7 * _DAY_MS - 1}
"""How long the time between begin and end of a question about trades may be."""

_SINGLES = 5
"""A page of orders weighs as much as asking for five of them by themselves."""

_ORDER = {Product.SPOT: ("/api/v3/order", 4), Product.USDM: ("/fapi/v1/order", 1)}
_ORDERS = {Product.SPOT: ("/api/v3/allOrders", 20), Product.USDM: ("/fapi/v1/allOrders", 5)}
_OPEN = {Product.SPOT: ("/api/v3/openOrders", 6), Product.USDM: ("/fapi/v1/openOrders", 1)}
_TRADES = {Product.SPOT: ("/api/v3/myTrades", 20), Product.USDM: ("/fapi/v1/userTrades", 5)}
_TRADES_OF_ORDER_WEIGHT = 5

_decode_order = decoder(OrderAnswer, "order")
_decode_orders = decoder(list[OrderAnswer], "orders")
_decode_algo = decoder(AlgoOrder, "conditional order")
_decode_algos = decoder(list[AlgoOrder], "conditional orders")
_decode_trades = decoder(list[OwnTrade], "trades")
_decode_income = decoder(list[Income], "income")
_decode_positions = decoder(list[PositionRisk], "positions")
_decode_account = decoder(SpotAccount, "account")
_decode_wallets = decoder(list[FuturesWallet], "balances")

_TYPES = {
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "STOP_LOSS": OrderType.STOP_MARKET,
    "TAKE_PROFIT": OrderType.STOP_MARKET,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT_LIMIT": OrderType.STOP_LIMIT,
    "STOP": OrderType.STOP_LIMIT,
    "STOP_MARKET": OrderType.STOP_MARKET,
    "TAKE_PROFIT_MARKET": OrderType.STOP_MARKET,
    "TRAILING_STOP_MARKET": OrderType.STOP_MARKET,
}
_POST_ONLY = ("GTX", "RPI")
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_POSITION_SIDES = {side.name: side for side in PositionSide}


class Account:
    """The account of one key on one product. Raises `TransportError` where there is no answer."""

    def __init__(
        self,
        api: RestApi,
        evidence: Evidence,
        exchange: str,
        instruments: Sequence[Instrument],
        position_mode: PositionMode,
    ) -> None:
        self.instruments = {instrument.native_symbol: instrument for instrument in instruments}
        self.product = api.product
        self._api = api
        self._evidence = evidence
        self._exchange = exchange
        self._hedge = position_mode is PositionMode.HEDGE

    # -- orders ------------------------------------------------------------------------------------

    async def open_orders(self) -> list[OrderStatus]:
        """Return the open orders in the instruments of the run, conditional ones among them."""
        found: list[OrderStatus] = []
        path, weight = _OPEN[self.product]
        for symbol, instrument in self.instruments.items():
            answer = await self._api.fetch("GET", path, {"symbol": symbol}, weight=weight)
            recv_ns = answer.recv_ns
            found += [self._status(each, instrument, recv_ns) for each in _decode_orders(answer.body)]
            if self.product is Product.USDM:
                found += await self._open_stops(instrument)
        return found

    async def _open_stops(self, instrument: Instrument) -> list[OrderStatus]:
        params = {"symbol": instrument.native_symbol}
        try:
            answer = await self._api.fetch("GET", "/fapi/v1/openAlgoOrders", params, weight=1)
        except RequestRefused as error:
            if error.status == 404:  # an environment without conditional orders has none of ours
                return []
            raise
        return [self._algo_status(each, instrument, answer.recv_ns) for each in _decode_algos(answer.body)]

    async def order(
        self, instrument: Instrument, client_order_id: str, *, stop: bool | None
    ) -> OrderStatus | NoSuchOrder:
        """Return how an order stands, or that the exchange knows no such order.

        ``stop`` says whether it is a stop, None if that is not known. Of a stop that has triggered, the
        order is meant that it became.
        """
        if self.product is Product.SPOT or not stop:
            params = {"symbol": instrument.native_symbol, "origClientOrderId": client_order_id}
            status = await self._one(instrument, params)
            if isinstance(status, OrderStatus) or self.product is Product.SPOT or stop is False:
                return status
        params = {"clientAlgoId": client_order_id}
        try:
            answer = await self._api.fetch("GET", "/fapi/v1/algoOrder", params, weight=1)
        except RequestRefused as error:
            # 404: an environment without conditional orders has none of ours.
            if error.code in NO_SUCH_ORDER or error.status == 404:
                return NoSuchOrder(error.asked_ns)
            raise
        waiting = self._algo_status(_decode_algo(answer.body), instrument, answer.recv_ns)
        if became := self._evidence.became(client_order_id):
            params = {"symbol": instrument.native_symbol, "orderId": became}
            status = await self._one(instrument, params)
            return status if isinstance(status, OrderStatus) else waiting
        return waiting

    async def _one(self, instrument: Instrument, params: Mapping[str, str]) -> OrderStatus | NoSuchOrder:
        path, weight = _ORDER[self.product]
        try:
            answer = await self._api.fetch("GET", path, params, weight=weight)
        except RequestRefused as error:
            if error.code in NO_SUCH_ORDER:
                return NoSuchOrder(error.asked_ns)
            raise
        return self._status(_decode_order(answer.body), instrument, answer.recv_ns)

    async def cancel(self, instrument: Instrument, status: OrderStatus) -> None:
        """Cancel one order."""
        waits = status.type.has_trigger and not self._evidence.became(status.client_order_id)
        if self.product is Product.USDM and waits:
            params = {"clientAlgoId": status.client_order_id}
            path = "/fapi/v1/algoOrder"
        else:
            params = {"symbol": instrument.native_symbol, "orderId": status.report.exchange_order_id}
            path = _ORDER[self.product][0]
        await self._api.fetch("DELETE", path, params, weight=1, priority=Priority.CANCEL)

    def _status(self, order: OrderAnswer, instrument: Instrument, recv_ns: int) -> OrderStatus:
        order_id = str(order.order_id)
        known = self._evidence.client_id(instrument, order_id)
        # What a stop became has an id that we did not choose.
        client_id = known or order.client_id
        if known is None:
            self._evidence.note_id(instrument, order_id, client_id)
        with reading(f"order {order_id} of {instrument}"):
            type_ = _TYPES[order.original_type or order.type]
            price, trigger = instrument.price(order.price), instrument.price(order.stop_price)
            return OrderStatus(
                report=self._evidence.report(order, client_id, instrument, recv_ns, whole=True),
                instrument=instrument,
                side=_SIDES[order.side],
                size=instrument.size(order.size),
                price=price or None,
                type=type_,
                time_in_force=_time_in_force(order.time_in_force),
                post_only=order.type == "LIMIT_MAKER" or order.time_in_force in _POST_ONLY,
                reduce_only=order.reduce_only,
                trigger_price=trigger if type_.has_trigger and trigger else None,
                position_side=_POSITION_SIDES[order.position_side],
                created_ns=order.created_ms * NS_PER_MS,
            )

    def _algo_status(self, algo: AlgoOrder, instrument: Instrument, recv_ns: int) -> OrderStatus:
        with reading(f"conditional order {algo.algo_id} of {instrument}"):
            return OrderStatus(
                report=self._evidence.algo_report(algo, algo.client_id, instrument, recv_ns, whole=True),
                instrument=instrument,
                side=_SIDES[algo.side],
                size=instrument.size(algo.size),
                price=instrument.price(algo.price or "0") or None,
                type=_TYPES[algo.type],
                time_in_force=_time_in_force(algo.time_in_force),
                post_only=algo.time_in_force in _POST_ONLY,
                reduce_only=algo.reduce_only,
                trigger_price=instrument.price(algo.trigger_price or "0") or None,
                position_side=_POSITION_SIDES[algo.position_side],
                created_ns=algo.created_ms * NS_PER_MS,
            )

    # -- trades ------------------------------------------------------------------------------------

    async def fills_of(self, instrument: Instrument, order_id: str, client_order_id: str) -> list[Fill]:
        """Return all trades of one order, in their order."""
        path, _ = _TRADES[self.product]
        fills: list[Fill] = []
        page: dict[str, str | int] = {}
        while True:
            params = {"symbol": instrument.native_symbol, "orderId": order_id, **page, "limit": _PAGE}
            answer = await self._api.fetch("GET", path, params, weight=_TRADES_OF_ORDER_WEIGHT)
            trades = _decode_trades(answer.body)
            fills += [self._fill(trade, client_order_id, instrument, answer.recv_ns) for trade in trades]
            if len(trades) < _PAGE:
                return fills
            page = {"fromId": trades[-1].id + 1}

    async def executions(self, instrument: Instrument, since_ns: int) -> list[Fill]:
        """Return all trades since then, whoever's order made them, in their order."""
        trades = await self._trades(instrument, since_ns // NS_PER_MS)
        unknown = {str(trade.order_id) for trade, _ in trades}
        unknown -= {each for each in unknown if self._evidence.client_id(instrument, each) is not None}
        await self._learn_ids(instrument, unknown)
        return [
            self._fill(
                trade, self._evidence.client_id(instrument, str(trade.order_id)) or "", instrument, recv_ns
            )
            for trade, recv_ns in trades
        ]

    async def _trades(self, instrument: Instrument, since_ms: int) -> list[tuple[OwnTrade, int]]:
        """Return the trades since then, each with when it was told.

        Time windows find the first, since none may be long; from there on pages follow each other by id,
        so that nothing is left out, whatever happens at the same millisecond.
        """
        path, weight = _TRADES[self.product]
        symbol = instrument.native_symbol
        found: list[tuple[OwnTrade, int]] = []
        begin_ms = max(0, since_ms)
        page: dict[str, int] | None = None
        while True:
            if page is None:
                page = {"startTime": begin_ms, "endTime": begin_ms + _WINDOW_MS[self.product]}
            answer = await self._api.fetch(
                "GET", path, {"symbol": symbol, **page, "limit": _PAGE}, weight=weight
            )
            trades = _decode_trades(answer.body)
            found += [(trade, answer.recv_ns) for trade in trades]
            if found and not trades:
                return found
            if trades:
                if "fromId" in page and len(trades) < _PAGE:
                    return found
                page = {"fromId": trades[-1].id + 1}
                continue
            begin_ms = page["endTime"] + 1
            if begin_ms * NS_PER_MS > answer.recv_ns + self._api.clock.offset_ns:
                return found
            page = None

    async def _learn_ids(self, instrument: Instrument, order_ids: set[str]) -> None:
        """Ask for the client ids of orders: whole pages where they lie close together, else one by one."""
        path, weight = _ORDERS[self.product]
        symbol = instrument.native_symbol
        missing = set(order_ids)
        while len(missing) > _SINGLES:
            params: dict[str, str | int] = {
                "symbol": symbol,
                "limit": _PAGE,
                "orderId": min(missing, key=int),
            }
            answer = await self._api.fetch("GET", path, params, weight=weight)
            listed = {str(order.order_id): order.client_id for order in _decode_orders(answer.body)}
            told = missing & listed.keys()
            for order_id in told:
                self._evidence.note_id(instrument, order_id, listed[order_id])
            missing -= told
            if len(told) < _SINGLES:
                break
        for order_id in sorted(missing, key=int):
            # One that the exchange has forgotten stays without; its status notes the id of the others.
            await self._one(instrument, {"symbol": symbol, "orderId": order_id})

    def _fill(self, trade: OwnTrade, client_order_id: str, instrument: Instrument, recv_ns: int) -> Fill:
        with reading(f"trade {trade.id} of {instrument}"):
            return self._evidence.trade(trade, client_order_id, instrument, recv_ns)

    # -- money -------------------------------------------------------------------------------------

    async def fundings(self, instrument: Instrument, since_ns: int) -> list[Funding]:
        """Return the funding payments since then, in their order."""
        if self.product is Product.SPOT:
            return []
        paid: dict[str, Funding] = {}
        begin_ms = since_ns // NS_PER_MS
        while True:
            params: dict[str, str | int] = {
                "symbol": instrument.native_symbol,
                "incomeType": FUNDING,
                "startTime": begin_ms,
                "endTime": begin_ms + _WINDOW_MS[Product.USDM],
                "limit": _PAGE,
            }
            answer = await self._api.fetch("GET", "/fapi/v1/income", params, weight=30)
            rows = _decode_income(answer.body)
            for row in rows:
                paid[str(row.id)] = Funding(
                    instrument=instrument,
                    payment_id=str(row.id),
                    amount=Decimal(row.amount),
                    asset=row.asset,
                    exchange_ns=row.time_ms * NS_PER_MS,
                )
            if len(rows) == _PAGE:
                # The last millisecond again: the page may have ended within it.
                begin_ms = max(begin_ms + 1, rows[-1].time_ms)
                continue
            begin_ms += _WINDOW_MS[Product.USDM] + 1
            if begin_ms * NS_PER_MS > answer.recv_ns + self._api.clock.offset_ns:
                return list(paid.values())

    async def positions(self) -> list[PositionReport]:
        """Return the positions in the instruments of the run, flat ones as 0."""
        if self.product is Product.SPOT:
            return []
        answer = await self._api.fetch("GET", "/fapi/v3/positionRisk", weight=5)
        sides = (PositionSide.LONG, PositionSide.SHORT) if self._hedge else (PositionSide.BOTH,)
        reports = {
            (instrument, side): PositionReport(instrument=instrument, size=Size(0), position_side=side)
            for instrument in self.instruments.values()
            for side in sides
        }
        for position in _decode_positions(answer.body):
            if instrument := self.instruments.get(position.symbol):
                report = self.position(
                    instrument,
                    position.amount,
                    position.side,
                    position.entry_price,
                    position.update_ms,
                )
                reports[instrument, report.position_side] = report
        return list(reports.values())

    def position(
        self, instrument: Instrument, amount: str, side: str, entry_price: str, when_ms: int
    ) -> PositionReport:
        """Return a position from the exchange's words."""
        with reading(f"position in {instrument}"):
            size = instrument.size(amount.removeprefix("-"))
            entry = Decimal(entry_price)
            return PositionReport(
                instrument=instrument,
                size=Size(-size if amount.startswith("-") else size),
                position_side=_POSITION_SIDES[side],
                entry_price=entry if size and entry else None,
                exchange_ns=when_ms * NS_PER_MS,
            )

    async def balances(self) -> list[BalanceReport]:
        """Return what the account has."""
        if self.product is Product.USDM:
            answer = await self._api.fetch("GET", "/fapi/v3/balance", weight=5)
            wallets = _decode_wallets(answer.body)
            reports = [self.balance(wallet.asset, wallet.total, "0", wallet.update_ms) for wallet in wallets]
        else:
            answer = await self._api.fetch("GET", "/api/v3/account", {"omitZeroBalances": "true"}, weight=20)
            account = _decode_account(answer.body)
            reports = [
                self.balance(each.asset, each.free, each.locked, account.update_ms)
                for each in account.balances
            ]
        return [report for report in reports if report.total]

    def balance(self, asset: str, free: str, locked: str, when_ms: int) -> BalanceReport:
        """Return a balance from the exchange's words: what is free and what is locked."""
        with reading(f"balance of {asset[:40]!r}"):
            return BalanceReport(
                exchange=self._exchange,
                wallet=self.product.value,
                asset=asset,
                total=total((Decimal(free), Decimal(locked))),
                locked=Decimal(locked),
                exchange_ns=when_ms * NS_PER_MS,
            )


def _time_in_force(text: str) -> TimeInForce:
    return TimeInForce(text) if text in TimeInForce.__members__ else TimeInForce.GTC
