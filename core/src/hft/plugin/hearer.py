"""Who hears of all our orders, in a form whose methods compiled callers need not look up by their names."""

from __future__ import annotations

from hft.events import Fill, Funding, OrderReport
from hft.plugin.execution import ExecutionEvents

__all__ = ["Hearer", "hearer_of"]


class Hearer:
    """What of `ExecutionEvents` is called all the time."""

    __slots__ = ()

    def on_report(self, report: OrderReport) -> None:
        """Take evidence about an order."""
        raise NotImplementedError

    def on_fill(self, fill: Fill) -> None:
        """Take a fill."""
        raise NotImplementedError

    def on_funding(self, funding: Funding) -> None:
        """Take a funding payment."""
        raise NotImplementedError


class _Passing(Hearer):
    """Passes on what it hears."""

    __slots__ = ("_events",)

    def __init__(self, events: ExecutionEvents) -> None:
        self._events = events

    def on_report(self, report: OrderReport) -> None:
        self._events.on_report(report)

    def on_fill(self, fill: Fill) -> None:
        self._events.on_fill(fill)

    def on_funding(self, funding: Funding) -> None:
        self._events.on_funding(funding)


def hearer_of(events: ExecutionEvents) -> Hearer:
    """Return who hears what is told to ``events``: these themselves, if they can be called directly."""
    return events if isinstance(events, Hearer) else _Passing(events)
