"""What an execution client asks its exchange over REST, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

import attrs

from hft.errors import DecodeError, RequestRefused, TransportError, UsageError
from hft.events import Fill, OrderReport, ReportKind
from hft.net.backoff import Backoff
from hft.order import Order
from hft.plugin.decoding import reading
from hft.plugin.execution import ExecutionEvents
from hft.plugin.link import Link

__all__ = ["KnownOrder", "NoSuchOrder", "OrderQuestions", "all_done", "asking", "persistently"]

_INITIAL_NS = 500_000_000
_MAXIMUM_NS = 30_000_000_000

T = TypeVar("T")


def _never(error: RequestRefused) -> bool:
    return False


async def persistently(
    link: Link, ask: Callable[[], Awaitable[T]], *, give_up: Callable[[RequestRefused], bool] = _never
) -> T:
    """Ask until there is an answer that can be understood, later every time and for ever; return it.

    Raises `UsageError` where a refusal says ``bad_key``, and a refusal itself for which ``give_up`` says
    True: there is another way to ask.
    """
    backoff = Backoff(link.random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)
    while True:
        delay_ns = backoff.next_ns()
        if delay_ns:
            await link.clock.sleep(delay_ns)
        try:
            return await ask()
        except (TransportError, DecodeError) as error:
            if isinstance(error, RequestRefused):
                if error.bad_key:
                    raise UsageError(
                        f"{link.exchange}: {error}; check the credentials, environment {link.environment!r},"
                        " the key's rights and the addresses it is bound to"
                    ) from None
                if give_up(error):
                    raise
            link.warn(str(error))


@contextmanager
def asking(link: Link, what: str) -> Iterator[None]:
    """Take an answer that cannot be understood for none: under maintenance it may be a web page.

    It raises `TransportError` for it, as the questions of `ExecutionClient` are to::

        async def positions(self):
            with asking(self.link, "positions"):
                return await self._account.positions()
    """
    try:
        with reading(what):
            yield
    except DecodeError as error:
        link.undecoded(what, b"", str(error))
        raise TransportError(f"{what}: {error}", sent=True) from None


async def all_done(*work: Awaitable[None]) -> None:
    """Let all of it come to its end, at once, and then raise what the first raised that failed."""
    for end in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(end, BaseException):
            raise end


@attrs.frozen
class KnownOrder:
    """How an order stands by the exchange's answer, and those of its trades that are not booked yet."""

    report: OrderReport
    fills: Sequence[Fill] = ()


@attrs.frozen
class NoSuchOrder:
    """What an exchange said when it was asked about an order, at ``asked_ns``."""

    asked_ns: int


Finder: TypeAlias = Callable[[Order], Awaitable[KnownOrder | NoSuchOrder]]


class OrderQuestions:
    """Asks what became of orders, as `ExecutionClient.query` is to, one question an order at a time.

    ``find`` asks the exchange; it raises `TransportError` or `DecodeError` where there is no answer.
    """

    def __init__(self, link: Link, events: ExecutionEvents, find: Finder) -> None:
        self._link = link
        self._events = events
        self._find = find
        self._asking: set[str] = set()
        """Orders about which a question is under way: more of them would wait for their turn in vain."""

    def ask(self, order: Order) -> None:
        """Ask about an order, unless that is under way; the answer is told to ``events``, fills first."""
        client_id = order.client_order_id
        if client_id not in self._asking:
            self._asking.add(client_id)
            self._link.spawn(self._ask(order), f"ask about {client_id}")

    async def _ask(self, order: Order) -> None:
        client_id = order.client_order_id
        try:
            with reading("its state"):
                found = await self._find(order)
        except TransportError as error:
            self._link.warn(f"order {client_id} cannot be asked about: {error}")
            return
        except DecodeError as error:
            self._link.undecoded(f"query of {client_id}", b"", str(error))
            return
        finally:
            self._asking.discard(client_id)
        if isinstance(found, NoSuchOrder):
            report = OrderReport(
                client_order_id=client_id,
                kind=ReportKind.NOT_FOUND,
                asked_ns=found.asked_ns,
                recv_ns=self._link.clock.now_ns(),
            )
        else:
            report = found.report
            for fill in found.fills:
                self._events.on_fill(fill)
        self._events.on_report(report)

    def ask_fills(self, client_order_id: str, ask: Callable[[], Awaitable[Sequence[Fill]]]) -> None:
        """Ask how an order traded, of which an event said only that it did, and tell it."""
        self._link.spawn(self._ask_fills(client_order_id, ask), f"ask how {client_order_id} traded")

    async def _ask_fills(self, client_order_id: str, ask: Callable[[], Awaitable[Sequence[Fill]]]) -> None:
        try:
            fills = await ask()
        except (TransportError, DecodeError) as error:
            self._link.warn(f"how order {client_order_id} traded cannot be asked: {error}")
            return
        for fill in fills:
            self._events.on_fill(fill)
