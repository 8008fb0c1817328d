"""The example exchange with one defect at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from types import MethodType
from typing import Any

import attrs
import msgspec
from hft_acme import codec
from hft_acme.execution import AcmeExecution
from hft_acme.simulator import AcmeSimulator
from hft_acme.stream import AcmeStream, Numbering

from hft import (
    BookState,
    DecodeError,
    Fill,
    KnownOrder,
    NoSuchOrder,
    OrderReport,
    ReportKind,
    Request,
    RequestRefused,
    Side,
    Size,
    Step,
    TransportError,
    UsageError,
)
from hft.net.spec import Priority, RestAnswer
from hft.testing.conformance import ExchangeUnderTest

__all__ = ["DEFECTS", "defective"]

DEFECTS: dict[str, Callable[[], ExchangeUnderTest]] = {}
"""What makes the exchange with a defect, by the card that is meant to find it."""


@attrs.frozen
class Plugin:
    """The example's classes, some of them others."""

    stream: type = AcmeStream
    client: type = AcmeExecution
    sim: type = AcmeSimulator
    name: str = "acme"

    def market_data(self) -> type:
        return self.stream

    def execution(self) -> type:
        return self.client

    def simulator(self) -> type:
        return self.sim

    def strategy(self) -> None:
        return None

    def risk_rule(self) -> None:
        return None


def defective(**classes: type) -> ExchangeUnderTest:
    """Return the exchange with some of its classes replaced."""
    return ExchangeUnderTest(plugin=Plugin(**classes), symbols=("BTC/USDT", "ETH/USDT"))


def stream(*cards: str) -> Callable[[type], type]:
    """Register a stream as one that these cards refuse."""

    def register(cls: type) -> type:
        DEFECTS.update(dict.fromkeys(cards, lambda: defective(stream=cls)))
        return cls

    return register


def client(*cards: str) -> Callable[[type], type]:
    """Register a client as one that these cards refuse."""

    def register(cls: type) -> type:
        DEFECTS.update(dict.fromkeys(cards, lambda: defective(client=cls)))
        return cls

    return register


# -- streams -----------------------------------------------------------------------------------------------


@stream("MD-01")
class WrongLot(AcmeStream):
    """Takes the tick for the lot."""

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        for listing in (listings := json.loads(body)):
            listing["lot"] = listing["tick"]
        super().on_response(request, json.dumps(listings).encode(), recv_ns)


@stream("MD-02")
class LiveFromUpdates(AcmeStream):
    """Takes a book of nothing but changes for a whole one."""

    def _on_book(self, sync: Any, frame: codec.Frame, recv_ns: int) -> None:
        if frame.type == "update":
            market = sync.market
            market.book.apply_delta(frame.bids, frame.asks)
            market.book.state = BookState.LIVE
            market.on_book(market.book)


@stream("MD-03")
class ForgetsAsks(AcmeStream):
    """Applies one side of every tenth update only."""

    def _on_book(self, sync: Any, frame: codec.Frame, recv_ns: int) -> None:
        if frame.type == "update" and frame.seq % 10 == 0:
            frame.asks = msgspec.Raw(b"[]")
        super()._on_book(sync, frame, recv_ns)


class AnythingFollows(Numbering):
    """Sees no holes."""

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return Step.NEXT

    bridges = follows


def numbered(numbering: type[Numbering]) -> type:
    """Return a stream that chains updates in another way."""

    class Numbered(AcmeStream):
        def _synchroniser(self, market: Any) -> Any:
            sync = super()._synchroniser(market)
            sync._bridges, sync._follows = numbering().bridges, numbering().follows
            return sync

    return Numbered


stream("MD-04", "MD-05")(numbered(AnythingFollows))


class DuplicateIsGap(Numbering):
    """Takes what it has for a hole."""

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return Step.NEXT if prev_id == book_id else Step.GAP

    bridges = follows


stream("MD-06")(numbered(DuplicateIsGap))


class NewerFollows(Numbering):
    """Applies whatever is newer, and what comes late not at all."""

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return Step.NEXT if last_id > book_id else Step.OLD

    bridges = follows


stream("MD-07")(numbered(NewerFollows))


@stream("MD-08")
class SwallowsWhatItCannotRead(AcmeStream):
    """Says nothing of frames that it cannot read."""

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        with contextlib.suppress(DecodeError):
            super().on_frame(conn, data, recv_ns)


