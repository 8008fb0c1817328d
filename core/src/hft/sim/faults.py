"""The faults that are waiting for their moment, and what they do to what passes."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Protocol

import attrs
from loguru import logger

from hft.clock import Clock, Timer
from hft.net.rate_limited import RateLimitedLog
from hft.sim.fault import CLOCK, KINDS, Fault, FaultKind, Place
from hft.sim.skew import SkewedClock

__all__ = ["GARBAGE", "ArmedFault", "Damage", "Faults", "Passage", "Strike", "truncated", "whole"]

GARBAGE = "<html><head><title>502 Bad Gateway</title></head><body>\x00\ufffd</body></html>"
"""What stands in the place of a frame or answer; proxies send such pages with any status."""

_MAX_ARMED = 1_000
_MAX_FINISHED = 1_000

_PASSING = {
    Place.STREAM: KINDS[Place.STREAM],
    Place.REPLY: KINDS[Place.REPLY],
    # How a websocket refuses is the exchange's dialect.
    Place.REQUEST: KINDS[Place.REQUEST] - {FaultKind.REFUSE},
}
"""What can happen to something that passes through a websocket."""

Damage = Callable[[str], str]
"""What is done to a frame on its way."""


def whole(frame: str) -> str:
    """Leave a frame as it is."""
    return frame


def truncated(frame: str) -> str:
    """Return the first half of a frame."""
    return frame[: len(frame) // 2]


def _garbage(_: str) -> str:
    return GARBAGE


class Passage(Protocol):
    """One frame or request on its way, and what can be done to it and to its connections."""

    def deliver(self, damage: Damage = whole) -> None:
        """Let it arrive."""
        ...

    def disconnect(self, *, behind: bool) -> None:
        """Cut its connections without a goodbye, at once or ``behind`` what was delivered."""
        ...

    def silence(self) -> None:
        """Let its connections bring nothing any more."""
        ...

    def stall(self) -> Callable[[], None]:
        """Stop its connections until the returned function is called."""
        ...


@attrs.define(eq=False)
class ArmedFault:
    """A fault that was injected, and what became of it."""

    fault: Fault
    since_ns: int
    random: random.Random = attrs.field(repr=False)
    matches: int = 0
    """How often it could have struck since it began."""
    hits: int = 0

    def is_over(self, now_ns: int) -> bool:
        """Whether it can never strike again."""
        fault = self.fault
        if fault.count and self.hits >= fault.count:
            return True
        return fault.duration is not None and now_ns >= self.since_ns + fault.start + fault.duration


@attrs.frozen
class Strike:
    """What a fault does now: itself, and the delay that was drawn for it."""

    fault: Fault
    delay_ns: int

    @property
    def kind(self) -> FaultKind:
        """What happens."""
        return self.fault.kind


class Faults:
    """Every fault of one simulator; ``hits`` counts how often any of them struck.

    What strikes depends on ``seed``, on the order in which faults were injected, and on what passes.
    At one passage at most one fault strikes, the one that was injected first; the others wait.
    """

    def __init__(self, clock: Clock, *, seed: int = 1) -> None:
        self.hits = 0
        self.seed = seed
        self.armed: list[ArmedFault] = []
        self.finished: deque[ArmedFault] = deque(maxlen=_MAX_FINISHED)
        self.observer: Callable[[Place, str], None] | None = None
        """Told of everything that passes, whether something strikes it or not."""
        self._skewed = clock if isinstance(clock, SkewedClock) else None
        self.clock = clock.true if isinstance(clock, SkewedClock) else clock
        """The true time, whatever the exchange believes."""
        self._numbers = itertools.count()
        self._held: dict[object, Callable[[], None]] = {}
        self._gaps: dict[str, int] = {}
        self._timers: set[Timer] = set()
        self._undo: list[Callable[[], None]] = []
        self._log = RateLimitedLog(self.clock, logger.info)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is armed and nothing held back, so that nobody needs to ask."""
        return not (self.armed or self._held or self._gaps or self.observer)

    @property
    def room(self) -> int:
        """How many more can be armed."""
        return _MAX_ARMED - len(self.armed)

    def inject(self, fault: Fault) -> None:
        """Arm a fault; raise `ValueError` where too many are armed, or this clock cannot be skewed."""
        if not self.room:
            raise ValueError(f"{_MAX_ARMED} faults are armed already, clear them first")
        generator = random.Random(f"{self.seed}:fault:{next(self._numbers)}")
        armed = ArmedFault(fault, self.clock.now_ns(), generator)
        if fault.kind is FaultKind.CLOCK_SKEW and self._skewed is None:
            raise ValueError("this clock cannot be skewed, give Faults the clock of a World")
        self.armed.append(armed)
        if fault.kind is FaultKind.CLOCK_SKEW:
            if fault.start:
                self.call_later(fault.start, lambda: self._skew(armed))
            else:
                self._skew(armed)

    def clear(self) -> int:
        """Disarm everything, set the clock right and let go of what is held back.

        Return how many were armed.
        """
        cleared = len(self.armed)
        self.finished.extend(self.armed)
        self.armed.clear()
        self._gaps.clear()
        for release in list(self._held.values()):
            release()
        for undo in self._undo:
            undo()
        self._undo.clear()
        return cleared

    def stop(self) -> None:
        """Disarm everything; what is held back or late never comes."""
        self._held.clear()
        self.clear()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def strike(self, place: Place, name: str, kinds: frozenset[FaultKind]) -> Strike | None:
        """Return what strikes here, one of ``kinds``; None where everything goes well."""
        if self.observer is not None:
            self.observer(place, name)
        now_ns = self.clock.now_ns()
        for armed in tuple(self.armed):
            fault = armed.fault
            if armed.is_over(now_ns):
                self._finish(armed)
                continue
            if now_ns < armed.since_ns + fault.start or fault.kind not in kinds:
                continue
            if not fault.matches(place, name):
                continue
            armed.matches += 1
            if armed.matches <= fault.after or armed.random.random() >= fault.chance:
                continue
            strike = Strike(fault, self._draw_delay(armed))
            self._hit(armed, name)
            return strike
        return None

    def pass_on(self, place: Place, name: str, key: object, passage: Passage) -> None:
        """Let something pass the way the armed faults want it.

        What is reordered comes after the next one with the same ``key``: its stream or connection.
        """
        if place is Place.STREAM and self._gaps.get(name):
            self._gaps[name] -= 1
            if not self._gaps[name]:
                del self._gaps[name]
            return
        strike = self.strike(place, name, _PASSING[place])
        release = self._held.get(key)
        if strike is None:
            passage.deliver()
        else:
            self._carry_out(strike, name, key, passage)
        if release is not None:
            release()

    # -- what strikes ----------------------------------------------------------------------------

    def _carry_out(self, strike: Strike, name: str, key: object, passage: Passage) -> None:
        match strike.kind:
            case FaultKind.DELAY:
                self.call_later(strike.delay_ns, passage.deliver)
            case FaultKind.DUPLICATE:
                passage.deliver()
                passage.deliver()
            case FaultKind.REORDER:
                self._hold(key, strike.delay_ns, passage)
            case FaultKind.TRUNCATE:
                passage.deliver(truncated)
            case FaultKind.GARBAGE:
                passage.deliver(_garbage)
            case FaultKind.GAP:
                if strike.fault.length > 1:
                    self._gaps[name] = strike.fault.length - 1
            case FaultKind.DISCONNECT:
                if strike.fault.deliver:
                    passage.deliver()
                passage.disconnect(behind=strike.fault.deliver)
            case FaultKind.SILENCE:
                passage.silence()
            case FaultKind.SLOW:
                self.call_later(strike.delay_ns, passage.stall())
                passage.deliver()

    def _hold(self, key: object, most_ns: int, passage: Passage) -> None:
        def release() -> None:
            timer.cancel()
            self._timers.discard(timer)
            if self._held.get(key) is release:
                del self._held[key]
                passage.deliver()

        if key in self._held:  # two in a row: the first has waited for its next one
            self._held[key]()
        self._held[key] = release
        timer = self.call_later(most_ns, release)

    def call_later(self, delay_ns: int, callback: Callable[[], None]) -> Timer:
        """Call back after a true ``delay_ns``, unless `stop` comes before."""

        def call() -> None:
            self._timers.discard(timer)
            callback()

        timer = self.clock.call_later(delay_ns, call)
        self._timers.add(timer)
        return timer

    def _draw_delay(self, armed: ArmedFault) -> int:
        fault = armed.fault
        return fault.delay if fault.delay_max is None else armed.random.randint(fault.delay, fault.delay_max)

    def _hit(self, armed: ArmedFault, name: str) -> None:
        armed.hits += 1
        self.hits += 1
        if armed.is_over(self.clock.now_ns()):
            self._finish(armed)
        kind = armed.fault.kind.value
        self._log(kind, f"fault {kind} strikes {name} (hit {armed.hits})")

    def _finish(self, armed: ArmedFault) -> None:
        if armed in self.armed:
            self.armed.remove(armed)
            self.finished.append(armed)

    def _skew(self, armed: ArmedFault) -> None:
        fault = armed.fault
        if self._skewed is None or armed not in self.armed:  # cleared meanwhile
            return
        undo = self._skewed.skew(fault.ahead - fault.behind, over_ns=fault.over)
        self._undo.append(undo)
        if fault.duration is not None:
            self.call_later(fault.duration, undo)
        self._hit(armed, CLOCK)
