"""What can go wrong on an exchange's public side, to be asked for by tests and drills."""

from __future__ import annotations

import enum
from fnmatch import fnmatchcase
from typing import Protocol

import attrs

from hft.clock import Clock
from hft.types import Duration

__all__ = ["Fault", "FaultKind", "FaultTarget", "Faults"]


class FaultKind(enum.Enum):
    """The faults that every simulator knows."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    """The frame comes after the next one of its stream."""
    DELAY = "delay"
    TRUNCATE = "truncate"
    DISCONNECT = "disconnect"
    """The frame is lost and with it, without a goodbye, every connection that should have had it."""
    SILENCE = "silence"
    """The connections that should have had the frame stay open and bring nothing any more."""
    REST_ERROR = "rest-error"


@attrs.frozen(kw_only=True)
class Fault:
    """One fault: what, where, when, how often.

    ``where`` is a shell pattern over the names of streams (``*btcusdt@depth*``) or, for REST_ERROR,
    over paths (``*/depth``). The first ``after`` matches are left alone, then ``count`` are hit.
    ``delay`` belongs to DELAY, ``status`` to REST_ERROR.
    """

    kind: FaultKind
    where: str
    after: int = 0
    count: int = 1
    delay: Duration = Duration(1_000_000_000)
    status: int = 503


class FaultTarget(Protocol):
    """Where frames go, and what can be done to those who should get them."""

    def deliver(self, topic: str, payload: str, *, truncated: bool = False) -> None:
        """Send a payload to all subscribers of a topic, perhaps only the first half of the frame."""
        ...

    def disconnect(self, topic: str) -> None:
        """Cut off all subscribers of a topic."""
        ...

    def silence(self, topic: str) -> None:
        """Send the subscribers of a topic nothing any more."""
        ...


@attrs.define
class _Armed:
    fault: Fault
    skip: int
    left: int


class Faults:
    """The faults that are waiting for their moment; ``hits`` counts those that happened."""

    def __init__(self, clock: Clock) -> None:
        self.hits = 0
        self._clock = clock
        self._armed: list[_Armed] = []
        self._held: dict[str, str] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nothing is armed, so that nobody needs to ask."""
        return not self._armed and not self._held

    def inject(self, fault: Fault) -> None:
        """Arm a fault."""
        self._armed.append(_Armed(fault, fault.after, fault.count))

    def publish(self, topic: str, payload: str, target: FaultTarget) -> None:
        """Deliver a payload the way the armed faults want it."""
        fault = self._next(topic, rest=False)
        held = self._held.pop(topic, None)
        if fault is None:
            target.deliver(topic, payload)
        elif fault.kind is FaultKind.DUPLICATE:
            target.deliver(topic, payload)
            target.deliver(topic, payload)
        elif fault.kind is FaultKind.REORDER:
            self._held[topic] = payload
        elif fault.kind is FaultKind.DELAY:
            self._clock.call_later(fault.delay, lambda: target.deliver(topic, payload))
        elif fault.kind is FaultKind.TRUNCATE:
            target.deliver(topic, payload, truncated=True)
        elif fault.kind is FaultKind.DISCONNECT:
            target.disconnect(topic)
        elif fault.kind is FaultKind.SILENCE:
            target.silence(topic)
        if held is not None:
            target.deliver(topic, held)

    def rest_status(self, path: str) -> int | None:
        """Return the status with which a request is to fail, None when it is not."""
        fault = self._next(path, rest=True) if self._armed else None
        return None if fault is None else fault.status

    def _next(self, name: str, *, rest: bool) -> Fault | None:
        for armed in self._armed:
            fault = armed.fault
            if (fault.kind is FaultKind.REST_ERROR) is not rest or not fnmatchcase(name, fault.where):
                continue
            if armed.skip:
                armed.skip -= 1
                continue
            armed.left -= 1
            if not armed.left:
                self._armed.remove(armed)
            self.hits += 1
            return fault
        return None
