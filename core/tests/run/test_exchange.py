"""One exchange of a live run, from its first request on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hft.clock import NS_PER_S, SimulatedClock
from hft.errors import DecodeError, TransportError, UsageError
from hft.instrument import Instrument, InstrumentId
from hft.latency import Trace
from hft.market import Channel, Market
from hft.net import Costs, RateLimit, Request, RestAnswer, RestCall, RestClient
from hft.net.spec import ConnectionSpec
from hft.plugin.market_data import Feed
from hft.run.exchange import Budgets, ExchangeSession
from hft.testing.trading import make_instrument

BTC = InstrumentId("BTC/USDT", "test")


class Entry:
    """An exchange of a profile, as far as a session looks at it."""

    key = use = "test"
    environment = "mainnet"
    url = config = None

    @property
    def plugin(self) -> Entry:
        return self

    def market_data(self) -> type[ListingStream]:
        return ListingStream

    def execution(self) -> None:
        """Trade nothing."""


class ListingStream:
    """Takes ``listing`` for the description of one instrument and nothing else."""

    rate_limits = ()
    channels = frozenset({Channel.BOOK})

    @staticmethod
    def refusals(call: RestCall, answer: RestAnswer) -> Sequence[str]:
        return ()

    @staticmethod
    def usage(costs: Costs, headers: Mapping[str, str]) -> Sequence[tuple[str, int]]:
        return [(name, int(headers["X-Used"])) for name, _ in costs]

    def __init__(self, config: None, feed: Feed) -> None:
        self.feed = feed

    def instrument_requests(self, symbols: Sequence[str]) -> list[Request]:
        return [Request(url="http://exchange.test/instruments")]

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        if body != b"listing":
            raise DecodeError(f"not a listing: {body!r}")
        self.feed.publish([make_instrument()])

    def subscribe(self, markets: Sequence[Market]) -> list[ConnectionSpec]:
        return []


class ImpatientClock(SimulatedClock):
    """Sleeps by moving on at once."""

    async def sleep(self, delay_ns: int) -> None:
        self.advance(delay_ns)


async def load(answers: Sequence[bytes | Exception], warnings: list[str], wanted: InstrumentId = BTC) -> Any:
    clock = ImpatientClock()
    waiting = iter(answers)
    entry: Any = Entry()

    async def get(self: RestClient, request: Request) -> bytes:
        answer = next(waiting)
        if isinstance(answer, Exception):
            raise answer
        return answer

    session = ExchangeSession(
        entry,
        base=Path(),
        seed=1,
        clock=clock,
        trace=Trace(clock.now_ns),
        tap=None,
        budgets={},
        warn=lambda _, line: warnings.append(line),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RestClient, "get", get)
        await session.open()
        try:
            instruments: list[Instrument] = await session.load_instruments([wanted])
        finally:
            await session.close()
    return [instrument.id for instrument in instruments], clock.now_ns() / NS_PER_S


async def test_instruments_are_asked_for_until_the_answer_describes_them() -> None:
    """An exchange under maintenance answers with a page of HTML as readily as with an error."""
    answers = [TransportError("refused"), b"<html>", b"", b"<html>", b"listing"]
    warnings: list[str] = []
    loaded, seconds = await load(answers, warnings)
    assert loaded == [BTC]
    assert warnings == [
        "test: refused",
        "test: http://exchange.test/instruments: not a listing: b'<html>'",
        "test: http://exchange.test/instruments: not a listing: b''",
        "test: http://exchange.test/instruments: not a listing: b'<html>'",
    ]
    assert 3.75 <= seconds <= 7.5, "asked ever more rarely"


async def test_what_a_strategy_listens_for_in_vain_is_said() -> None:
    warnings: list[str] = []
    clock = SimulatedClock()
    entry: Any = Entry()
    session = ExchangeSession(
        entry,
        base=Path(),
        seed=1,
        clock=clock,
        trace=Trace(clock.now_ns),
        tap=None,
        budgets={},
        warn=lambda _, line: warnings.append(line),
    )
    await session.open()
    market = Market(make_instrument())
    for channel in (Channel.BOOK, Channel.QUOTE):
        market.listen(channel, lambda _: None)
    session.subscribe([market])
    await session.close()
    assert warnings == ["test: BTC/USDT@test: test brings no quote data"]


async def test_accounts_at_one_exchange_share_what_it_counts_by_address() -> None:
    budgets: Budgets = {}
    clock = SimulatedClock()

    def session(key: str, environment: str = "mainnet") -> ExchangeSession:
        entry: Any = Entry()
        entry.key, entry.environment = key, environment
        return ExchangeSession(
            entry,
            base=Path(),
            seed=1,
            clock=clock,
            trace=Trace(clock.now_ns),
            tap=None,
            budgets=budgets,
            warn=lambda _, line: None,
        )

    sessions = [session("a"), session("b"), session("c", "testnet")]
    limit = RateLimit(name="weight", weight=10, per_ns=NS_PER_S)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ListingStream, "rate_limits", (limit,))
        for each in sessions:
            await each.open()
    sessions[0]._limiter.observe("weight", 7, clock.now_ns())
    assert [each._limiter.usage()["weight"].used for each in sessions] == [7, 7, 0]
    for each in sessions:
        await each.close()


async def test_the_stream_reads_what_the_exchange_counts() -> None:
    with pytest.MonkeyPatch.context() as patch:
        given: list[Any] = []
        create = RestClient.__init__
        patch.setattr(
            RestClient,
            "__init__",
            lambda self, *a, **k: given.append((k["usage"], k["refusals"])) or create(self, *a, **k),
        )
        await load([b"listing"], [])
    assert given == [(ListingStream.usage, ListingStream.refusals)]


async def test_an_instrument_that_is_not_listed_is_a_fault_of_the_profile() -> None:
    with pytest.raises(UsageError, match="test has no instrument 'ETH/USDT'"):
        await load([b"listing"], [], InstrumentId("ETH/USDT", "test"))
