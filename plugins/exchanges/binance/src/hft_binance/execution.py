"""Trading on Binance: spot and USD-M futures with one key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from hft import (
    ApprovedOrder,
    BalanceReport,
    Capabilities,
    ClockOffset,
    Duration,
    ExchangeTime,
    ExecutionClient,
    ExecutionEvents,
    Fill,
    Funding,
    FundingSearch,
    Instrument,
    KnownOrder,
    Link,
    NoSuchOrder,
    Order,
    OrderEntry,
    OrderQuestions,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionReport,
    Price,
    RequestRefused,
    RestAnswer,
    Size,
    TimeInForce,
    TransportError,
    UsageError,
    all_done,
    asking,
    persistently,
    reading,
)
from hft_binance import limits
from hft_binance.account import FUNDING, Account
from hft_binance.checks import check_account, check_key
from hft_binance.config import Config, UserStream
from hft_binance.endpoints import Product, hosts_at
from hft_binance.evidence import Evidence
from hft_binance.order_params import product_traded
from hft_binance.order_requests import Desk
from hft_binance.order_socket import OrderSocket
from hft_binance.private_codec import (
    AccountPosition,
    AccountUpdate,
    AlgoUpdate,
    ConfigUpdate,
    ExecutionReport,
    MarginCall,
    OrderTradeUpdate,
    UserEvent,
    decode_limits,
)
from hft_binance.refusals import NO_SUCH_ORDER
from hft_binance.requests import RestOrders, WebsocketOrders
from hft_binance.rest_api import RestApi
from hft_binance.signing import Ed25519Signer, Signer, make_signer
from hft_binance.user_stream import ListenKeyStream, SocketStream, UserDataStream

__all__ = ["BinanceExecution"]

_TIME_MARGIN_NS = 1_000_000_000
"""How far from the future a request may come."""

_ALL_TYPES = frozenset(OrderType)
_SPOT_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})


class BinanceExecution(ExecutionClient[Config]):
    """Trades spot and USD-M futures, each by its own rules, with one key.

    Only the products of the run's instruments are connected. Each has a private stream and, unless
    ``order_entry`` is REST, a connection for orders; cancels fall back on REST where that is down.
    """

    capabilities = Capabilities(order_types=_ALL_TYPES)
    rate_limits = limits.ORDER_LIMITS

    def __init__(self, config: Config, events: ExecutionEvents, link: Link) -> None:
        super().__init__(config, events, link)
        if not (config.key and config.secret):
            raise UsageError(f"{link.exchange}: trading needs 'key' and 'secret'")
        self._signer: Signer = make_signer(config.key, config.secret)
        self._hosts = hosts_at(link.environment, link.url)
        self._evidence = Evidence(events, warn=link.warn, lacking=self._on_lacking)
        self._apis: dict[Product, RestApi] = {}
        self._accounts: dict[Product, Account] = {}
        self._sockets: dict[str, OrderSocket] = {}
        self._streams: dict[str, UserDataStream] = {}
        self._desks: dict[Instrument, Desk] = {}
        self._handlers: dict[type, Callable[..., None]] = {
            ExecutionReport: self._on_execution,
            OrderTradeUpdate: self._on_order_trade,
            AccountPosition: self._on_account_position,
            AccountUpdate: self._on_account_update,
            AlgoUpdate: self._on_algo_update,
            ConfigUpdate: self._on_config_update,
            MarginCall: self._on_margin_call,
        }
        self._is_ready = False
        self._times: dict[Product, ExchangeTime] = {}
        self._questions = OrderQuestions(link, events, self._find)
        self._funding = FundingSearch(link, events, self.fundings)
        request_ns = config.recv_window + config.order_wait + _TIME_MARGIN_NS
        self._capabilities = {
            Product.SPOT: Capabilities(
                amend_reduces=True,
                amend_keeps_priority=True,
                order_types=_ALL_TYPES,
                times_in_force=_SPOT_TIMES,
                request_validity_ns=Duration(request_ns),
            ),
            Product.USDM: Capabilities(
                amend=True,
                reduce_only=True,
                hedge=config.position_mode is PositionMode.HEDGE,
                batch=limits.BATCH,
                cancel_batch=limits.CANCEL_BATCH,
                dead_man=True,
                order_types=_ALL_TYPES,
                times_in_force=frozenset(TimeInForce),
                request_validity_ns=Duration(request_ns),
            ),
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
        instrument, client_id = order.instrument, order.client_order_id
        account = self._account(instrument)
        status = await account.order(instrument, client_id, stop=order.type.has_trigger)
        fills: Sequence[Fill] = ()
        if isinstance(status, NoSuchOrder):
            return status
        if (status.report.filled or 0) > order.filled:
            fills = await account.fills_of(instrument, status.report.exchange_order_id, client_id)
        return KnownOrder(status.report, fills)

    # -- the account -------------------------------------------------------------------------------

    def wallet_of(self, instrument: Instrument) -> str:
        return product_traded(instrument).value

    async def start(self, instruments: Sequence[Instrument]) -> None:
        by_product: dict[Product, list[Instrument]] = {}
        for instrument in instruments:
            by_product.setdefault(product_traded(instrument), []).append(instrument)
        for product, traded in by_product.items():
            self._open_account(product, traded)
        for product, api in self._apis.items():
            await persistently(self.link, api.measure)
            await persistently(self.link, partial(self._learn_limits, api, by_product[product][0]))
        if self._apis:
            await self._check_key()
        for product, api in self._apis.items():
            self._times[product].warn_if_far()
            await check_account(api, self.link, self.config, self._accounts[product].instruments)
        for product in by_product:
            self._begin(product)
        self._on_change("")
        for time in self._times.values():
            time.begin()

    async def stop(self) -> None:
        self._funding.stop()
        for time in self._times.values():
            time.stop()
        for stream in self._streams.values():
            stream.stop()

    async def open_orders(self) -> Sequence[OrderStatus]:
        with asking(self.link, "open orders"):
            return [status for account in self._accounts.values() for status in await account.open_orders()]

    async def order_status(self, instrument: Instrument, client_order_id: str) -> OrderStatus | None:
        with asking(self.link, "order"):
            status = await self._account(instrument).order(instrument, client_order_id, stop=None)
        return status if isinstance(status, OrderStatus) else None

    async def executions(self, instrument: Instrument, since_ns: int) -> Sequence[Fill]:
        with asking(self.link, "executions"):
            return await self._account(instrument).executions(instrument, since_ns)

    async def fundings(self, instrument: Instrument, since_ns: int) -> Sequence[Funding]:
        with asking(self.link, "fundings"):
            return await self._account(instrument).fundings(instrument, since_ns)

    async def positions(self) -> Sequence[PositionReport]:
        with asking(self.link, "positions"):
            return [report for account in self._accounts.values() for report in await account.positions()]

    async def balances(self) -> Sequence[BalanceReport]:
        with asking(self.link, "balances"):
            return [report for account in self._accounts.values() for report in await account.balances()]

    async def cancel_orders(self, orders: Sequence[OrderStatus]) -> Sequence[str]:
        # All at once, each as its turn comes; one that fails keeps no other from being cancelled.
        await all_done(*map(self._cancel_listed, orders))
        return [status.client_order_id for status in orders]

    async def _cancel_listed(self, status: OrderStatus) -> None:
        instrument = status.instrument
        try:
            await self._account(instrument).cancel(instrument, status)
        except RequestRefused as error:
            # It was gone before: filled or cancelled, the order manager will hear which.
            if error.code not in NO_SUCH_ORDER:
                raise

    def _account(self, instrument: Instrument) -> Account:
        return self._accounts[product_traded(instrument)]

    def arm_dead_man(self, timeout_ns: int) -> None:
        api = self._apis.get(Product.USDM)
        if api is None:
            return
        for symbol in self._accounts[Product.USDM].instruments:
            call = api.call(
                "POST",
                "/fapi/v1/countdownCancelAll",
                {"symbol": symbol, "countdownTime": timeout_ns // 1_000_000},
                costs=limits.weight(Product.USDM, 10),
            )
            self.link.call(call, partial(self._on_dead_man, symbol))

    # -- connections -------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        if (socket := self._sockets.get(conn)) is not None:
            socket.on_open()
        elif (stream := self._streams.get(conn)) is not None:
            stream.on_open()

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        if (socket := self._sockets.get(conn)) is not None:
            socket.on_frame(data, recv_ns)
        elif (stream := self._streams.get(conn)) is not None:
            stream.on_frame(data, recv_ns)

    def on_close(self, conn: str, recv_ns: int) -> None:
        if (socket := self._sockets.get(conn)) is not None:
            socket.on_close()
        elif (stream := self._streams.get(conn)) is not None:
            stream.on_close()

    # -- beginning ---------------------------------------------------------------------------------

    def _open_account(self, product: Product, instruments: Sequence[Instrument]) -> None:
        api = RestApi(
            product,
            self._hosts.rest[product],
            self.link,
            self._signer,
            ClockOffset(),
            recv_window_ms=self.config.recv_window // 1_000_000,
        )
        self._apis[product] = api
        self._times[product] = ExchangeTime(
            self.link, api.clock, api.time_call, api.take_time, whose=product.value
        )
        self._accounts[product] = Account(
            api, self._evidence, self.link.exchange, instruments, self.config.position_mode
        )

    async def _learn_limits(self, api: RestApi, instrument: Instrument) -> None:
        """Let the limits be those that the exchange announces."""
        if api.product is Product.SPOT:
            path, params, weight = "/api/v3/exchangeInfo", {"symbol": instrument.native_symbol}, 20
        else:
            path, params, weight = "/fapi/v1/exchangeInfo", {}, 1
        answer = await api.fetch("GET", path, params, weight=weight, signed=False)
        for limit in decode_limits(answer.body).limits:
            name = limits.counted(api.product, limit.kind, limit.interval, limit.interval_num)
            if name and limit.limit > 0:
                self.link.configure(name, limit.limit)

    async def _check_key(self) -> None:
        if self.link.environment in ("testnet", "demo"):
            self.link.warn(f"{self.link.exchange}: what the key may do cannot be asked here")
            return
        api = RestApi(
            Product.SPOT,
            self._hosts.rest[Product.SPOT],
            self.link,
            self._signer,
            next(iter(self._apis.values())).clock,
            recv_window_ms=self.config.recv_window // 1_000_000,
        )
        await check_key(api, self.link, self.config, self._apis.keys())

    def _begin(self, product: Product) -> None:
        api = self._apis[product]
        bad_time = self._times[product].distrust
        stream: UserDataStream
        if product is Product.SPOT and self.config.user_stream is UserStream.CURRENT:
            stream = SocketStream(
                self._hosts.ws_api[product],
                self.link,
                self._signer,
                api.clock,
                self._on_event,
                self._on_change,
                bad_time,
            )
        else:
            stream = ListenKeyStream(
                product,
                self._hosts.ws[product],
                self.link,
                api,
                self._on_event,
                self._on_change,
                routed=self.config.user_stream is UserStream.CURRENT,
            )
        self._streams[stream.conn] = stream
        socket = None
        logs_in = isinstance(self._signer, Ed25519Signer)
        if self.config.order_entry is OrderEntry.WEBSOCKET:
            socket = OrderSocket(
                product,
                self._hosts.ws_api[product],
                self.link,
                self._signer,
                api.clock,
                logs_in=logs_in,
                answer_timeout_ns=self.config.answer_timeout,
                changed=self._on_change,
                bad_time=bad_time,
            )
            self._sockets[socket.conn] = socket
        for instrument in self._accounts[product].instruments.values():
            self._desks[instrument] = self._desk(instrument, api, socket, bad_time, logs_in=logs_in)
        stream.connect()
        if socket is not None:
            socket.connect()

    def _desk(
        self,
        instrument: Instrument,
        api: RestApi,
        socket: OrderSocket | None,
        bad_time: Callable[[], None],
        *,
        logs_in: bool,
    ) -> Desk:
        prevention = self.config.self_trade_prevention
        options = (
            {}
            if prevention is None
            else {"selfTradePreventionMode": prevention.value.upper().replace("-", "_")}
        )
        window_ms = self.config.recv_window // 1_000_000
        return Desk(
            instrument,
            self.link,
            api,
            self._evidence,
            rest=RestOrders(instrument, self._signer, recv_window_ms=window_ms, place_options=options),
            frames=WebsocketOrders(
                instrument,
                None if logs_in else self._signer,
                recv_window_ms=window_ms,
                place_options=options,
            ),
            socket=socket,
            place_options=options,
            order_wait_ns=self.config.order_wait,
            bad_time=bad_time,
        )

    def _on_change(self, lost: str) -> None:
        """Say whether orders can be sent and are heard of, where that changed."""
        if lost:
            if self._is_ready:
                self._is_ready = False
                self.events.on_lost(self.link.exchange, lost)
            return
        usable = [socket.ready for socket in self._sockets.values()]
        heard = [stream.ready for stream in self._streams.values()]
        if not self._is_ready and all(usable) and all(heard):
            self._is_ready = True
            self.events.on_ready(self.link.exchange)

    # -- private events ----------------------------------------------------------------------------

    def _on_event(self, product: Product, event: UserEvent, recv_ns: int) -> None:
        handler = self._handlers.get(type(event))
        if handler is None:
            return
        with reading(type(event).__name__):
            handler(product, event, recv_ns)

    def _on_execution(self, product: Product, event: ExecutionReport, recv_ns: int) -> None:
        if instrument := self._accounts[product].instruments.get(event.symbol):
            self._evidence.on_execution(event, instrument, recv_ns)

    def _on_order_trade(self, product: Product, event: OrderTradeUpdate, recv_ns: int) -> None:
        if instrument := self._accounts[product].instruments.get(event.order.symbol):
            self._evidence.on_futures_order(event.order, event.transact_ms, instrument, recv_ns)

    def _on_algo_update(self, product: Product, event: AlgoUpdate, recv_ns: int) -> None:
        if instrument := self._accounts[product].instruments.get(event.order.symbol):
            self._evidence.on_algo(event, instrument, recv_ns)

    def _on_account_position(self, product: Product, event: AccountPosition, recv_ns: int) -> None:
        account = self._accounts[product]
        for each in event.balances:
            self.events.on_balance(account.balance(each.asset, each.free, each.locked, event.update_ms))

    def _on_account_update(self, product: Product, event: AccountUpdate, recv_ns: int) -> None:
        account = self._accounts[product]
        for balance in event.change.balances:
            self.events.on_balance(account.balance(balance.asset, balance.wallet, "0", event.transact_ms))
        for position in event.change.positions:
            if instrument := account.instruments.get(position.symbol):
                self.events.on_position(
                    account.position(
                        instrument, position.amount, position.side, position.entry_price, event.transact_ms
                    )
                )
        if event.change.reason == FUNDING:
            # The event names neither payment nor, in cross margin, symbol; the list of bookings does.
            self._funding.begin(account.instruments.values(), event.transact_ms * 1_000_000)

    def _on_config_update(self, product: Product, event: ConfigUpdate, recv_ns: int) -> None:
        self.link.warn(
            f"{self.link.exchange}: the account's settings changed: {event.leverage or event.account}"
        )

    def _on_margin_call(self, product: Product, event: MarginCall, recv_ns: int) -> None:
        symbols = ", ".join(sorted(str(position.get("s"))[:40] for position in event.positions))
        self.link.warn(f"{self.link.exchange}: margin call: {symbols}")

    # -- what is asked for because an event does not say it ----------------------------------------

    def _on_lacking(self, instrument: Instrument, order_id: str, client_order_id: str) -> None:
        ask = partial(self._account(instrument).fills_of, instrument, order_id, client_order_id)
        self._questions.ask_fills(client_order_id, ask)

    def _on_dead_man(self, symbol: str, answer: RestAnswer | TransportError) -> None:
        if isinstance(answer, TransportError) or answer.status != 200:
            why = answer if isinstance(answer, TransportError) else f"status {answer.status}"
            self.link.warn(f"{self.link.exchange}: the dead man's switch of {symbol} was not set: {why}")
