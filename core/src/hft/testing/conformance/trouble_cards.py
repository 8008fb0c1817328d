"""The cards of execution clients about what goes wrong on the way, and about what must never be told."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import attrs
import pytest

from hft.clock import NS_PER_S
from hft.errors import DecodeError, HftError, OrderError, TransportError, UsageError
from hft.events import Fill, OrderReport, ReportKind
from hft.net import RateLimiter
from hft.plugin.simulator import Account
from hft.secret import Secret
from hft.sim import Fault, FaultKind
from hft.sim.fault import Place
from hft.testing.conformance.cards import card
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.frames import MALFORMED, UNKNOWN
from hft.testing.conformance.passages import pattern
from hft.testing.conformance.stage import play, stage
from hft.testing.conformance.trader import FINAL, NOT_SENT, Trader, trader, trading, wire
from hft.testing.link import NotedEvents
from hft.types import Duration, Size

__all__ = ["TroubleCards"]

_BURST = 400
_PAUSE_S = 7
_SKEW = Duration(3600 * NS_PER_S)


class TroubleCards:
    """Lost answers, lost events, broken connections, limits, credentials."""

    # -- no evidence ------------------------------------------------------------------------------------

    @card("EX-21")
    def test_a_lost_answer_leaves_the_order_unknown(self, exchange: ExchangeUnderTest) -> None:
        """A request without an answer is UNKNOWN, never a rejection, until the exchange is asked.

        Setup: a client that is ready; private events do not arrive.
        Action: an order is placed whose answer is lost, then the exchange is asked about it.
        Holds: it is UNKNOWN, nothing else; then ACCEPTED; then it can be cancelled as any other.
        """

        names = wire(exchange)

        def lose(at: Trader) -> None:
            at.on.inject(Fault(kind=FaultKind.DROP, where=pattern(f"reply/{names.place}")))

        _left_unknown(exchange, lose)

    @card("EX-22")
    def test_an_answer_that_cannot_be_read_proves_nothing(self, exchange: ExchangeUnderTest) -> None:
        """An answer that is broken or nobody's is no answer.

        Setup: a client that is ready; private events do not arrive.
        Action: orders are placed whose answers are cut in half, or a web page in their place.
        Holds: each is UNKNOWN, nothing else; then ACCEPTED when the exchange is asked.
        """
        names = wire(exchange)
        for kind in (FaultKind.TRUNCATE, FaultKind.GARBAGE):

            def damage(at: Trader, kind: FaultKind = kind) -> None:
                at.on.inject(Fault(kind=kind, where=pattern(f"reply/{names.place}")))

            _left_unknown(exchange, damage)

    @card("EX-23")
    def test_a_server_error_proves_nothing(self, exchange: ExchangeUnderTest) -> None:
        """A failure of the exchange's servers, or of the way there, is no refusal of an order.

        Setup: a client that is ready; private events do not arrive.
        Action: an order is placed whose connection is cut behind it, and by REST one that is answered
        with 502.
        Holds: each is UNKNOWN, nothing else; then the exchange is asked and says what became of it.
        """
        names = wire(exchange)

        def cut(at: Trader) -> None:
            at.on.inject(Fault(kind=FaultKind.DISCONNECT, where=pattern(f"reply/{names.place}")))

        _left_unknown(exchange, cut)
        if names.places_by_rest:

            def fail(at: Trader) -> None:
                where = pattern(f"request/{names.place}")
                at.on.inject(Fault(kind=FaultKind.REFUSE, where=where, status=502))

            _left_unknown(exchange, fail, found=ReportKind.NOT_FOUND)

    @card("EX-24")
    def test_a_lost_request_is_not_found(self, exchange: ExchangeUnderTest) -> None:
        """An order that never arrived is UNKNOWN until the exchange says that it knows none; that is
        NOT_FOUND.

        Setup: a client that is ready.
        Action: an order is placed whose request is lost, then the exchange is asked about it.
        Holds: it is UNKNOWN; then NOT_FOUND, with the time of the question; it is never sent again.
        """

        names = wire(exchange)

        async def script() -> None:
            async with trading(exchange) as at:
                at.on.inject(Fault(kind=FaultKind.DROP, where=pattern(f"request/{names.place}")))
                order = at.order()
                at.client.place(order)
                await at.report(order, ReportKind.UNKNOWN)
                asked_ns = at.on.clock.now_ns()
                found = await at.settled(order)
                assert found.kind is ReportKind.NOT_FOUND
                assert asked_ns <= found.asked_ns <= at.on.clock.now_ns()
                await at.on.sleep(20)
                placed = [
                    each
                    for each in at.on.passages.seen
                    if each.place is Place.REQUEST and each.name == f"request/{names.place}"
                ]
                assert len(placed) == 1 or not names.places_by_rest
                assert not await at.client.open_orders()
                assert {each.kind for each in at.reports(order)} == {
                    ReportKind.UNKNOWN,
                    ReportKind.NOT_FOUND,
                }

        play(script)

    @card("EX-25")
    def test_a_lost_answer_to_a_cancel(self, exchange: ExchangeUnderTest) -> None:
        """A cancel without an answer proves nothing of the order.

        Setup: an order of ours rests; private events do not arrive.
        Action: it is cancelled, the answer is lost, then the exchange is asked about it.
        Holds: it is UNKNOWN, nothing else; then CANCELED.
        """

        names = wire(exchange)

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.placed()
                names.lose_private(at.on)
                at.on.inject(Fault(kind=FaultKind.DROP, where=pattern(f"reply/{names.cancel}")))
                at.client.cancel(order)
                report = await at.report(order, ReportKind.UNKNOWN, ReportKind.CANCEL_REJECTED, *FINAL)
                assert report.kind is ReportKind.UNKNOWN
                assert (await at.settled(order)).kind is ReportKind.CANCELED

        play(script)

    @card("EX-26")
    def test_a_request_under_way_on_a_connection_that_breaks(self, exchange: ExchangeUnderTest) -> None:
        """A connection that breaks makes what is under way on it UNKNOWN, and is opened again for ever.

        Setup: a client that is ready.
        Action: an order is placed, and every connection is cut before it can be answered.
        Holds: it is UNKNOWN and then settled; the loss is told, and its end; an order placed then is
        ACCEPTED.
        """

        names = wire(exchange)

        async def script() -> None:
            async with trading(exchange) as at:
                late = Fault(kind=FaultKind.DELAY, where=pattern(f"reply/{names.place}"))
                at.on.inject(late)
                order = at.order()
                at.events.take()
                at.client.place(order)
                await at.on.sleep(0.05)
                at.on.cut()
                await at.report(order, ReportKind.UNKNOWN)
                assert all(each.kind not in FINAL for each in at.reports(order))
                await at.told(lambda each: str(each).startswith("lost: "), "the loss is told")
                await at.ready()
                assert (await at.settled(order)).kind in (ReportKind.NOT_FOUND, ReportKind.ACCEPTED)
                await at.placed()

        play(script)

    # -- private events ---------------------------------------------------------------------------------

    @card("EX-27")
    def test_fills_that_are_told_twice_have_one_id(self, exchange: ExchangeUnderTest) -> None:
        """One trade has one id, on every way by which it is told.

        Setup: an order of ours rests at the best price; private events come twice.
        Action: it trades in three parts, is asked about, and the account's fills are listed.
        Holds: three ids in all, of the sizes that traded.
        """

        names = wire(exchange)

        async def script() -> None:
            async with trading(exchange) as at:
                since_ns = at.on.clock.now_ns()
                order = await at.at_the_front()
                names.lose_private(at.on, FaultKind.DUPLICATE)
                parts = [order.size // 5, order.size // 4, order.size // 3]
                for part in parts:
                    at.strike(order, part)
                    await at.on.sleep(0.5)
                assert (await at.settled(order)).filled == sum(parts)
                listed = await at.client.executions(at.instrument, since_ns - NS_PER_S)
                assert sorted(fill.size for fill in at.fills(order).values()) == sorted(parts)
                assert {each.trade_id: each.size for each in listed} == {
                    each.trade_id: each.size for each in at.fills(order).values()
                }

        play(script)

    @card("EX-28")
    def test_fills_that_were_not_heard_of(self, exchange: ExchangeUnderTest) -> None:
        """The answer to a question brings the fills first and then one report.

        Setup: an order of ours rests at the best price; private events do not arrive.
        Action: it trades whole, then the exchange is asked about it.
        Holds: its fills are told, and behind them one report that says that all of it has traded.
        """

        names = wire(exchange)

        async def script() -> None:
            async with trading(exchange) as at:
                since_ns = at.on.clock.now_ns() - NS_PER_S
                order = await at.at_the_front()
                names.lose_private(at.on)
                at.strike(order, order.size // 2)
                at.strike(order, order.size - order.size // 2)
                await at.on.sleep(2)
                at.events.take()
                report = await at.settled(order)
                assert (report.kind, report.filled) == (ReportKind.ACCEPTED, order.size)
                assert at.filled(order) == order.size
                told = [each for each in at.events.told if isinstance(each, (Fill, OrderReport))]
                first = next(n for n, each in enumerate(told) if isinstance(each, OrderReport))
                assert sum(each.size for each in told[:first] if isinstance(each, Fill)) == order.size
                assert at.fills(order).keys() == {
                    each.trade_id for each in await at.client.executions(at.instrument, since_ns)
                }

        play(script)

    @card("EX-29")
    def test_private_frames_that_are_not_understood(self, exchange: ExchangeUnderTest) -> None:
        """`on_frame` raises `DecodeError` for a frame that is not understood, and nothing else.

        Setup: a client that is ready.
        Action: frames that no exchange writes come on each of its connections.
        Holds: nothing but `DecodeError` is raised, nothing is told of any order, and it trades as before.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                before = len(at.events.told)
                conns = {each.conn for each in at.on.tap.records if each.dir == "open"}
                assert conns
                for conn in sorted(conns):
                    for frame in (*UNKNOWN, *MALFORMED):
                        raised = _raised_by(partial(at.client.on_frame, conn, frame, at.on.clock.now_ns()))
                        assert isinstance(raised, DecodeError | None), (
                            f"{frame[:40]!r} made it raise {raised!r}"
                        )
                assert not [each for each in at.events.told[before:] if isinstance(each, (Fill, OrderReport))]
                await at.placed()

        play(script)

    @card("EX-30")
    def test_damaged_private_events_lose_nothing_for_good(self, exchange: ExchangeUnderTest) -> None:
        """What a damaged event should have told is found by asking; trading goes on.

        Setup: orders of ours rest at the best price.
        Action: private events are damaged in one way after the other, while one order each trades whole.
        Holds: no bug is met; each order is found filled when the exchange is asked.
        """

        names = wire(exchange)

        async def script() -> None:
            async with trading(exchange) as at:
                for kind in (FaultKind.TRUNCATE, FaultKind.GARBAGE, FaultKind.REORDER, FaultKind.DELAY):
                    order = await at.at_the_front()
                    names.lose_private(at.on, kind)
                    at.strike(order, order.size)
                    await at.on.sleep(2)
                    at.on.reopen()
                    report = await at.settled(order)
                    assert report.filled == order.size, kind
                    assert at.filled(order) == order.size, kind

        play(script)

    # -- limits and clocks ------------------------------------------------------------------------------

    @card("EX-31")
    def test_a_burst_stays_within_the_published_limits(self, exchange: ExchangeUnderTest) -> None:
        """Requests wait for their turn under the published limits; what cannot be sent is told as not sent.

        Setup: a client that is ready, and a simulator with the real exchange's limits.
        Action: four hundred orders are placed within a second, and then cancelled.
        Holds: the exchange never refuses for a limit; each is ACCEPTED or certainly not sent; all are
        cancelled.
        """
        refused: list[object] = []

        async def script() -> None:
            async with trading(exchange) as at:
                sent = []
                for _ in range(_BURST):
                    order = at.order()
                    with contextlib.suppress(OrderError):
                        at.client.place(order)
                        sent.append(order)
                    await at.on.sleep(1 / _BURST)
                accepted = []
                for order in sent:
                    report = await at.report(order, ReportKind.ACCEPTED, ReportKind.REJECTED)
                    if report.kind is ReportKind.ACCEPTED:
                        accepted.append(order)
                    else:
                        assert report.reason.startswith(NOT_SENT), report
                assert accepted
                for _ in range(20):
                    left = await at.open_ids()
                    if not left:
                        break
                    for order in accepted:
                        if order.client_order_id in left:
                            with contextlib.suppress(OrderError):
                                at.client.cancel(order)
                    await at.on.sleep(30)
                assert not left, f"{len(left)} orders could not be cancelled within ten minutes"

        def note(_: RateLimiter, limit: str | None, **options: Any) -> int:
            refused.append(limit)
            return 0

        with patch.object(RateLimiter, "refused", note):
            play(script)
        assert not refused, refused

    @card("EX-32")
    def test_too_many_requests_is_obeyed(self, exchange: ExchangeUnderTest) -> None:
        """After a 429 nothing that it is about is asked for as long as the exchange says.

        Setup: a client that is ready.
        Action: a question over REST is answered with status 429 and a time to stay away; it is asked again.
        Holds: no request of that kind leaves within that time; then the question is answered.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                await at.on.sleep(1)
                refusal = Fault(
                    kind=FaultKind.REFUSE,
                    where="request/* *",
                    status=429,
                    retry_after=Duration(_PAUSE_S * NS_PER_S),
                )
                at.on.inject(refusal)
                since_ns = at.on.clock.now_ns()
                with pytest.raises(TransportError):
                    await at.client.open_orders()
                refused_ns = at.on.clock.now_ns()
                (name,) = at.on.passages.names(Place.REQUEST, since_ns)
                assert await at.client.open_orders() == []
                again = [
                    each.at_ns
                    for each in at.on.passages.seen
                    if each.name == name and each.at_ns > refused_ns
                ]
                assert again
                assert again[0] >= refused_ns + (_PAUSE_S - 1) * NS_PER_S, "asked again too early"

        play(script)

    @card("EX-33")
    def test_an_exchange_whose_clock_is_wrong_is_traded_on(self, exchange: ExchangeUnderTest) -> None:
        """Requests are dated so that the exchange takes them, whatever its clock says.

        Setup: a client that is ready.
        Action: the exchange's clock jumps an hour ahead, or back; orders are placed, one a second.
        Holds: within half a minute one is ACCEPTED, and every one before it was certainly not taken.
        """
        for skew in ({"ahead": _SKEW}, {"behind": _SKEW}):

            async def script(skew: dict[str, Any] = skew) -> None:
                async with trading(exchange) as at:
                    at.on.inject(Fault(kind=FaultKind.CLOCK_SKEW, where="clock", **skew))
                    for _ in range(30):
                        order = at.order()
                        with contextlib.suppress(OrderError):
                            at.client.place(order)
                            report = await at.report(
                                order, ReportKind.ACCEPTED, ReportKind.REJECTED, ReportKind.UNKNOWN
                            )
                            if report.kind is ReportKind.ACCEPTED:
                                break
                        await at.on.sleep(1)
                    assert await at.open_ids() == [order.client_order_id]

            play(script)

    # -- credentials ------------------------------------------------------------------------------------

    @card("EX-34")
    def test_credentials_that_cannot_work_are_fatal(self, exchange: ExchangeUnderTest) -> None:
        """`start` raises `UsageError` where the credentials cannot work: no retry makes them right.

        Setup: a secret that is not the account's.
        Action: the client starts.
        Holds: `UsageError` within a minute, that names no secret; and nothing is asked any more.
        """

        async def script() -> None:
            async with stage(exchange) as on:
                with pytest.raises(UsageError) as raised:
                    async with asyncio.timeout(60), trader(on, **exchange.wrong):
                        pass
                since_ns = on.clock.now_ns()
                await on.sleep(60)
                assert not on.passages.count([Place.REQUEST, Place.CONNECT], since_ns)
                assert str(raised.value)
                _check_secrets(exchange, on.account, exchange.wrong, [str(raised.value), *on.lines])

        play(script)

    @card("EX-35")
    def test_a_network_that_fails_at_the_start_is_waited_for(self, exchange: ExchangeUnderTest) -> None:
        """What fails on the way is tried again, at a bounded rate and for ever; it is no matter of
        credentials.

        Setup: an exchange that lets nobody in, once the instruments are known.
        Action: the client starts; after ten minutes the exchange lets it in.
        Holds: it does not give up, asks at most two hundred times, and is ready in the end.
        """

        async def script() -> None:
            async with stage(exchange) as on:

                async def outage() -> None:
                    await on.sleep(0.05)
                    on.shut()
                    since_ns = on.clock.now_ns()
                    await on.sleep(600)
                    tried.append(on.passages.count([Place.REQUEST, Place.CONNECT], since_ns))
                    on.reopen()

                tried: list[int] = []
                on.world.stop()
                async with on.session(on.account) as session:
                    wanted = [market.instrument.id for market in on.world.markets.values()]
                    instruments = await session.load_instruments(wanted)
                    events = NotedEvents()
                    client = on.trade(session, events)
                    away = asyncio.ensure_future(outage())
                    try:
                        await on.sleep(0.05)
                        await client.start(instruments)
                        at = Trader(on, client, events, instruments)
                        await away
                        at.events.take()
                        await on.sleep(90)
                        await at.placed()
                    finally:
                        await client.stop()
                assert 0 < tried[0] <= 200, tried

        play(script)

    @card("EX-36")
    def test_no_secret_is_ever_told(self, exchange: ExchangeUnderTest) -> None:
        """A secret stands in no repr, log line, exception or capture.

        Setup: a client that trades, with everything it says and does taken down.
        Action: it is ready, places, is refused, does not understand what it gets, and loses its connections.
        Holds: its credentials stand in none of it, nor in the repr of the client or its config.
        """

        names = wire(exchange)

        async def script() -> None:
            async with stage(exchange) as on, trader(on) as at:
                said: list[str] = []
                await at.placed()
                refused = at.order(size=Size(at.size() * 10**9))
                at.client.place(refused)
                await at.report(refused, ReportKind.REJECTED)
                for kind in (FaultKind.GARBAGE, FaultKind.TRUNCATE, FaultKind.DISCONNECT):
                    for name in (names.place, names.query, names.cancel):
                        on.inject(Fault(kind=kind, where=pattern(f"reply/{name}")))
                    names.lose_private(on, kind if kind is not FaultKind.DISCONNECT else FaultKind.DROP)
                    order = at.order()
                    with contextlib.suppress(OrderError):
                        at.client.place(order)
                    at.client.query(order)
                    await on.sleep(3)
                    with contextlib.suppress(OrderError):
                        at.client.cancel(order)
                    await on.sleep(3)
                    on.reopen()
                on.inject(Fault(kind=FaultKind.REFUSE, where="request/* *", count=3, status=500))
                for ask in (at.client.open_orders, at.client.balances, at.client.positions):
                    try:
                        await ask()
                    except HftError as error:
                        said += [repr(error), "".join(traceback.format_exception(error))]
                on.cut()
                await on.sleep(5)
                said += [repr(at.client), repr(at.client.config), str(at.client.config), *on.lines]
                said += [f"{each.conn} {each.data} {each.req}" for each in on.tap.records]
                said += [str(each) for each in at.events.told]
                said += [repr(task) for task in asyncio.all_tasks()]
                _check_secrets(exchange, on.account, {}, said)

        play(script)

    @card("EX-37")
    def test_nothing_of_the_client_is_left_behind(self, exchange: ExchangeUnderTest) -> None:
        """A client that is stopped leaves no task, timer, socket or warning, whenever that is.

        Setup: the client runs.
        Action: it is stopped when it is ready, with requests under way, and just after it lost its
        connections.
        Holds: no task, timer or connection is left, no warning is raised, the event loop has no complaint.
        """

        async def stopped(what: str) -> None:
            async with trading(exchange) as at:
                if what == "under way":
                    order = at.order()
                    at.client.place(order)
                    at.client.query(order)
                    at.client.cancel(order)
                elif what == "lost":
                    at.client.place(at.order())
                    at.on.cut()
                    await at.on.sleep(0.002)

        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            for what in ("ready", "under way", "lost"):
                play(partial(stopped, what))
            gc.collect()
        assert not raised, [str(each.message) for each in raised]


def _left_unknown(
    exchange: ExchangeUnderTest,
    lose: Callable[[Trader], None],
    *,
    found: ReportKind = ReportKind.ACCEPTED,
) -> None:
    """Place an order of which nothing is heard because of ``lose``, and ask what became of it."""
    names = wire(exchange)

    async def script() -> None:
        async with trading(exchange) as at:
            names.lose_private(at.on)
            lose(at)
            order = at.order(price=at.instrument.price_above(at.far_price()))
            at.client.place(order)
            await at.report(order, ReportKind.UNKNOWN, ReportKind.ACCEPTED, *FINAL)
            assert {each.kind for each in at.reports(order)} == {ReportKind.UNKNOWN}
            settled = await at.settled(order)
            assert settled.kind is found
            if found is ReportKind.ACCEPTED:
                status = await at.status(order)
                assert (status.price, status.size) == (order.price, order.size)
                at.on.reopen()
                with contextlib.suppress(OrderError):
                    at.client.cancel(order)
                await at.on.sleep(3)
                if await at.client.open_orders():
                    at.client.cancel(order)
                assert (await at.report(order, *FINAL)).kind is ReportKind.CANCELED

    play(script)


def _raised_by(call: Callable[[], None]) -> Exception | None:
    try:
        call()
    except Exception as error:  # whatever it is, it is what is looked at
        return error
    return None


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif attrs.has(type(value)):
        for part in attrs.asdict(value, recurse=False).values():
            yield from _secrets(part)


def _check_secrets(
    exchange: ExchangeUnderTest, account: Account | None, changes: Mapping[str, Any], said: list[str]
) -> None:
    config = exchange.make_config(account, **changes)
    for secret in _secrets(config):
        for part in (secret, secret[:-2]):
            told = [each for each in said if part in each]
            assert not told, f"a secret is told in {len(told)} places, one begins {told[0][:60]!r}"
