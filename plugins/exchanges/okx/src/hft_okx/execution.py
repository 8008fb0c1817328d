"""Trading on OKX: spot, perpetual swaps and futures with one key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs

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
    FundingSearch,
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
    PositionMode,
    PositionReport,
    Price,
    RestAnswer,
    Size,
    TimeInForce,
    TransportError,
    UsageError,
    asking,
    persistently,
    reading,
)
from hft_okx import limits
from hft_okx.account import Account
from hft_okx.checks import check_account
from hft_okx.codec import NS_PER_MS, milliseconds
from hft_okx.config import AccountLevel, Config, SelfTradePrevention
from hft_okx.endpoints import headers_of, hosts_at
from hft_okx.evidence import Evidence
from hft_okx.instruments import decode_codes, instrument_type
from hft_okx.order_params import OrderForms, Terms, is_contract
from hft_okx.order_requests import Desk
from hft_okx.private_codec import (
    PrivateFrame,
    decode_accounts,
    decode_balance_events,
    decode_order_rows,
    decode_positions,
    error_of,
)
from hft_okx.private_socket import PrivateSocket
from hft_okx.rest_api import RestApi, refusal
from hft_okx.signing import Signer

__all__ = ["OkxExecution"]

_TIME_MARGIN_NS = 1_000_000_000
"""How far the measured time of the exchange may be off."""

_FUNDING_EVENT = "funding_fee"

_DEAD_MAN_S = (10, 120)
"""What the exchange takes for the time of its dead man's switch."""

_NS_PER_S = 1_000_000_000

_TYPES = frozenset({OrderType.LIMIT, OrderType.MARKET})
_TIMES = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})

_PREVENTION = {
    SelfTradePrevention.EXPIRE_MAKER: "cancel_maker",
    SelfTradePrevention.EXPIRE_TAKER: "cancel_taker",
    SelfTradePrevention.EXPIRE_BOTH: "cancel_both",
}


