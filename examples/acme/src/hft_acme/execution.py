"""Trading on Acme: orders by REST, what becomes of them by the private socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar

from hft import (
    ApprovedOrder,
    BalanceReport,
    Capabilities,
    ConnectionSpec,
    DecodeError,
    ExecutionClient,
    ExecutionEvents,
    Fill,
    HttpRequest,
    Instrument,
    KnownOrder,
    Link,
    Liquidity,
    NoSuchOrder,
    Order,
    OrderError,
    OrderQuestions,
    OrderReport,
    OrderStatus,
    OrderType,
    Price,
    Priority,
    ReportKind,
    RequestRefused,
    RestAnswer,
    RestCall,
    Side,
    Size,
    TimeInForce,
    TransportError,
    UsageError,
    asking,
    persistently,
    reading,
)
from hft_acme import codec, limits
from hft_acme.config import Config
from hft_acme.signing import sign

__all__ = ["AcmeExecution"]

T = TypeVar("T")

NS_PER_MS = 1_000_000

_WAIT_NS = 1_000_000_000
"""How long a new order may wait for its turn under the limits."""

_KINDS = {
    "open": ReportKind.ACCEPTED,
    "filled": ReportKind.ACCEPTED,
    "canceled": ReportKind.CANCELED,
    "expired": ReportKind.EXPIRED,
}
"""An order that has traded whole is ACCEPTED with all of its size filled."""


class AcmeExecution(ExecutionClient[Config]):
    """Places and cancels by REST; the private socket tells fills and ends."""

    capabilities = Capabilities(order_types=frozenset({OrderType.LIMIT, OrderType.MARKET}))
    rate_limits = limits.RATE_LIMITS

    def __init__(self, config: Config, events: ExecutionEvents, link: Link) -> None:
        super().__init__(config, events, link)
        if not (config.key and config.secret):
            raise UsageError(f"{link.exchange}: trading needs 'key' and 'secret'")
        self._key, self._secret = config.key, config.secret
        self._rest = link.url or "https://api.acme.example"
        self._ws = self._rest.replace("http", "ws", 1) + "/ws/private"
        self._instruments: dict[str, Instrument] = {}
        self._questions = OrderQuestions(link, events, self._find)

    # -- orders ----------------------------------------------------------------------------------------

    def place(self, order: ApprovedOrder) -> None:
        def write(now_ns: int) -> HttpRequest:
            reason = self.events.refusal(order)
            if reason:
                raise OrderError(reason)
            return self._written("POST", "/orders", codec.order_body(order), now_ns)

        call = RestCall(
            method="POST",
            shown="/orders",
            write=write,
            costs=((limits.ORDERS, 1),),
            priority=Priority.NEW,
            deadline_ns=self.clock.now_ns() + _WAIT_NS,
        )
        self.link.call(call, partial(self._on_answer, order, ReportKind.ACCEPTED, ReportKind.REJECTED))

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        raise OrderError("Acme cannot change an order")

    def cancel(self, order: Order) -> None:
        path = f"/orders?symbol={order.instrument.native_symbol}&client_id={order.client_order_id}"
        call = self._call("DELETE", path, costs=((limits.ORDERS, 1),), priority=Priority.CANCEL)
        done = partial(self._on_answer, order, ReportKind.CANCELED, ReportKind.CANCEL_REJECTED)
        self.link.call(call, done)

    def _on_answer(
        self, order: Order, done: ReportKind, refused: ReportKind, answer: RestAnswer | TransportError
    ) -> None:
        kind, code, reason, exchange_id = ReportKind.UNKNOWN, "", "", ""
        if isinstance(answer, TransportError):
            reason = str(answer)
            if answer.sent is False:
                kind, reason = refused, f"not sent: {answer}"
        else:
            try:
                if answer.status == 200:
                    exchange_id = codec.decode(answer.body, codec.Placed).id
                    kind = done
                elif answer.status in (400, 401, 429):
                    failure = codec.decode(answer.body, codec.Failure)
                    kind, code, reason = refused, failure.code, failure.message
                else:
                    reason = f"status {answer.status}"
            except DecodeError as error:
                # Whatever answered, it was not the exchange: it may have carried the request out.
                self.link.undecoded("/orders", answer.body, str(error))
                reason = "the answer cannot be read"
        if kind is ReportKind.CANCELED:
            return  # the private socket tells it with what has traded
        self.events.on_report(
            OrderReport(
                client_order_id=order.client_order_id,
                kind=kind,
                exchange_order_id=exchange_id,
                code=code,
                reason=reason,
                recv_ns=self.clock.now_ns(),
            )
        )

    def query(self, order: Order) -> None:
        self._questions.ask(order)

    async def _find(self, order: Order) -> KnownOrder | NoSuchOrder:
        asked_ns = self.clock.now_ns()
        status = await self.order_status(order.instrument, order.client_order_id)
        if status is None:
            return NoSuchOrder(asked_ns)
        fills: Sequence[Fill] = ()
        if status.report.filled:
            listed = await self.executions(order.instrument, 0)
            fills = [fill for fill in listed if fill.client_order_id == order.client_order_id]
        return KnownOrder(status.report, fills)

    # -- the account -----------------------------------------------------------------------------------

    async def start(self, instruments: Sequence[Instrument]) -> None:
        self._instruments = {each.native_symbol: each for each in instruments}
        await persistently(self.link, self.balances)
        self.link.connect(ConnectionSpec(name=self._ws, url=self._ws))

    async def open_orders(self) -> Sequence[OrderStatus]:
        with asking(self.link, "open orders"):
            listed = await self._ask_for("/orders", list[codec.OrderState])
            return [self._status(each) for each in listed if each.symbol in self._instruments]

    async def order_status(self, instrument: Instrument, client_order_id: str) -> OrderStatus | None:
        path = f"/order?symbol={instrument.native_symbol}&client_id={client_order_id}"
        with asking(self.link, "order"):
            answer = await self.link.fetch(self._call("GET", path))
            if answer.status == 404 and self._failure(answer).code == "unknown-order":
                return None
            return self._status(self._read(answer, codec.OrderState))

    async def executions(self, instrument: Instrument, since_ns: int) -> Sequence[Fill]:
        path = f"/fills?symbol={instrument.native_symbol}&since={since_ns // NS_PER_MS}"
        with asking(self.link, "executions"):
            return [self._fill(each) for each in await self._ask_for(path, list[codec.Execution])]

    async def balances(self) -> Sequence[BalanceReport]:
        with asking(self.link, "balances"):
            return [
                BalanceReport(
                    exchange=self.link.exchange,
                    asset=each.asset,
                    total=Decimal(each.free) + Decimal(each.locked),
                    locked=Decimal(each.locked),
                )
                for each in await self._ask_for("/balances", list[codec.Balance])
            ]

    async def cancel_orders(self, orders: Sequence[OrderStatus]) -> Sequence[str]:
        for each in orders:
            symbol, client_id = each.instrument.native_symbol, each.client_order_id
            path = f"/orders?symbol={symbol}&client_id={client_id}"
            call = self._call("DELETE", path, costs=((limits.ORDERS, 1),), priority=Priority.CANCEL)
            answer = await self.link.fetch(call)
            if answer.status != 200 and self._failure(answer).code != "unknown-order":
                raise self._refusal(answer)
        return [each.client_order_id for each in orders]

    # -- the private socket ----------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        def write(now_ns: int) -> bytes:
            now_ms = now_ns // NS_PER_MS
            return codec.login(self._key.reveal(), now_ms, sign(self._secret, f"{now_ms}login"))

        self.link.send(self._ws, (), Priority.CANCEL, write)

    def on_close(self, conn: str, recv_ns: int) -> None:
        self.events.on_lost(self.link.exchange, "the private socket is not connected")

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        frame = codec.decode(data, codec.Frame)
        if frame.op == "login" and not frame.code:
            self.events.on_ready(self.link.exchange)
        elif frame.channel == "orders":
            self._on_order(codec.decode(frame.data, codec.OrderState), recv_ns)
        elif frame.channel == "fills":
            fill = self._fill(codec.decode(frame.data, codec.Execution))
            fill.recv_ns = recv_ns
            self.events.on_fill(fill)
        else:
            raise DecodeError(f"unknown frame of channel {frame.channel[:20]!r}")

    def _on_order(self, order: codec.OrderState, recv_ns: int) -> None:
        report = self._status(order).report
        report.recv_ns = recv_ns
        # What has traded whole is told by its fills.
        if order.state != "filled":
            self.events.on_report(report)

    # -- reading ---------------------------------------------------------------------------------------

    def _status(self, order: codec.OrderState) -> OrderStatus:
        with reading("order"):
            instrument = self._instruments[order.symbol]
            return OrderStatus(
                report=OrderReport(
                    client_order_id=order.client_id,
                    kind=_KINDS[order.state],
                    exchange_order_id=order.id,
                    filled=instrument.size(order.filled),
                    exchange_ns=order.time * NS_PER_MS,
                ),
                instrument=instrument,
                side=Side(order.side),
                size=instrument.size(order.size),
                price=None if order.price is None else instrument.price(order.price),
                type=OrderType.MARKET if order.price is None else OrderType.LIMIT,
                time_in_force=TimeInForce(order.time_in_force),
                post_only=order.post_only,
            )

    def _fill(self, told: codec.Execution) -> Fill:
        with reading("fill"):
            instrument = self._instruments[told.symbol]
            return Fill(
                client_order_id=told.client_id,
                instrument=instrument,
                trade_id=told.id,
                side=Side(told.side),
                price=instrument.price(told.price),
                size=instrument.size(told.size),
                liquidity=Liquidity.MAKER if told.is_maker else Liquidity.TAKER,
                fee=Decimal(told.fee),
                fee_asset=told.fee_asset,
                exchange_order_id=told.order_id,
                exchange_ns=told.time * NS_PER_MS,
            )

    # -- requests --------------------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        *,
        costs: tuple[tuple[str, int], ...] = ((limits.REQUESTS, 1),),
        priority: Priority = Priority.QUERY,
    ) -> RestCall:
        shown = path.partition("?")[0]
        return RestCall(
            method=method,
            shown=shown,
            write=lambda now_ns: self._written(method, path, b"", now_ns),
            costs=costs,
            priority=priority,
        )

    def _written(self, method: str, path: str, body: bytes, now_ns: int) -> HttpRequest:
        now_ms = now_ns // NS_PER_MS
        signature = sign(self._secret, f"{now_ms}{method}{path}{body.decode()}")
        headers: Mapping[str, str] = {
            "ACME-KEY": self._key.reveal(),
            "ACME-TIME": str(now_ms),
            "ACME-SIGN": signature,
        }
        return HttpRequest(url=f"{self._rest}{path}", headers=headers, body=body)

    async def _ask_for(self, path: str, type: type[T]) -> T:
        return self._read(await self.link.fetch(self._call("GET", path)), type)

    def _read(self, answer: RestAnswer, type: type[T]) -> T:
        if answer.status != 200:
            raise self._refusal(answer)
        return codec.decode(answer.body, type)

    def _refusal(self, answer: RestAnswer) -> RequestRefused:
        failure = self._failure(answer)
        return RequestRefused(
            f"refused: {failure.code} {failure.message}",
            status=answer.status,
            code=failure.code,
            asked_ns=answer.sent_ns,
            bad_key=answer.status == 401,
        )

    @staticmethod
    def _failure(answer: RestAnswer) -> codec.Failure:
        try:
            return codec.decode(answer.body, codec.Failure)
        except DecodeError:
            return codec.Failure(code="", message=f"status {answer.status}")
