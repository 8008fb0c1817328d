"""Damaged answers and events of the account: only `DecodeError`, no end of an order without words for it.

A client trades on its simulator once; what passed between them is the tape. Each try plays it to a new
client, through `FakeLink`, with other bytes in one place.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import attrs

from hft import DecodeError, Fill, HftError, OrderError, OrderReport, OrderType, Price, Side
from hft.instrument import Instrument
from hft.net.spec import RestAnswer, RestCall
from hft.plugin.execution import ApprovedOrder
from hft.run.link import LiveLink
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.stage import play, stage
from hft.testing.conformance.trader import FINAL, NOT_SENT, Trader, trader
from hft.testing.link import FakeLink, NotedEvents
from tests.campaigns.fuzz_mutations import numbers

__all__ = ["PrivateTarget"]

_ENDS = {
    "binance": rb'CANCELED|EXPIRED|REJECTED|"error"|"code"',
    "okx": rb'cancel|filled|"(s?[cC]ode)"\s*:\s*"?[^0"]',
    "bybit": rb'Cancel|Reject|Deactivated|"(retCode|code)"\s*:\s*-?[1-9]',
    # An immediate order that is filled in part has ended.
    "hyperliquid": rb'[cC]ancel|[rR]eject|error|"status"\s*:\s*"err|"filled"\s*:\s*\{"totalSz"',
}
"""What stands in every message that ends an order."""

_TURNS = 50
"""So many turns of the event loop do all that waits for nothing."""


@attrs.frozen
class _Step:
    """One thing that happened: ``what`` is open, close, frame, fetch, answer, or what the trader did."""

    what: str
    t: int
    name: str = ""
    data: bytes = b""
    answer: RestAnswer | None = None
    act: Callable[[Any], None] | None = attrs.field(default=None, repr=False)


class _Tape:
    def __init__(self, exchange: ExchangeUnderTest) -> None:
        self.exchange = exchange
        self.steps: list[_Step] = []
        self.instruments: list[Instrument] = []
        self.told: list[tuple[str, str]] = []
        self.url = ""
        self.start_ns = 0
        self.config: Any = None
        with self._listening():
            play(self._session)

    async def _session(self) -> None:
        async with stage(self.exchange) as on:
            self.url, self.start_ns = on.url, on.clock.now_ns()
            self.config = self.exchange.make_config(on.account)
            async with trader(on) as at:
                self.instruments = list(at.instruments)
                await self._trade(at)
                self.told = told(at.events)
                self.steps = list(self.steps)
                self._is_over = True

    _is_over = False

    async def _trade(self, at: Trader) -> None:
        async def do(act: Callable[[Any], None]) -> None:
            self._note(_Step("act", at.on.clock.now_ns(), act=act))
            act(at.client)
            await at.on.sleep(1.5)

        def place(order: ApprovedOrder) -> Callable[[Any], None]:
            return lambda client: client.place(order)

        resting = at.order()
        await do(place(resting))
        if self.exchange.capabilities.amend:
            price = Price(at.instrument.price_down(Trader.price_of(resting) - 100))
            await do(lambda client: client.amend(resting, price, resting.size))
        await do(lambda client: client.query(resting))
        await do(lambda client: client.cancel(resting))
        front = at.order(price=at.best(Side.BUY))
        await do(place(front))
        at.strike(front, front.size // 2)
        await at.on.sleep(1)
        await do(lambda client: client.cancel(front))
        crossing = at.order(price=at.best(Side.SELL), post_only=True)
        await do(place(crossing))
        if OrderType.MARKET in self.exchange.capabilities.order_types:
            await do(place(at.market_order()))
        await do(lambda client: client.query(front))

    def _note(self, step: _Step) -> None:
        if not self._is_over:
            self.steps.append(step)

    def _listening(self) -> Any:
        open_, close, frame, fetch, call = (
            LiveLink.on_open,
            LiveLink.on_close,
            LiveLink.on_frame,
            LiveLink.fetch,
            LiveLink.call,
        )
        note = self._note

        def on_open(link: LiveLink, conn: str, recv_ns: int) -> None:
            note(_Step("open", recv_ns, conn))
            open_(link, conn, recv_ns)

        def on_close(link: LiveLink, conn: str, recv_ns: int) -> None:
            note(_Step("close", recv_ns, conn))
            close(link, conn, recv_ns)

        def on_frame(link: LiveLink, conn: str, data: bytes, recv_ns: int) -> None:
            note(_Step("frame", recv_ns, conn, bytes(data)))
            frame(link, conn, data, recv_ns)

        async def fetched(link: LiveLink, asked: RestCall) -> RestAnswer:
            path = "/" + asked.write(link.clock.now_ns()).url.partition("://")[2].partition("/")[2]
            answer = await fetch(link, asked)
            key = f"{asked.method} {path.partition('?')[0]}"
            note(_Step("fetch", answer.recv_ns, key, answer.body, answer))
            return answer

        def called(link: LiveLink, asked: RestCall, done: Callable[[Any], None]) -> None:
            def answered(answer: Any) -> None:
                if isinstance(answer, RestAnswer):
                    note(_Step("answer", answer.recv_ns, asked.shown, answer.body, answer))
                done(answer)

            call(link, asked, answered)

        return patch.multiple(
            LiveLink, on_open=on_open, on_close=on_close, on_frame=on_frame, fetch=fetched, call=called
        )


def told(events: NotedEvents) -> list[tuple[str, str]]:
    """Return what was told of orders, in short."""
    return [
        (each.client_order_id, each.kind.value if isinstance(each, OrderReport) else "fill")
        for each in events.told
        if isinstance(each, OrderReport | Fill)
    ]


async def _finished(work: Coroutine[Any, Any, None]) -> bool:
    """Do what can be done while no time passes; return whether that was all."""
    task = asyncio.ensure_future(work)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if task.done():
            task.result()
            return True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False


class PrivateTarget:
    """The execution client of one exchange, on a session at its simulator."""

    def __init__(self, exchange: ExchangeUnderTest) -> None:
        self.exchange = exchange
        self.tape = _Tape(exchange)
        self._loop = asyncio.new_event_loop()
        self._ends = re.compile(_ENDS[exchange.key])
        wrong, events = self._play(None, b"")
        assert not wrong, wrong
        assert sorted(told(events)) == sorted(self.tape.told), "the tape does not play as it was recorded"

    def close(self) -> None:
        """Let go of the event loop."""
        self._loop.close()

    def frames(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield tape, place and bytes of everything that can be damaged."""
        for at, step in enumerate(self.tape.steps):
            if step.data:
                yield 0, at, step.data

    def damage(self, _number: int, at: int, data: bytes) -> list[str]:
        """Put other bytes in the place of an answer or event and return what went wrong."""
        steps = self.tape.steps
        at %= len(steps)
        while not steps[at].data:
            at = (at + 1) % len(steps)
        return self._play(at, data)[0]

    # -- how -----------------------------------------------------------------------------------------

    def _play(self, at: int | None, data: bytes) -> tuple[list[str], NotedEvents]:
        tape = self.tape
        link = FakeLink(self.exchange.key, environment=self.exchange.stream.environments[0], url=tape.url)
        link.clock.advance(tape.start_ns)
        events = NotedEvents()
        client = link.client = self.exchange.client(tape.config, events, link)
        answers: dict[str, deque[RestAnswer]] = defaultdict(deque)
        for place, step in enumerate(tape.steps):
            if step.what == "fetch" and step.answer is not None:
                body = data if place == at else step.data
                answers[step.name].append(attrs.evolve(step.answer, body=body))
        link.answers = dict(answers)
        wrong: list[str] = []
        try:
            if not self._loop.run_until_complete(_finished(client.start(tape.instruments))):
                return wrong, events  # it asks again later
        except HftError:
            return wrong, events  # it says why it does not start
        except Exception as error:
            return [f"start raised {type(error).__name__}: {error}"], events
        answered = 0
        for place, step in enumerate(tape.steps):
            link.clock.advance_to(max(step.t, link.clock.now_ns()))
            body = data if place == at else step.data
            before = len(events.told)
            try:
                if step.what == "open" and step.name in link.specs:
                    link.open(step.name)
                elif step.what == "close":
                    link.close(step.name)
                elif step.what == "frame":
                    with suppress(DecodeError):
                        client.on_frame(step.name, body, link.clock.now_ns())
                elif step.what == "answer" and answered < len(link.calls) and step.answer is not None:
                    answered += 1
                    link.calls[answered - 1].done(attrs.evolve(step.answer, body=body))
                elif step.act is not None:
                    self._act(client, link, step.act)
            except Exception as error:
                wrong.append(f"{step.what} {step.name} raised {type(error).__name__}: {error}")
            if place == at and step.what in ("frame", "answer"):
                wrong += self._unsaid(events.told[before:], body)
        return wrong, events

    def _act(self, client: Any, link: FakeLink, act: Callable[[Any], None]) -> None:
        try:
            act(client)
        except OrderError:
            return
        self._loop.run_until_complete(_finished(link.work()))
        for work in link.spawned:
            work.close()
        link.spawned.clear()

    def _unsaid(self, told: list[Any], frame: bytes) -> list[str]:
        """Return what was told because of a frame in which it does not stand."""
        wrong = []
        stated = numbers(frame)
        for each in told:
            if isinstance(each, OrderReport) and each.kind in FINAL and not each.reason.startswith(NOT_SENT):
                if not self._ends.search(frame):
                    wrong.append(f"{each.kind.value} is told of {each.client_order_id}, and nothing says so")
            elif isinstance(each, Fill):
                price = each.instrument.price_to_decimal(each.price)
                size = each.instrument.size_to_decimal(each.size)
                if stated is None or price not in stated or size not in stated:
                    wrong.append(f"a fill of {size} at {price} is told, and nothing says so")
        return wrong
