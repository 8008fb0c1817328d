"""Trading on Bybit: spot and linear contracts with one key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Raw

from hft import (
    ApprovedOrder,
    BalanceReport,
    Capabilities,
    ClockOffset,
    DecodeError,
    Duration,
    ExchangeTime,
    ExecutionClient,
    ExecutionEvents,
    Fill,
    Funding,
    Instrument,
    KnownOrder,
    Link,
    NoSuchOrder,
    Order,
    OrderEntry,
    OrderQuestions,
    OrderReport,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionReport,
    Price,
    Priority,
    ReportKind,
    RequestRefused,
    Size,
    TimeInForce,
    UsageError,
    all_done,
    asking,
    decoder,
    persistently,
    reading,
)
from hft_bybit import limits
from hft_bybit.account import Account
from hft_bybit.checks import check_account, check_key
from hft_bybit.config import Config
from hft_bybit.confirmations import Awaited, Confirmations
from hft_bybit.dead_man import DeadMan
from hft_bybit.endpoints import Product, hosts_at, product_traded
from hft_bybit.evidence import Evidence
from hft_bybit.order_requests import Desk
from hft_bybit.order_socket import OrderSocket
from hft_bybit.private_codec import (
    Execution,
    OrderState,
    PositionState,
    WalletState,
    decode_batch,
    decode_verdicts,
)
from hft_bybit.refusals import NO_SUCH_ORDER
from hft_bybit.requests import OrderBodies
from hft_bybit.rest_api import RestApi
from hft_bybit.signing import make_signer
from hft_bybit.user_stream import UserStream

__all__ = ["BybitExecution"]

_TIME_MARGIN_NS = 1_000_000_000
"""How far from the future a request may come."""

_STOPS = frozenset({OrderType.STOP_LIMIT, OrderType.STOP_MARKET})
_PLAIN = frozenset({OrderType.LIMIT, OrderType.MARKET})
_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})

_decode_orders = decoder(list[OrderState], "orders")
_decode_executions = decoder(list[Execution], "executions")
_decode_positions = decoder(list[PositionState], "positions")
_decode_wallets = decoder(list[WalletState], "wallets")


class BybitExecution(ExecutionClient[Config]):
    """Trades spot and linear contracts of a unified account with one key.

    There is one private stream and, unless ``order_entry`` is REST, one connection for orders, both for
    all products; cancels fall back on REST where that is down.
    """

    capabilities = Capabilities(order_types=_PLAIN | _STOPS)
    rate_limits = limits.ORDER_LIMITS

    def __init__(self, config: Config, events: ExecutionEvents, link: Link) -> None:
        super().__init__(config, events, link)
        if not (config.key and config.secret):
            raise UsageError(f"{link.exchange}: trading needs 'key' and 'secret'")
        self._signer = make_signer(config.key, config.secret)
        self._hosts = hosts_at(link.environment, link.url)
        self._confirmations = Confirmations(link.clock, config.answer_timeout, self._on_overdue)
        self._evidence = Evidence(
            events,
            hedge=config.position_mode is PositionMode.HEDGE,
            warn=link.warn,
            confirmations=self._confirmations,
        )
        self._api = RestApi(
            self._hosts.rest,
            link,
            self._signer,
            ClockOffset(),
            recv_window_ms=config.recv_window // 1_000_000,
        )
        self._account = self._account_of(())
        self._time = ExchangeTime(link, self._api.clock, self._api.time_call, self._api.take_time)
        self._stream = UserStream(
            self._hosts.private,
            link,
            self._signer,
            self._api,
            on_message=self._on_message,
            changed=self._on_change,
            bad_time=self._time.distrust,
        )
        self._dead_man = DeadMan(link, self._api, self._stream.switch)
        self._socket: OrderSocket | None = None
        self._desks: dict[Instrument, Desk] = {}
        self._handlers: dict[str, Callable[[Raw, int, int], None]] = {
            "order": self._on_orders,
            "execution": self._on_executions,
            "position": self._on_positions,
            "wallet": self._on_wallets,
        }
        self._is_ready = False
        self._questions = OrderQuestions(link, events, self._find)
        request_ns = Duration(config.recv_window + config.order_wait + _TIME_MARGIN_NS)
        self._capabilities = {
            product: Capabilities(
                amend=True,
                reduce_only=product is Product.LINEAR,
                hedge=product is Product.LINEAR and config.position_mode is PositionMode.HEDGE,
                batch=limits.BATCH[product],
                cancel_batch=limits.BATCH[product],
                dead_man=True,
                order_types=_PLAIN | _STOPS if product is Product.LINEAR else _PLAIN,
                times_in_force=_TIMES,
                request_validity_ns=request_ns,
            )
            for product in Product
        }

    def capabilities_of(self, instrument: Instrument) -> Capabilities:
        return self._capabilities[product_traded(instrument)]

    # -- orders ------------------------------------------------------------------------------------

    def place(self, order: ApprovedOrder) -> None:
        self._desks[order.instrument].place(order)

    def place_batch(self, orders: Sequence[ApprovedOrder]) -> None:
        self._desks[orders[0].instrument].place_batch(orders)

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        self._desks[order.instrument].amend(order, price, size)

    def cancel(self, order: Order) -> None:
        self._desks[order.instrument].cancel(order)

    def cancel_batch(self, orders: Sequence[Order]) -> None:
        self._desks[orders[0].instrument].cancel_batch(orders)

    def query(self, order: Order) -> None:
        self._questions.ask(order)

    async def _find(self, order: Order) -> KnownOrder | NoSuchOrder:
        instrument = order.instrument
        status = await self._account.order(instrument, order.client_order_id)
        if isinstance(status, NoSuchOrder):
            return status
        fills: Sequence[Fill] = ()
        if (status.report.filled or 0) > order.filled:
            fills = await self._account.fills_of(instrument, status.report.exchange_order_id)
        return KnownOrder(status.report, fills)

    def _on_overdue(self, order: Order, what: Awaited) -> None:
        """Ask what became of something that was taken, and of which the private stream says nothing."""
        if what is Awaited.PLACED:
            self.query(order)
            return
        self.events.on_report(
            OrderReport(
                client_order_id=order.client_order_id,
                kind=ReportKind.UNKNOWN,
                reason=f"that it was {what.value} is taken and not heard of",
                recv_ns=self.clock.now_ns(),
            )
        )

    # -- the account -------------------------------------------------------------------------------

    async def start(self, instruments: Sequence[Instrument]) -> None:
        self._account = self._account_of(instruments)
        await persistently(self.link, self._api.measure)
        self._time.warn_if_far()
        await check_key(self._api, self.link, self.config, instruments)
        await check_account(self._api, self.link, self.config, self._account.contracts)
        self._begin(instruments)
        self._time.begin()

    async def stop(self) -> None:
        self._time.stop()
        self._stream.stop()
        if self._socket is not None:
            self._socket.stop()

    async def open_orders(self) -> Sequence[OrderStatus]:
        with asking(self.link, "open orders"):
            return await self._account.open_orders()

    async def order_status(self, instrument: Instrument, client_order_id: str) -> OrderStatus | None:
        with asking(self.link, "order"):
            status = await self._account.order(instrument, client_order_id)
        return status if isinstance(status, OrderStatus) else None

    async def executions(self, instrument: Instrument, since_ns: int) -> Sequence[Fill]:
        with asking(self.link, "executions"):
            return await self._account.executions(instrument, since_ns)

    async def fundings(self, instrument: Instrument, since_ns: int) -> Sequence[Funding]:
        with asking(self.link, "fundings"):
            return await self._account.fundings(instrument, since_ns)

    async def positions(self) -> Sequence[PositionReport]:
        with asking(self.link, "positions"):
            return await self._account.positions()

    async def balances(self) -> Sequence[BalanceReport]:
        with asking(self.link, "balances"):
            return await self._account.balances()

    async def cancel_orders(self, orders: Sequence[OrderStatus]) -> Sequence[str]:
        # All at once, each batch as its turn comes; one that fails keeps no other from being cancelled.
        by_product: dict[Product, list[OrderStatus]] = {}
        for status in orders:
            by_product.setdefault(product_traded(status.instrument), []).append(status)
        batches = [
            (product, listed[at : at + limits.BATCH[product]])
            for product, listed in by_product.items()
            for at in range(0, len(listed), limits.BATCH[product])
        ]
        with asking(self.link, "cancelling"):
            await all_done(*(self._cancel_listed(product, batch) for product, batch in batches))
        return [status.client_order_id for status in orders]

    async def _cancel_listed(self, product: Product, orders: Sequence[OrderStatus]) -> None:
        body = _cancel_body(product, orders)
        call = self._api.post(
            "/v5/order/cancel-batch",
            lambda: body,
            costs=limits.order_costs(product, "cancel-batch", rest=True, orders=len(orders)),
            priority=Priority.CANCEL,
        )
        envelope = await self._api.send(call)
        said = decode_verdicts(envelope.verdicts)
        if len(said) != len(orders) or len(decode_batch(envelope.result).orders) != len(orders):
            raise DecodeError(f"{len(said)} answers to {len(orders)} cancels")
        for each in said:
            # It was gone before: filled or cancelled, the order manager will hear which.
            if each.code and each.code not in NO_SUCH_ORDER:
                raise RequestRefused(
                    f"cancelling: refused: {each.code} {each.message[:200]!r}",
                    status=200,
                    code=each.code,
                    asked_ns=self.clock.now_ns(),
                )

    def _account_of(self, instruments: Sequence[Instrument]) -> Account:
        return Account(self._api, self._evidence, self.link.exchange, instruments, self.config.position_mode)

    def arm_dead_man(self, timeout_ns: int) -> None:
        products = dict.fromkeys(product_traded(instrument) for instrument in self._desks)
        self._dead_man.arm(tuple(products), timeout_ns)

    # -- connections -------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        if self._socket is not None and conn == self._socket.conn:
            self._socket.on_open()
        elif conn == self._stream.conn:
            self._stream.on_open()

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        if self._socket is not None and conn == self._socket.conn:
            self._socket.on_frame(data, recv_ns)
        elif conn == self._stream.conn:
            self._stream.on_frame(data, recv_ns)

    def on_close(self, conn: str, recv_ns: int) -> None:
        if self._socket is not None and conn == self._socket.conn:
            self._socket.on_close()
        elif conn == self._stream.conn:
            self._stream.on_close()

    # -- beginning ---------------------------------------------------------------------------------

    def _begin(self, instruments: Sequence[Instrument]) -> None:
        if self.config.order_entry is OrderEntry.WEBSOCKET:
            self._socket = self._make_socket()
        for instrument in instruments:
            self._desks[instrument] = self._desk(instrument)
        self._stream.connect()
        if self._socket is not None:
            self._socket.connect()

    def _make_socket(self) -> OrderSocket | None:
        if self._hosts.trade is None:
            self.link.warn(f"{self.link.exchange}: {self.link.environment} takes orders by REST only")
            return None
        return OrderSocket(
            self._hosts.trade,
            self.link,
            self._signer,
            self._api,
            answer_timeout_ns=self.config.answer_timeout,
            changed=self._on_change,
            bad_time=self._time.distrust,
        )

    def _desk(self, instrument: Instrument) -> Desk:
        prevention = self.config.self_trade_prevention
        words = "" if prevention is None else prevention.value.title().replace("-", "")
        return Desk(
            instrument,
            self.link,
            self._api,
            self._evidence,
            self._confirmations,
            bodies=OrderBodies(instrument, {"smpType": words} if words else None),
            socket=self._socket,
            order_wait_ns=self.config.order_wait,
            bad_time=self._time.distrust,
        )

    def _on_change(self, lost: str) -> None:
        """Say whether orders can be sent and are heard of, where that changed."""
        if lost:
            if self._is_ready:
                self._is_ready = False
                self.events.on_lost(self.link.exchange, lost)
            return
        usable = self._socket is None or self._socket.ready
        if not self._is_ready and usable and self._stream.ready:
            self._is_ready = True
            self.events.on_ready(self.link.exchange)

    # -- private messages --------------------------------------------------------------------------

    def _on_message(self, topic: str, data: Raw, created_ms: int, recv_ns: int) -> None:
        with reading(topic):
            self._handlers[topic](data, created_ms, recv_ns)

    def _instrument(self, category: str, symbol: str) -> Instrument | None:
        return self._account.instruments.get((category, symbol))

    def _on_orders(self, data: Raw, created_ms: int, recv_ns: int) -> None:
        for order in _decode_orders(data):
            if instrument := self._instrument(order.category, order.symbol):
                self._evidence.on_order(order, instrument, recv_ns)

    def _on_executions(self, data: Raw, created_ms: int, recv_ns: int) -> None:
        for execution in _decode_executions(data):
            if instrument := self._instrument(execution.category, execution.symbol):
                self._evidence.on_execution(execution, instrument, recv_ns)

    def _on_positions(self, data: Raw, created_ms: int, recv_ns: int) -> None:
        for position in _decode_positions(data):
            if instrument := self._instrument(position.category, position.symbol):
                self.events.on_position(self._account.position(position, instrument))

    def _on_wallets(self, data: Raw, created_ms: int, recv_ns: int) -> None:
        for wallet in _decode_wallets(data):
            for coin in wallet.coins:
                self.events.on_balance(self._account.balance(coin, created_ms))


def _cancel_body(product: Product, orders: Sequence[OrderStatus]) -> str:
    listed = [
        {"symbol": status.instrument.native_symbol, "orderId": status.report.exchange_order_id}
        for status in orders
    ]
    return msgspec.json.encode({"category": product.value, "request": listed}).decode()