class OkxExecution(ExecutionClient[Config]):
    """Trades spot, swaps and futures of one account with one key.

    One private connection tells what happens and, unless ``order_entry`` is REST, takes the orders; cancels
    fall back on REST where it is down.
    """

    capabilities = Capabilities(
        amend=True,
        batch=limits.BATCH,
        cancel_batch=limits.BATCH,
        dead_man=True,
        order_types=_TYPES,
        times_in_force=_TIMES,
    )
    rate_limits = limits.RATE_LIMITS

    def __init__(self, config: Config, events: ExecutionEvents, link: Link) -> None:
        super().__init__(config, events, link)
        if not (config.key and config.secret and config.passphrase):
            raise UsageError(f"{link.exchange}: trading needs 'key', 'secret' and 'passphrase'")
        hosts = hosts_at(link.environment, link.url)
        signer = Signer(config.key, config.secret, config.passphrase)
        self._evidence = Evidence(events, warn=link.warn, lacking=self._on_lacking)
        self._api = RestApi(hosts.rest, link, signer, ClockOffset(), headers_of(link.environment))
        self._account = self._account_of(())
        self._time = ExchangeTime(link, self._api.clock, self._api.time_call, self._api.take_time)
        self._socket = PrivateSocket(
            hosts.ws,
            link,
            signer,
            server_ns=self._api.server_ns,
            answer_timeout_ns=config.answer_timeout,
            on_data=self._on_data,
            changed=self._on_change,
            bad_time=self._time.distrust,
        )
        self._desks: dict[Instrument, Desk] = {}
        self._questions = OrderQuestions(link, events, self._find)
        self._funding = FundingSearch(link, events, self.fundings)
        self._capabilities = attrs.evolve(
            self.capabilities,
            request_validity_ns=Duration(config.validity + config.order_wait + _TIME_MARGIN_NS),
        )
        self._contract_capabilities = attrs.evolve(
            self._capabilities, reduce_only=True, hedge=config.position_mode is PositionMode.HEDGE
        )

    def capabilities_of(self, instrument: Instrument) -> Capabilities:
        return self._contract_capabilities if is_contract(instrument) else self._capabilities

    # -- orders ------------------------------------------------------------------------------------

    def place(self, order: ApprovedOrder) -> None:
        self._desk(order).place((order,))

    def place_batch(self, orders: Sequence[ApprovedOrder]) -> None:
        self._desk(orders[0]).place(orders)

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        self._desk(order).amend(order, price, size)

    def cancel(self, order: Order) -> None:
        self._desk(order).cancel((order,))

    def cancel_batch(self, orders: Sequence[Order]) -> None:
        self._desk(orders[0]).cancel(orders)

    def query(self, order: Order) -> None:
        self._questions.ask(order)

    async def _find(self, order: Order) -> KnownOrder | NoSuchOrder:
        instrument, client_id = order.instrument, order.client_order_id
        status = await self._account.order(instrument, client_id)
        if isinstance(status, NoSuchOrder):
            return status
        fills: Sequence[Fill] = ()
        if (status.report.filled or 0) > order.filled:
            fills = await self._account.fills_of(instrument, status.report.exchange_order_id, client_id)
        return KnownOrder(status.report, fills)

    def _desk(self, order: Order) -> Desk:
        desk = self._desks.get(order.instrument)
        if desk is None:
            raise OrderError(f"{order.instrument}: the account was not checked yet")
        return desk

    # -- the account -------------------------------------------------------------------------------

    async def start(self, instruments: Sequence[Instrument]) -> None:
        self._account = self._account_of(instruments)
        await persistently(self.link, self._api.measure)
        self._time.warn_if_far()
        level = await check_account(self._api, self.link, self.config, instruments)
        codes: dict[str, str] = {}
        for name in sorted({instrument_type(instrument) for instrument in instruments}):
            codes |= await persistently(self.link, partial(self._learn_codes, name))
        for instrument in instruments:
            for limit in limits.instrument_limits(instrument.native_symbol):
                self.link.add_limit(limit)
            code = codes.get(instrument.native_symbol, "")
            if not code and self.config.order_entry is OrderEntry.WEBSOCKET:
                self.link.warn(f"{instrument}: the exchange lists no code of it, orders name it instead")
            self._desks[instrument] = self._new_desk(instrument, level, code)
        self._socket.connect()
        self._time.begin()

    async def stop(self) -> None:
        self._time.stop()
        self._funding.stop()
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
        with asking(self.link, "cancels"):
            await self._account.cancel(orders)
        return [status.client_order_id for status in orders]

    def arm_dead_man(self, timeout_ns: int) -> None:
        seconds = -(-timeout_ns // _NS_PER_S)
        if seconds:
            seconds = min(max(seconds, _DEAD_MAN_S[0]), _DEAD_MAN_S[1])
        call = self._api.call(
            "POST",
            "/api/v5/trade/cancel-all-after",
            {"timeOut": str(seconds)} | ({"tag": self.config.tag} if self.config.tag else {}),
            costs=limits.account("cancel-all-after"),
        )

        def on_answer(answer: RestAnswer | TransportError) -> None:
            if isinstance(answer, RestAnswer):
                if answer.status == 200 and error_of(answer.body).code == "0":
                    return
                answer = refusal(call, answer)
            self.link.warn(f"{self.link.exchange}: the dead man's switch was not set: {answer}")

        self.link.call(call, on_answer)

    # -- connections -------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        if conn == self._socket.conn:
            self._socket.on_open()

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        if conn == self._socket.conn:
            self._socket.on_frame(data, recv_ns)

    def on_close(self, conn: str, recv_ns: int) -> None:
        if conn == self._socket.conn:
            self._socket.on_close()

    # -- beginning ---------------------------------------------------------------------------------

    def _account_of(self, instruments: Sequence[Instrument]) -> Account:
        return Account(self._api, self._evidence, self.link.exchange, instruments, self.config.position_mode)

    async def _learn_codes(self, name: str) -> dict[str, str]:
        """Return the numbers by which orders over the websocket name instruments of a type."""
        call = self._api.call(
            "GET",
            "/api/v5/public/instruments",
            {"instType": name},
            costs=((limits.INSTRUMENTS, 1),),
            signed=False,
        )
        answer = await self.link.fetch(call)
        if answer.status != 200:
            raise refusal(call, answer)
        return decode_codes(answer.body)

    def _new_desk(self, instrument: Instrument, level: AccountLevel, code: str) -> Desk:
        config = self.config
        prevention = config.self_trade_prevention
        options = {} if prevention is None else {"stpMode": _PREVENTION[prevention]}
        if config.tag:
            options["tag"] = config.tag
        terms = Terms(
            code=code,
            trade_mode=_trade_mode(instrument, level, config),
            position_mode=config.position_mode,
            options=options,
        )
        return Desk(
            instrument,
            self.link,
            self._api,
            self._evidence,
            OrderForms(instrument, terms),
            self._socket,
            uses_socket=config.order_entry is OrderEntry.WEBSOCKET,
            validity_ns=config.validity,
            order_wait_ns=config.order_wait,
            effect_ns=config.answer_timeout,
            bad_time=self._time.distrust,
        )

    def _on_change(self, lost: str) -> None:
        """Say that orders can be sent and are heard of, or no longer."""
        if lost:
            self.events.on_lost(self.link.exchange, lost)
        else:
            self.events.on_ready(self.link.exchange)

    # -- private channels --------------------------------------------------------------------------

    def _on_data(self, frame: PrivateFrame, recv_ns: int) -> None:
        channel = "" if frame.arg is None else frame.arg.channel
        with reading(channel):
            match channel:
                case "orders":
                    self._on_orders(frame, recv_ns)
                case "account":
                    for state in decode_accounts(frame.data):
                        for balance in state.details:
                            self.events.on_balance(self._account.balance(balance))
                case "positions":
                    for row in decode_positions(frame.data):
                        if instrument := self._account.contracts.get(row.inst_id):
                            self.events.on_position(self._account.position(row, instrument))
                case "balance_and_position":
                    self._on_balance_event(frame)
                case _:
                    raise DecodeError(f"unknown channel {channel[:40]!r}")

    def _on_orders(self, frame: PrivateFrame, recv_ns: int) -> None:
        for row in decode_order_rows(frame.data):
            if instrument := self._account.instruments.get(row.inst_id):
                self._evidence.on_push(row, instrument, recv_ns)

    def _on_balance_event(self, frame: PrivateFrame) -> None:
        for event in decode_balance_events(frame.data):
            if event.event == _FUNDING_EVENT:
                # It does not say what was paid for which instrument; the list of bills does.
                paid_ns = milliseconds(event.time_ms) * NS_PER_MS or self.clock.now_ns()
                perpetuals = [
                    each
                    for each in self._account.instruments.values()
                    if each.kind is InstrumentKind.PERPETUAL
                ]
                self._funding.begin(perpetuals, paid_ns)

    # -- what is asked for because an event does not say it ----------------------------------------

    def _on_lacking(self, instrument: Instrument, order_id: str, client_order_id: str) -> None:
        self._questions.ask_fills(
            client_order_id, partial(self._account.fills_of, instrument, order_id, client_order_id)
        )


def _trade_mode(instrument: Instrument, level: AccountLevel, config: Config) -> str:
    """Return ``tdMode``: spot trades without margin, but counts as cross where all is one margin."""
    if is_contract(instrument):
        return config.margin_mode.value
    if config.spot_mode is not None:
        return config.spot_mode.value
    return "cash" if level in (AccountLevel.SPOT, AccountLevel.FUTURES) else "cross"
