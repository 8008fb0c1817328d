"""What an exchange is asked is asked until it answers, and told as what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from hft import (
    DecodeError,
    Fill,
    KnownOrder,
    Liquidity,
    NoSuchOrder,
    Order,
    OrderQuestions,
    OrderReport,
    Price,
    ReportKind,
    RequestRefused,
    Side,
    Size,
    TransportError,
    UsageError,
    all_done,
    asking,
    persistently,
)
from hft.testing.link import FakeLink, NotedEvents
from hft.testing.trading import make_instrument

INSTRUMENT = make_instrument()


def refused(status: int = 400, code: int | str = -1, *, bad_key: bool = False) -> RequestRefused:
    return RequestRefused("GET /time: refused", status=status, code=code, asked_ns=5, bad_key=bad_key)


class Asked:
    """Answers with the next of what it is given; the last one stays."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def run(link: FakeLink, work: Awaitable[str], seconds: int = 600) -> asyncio.Future[str]:
    """Let time pass, tenth by tenth of a second, until it is done or time is over."""
    task = asyncio.ensure_future(work)
    for _ in range(seconds * 10):
        await asyncio.sleep(0)
        if task.done():
            break
        link.clock.advance(100_000_000)
    return task


async def test_the_first_answer_needs_no_waiting() -> None:
    link, ask = FakeLink(), Asked("yes")
    assert await persistently(link, ask) == "yes"
    assert (link.clock.now_ns(), ask.count, link.warnings) == (0, 1, [])


async def test_it_is_asked_until_there_is_an_answer_that_can_be_read() -> None:
    link = FakeLink()
    ask = Asked(TransportError("cut"), DecodeError("a web page"), refused(503, 0), refused(404), "yes")
    task = await run(link, persistently(link, ask))
    assert task.result() == "yes"
    assert link.warnings == ["cut", "a web page", "GET /time: refused", "GET /time: refused"]
    # Waits of about 0.5, 1, 2 and 4 s, each at least half of that.
    assert 3_750_000_000 <= link.clock.now_ns() <= 8_000_000_000


async def test_asking_goes_on_for_ever_and_not_faster_than_every_15_s() -> None:
    link, ask = FakeLink(), Asked(TransportError("cut"))
    task = await run(link, persistently(link, ask), seconds=3_600)
    assert not task.done()
    assert 120 <= ask.count <= 260
    task.cancel()


async def test_a_key_that_is_not_taken_ends_it() -> None:
    link, ask = FakeLink(environment="testnet"), Asked(TransportError("cut"), refused(401, bad_key=True))
    task = await run(link, persistently(link, ask))
    with pytest.raises(
        UsageError, match="acme: GET /time: refused; check the credentials, environment 'testnet'"
    ):
        task.result()
    assert ask.count == 2


async def test_who_can_ask_otherwise_is_told_of_the_refusal() -> None:
    link = FakeLink()
    ask = Asked(refused(503), refused(404))
    task = await run(link, persistently(link, ask, give_up=lambda error: error.status == 404))
    with pytest.raises(RequestRefused) as raised:
        task.result()
    assert (raised.value.status, raised.value.sent, raised.value.asked_ns) == (404, True, 5)
    assert link.warnings == ["GET /time: refused"]


async def test_a_fault_of_ours_is_not_asked_again() -> None:
    ask = Asked(RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        await persistently(FakeLink(), ask)
    assert ask.count == 1


@pytest.mark.parametrize(
    "error", [DecodeError("bad"), KeyError("state"), ValueError("side"), ZeroDivisionError()]
)
def test_an_answer_that_makes_no_sense_is_none(error: Exception) -> None:
    link = FakeLink()
    with pytest.raises(TransportError, match="positions") as raised, asking(link, "positions"):
        raise error
    assert raised.value.sent
    assert [(conn, data) for conn, data, _ in link.faults] == [("positions", b"")]


def test_no_answer_stays_none_and_is_no_fault_of_the_exchange() -> None:
    link = FakeLink()
    failure = refused()
    with pytest.raises(RequestRefused) as raised, asking(link, "positions"):
        raise failure
    assert raised.value is failure
    assert link.faults == []


async def test_all_of_it_is_done_although_some_fails() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        if number in (1, 2):
            raise TransportError(f"number {number}")
        await asyncio.sleep(0)
        done.append(number)

    with pytest.raises(TransportError, match="number 1"):
        await all_done(*(work(number) for number in range(4)))
    assert done == [0, 3]
    await all_done(work(0))
    await all_done()


class World:
    """Questions about one order, whose answer the test gives."""

    def __init__(self, answer: Callable[[], KnownOrder | NoSuchOrder]) -> None:
        self.link = FakeLink(start_ns=70)
        self.events = NotedEvents()
        self.count = 0
        self.answer = answer
        self.questions = OrderQuestions(self.link, self.events, self.find)
        self.order = Order(
            client_order_id="a-1",
            strategy="maker",
            instrument=INSTRUMENT,
            side=Side.BUY,
            size=Size(1),
            price=Price(5),
        )

    async def find(self, order: Order) -> KnownOrder | NoSuchOrder:
        assert order is self.order
        self.count += 1
        return self.answer()


def fill() -> Fill:
    return Fill(
        client_order_id="a-1",
        instrument=INSTRUMENT,
        trade_id="t",
        side=Side.BUY,
        price=Price(5),
        size=Size(1),
        liquidity=Liquidity.TAKER,
        fee=Decimal(0),
        fee_asset="USDT",
    )


async def test_what_is_known_of_an_order_is_told_fills_first() -> None:
    report = OrderReport(client_order_id="a-1", kind=ReportKind.CANCELED)
    traded = fill()
    world = World(lambda: KnownOrder(report, [traded]))
    world.questions.ask(world.order)
    world.questions.ask(world.order)  # while the first is under way
    await world.link.work()
    assert world.events.take() == [traded, report]
    assert world.count == 1
    world.questions.ask(world.order)
    await world.link.work()
    assert world.count == 2


async def test_an_order_that_the_exchange_does_not_know_is_told_with_when_it_was_asked() -> None:
    world = World(lambda: NoSuchOrder(50))
    world.questions.ask(world.order)
    await world.link.work()
    (report,) = world.events.take()
    assert (report.kind, report.asked_ns, report.recv_ns) == (ReportKind.NOT_FOUND, 50, 70)


@pytest.mark.parametrize("error", [TransportError("cut"), DecodeError("bad"), KeyError("state")])
async def test_without_an_answer_nothing_is_told_and_it_can_be_asked_again(error: Exception) -> None:
    def fail() -> KnownOrder:
        raise error

    world = World(fail)
    for _ in range(2):
        world.questions.ask(world.order)
        await world.link.work()
    assert world.count == 2
    assert world.events.take() == []
    assert len(world.link.warnings) + len(world.link.faults) == 2


async def test_trades_that_an_event_did_not_tell_are_asked_for() -> None:
    world = World(lambda: NoSuchOrder(0))
    traded = fill()

    async def ask() -> list[Fill]:
        return [traded]

    async def fail() -> list[Fill]:
        raise TransportError("cut")

    world.questions.ask_fills("a-1", ask)
    world.questions.ask_fills("a-1", fail)
    await world.link.work()
    assert world.events.take() == [traded]
    assert world.link.warnings == ["how order a-1 traded cannot be asked: cut"]
