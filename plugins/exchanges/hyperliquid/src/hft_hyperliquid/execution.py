"""Trading on Hyperliquid: perpetuals and spot of one account, signed by one key."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from msgspec import Raw

from hft import (
    ApprovedOrder,
    BalanceReport,
    Capabilities,
    DecodeError,
    Duration,
    ExchangeTime,
    ExecutionClient,
    ExecutionEvents,
    Fill,
    Funding,
    GridError,
    Instrument,
    InstrumentKind,
    KnownOrder,
    Link,
    NoSuchOrder,
    Order,
    OrderEntry,
    OrderError,
    OrderQuestions,
    OrderStatus,
    OrderType,
    PositionReport,
    Price,
    Priority,
    ReportKind,
    RestAnswer,
    Side,
    Size,
    TimeInForce,
    TransportError,
    UsageError,
    all_done,
    asking,
    decoder,
    persistently,
    reading,
)
from hft_hyperliquid import actions, codec, limits
from hft_hyperliquid import private_codec as wire
from hft_hyperliquid.account import PERPS, SPOT, Account
from hft_hyperliquid.actions import Envelopes
from hft_hyperliquid.budget import Budget
from hft_hyperliquid.checks import (
    check_leverage,
    check_signer,
    warn_of_expiry,
)
from hft_hyperliquid.codec import NS_PER_MS
from hft_hyperliquid.config import Config
from hft_hyperliquid.endpoints import network_at
from hft_hyperliquid.evidence import Evidence
from hft_hyperliquid.instruments import asset_ids
from hft_hyperliquid.order_requests import Desk
from hft_hyperliquid.order_socket import AccountSocket
from hft_hyperliquid.private_codec import decode_action_answer, decode_statuses
from hft_hyperliquid.rest_api import RestApi
from hft_hyperliquid.signing import Signer

__all__ = ["HyperliquidExecution"]

_TIME_MARGIN_NS = 2_000_000_000
"""How far the clock of a block may lag behind what was measured."""

_SHORTEST_SWITCH_MS = 6_000
"""The dead man's switch takes no time that is nearer than five seconds when it arrives."""

_PERP_TYPES = frozenset(OrderType)
_SPOT_TYPES = frozenset({OrderType.LIMIT, OrderType.MARKET})
_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC})

_GONE = "Order was never placed, already canceled, or filled"

_decode_updates = decoder(list[wire.OrderUpdate], "orderUpdates")
_decode_user_fills = decoder(wire.UserFills, "userFills")
_decode_user_fundings = decoder(wire.UserFundings, "userFundings")


