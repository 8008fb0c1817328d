"""Funding payments that are announced without saying what was paid for which instrument."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from hft.clock import Timer
from hft.errors import DecodeError, TransportError
from hft.events import Funding
from hft.instrument import Instrument
from hft.plugin.execution import ExecutionEvents
from hft.plugin.link import Link

__all__ = ["FundingSearch"]

_DELAYS_NS = (0, 2_000_000_000, 10_000_000_000, 60_000_000_000)
"""When a payment is looked for in a list of bookings, which lags behind."""

_BEFORE_NS = 60_000_000_000
"""How much earlier than it was announced it may be booked."""


class FundingSearch:
    """Looks an announced payment up in the exchange's list of bookings, and tells what it finds.

    ``ask(instrument, since_ns)`` returns the payments of an instrument since then.
    """

    def __init__(
        self,
        link: Link,
        events: ExecutionEvents,
        ask: Callable[[Instrument, int], Awaitable[Sequence[Funding]]],
    ) -> None:
        self._link = link
        self._events = events
        self._ask = ask
        self._timers: set[Timer] = set()

    def begin(self, instruments: Iterable[Instrument], paid_ns: int) -> None:
        """Look for what was paid at ``paid_ns``; where nothing is listed yet, again a few times."""
        self._look_later(tuple(instruments), paid_ns, 0)

    def stop(self) -> None:
        """Look no more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _look_later(self, instruments: Sequence[Instrument], paid_ns: int, attempt: int) -> None:
        def look() -> None:
            self._timers.discard(timer)
            self._link.spawn(self._look(instruments, paid_ns, attempt), "look for a funding payment")

        timer = self._link.clock.call_later(_DELAYS_NS[attempt], look)
        self._timers.add(timer)

    async def _look(self, instruments: Sequence[Instrument], paid_ns: int, attempt: int) -> None:
        found = False
        try:
            for instrument in instruments:
                for funding in await self._ask(instrument, paid_ns - _BEFORE_NS):
                    found = True
                    self._events.on_funding(funding)
        except (TransportError, DecodeError) as error:
            self._link.warn(f"{self._link.exchange}: a funding payment cannot be looked up: {error}")
        if not found and attempt + 1 < len(_DELAYS_NS):
            self._look_later(instruments, paid_ns, attempt + 1)
