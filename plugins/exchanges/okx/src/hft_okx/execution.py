"""Trading on OKX: spot, perpetual swaps and futures with one key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import attrs

from hft import (
    ApprovedOrder,
    BalanceReport,
    Capabilities,
    ClockOffset,
    DecodeError,
    Duration,
    ExecutionClient,
    ExecutionEvents,
    Fill,
    Funding,
    Instrument,
    InstrumentKind,
    Link,
    Order,
    OrderError,
    OrderReport,
    OrderStatus,
    OrderType,
    PositionReport,
    Price,
    ReportKind,
    RestAnswer,
    Size,
    TimeInForce,
    Timer,
    TransportError,
    UsageError,
)
from hft_okx import limits
from hft_okx.account import Account, NoSuchOrder
from hft_okx.checks import check_account, persistently
from hft_okx.codec import NS_PER_MS, milliseconds
from hft_okx.config import AccountLevel, Config, OrderEntry, PositionMode, SelfTradePrevention
from hft_okx.endpoints import headers_of, hosts_at
from hft_okx.evidence import NOT_UNDERSTOOD, Evidence
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

_TIME_EVERY_NS = 60_000_000_000
"""How often the exchange's clock is measured."""

_TIME_MARGIN_NS = 1_000_000_000
"""How far the measured time of the exchange may be off."""

_FUNDING_DELAYS_NS = (0, 2_000_000_000, 10_000_000_000, 60_000_000_000)
"""When a payment that was announced is looked for in the list of bills, which lags behind."""