class HyperliquidExecution(ExecutionClient[Config]):
    """Trades perpetuals and spot of one account, or of a vault or sub-account of it.

    One connection carries the orders, unless ``order_entry`` is REST, and what happens to them. Market
    orders are immediate orders at the best price and ``market_slippage`` beyond.
    """

    capabilities = Capabilities(order_types=_PERP_TYPES, times_in_force=_TIMES)
    rate_limits = limits.ORDER_LIMITS

    def __init__(self, config: Config, events: ExecutionEvents, link: Link) -> None:
        super().__init__(config, events, link)
        if not (config.key and config.secret):
            raise UsageError(f"{link.exchange}: trading needs 'key' and 'secret'")
        self._address = config.key.lower()
        self._vault = None if config.vault is None else config.vault.lower()
        self._user = self._vault or self._address
        self._network = network_at(link.environment, link.url)
        self._signer = Signer(config.secret, self._network.source)
        self._envelopes = Envelopes(self._signer, self._vault, config.order_validity)
        self._api = RestApi(self._network, link, self._envelopes)
        self._instruments: dict[str, Instrument] = {}
        self._quotes: dict[str, codec.Bbo] = {}
        self._assets: dict[str, int] = {}
        self._evidence = Evidence(events, self._instruments, self._user, warn=link.warn, lacking=self.query)
        self._account = Account(self._api, self._evidence, link.exchange, self._user, self._instruments)
        self._time = ExchangeTime(link, self._api.clock, self._account.time_call, self._account.take_time)
        self._budget = Budget(link, self._api, self._user)
        self._socket: AccountSocket | None = None
        self._desk: Desk | None = None
        self._questions = OrderQuestions(link, events, self._find)
        common = Capabilities(
            amend=config.modify,
            batch=limits.BATCH,
            cancel_batch=limits.BATCH,
            dead_man=True,
            order_types=_SPOT_TYPES,
            times_in_force=_TIMES,
            request_validity_ns=Duration(config.order_validity + config.order_wait + _TIME_MARGIN_NS),
        )
        self._capabilities = {
            InstrumentKind.SPOT: common,
            InstrumentKind.PERPETUAL: attrs.evolve(common, reduce_only=True, order_types=_PERP_TYPES),
        }

    def capabilities_of(self, instrument: Instrument) -> Capabilities:
        return self._capabilities[instrument.kind]

    # -- orders ------------------------------------------------------------------------------------

    def place(self, order: ApprovedOrder) -> None:
        self._opened.place((order,))

    def place_batch(self, orders: Sequence[ApprovedOrder]) -> None:
        self._opened.place(orders)

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        self._opened.amend(order, price, size)

    def cancel(self, order: Order) -> None:
        self._opened.cancel((order,))

    def cancel_batch(self, orders: Sequence[Order]) -> None:
        self._opened.cancel(orders)

    def query(self, order: Order) -> None:
        self._questions.ask(order)

    async def _find(self, order: Order) -> KnownOrder | NoSuchOrder:
        found = await self._account.order(order.instrument, order.client_order_id, order.created_ns)
        if isinstance(found, NoSuchOrder):
            return found
        report, was = found.status.report, order.exchange_order_id
        if report.kind is ReportKind.ACCEPTED and was not in ("", report.exchange_order_id):
            # A modification of which nothing was heard: the answer is what there is in its place.
            report = attrs.evolve(report, kind=ReportKind.REPLACED)
        return KnownOrder(report, found.fills)

    # -- the account -------------------------------------------------------------------------------

    def wallet_of(self, instrument: Instrument) -> str:
        return SPOT if instrument.kind is InstrumentKind.SPOT else PERPS

    async def start(self, instruments: Sequence[Instrument]) -> None:
        self._instruments.update((each.native_symbol, each) for each in instruments)
        self._assets.update(await persistently(self.link, self._fetch_assets))
        await check_signer(self._api, self.link, self._address, self._signer.address, self._vault)
        await persistently(self.link, self._account.measure)
        self._time.warn_if_far()
        if self._signer.address != self._address:
            await warn_of_expiry(self._api, self.link, self._address, self._signer.address)
        if self.config.max_leverage is not None:
            perpetuals = [
                coin for coin, each in self._instruments.items() if each.kind is InstrumentKind.PERPETUAL
            ]
            await check_leverage(self._api, self.link, self._user, perpetuals, self.config.max_leverage)
        socket = self._socket = AccountSocket(
            self._network.ws,
            self.link,
            self._user,
            list(self._instruments),
            {
                "orderUpdates": self._on_updates,
                "userFills": self._on_fills,
                "userFundings": self._on_fundings,
                "bbo": self._on_bbo,
            },
            answer_timeout_ns=self.config.answer_timeout,
            changed=self._on_change,
        )
        self._desk = Desk(
            self.link,
            self._api,
            self._envelopes,
            self._evidence,
            socket,
            self._assets,
            by_socket=self.config.order_entry is OrderEntry.WEBSOCKET,
            order_wait_ns=self.config.order_wait,
            answer_timeout_ns=self.config.answer_timeout,
            validity_ns=self._capabilities[InstrumentKind.PERPETUAL].request_validity_ns,
            market_price=self._market_price,
            out_of_budget=self._budget.exhausted,
            bad_time=self._time.distrust,
        )
        self._budget.start()
        self._time.begin()
        socket.connect()

    async def _fetch_assets(self) -> dict[str, int]:
        meta = await self._api.ask({"type": "meta"})
        spot_meta = None
        if any(each.kind is InstrumentKind.SPOT for each in self._instruments.values()):
            spot_meta = (await self._api.ask({"type": "spotMeta"})).body
        ids = asset_ids(meta.body, spot_meta)
        if unknown := self._instruments.keys() - ids.keys():
            raise DecodeError(f"meta: {', '.join(sorted(unknown))} are not listed")
        return ids

    async def stop(self) -> None:
        self._budget.stop()
        self._time.stop()
        if self._socket is not None:
            self._socket.stop()

    async def open_orders(self) -> Sequence[OrderStatus]:
        with asking(self.link, "open orders"):
            return await self._account.open_orders()

    async def order_status(self, instrument: Instrument, client_order_id: str) -> OrderStatus | None:
        with asking(self.link, "order"):
            found = await self._account.order(instrument, client_order_id)
        return None if isinstance(found, NoSuchOrder) else found.status

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
        pages = [orders[at : at + limits.BATCH] for at in range(0, len(orders), limits.BATCH)]
        # All at once, each as its turn comes; one that fails keeps no other from being sent.
        await all_done(*map(self._cancel_listed, pages))
        return [status.client_order_id for status in orders]

    async def _cancel_listed(self, orders: Sequence[OrderStatus]) -> None:
        action = actions.cancel_ids_action(
            (self._assets[each.instrument.native_symbol], int(each.report.exchange_order_id))
            for each in orders
        )
        costs = limits.action_costs(len(orders), over_socket=False, cancels=True)
        call = self._api.action(action, costs=costs, priority=Priority.CANCEL)
        with asking(self.link, "cancels"):
            answer = await self.link.fetch(call)
            if answer.status != 200:
                raise TransportError(f"{call.shown}: refused: status {answer.status}", sent=True)
            statuses = decode_statuses(decode_action_answer(answer.body))
        texts = [statuses] if isinstance(statuses, str) else [each.error for each in statuses if each.error]
        # What was gone before is gone: filled or cancelled, the order manager will hear which.
        if failed := [text for text in texts if not text.startswith(_GONE)]:
            raise TransportError(f"{call.shown}: refused: {failed[0][:200]!r}", sent=True)

    def arm_dead_man(self, timeout_ns: int) -> None:
        now_ms = self._api.server_ns(self.clock.now_ns()) // NS_PER_MS
        after_ms = max(_SHORTEST_SWITCH_MS, timeout_ns // NS_PER_MS)
        call = self._api.action(
            actions.schedule_cancel_action(now_ms + after_ms if timeout_ns else None),
            costs=limits.action_costs(1, over_socket=False, cancels=False),
            priority=Priority.CANCEL,
        )
        self.link.call(call, self._on_dead_man)

    def _on_dead_man(self, answer: RestAnswer | TransportError) -> None:
        why: str | None = None
        if isinstance(answer, TransportError):
            why = str(answer)
        elif answer.status != 200:
            why = f"status {answer.status}"
        else:
            try:
                said = decode_statuses(decode_action_answer(answer.body))
            except DecodeError as error:
                why = str(error)
            else:
                why = said if isinstance(said, str) else None
        if why is not None:
            self.link.warn(f"{self.link.exchange}: the dead man's switch was not set: {why[:200]}")

    # -- connections -------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        if self._socket is not None and conn == self._socket.conn:
            self._socket.on_open()

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        if self._socket is not None and conn == self._socket.conn:
            with reading("frame"):
                self._socket.on_frame(data, recv_ns)

    def on_close(self, conn: str, recv_ns: int) -> None:
        if self._socket is not None and conn == self._socket.conn:
            self._quotes.clear()
            self._socket.on_close()

    @property
    def _opened(self) -> Desk:
        if self._desk is None:
            raise OrderError("the account is not open yet")
        return self._desk

    def _on_change(self, lost: str) -> None:
        if lost:
            self.events.on_lost(self.link.exchange, lost)
        else:
            self.events.on_ready(self.link.exchange)

    # -- events ------------------------------------------------------------------------------------

    def _on_updates(self, data: Raw, recv_ns: int) -> None:
        for update in _decode_updates(data):
            self._evidence.on_update(update, recv_ns)

    def _on_fills(self, data: Raw, recv_ns: int) -> None:
        frame = _decode_user_fills(data)
        # What was before is asked for by time, after every beginning.
        if not frame.is_snapshot:
            self._evidence.on_fills(frame.fills, recv_ns)

    def _on_fundings(self, data: Raw, recv_ns: int) -> None:
        frame = _decode_user_fundings(data)
        if not frame.is_snapshot:
            self._evidence.on_fundings(frame.fundings)

    def _on_bbo(self, data: Raw, recv_ns: int) -> None:
        bbo = codec.decode_bbo(data)
        self._quotes[bbo.coin] = bbo

    def _market_price(self, order: Order) -> Price:
        """Return the worst price at which an order without one may trade: there are no market orders."""
        instrument, slippage = order.instrument, self.config.market_slippage
        buys = order.side is Side.BUY
        if order.trigger_price is not None:
            reference = int(order.trigger_price)
        else:
            quote = self._quotes.get(instrument.native_symbol)
            best = None if quote is None else quote.bbo[1 if buys else 0]
            if best is None:
                raise OrderError(f"{instrument}: nothing is offered that a market order could take")
            try:
                reference = int(instrument.price(best.px))
            except GridError as error:
                raise OrderError(f"{instrument}: the best price cannot be read: {error}") from None
        bound = int(reference * (1 + slippage if buys else 1 - slippage))
        return instrument.price_down(bound) if buys else instrument.price_up(bound)
