"""The simulated Acme: the server side of its protocol."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from hft import Account, Endpoints, Price, Secret, Side, Simulator, SimulatorConfig, TimeInForce
from hft.sim import (
    ClientOrder,
    FeeRates,
    Fill,
    Filters,
    Hub,
    OrderEvent,
    Outbox,
    OutboxCounters,
    Reason,
    Refused,
    SpotAccount,
    SpotDesk,
    Subscriber,
    SyntheticMarket,
    Truth,
    World,
    lots_of,
    ticks_of,
)
from hft.sim import Step as MarketStep
from hft_acme import limits
from hft_acme.signing import sign

__all__ = ["AcmeSimulator"]

_encode = msgspec.json.Encoder().encode

_ACCOUNT = "alice"
_FEES = FeeRates(maker=Decimal("0.0005"), taker=Decimal("0.001"))
_STATES = {"new": "open", "partially-filled": "open", "filled": "filled", "canceled": "canceled"}


class AcmeSimulator(Simulator[SimulatorConfig]):
    """Plays Acme: spot, one account, REST and two websockets."""

    def __init__(self, config: SimulatorConfig, world: World) -> None:
        super().__init__(config, world)
        self.hub = Hub(self.faults)
        self.desk = SpotDesk(world.clock)
        self.truth = Truth({"spot": self.desk}, {}, {})
        digest = hashlib.sha256(f"acme {world.seed}".encode()).hexdigest()
        self._login = Account(key=digest[:24], secret=digest[24:], name=_ACCOUNT)
        self._markets: dict[str, SyntheticMarket] = {}
        self._seqs: dict[str, int] = defaultdict(int)
        self._sockets: set[web.WebSocketResponse] = set()
        self._counters = OutboxCounters()
        self._orders: deque[int] = deque(maxlen=limits.RATE_LIMITS[0].weight)
        assets: dict[str, Decimal] = {}
        for market in world.markets.values():
            assert isinstance(market, SyntheticMarket)
            instrument = market.instrument
            self._markets[f"{instrument.base}-{instrument.quote}"] = market
            self.desk.trade(market, Filters(min_notional=instrument.min_notional))
            market.observers.append(self._on_step)
            assets |= {instrument.base: Decimal(1_000), instrument.quote: Decimal(1_000_000)}
        self.account = SpotAccount(_ACCOUNT, _FEES, assets)
        self.desk.accounts[_ACCOUNT] = self.account
        self.desk.listeners.append(self)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.get("/instruments", self._instruments),
            web.get("/ws/public", self._public),
            web.get("/ws/private", self._private),
            web.post("/orders", self._signed(self._place)),
            web.delete("/orders", self._signed(self._cancel)),
            web.get("/orders", self._signed(self._open_orders)),
            web.get("/order", self._signed(self._order)),
            web.get("/fills", self._signed(self._fills)),
            web.get("/balances", self._signed(self._balances)),
            *self.truth.routes(),
        ]

    def endpoints(self, host: str, port: int) -> Endpoints:
        ws = f"ws://{host}:{port}/ws"
        return Endpoints(
            rest=f"http://{host}:{port}", ws={"public": f"{ws}/public", "private": f"{ws}/private"}
        )

    def accounts(self) -> Sequence[Account]:
        return [self._login]

    async def stop(self) -> None:
        await super().stop()
        for socket in tuple(self._sockets):
            await socket.close()
        self.desk.close()

    @property
    def _now_ms(self) -> int:
        return self.world.clock.now_ns() // 1_000_000

    # -- public ----------------------------------------------------------------------------------------

    async def _instruments(self, _: web.Request) -> web.Response:
        return _json(
            [
                {
                    "symbol": symbol,
                    "base": market.instrument.base,
                    "quote": market.instrument.quote,
                    "tick": f"{market.instrument.tick_size:f}",
                    "lot": f"{market.instrument.lot_size:f}",
                    "min_value": f"{market.instrument.min_notional:f}",
                }
                for symbol, market in self._markets.items()
            ]
        )

    async def _public(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, self._subscribe)

    def _subscribe(self, subscriber: Subscriber, asked: Any) -> None:
        market = self._markets[asked["symbol"]]
        if asked["channel"] == "book":
            levels = {"bids": market.levels(Side.BUY), "asks": market.levels(Side.SELL)}
            seq = self._seqs[asked["symbol"]]
            subscriber.outbox.send(self._book(asked["symbol"], "snapshot", seq, 0, levels))
        self.hub.subscribe(subscriber, f"{asked['channel']}/{asked['symbol']}")

    def _on_step(self, step: MarketStep) -> None:
        instrument = step.market.instrument
        symbol = f"{instrument.base}-{instrument.quote}"
        if step.levels:
            before = self._seqs[symbol]
            self._seqs[symbol] += 1
            levels = {
                name: [(price, size) for side, price, size in step.levels if side is wanted]
                for name, wanted in (("bids", Side.BUY), ("asks", Side.SELL))
            }
            self.hub.publish(f"book/{symbol}", self._book(symbol, "update", before + 1, before, levels))
        for trade in step.trades:
            data = {
                "id": str(trade.trade_id),
                "side": trade.side.value,
                "price": instrument.format_price(trade.price),
                "size": instrument.format_size(trade.size),
            }
            frame = {"channel": "trades", "symbol": symbol, "time": self._now_ms, "data": data}
            self.hub.publish(f"trades/{symbol}", _encode(frame).decode())

    def _book(self, symbol: str, type: str, seq: int, prev: int, levels: Any) -> str:
        instrument = self._markets[symbol].instrument
        written = {
            name: [[instrument.format_price(price), instrument.format_size(size)] for price, size in side]
            for name, side in levels.items()
        }
        frame = {"channel": "book", "symbol": symbol, "type": type, "seq": seq, "prev": prev}
        return _encode({**frame, "time": self._now_ms, **written}).decode()

    # -- private ---------------------------------------------------------------------------------------

    async def _private(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, self._log_in)

    def _log_in(self, subscriber: Subscriber, asked: Any) -> None:
        expected = sign(Secret(self._login.secret), f"{asked['time']}login")
        if asked["key"] != self._login.key or asked["sign"] != expected:
            subscriber.outbox.send('{"op":"login","code":"bad-key"}')
            return
        self.hub.subscribe(subscriber, f"private/{_ACCOUNT}")
        self.hub.reply(subscriber, "login", '{"op":"login"}')

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Tell what happened to an order, as a listener of the desk."""
        if fill is not None:
            self._tell("fills", _told_fill(fill))
        if event is not OrderEvent.FILL or not order.is_open:
            self._tell("orders", _told_order(order))

    def _tell(self, channel: str, data: Any) -> None:
        frame = _encode({"channel": channel, "time": self._now_ms, "data": data}).decode()
        self.hub.publish(f"private/{_ACCOUNT}", frame, channel)

    def _signed(
        self, handle: Callable[[web.Request, bytes], web.Response]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def check(request: web.Request) -> web.Response:
            body = await request.read()
            headers = request.headers
            message = f"{headers.get('ACME-TIME', '')}{request.method}{request.path_qs}{body.decode()}"
            if headers.get("ACME-SIGN") != sign(Secret(self._login.secret), message):
                return _failed("bad-key", "key or signature are wrong", status=401)
            try:
                return handle(request, body)
            except Refused as refused:
                code = refused.reason.value
                return _failed(code, f"refused: {code}", status=404 if request.path == "/order" else 400)

        return check

    def _place(self, request: web.Request, body: bytes) -> web.Response:
        now_ns = self.world.clock.true.now_ns()
        if len(self._orders) == self._orders.maxlen and now_ns - self._orders[0] < limits.S:
            return _failed("too-many-requests", "too many orders", status=429)
        self._orders.append(now_ns)
        asked = msgspec.json.decode(body)
        market = self._markets[asked["symbol"]]
        price = asked["price"]
        order = ClientOrder(
            account=self.account,
            market=market,
            side=Side(asked["side"]),
            size=lots_of(market.instrument, Decimal(asked["size"])),
            price=None if price is None else Price(ticks_of(market.instrument, Decimal(price))),
            client_id=asked["client_id"],
            time_in_force=TimeInForce(asked["time_in_force"]),
            post_only=asked["post_only"],
        )
        self.desk.place(order)
        return _json({"id": str(order.id)})

    def _cancel(self, request: web.Request, _: bytes) -> web.Response:
        order = self._found(request)
        self.desk.cancel(order)
        return _json({"id": str(order.id)})

    def _open_orders(self, _: web.Request, __: bytes) -> web.Response:
        return _json([_told_order(order) for order in self.account.open_orders()])

    def _order(self, request: web.Request, _: bytes) -> web.Response:
        return _json(_told_order(self._found(request)))

    def _fills(self, request: web.Request, _: bytes) -> web.Response:
        market = self._markets[request.query["symbol"]]
        since_ns = int(request.query["since"]) * 1_000_000
        fills = [each for each in self.account.fills if each.order.market is market]
        return _json([_told_fill(each) for each in fills if each.time_ns >= since_ns])

    def _balances(self, _: web.Request, __: bytes) -> web.Response:
        wallet = self.account.wallet
        return _json(
            [
                {"asset": asset, "free": f"{wallet.free(asset):f}", "locked": f"{wallet.locked(asset):f}"}
                for asset in wallet.assets()
            ]
        )

    def _found(self, request: web.Request) -> ClientOrder:
        market = self._markets[request.query["symbol"]]
        order = self.account.find(market, client_id=request.query["client_id"])
        if order is None:
            raise Refused(Reason.UNKNOWN_ORDER)
        return order

    # -- sockets ---------------------------------------------------------------------------------------

    async def _serve(
        self, request: web.Request, take: Callable[[Subscriber, Any], None]
    ) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        subscriber = Subscriber(Outbox(socket, request.transport, self._counters), lambda _, payload: payload)
        self.hub.join(subscriber)
        self._sockets.add(socket)
        writer = asyncio.create_task(subscriber.outbox.run())
        try:
            async for message in socket:
                take(subscriber, msgspec.json.decode(message.data))
        finally:
            self.hub.leave(subscriber)
            self._sockets.discard(socket)
            subscriber.outbox.finish()
            await writer
        return socket


def _told_order(order: ClientOrder) -> dict[str, Any]:
    instrument = order.market.instrument
    return {
        "id": str(order.id),
        "client_id": order.client_id,
        "symbol": f"{instrument.base}-{instrument.quote}",
        "side": order.side.value,
        "price": None if order.price is None else instrument.format_price(order.price),
        "size": instrument.format_size(order.size),
        "filled": instrument.format_size(order.filled),
        "state": _STATES.get(order.state.value, "expired"),
        "post_only": order.post_only,
        "time_in_force": order.time_in_force.value,
        "time": order.updated_ns // 1_000_000,
    }


def _told_fill(fill: Fill) -> dict[str, Any]:
    order, instrument = fill.order, fill.order.market.instrument
    return {
        "id": str(fill.trade_id),
        "order_id": str(order.id),
        "client_id": order.client_id,
        "symbol": f"{instrument.base}-{instrument.quote}",
        "side": order.side.value,
        "price": instrument.format_price(fill.price),
        "size": instrument.format_size(fill.size),
        "fee": f"{fill.fee:f}",
        "fee_asset": fill.fee_asset,
        "is_maker": fill.is_maker,
        "time": fill.time_ns // 1_000_000,
    }


def _json(body: Any) -> web.Response:
    return web.Response(body=_encode(body), content_type="application/json")


def _failed(code: str, message: str, *, status: int) -> web.Response:
    body = _encode({"code": code, "message": message})
    return web.Response(status=status, body=body, content_type="application/json")