@stream("MD-09", "MD-16")
class RaisesOfJson(AcmeStream):
    """Lets the decoder's own exception through."""

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        json.loads(data)
        super().on_frame(conn, data, recv_ns)


@stream("MD-10")
class ResynchronisesAll(AcmeStream):
    """Begins anew with everything when one book has a gap."""

    def _on_book(self, sync: Any, frame: codec.Frame, recv_ns: int) -> None:
        if frame.type == "update" and frame.prev > sync.market.book.update_id > 0:
            for followed in self._followed.values():
                followed.sync.on_corrupt("a gap somewhere")
        super()._on_book(sync, frame, recv_ns)


@stream("MD-11")
class AsksWithoutPause(AcmeStream):
    """Repeats a request that failed at once, for ever."""

    def subscribe(self, markets: Sequence[Any]) -> Any:
        self.feed.request(self.instrument_requests([])[0])
        return super().subscribe(markets)

    def on_request_failed(self, request: Request, reason: str, recv_ns: int) -> None:
        self.feed.clock.call_later(10_000_000, lambda: self.feed.request(request))


@stream("MD-12", "MD-13")
class StaysLive(AcmeStream):
    """Takes no notice of a lost connection."""

    def on_close(self, conn: str, recv_ns: int) -> None:
        pass


@stream("MD-15")
class ExpectsKnownSymbols(AcmeStream):
    """Looks symbols up without looking whether they are known."""

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        frame = codec.decode(data, codec.Frame)
        assert self._followed[frame.symbol]
        super().on_frame(conn, data, recv_ns)


@stream("MD-17")
class TellsTheMakersSide(AcmeStream):
    """Tells a trade as the maker saw it."""

    def _on_trade(self, market: Any, frame: codec.Frame, recv_ns: int) -> None:
        told = json.loads(bytes(frame.data))
        told["side"] = Side(told["side"]).opposite.value
        frame.data = msgspec.Raw(json.dumps(told).encode())
        super()._on_trade(market, frame, recv_ns)


@stream("MD-20")
class LeavesATimer(AcmeStream):
    """Looks again and again, also when it is over."""

    def on_open(self, conn: str, recv_ns: int) -> None:
        super().on_open(conn, recv_ns)
        self._look()

    def _look(self) -> None:
        self.feed.clock.call_later(10**9, self._look)


# -- clients: orders ---------------------------------------------------------------------------------------


def changed_body(**changes: Callable[[dict[str, Any]], Any]) -> type:
    """Return a client that writes new orders otherwise."""

    class Changed(AcmeExecution):
        def _written(self, method: str, path: str, body: bytes, now_ns: int) -> Any:
            if method == "POST":
                order = json.loads(body)
                order |= {name: change(order) for name, change in changes.items()}
                body = json.dumps(order).encode()
            return super()._written(method, path, body, now_ns)

    return Changed


def _rounded(order: dict[str, Any]) -> str | None:
    return order["price"] and f"{float(order['price']):.1f}"


client("EX-01")(changed_body(price=_rounded))
client("EX-11")(changed_body(post_only=lambda _: False))
client("EX-12", "EX-13")(changed_body(time_in_force=lambda _: "GTC"))
client("EX-41")(changed_body(client_id=lambda order: "x" + order["client_id"][1:]))


class Retold(AcmeExecution):
    """Tells what its subclasses make of reports and fills."""

    def __init__(self, config: Any, events: Any, link: Any) -> None:
        super().__init__(config, events, link)
        on_report, on_fill = events.on_report, events.on_fill
        self.events = attrs.make_class("Events", [])()  # type: ignore[assignment]
        for name in ("refusal", "on_ready", "on_lost"):
            setattr(self.events, name, getattr(events, name))
        self.events.on_report = lambda report: [on_report(each) for each in self.reports(report)]  # type: ignore[method-assign]
        self.events.on_fill = lambda fill: [on_fill(each) for each in self.fills(fill)]  # type: ignore[method-assign]

    def reports(self, report: OrderReport) -> list[OrderReport]:
        return [report]

    def fills(self, fill: Fill) -> list[Fill]:
        return [fill]


@client("EX-02")
class NeverSaysCanceled(Retold):
    """Keeps to itself that an order is cancelled."""

    def reports(self, report: OrderReport) -> list[OrderReport]:
        return [] if report.kind is ReportKind.CANCELED else [report]


