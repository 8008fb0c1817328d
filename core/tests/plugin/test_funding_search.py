"""A payment that was announced is looked for until it is listed, a few times, and told."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hft import Funding, FundingSearch, Instrument, TransportError
from hft.testing.link import FakeLink, NotedEvents
from hft.testing.trading import make_instrument

SECOND_NS = 1_000_000_000
PERPETUAL = make_instrument()
PAYMENT = Funding(instrument=PERPETUAL, payment_id="1", asset="USDT", amount=Decimal(-1))


class World:
    """A list of payments that lags behind: empty for the first ``late`` questions."""

    def __init__(self, late: int) -> None:
        self.link = FakeLink()
        self.events = NotedEvents()
        self.late = late
        self.asked: list[tuple[int, int]] = []
        self.search = FundingSearch(self.link, self.events, self.ask)

    async def ask(self, instrument: Instrument, since_ns: int) -> Sequence[Funding]:
        assert instrument is PERPETUAL
        self.asked.append((self.link.clock.now_ns() // SECOND_NS, since_ns // SECOND_NS))
        if len(self.asked) == 1:
            raise TransportError("cut")
        return [PAYMENT] if len(self.asked) > self.late else []

    async def run(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.link.work()
            self.link.clock.advance(SECOND_NS)


async def test_it_is_looked_for_until_it_is_listed() -> None:
    world = World(late=2)
    world.search.begin([PERPETUAL], 100 * SECOND_NS)
    world.link.clock.advance(0)
    await world.run(200)
    assert world.asked == [(0, 40), (2, 40), (12, 40)]
    assert world.events.take() == [PAYMENT]
    assert world.link.warnings == ["acme: a funding payment cannot be looked up: cut"]


async def test_what_is_never_listed_is_given_up() -> None:
    world = World(late=100)
    world.search.begin([PERPETUAL], 100 * SECOND_NS)
    world.link.clock.advance(0)
    await world.run(1_000)
    assert [at for at, _ in world.asked] == [0, 2, 12, 72]
    assert world.events.take() == []


async def test_it_looks_no_more_once_it_stops() -> None:
    world = World(late=100)
    world.search.begin([PERPETUAL], 100 * SECOND_NS)
    world.link.clock.advance(0)
    await world.run(5)
    world.search.stop()
    await world.run(200)
    assert [at for at, _ in world.asked] == [0, 2]