_FUNDING_BEFORE_NS = 60_000_000_000
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
        self._socket = PrivateSocket(
            hosts.ws,
            link,
            signer,
            server_ns=self._api.server_ns,
            answer_timeout_ns=config.answer_timeout,
            on_data=self._on_data,
            changed=self._on_change,
            bad_time=self._on_bad_time,
        )
        self._desks: dict[Instrument, Desk] = {}
        self._timers: list[Timer] = []
        self._measuring = False
        self._asking: set[str] = set()
        """Orders about which a question is under way: more of them would wait for their turn in vain."""
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
        client_id = order.client_order_id
        if client_id not in self._asking:
            self._asking.add(client_id)
            self.link.spawn(self._query(order), f"ask about {client_id}")

    def _desk(self, order: Order) -> Desk:
        desk = self._desks.get(order.instrument)
        if desk is None:
            raise OrderError(f"{order.instrument}: the account was not checked yet")
        return desk

    async def _query(self, order: Order) -> None:
        try:
            await self._ask(order)
        finally:
            self._asking.discard(order.client_order_id)

    async def _ask(self, order: Order) -> None:
        instrument, client_id = order.instrument, order.client_order_id
        try:
            status = await self._account.order(instrument, client_id)
            fills: Sequence[Fill] = ()
            if isinstance(status, OrderStatus) and (status.report.filled or 0) > order.filled:
                fills = await self._account.fills_of(instrument, status.report.exchange_order_id, client_id)
        except TransportError as error:
            self.link.warn(f"order {client_id} cannot be asked about: {error}")
            return
        except DecodeError as error:
            self.link.undecoded(f"query of {client_id}", b"", str(error))
            return
        for fill in fills:
            self.events.on_fill(fill)
        if isinstance(status, NoSuchOrder):
            report = OrderReport(
                client_order_id=client_id,
                kind=ReportKind.NOT_FOUND,
                asked_ns=status.asked_ns,
                recv_ns=self.clock.now_ns(),
            )
        else:
            report = status.report
        self.events.on_report(report)

    # -- the account -------------------------------------------------------------------------------

    async def start(self, instruments: Sequence[Instrument]) -> None:
        self._account = self._account_of(instruments)
        await persistently(self.link, self._api.measure)
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
        self._timers.append(self.clock.call_later(_TIME_EVERY_NS, self._measure_again))

    async def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._socket.stop()

    async def open_orders(self) -> Sequence[OrderStatus]:
        with self._answers("open orders"):
            return await self._account.open_orders()

    async def order_status(self, instrument: Instrument, client_order_id: str) -> OrderStatus | None:
        with self._answers("order"):
            status = await self._account.order(instrument, client_order_id)
        return status if isinstance(status, OrderStatus) else None

    async def executions(self, instrument: Instrument, since_ns: int) -> Sequence[Fill]:
        with self._answers("executions"):
            return await self._account.executions(instrument, since_ns)

    async def fundings(self, instrument: Instrument, since_ns: int) -> Sequence[Funding]:
        with self._answers("fundings"):
            return await self._account.fundings(instrument, since_ns)

    async def positions(self) -> Sequence[PositionReport]:
        with self._answers("positions"):
            return await self._account.positions()

    async def balances(self) -> Sequence[BalanceReport]:
        with self._answers("balances"):
            return await self._account.balances()

    async def cancel_orders(self, orders: Sequence[OrderStatus]) -> Sequence[str]:
        with self._answers("cancels"):
            await self._account.cancel(orders)
        return [status.client_order_id for status in orders]

    @contextmanager
    def _answers(self, asked: str) -> Iterator[None]:
        """Take an answer that cannot be understood for none: under maintenance it may be a web page."""
        try:
            yield
        except DecodeError as error:
            self.link.undecoded(asked, b"", str(error))
            raise TransportError(f"{asked}: {error}", sent=True) from None

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
            bad_time=self._on_bad_time,
        )

    def _on_change(self, lost: str) -> None:
        """Say that orders can be sent and are heard of, or no longer."""
        if lost:
            self.events.on_lost(self.link.exchange, lost)
        else:
            self.events.on_ready(self.link.exchange)

    # -- the exchange's time -----------------------------------------------------------------------

    def _measure_again(self) -> None:
        self._timers[:] = [self.clock.call_later(_TIME_EVERY_NS, self._measure_again)]
        self._measure()

    def _on_bad_time(self) -> None:
        self._api.clock.distrust()
        self._measure()

    def _measure(self) -> None:
        if not self._measuring:
            self._measuring = True
            self.link.call(self._api.time_call(), self._on_time)

    def _on_time(self, answer: RestAnswer | TransportError) -> None:
        self._measuring = False
        if isinstance(answer, RestAnswer) and answer.status == 200:
            try:
                self._api.take_time(answer)
            except DecodeError as error:
                self.link.undecoded("time", answer.body, str(error))

    # -- private channels --------------------------------------------------------------------------

    def _on_data(self, frame: PrivateFrame, recv_ns: int) -> None:
        channel = "" if frame.arg is None else frame.arg.channel
        try:
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
        except NOT_UNDERSTOOD as error:
            raise DecodeError(f"{channel}: {type(error).__name__}: {error}") from None

    def _on_orders(self, frame: PrivateFrame, recv_ns: int) -> None:
        for row in decode_order_rows(frame.data):
            if instrument := self._account.instruments.get(row.inst_id):
                self._evidence.on_push(row, instrument, recv_ns)

    def _on_balance_event(self, frame: PrivateFrame) -> None:
        for event in decode_balance_events(frame.data):
            if event.event == _FUNDING_EVENT:
                # It does not say what was paid for which instrument; the list of bills does.
                paid_ns = milliseconds(event.time_ms) * NS_PER_MS or self.clock.now_ns()
                self._look_for_funding(paid_ns, 0)

    # -- what is asked for because an event does not say it ----------------------------------------

    def _look_for_funding(self, paid_ns: int, attempt: int) -> None:
        def look() -> None:
            self.link.spawn(self._fetch_funding(paid_ns, attempt), "look for a funding payment")

        self._timers.append(self.clock.call_later(_FUNDING_DELAYS_NS[attempt], look))

    async def _fetch_funding(self, paid_ns: int, attempt: int) -> None:
        found = False
        try:
            for instrument in self._account.instruments.values():
                if instrument.kind is InstrumentKind.PERPETUAL:
                    for funding in await self._account.fundings(instrument, paid_ns - _FUNDING_BEFORE_NS):
                        found = True
                        self.events.on_funding(funding)
        except (TransportError, DecodeError) as error:
            self.link.warn(f"{self.link.exchange}: a funding payment cannot be looked up: {error}")
        if not found and attempt + 1 < len(_FUNDING_DELAYS_NS):
            self._look_for_funding(paid_ns, attempt + 1)

    def _on_lacking(self, instrument: Instrument, order_id: str, client_order_id: str) -> None:
        self.link.spawn(
            self._fetch_fills(instrument, order_id, client_order_id), f"ask how {client_order_id} traded"
        )

    async def _fetch_fills(self, instrument: Instrument, order_id: str, client_order_id: str) -> None:
        try:
            fills = await self._account.fills_of(instrument, order_id, client_order_id)
        except (TransportError, DecodeError) as error:
            self.link.warn(f"how order {client_order_id} traded cannot be asked: {error}")
            return
        for fill in fills:
            self.events.on_fill(fill)


def _trade_mode(instrument: Instrument, level: AccountLevel, config: Config) -> str:
    """Return ``tdMode``: spot trades without margin, but counts as cross where all is one margin."""
    if is_contract(instrument):
        return config.margin_mode.value
    if config.spot_mode is not None:
        return config.spot_mode.value
    return "cash" if level in (AccountLevel.SPOT, AccountLevel.FUTURES) else "cross"