@client("EX-03")
class ForgetsFees(Retold):
    """Tells no fees."""

    def fills(self, fill: Fill) -> list[Fill]:
        return [attrs.evolve(fill, fee=Decimal(0))]


@client("EX-04")
class TellsTheWholeSize(Retold):
    """Takes a part for all of it."""

    def fills(self, fill: Fill) -> list[Fill]:
        return [attrs.evolve(fill, size=Size(fill.size + 1))]


@client("EX-05")
class FilledIsExpired(AcmeExecution):
    """Reports an order that has traded whole as expired."""

    def _on_order(self, order: codec.OrderState, recv_ns: int) -> None:
        if order.state == "filled":
            order.state = "expired"
        super()._on_order(order, recv_ns)


@client("EX-09")
class NoCode(Retold):
    """Says nothing of the exchange's code."""

    def reports(self, report: OrderReport) -> list[OrderReport]:
        return [attrs.evolve(report, code="")]


@client("EX-10")
class RefusedCancelIsCanceled(Retold):
    """Takes a cancel that comes too late for one that was done."""

    def reports(self, report: OrderReport) -> list[OrderReport]:
        refused = report.kind is ReportKind.CANCEL_REJECTED
        return [attrs.evolve(report, kind=ReportKind.CANCELED) if refused else report]


@client("EX-18", "EX-42")
class CancelsEverything(AcmeExecution):
    """Cancels all that is open, whoever's it is."""

    async def cancel_orders(self, orders: Sequence[Any]) -> Sequence[str]:
        await super().cancel_orders(await self.open_orders())
        return [each.client_order_id for each in orders]

    def cancel(self, order: Any) -> None:
        self.link.spawn(self._cancel_all(), "cancel everything")

    async def _cancel_all(self) -> None:
        await super().cancel_orders(await self.open_orders())


@client("EX-20")
class SaysNotSentOfWhatWas(AcmeExecution):
    """Says of every order without an answer that it was not sent."""

    def _on_answer(self, order: Any, done: Any, refused: Any, answer: Any) -> None:
        if isinstance(answer, RestAnswer) and answer.status >= 500:
            answer = TransportError("no")
        if isinstance(answer, TransportError):
            answer = TransportError("whatever", sent=None)
            report = OrderReport(client_order_id=order.client_order_id, kind=refused, reason="failed")
            self.events.on_report(report)
            return
        super()._on_answer(order, done, refused, answer)


# -- clients: what goes wrong --------------------------------------------------------------------------------


@client("EX-21", "EX-38")
class LostIsRejected(AcmeExecution):
    """Takes a broken connection for a refusal."""

    def _on_answer(self, order: Any, done: Any, refused: Any, answer: Any) -> None:
        if isinstance(answer, TransportError):
            answer.sent = False
        super()._on_answer(order, done, refused, answer)


@client("EX-22")
class UnreadableIsRejected(AcmeExecution):
    """Takes an answer that it cannot read for a refusal."""

    def _on_answer(self, order: Any, done: Any, refused: Any, answer: Any) -> None:
        if isinstance(answer, RestAnswer) and answer.body.startswith(b"<"):
            answer = TransportError("a web page", sent=False)
        super()._on_answer(order, done, refused, answer)


@client("EX-23")
class ServerErrorIsRejected(AcmeExecution):
    """Takes the failure of a server for a refusal."""

    def _on_answer(self, order: Any, done: Any, refused: Any, answer: Any) -> None:
        if isinstance(answer, RestAnswer) and answer.status >= 500:
            answer = attrs.evolve(answer, status=400, body=b'{"code":"502"}')
        super()._on_answer(order, done, refused, answer)


@client("EX-24")
class SendsAgain(AcmeExecution):
    """Repeats placing an order by itself."""

    def _on_answer(self, order: Any, done: Any, refused: Any, answer: Any) -> None:
        super()._on_answer(order, done, refused, answer)
        if isinstance(answer, TransportError) and done is ReportKind.ACCEPTED:
            self.place(order)


@client("EX-25")
class LostCancelIsRejected(AcmeExecution):
    """Takes a cancel without an answer for one that was refused."""

    def _on_answer(self, order: Any, done: Any, refused: Any, answer: Any) -> None:
        if isinstance(answer, TransportError) and refused is ReportKind.CANCEL_REJECTED:
            answer.sent = False
        super()._on_answer(order, done, refused, answer)


@client("EX-26")
class SaysNothingOfALoss(AcmeExecution):
    """Does not say that it is lost."""

    def on_close(self, conn: str, recv_ns: int) -> None:
        pass


@client("EX-27", "EX-39")
class NumbersFillsItself(AcmeExecution):
    """Gives every fill that it hears of an id of its own."""

    def _fill(self, told: codec.Execution) -> Fill:
        numbers = self.__dict__.setdefault("numbers", count(1))
        return attrs.evolve(super()._fill(told), trade_id=str(next(numbers)))


@client("EX-28")
class ForgetsMissedFills(AcmeExecution):
    """Answers a question with a report and no fills."""

    async def _find(self, order: Any) -> KnownOrder | NoSuchOrder:
        found = await super()._find(order)
        return found if isinstance(found, NoSuchOrder) else KnownOrder(found.report)


@client("EX-29")
class ExpectsKnownFrames(AcmeExecution):
    """Looks up what to do with a frame without looking whether it is known."""

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        frame = json.loads(data)
        assert {"channel": frame.get("channel")}
        super().on_frame(conn, data, recv_ns)


@client("EX-30")
class StopsAtDamage(AcmeExecution):
    """Hears nothing more after a frame that it could not read."""

    deaf = False

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        try:
            if not self.deaf:
                super().on_frame(conn, data, recv_ns)
        except DecodeError:
            self.deaf = True
            raise

    def query(self, order: Any) -> None:
        if not self.deaf:
            super().query(order)


@client("EX-31")
class CountsNothing(AcmeExecution):
    """Places orders as if there were no limits."""

    def place(self, order: Any) -> None:
        call = self.link.call

        def uncounted(self_: Any, made: Any, done: Any) -> None:
            call(attrs.evolve(made, costs=(("requests", 1),), priority=Priority.CANCEL), done)

        self.link.call = MethodType(uncounted, self.link)  # type: ignore[method-assign]
        try:
            super().place(order)
        finally:
            self.link.call = call  # type: ignore[method-assign]


@client("EX-32")
class AsksOnWhenItIsTooMuch(AcmeExecution):
    """Asks under another limit when one is used up."""

    def _call(self, method: str, path: str, **options: Any) -> Any:
        numbers = self.__dict__.setdefault("numbers", count(0))
        if method == "GET" and next(numbers) % 2:
            options["costs"] = (("orders", 1),)
        return super()._call(method, path, **options)


@client("EX-34")
class NeverGivesUpOnAKey(AcmeExecution):
    """Tries a wrong key for ever."""

    def _refusal(self, answer: RestAnswer) -> RequestRefused:
        refused = super()._refusal(answer)
        refused.bad_key = False
        return refused


@client("EX-35")
class GivesUpAtTheStart(AcmeExecution):
    """Takes a network that fails for a wrong key."""

    async def start(self, instruments: Sequence[Any]) -> None:
        try:
            await self.balances()
        except TransportError as error:
            raise UsageError(str(error)) from None
        await super().start(instruments)


@client("EX-36")
class TellsItsSecret(AcmeExecution):
    """Logs what it signs with."""

    def _written(self, method: str, path: str, body: bytes, now_ns: int) -> Any:
        self.link.warn(f"signing {path} with {self._secret.reveal()}")
        return super()._written(method, path, body, now_ns)


@client("EX-37")
class LeavesATask(AcmeExecution):
    """Starts what nobody ends."""

    async def start(self, instruments: Sequence[Any]) -> None:
        await super().start(instruments)
        self.forgotten = asyncio.get_running_loop().create_task(asyncio.sleep(3600))


@client("EX-40")
class RemembersNothing(AcmeExecution):
    """Lists no fills of the time before it began."""

    async def executions(self, instrument: Any, since_ns: int) -> Sequence[Fill]:
        began_ns = self.__dict__.setdefault("began_ns", self.clock.now_ns())
        fills = await super().executions(instrument, since_ns)
        return [fill for fill in fills if fill.exchange_ns >= began_ns]


@client("EX-43")
class CancelsInGoodFaith(AcmeExecution):
    """Reports an order as cancelled as soon as it asks for that."""

    def cancel(self, order: Any) -> None:
        super().cancel(order)
        report = OrderReport(client_order_id=order.client_order_id, kind=ReportKind.CANCELED)
        self.events.on_report(report)
