"""One budget for everything that goes to an exchange: who goes next, and who must wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable
from functools import partial

import attrs

from hft.clock import NS_PER_S, Clock, Timer
from hft.errors import TransportError
from hft.net.rate_limited import RateLimitedLog
from hft.net.spec import Costs, Priority, RateLimit
from hft.net.window import Window

__all__ = ["LimitUsage", "RateLimiter", "Turn"]

_UNPUBLISHED = RateLimit(name="", weight=10, per_ns=NS_PER_S, reserve=0, pace_above=1)
"""The pace of requests that name no limit."""

_NO_LIMIT: Costs = (("", 1),)
_MAX_WAITING = 10_000
_LATE = "its turn did not come before its deadline"
_FIRST_BLOCK_NS = 30 * NS_PER_S
_NEVER_NS = 1 << 100


@attrs.frozen(kw_only=True)
class LimitUsage:
    """How a limit stands; nothing of it is handed out before ``blocked_until_ns`` (0: it is open)."""

    used: int
    weight: int
    blocked_until_ns: int = 0

    @property
    def share(self) -> float:
        """The part of it that is used, above 1 where the exchange counts more than it allows."""
        return self.used / self.weight if self.weight else 1.0


class Turn:
    """A request that waits, until it is ``done``: served, ``dropped`` or withdrawn."""

    __slots__ = (
        "_deadline_ns",
        "_dropped",
        "_go",
        "_leave",
        "_timer",
        "costs",
        "done",
        "dropped",
        "names",
        "number",
        "priority",
    )

    def __init__(
        self,
        costs: Costs,
        priority: Priority,
        number: int,
        deadline_ns: int,
        go: Callable[[], object],
        dropped: Callable[[str], None],
        leave: Callable[[Turn], None],
    ) -> None:
        self.costs = costs
        self.names = frozenset(name for name, _ in costs)
        self.priority = priority
        self.number = number
        self._deadline_ns = deadline_ns
        self._go = go
        self._dropped = dropped
        self._leave = leave
        self._timer: Timer | None = None
        self.done = False
        self.dropped = False

    def withdraw(self) -> bool:
        """Take it back: neither ``go`` nor ``dropped`` is called. False where one already was."""
        if self.done:
            return False
        self._end()
        self._leave(self)
        return True

    def late(self, now_ns: int) -> bool:
        """Say whether its deadline has come."""
        return 0 < self._deadline_ns <= now_ns

    def watch(self, clock: Clock, late: Callable[[], None]) -> None:
        """Call ``late`` at the deadline, if there is one and it still waits then."""
        if self._deadline_ns:
            self._timer = clock.call_at(self._deadline_ns, late)

    def serve(self) -> None:
        """Let it go."""
        self._end()
        self._go()

    def drop(self, reason: str) -> None:
        """Say that it does not go, and why."""
        self.dropped = True
        self._end()
        self._dropped(reason)

    def _end(self) -> None:
        self.done = True
        if self._timer is not None:
            self._timer.cancel()


class RateLimiter:
    """Hands out the published limits of one account at one exchange, to everybody in the process.

    A request takes its ``costs`` of all its limits at once or waits. Of those that wait, a higher
    `Priority` goes first and within one whoever asked first; a small request does not pass a large
    one that wants the same limit. The last part of every limit is kept for cancels, and queries and
    new orders are slowed down before they meet it. ``shared`` is the limiter of another account at
    the same exchange: limits whose scope is the address are then one for both. ``warn`` gets single
    lines at a limited rate.

    ::

        limiter = RateLimiter(RATE_LIMITS, clock=clock, warn=warn)
        if limiter.try_take((("orders", 1),), Priority.NEW):
            socket.send(frame)
    """

    def __init__(
        self,
        limits: Iterable[RateLimit],
        *,
        clock: Clock,
        warn: Callable[[str], None],
        shared: RateLimiter | None = None,
        max_waiting: int = _MAX_WAITING,
    ) -> None:
        self._windows = _Windows({limit.name: Window(limit) for limit in (_UNPUBLISHED, *limits)})
        if shared is not None:
            for name, window in shared._windows.items():
                if window.limit.scope == "ip" and name in self._windows:
                    self._windows[name] = window
        self._clock = clock
        self._now_ns = clock.now_ns
        self._warn = RateLimitedLog(clock, warn)
        self._max_waiting = max_waiting
        self._lanes: list[dict[frozenset[str], deque[Turn]]] = [{} for _ in Priority]
        self._waiting = 0
        self._number = 0
        self._serving = False
        self._timer: Timer | None = None

    # -- asking ------------------------------------------------------------------------------------

    def try_take(self, costs: Costs, priority: Priority) -> bool:
        """Take the costs, all or none of them, at once; say whether they were taken.

        False also where a request waits that goes first.
        """
        now_ns = self._now_ns()
        if self._waiting and self._is_behind(costs or _NO_LIMIT, priority):
            return False
        windows = self._windows
        for name, weight in costs or _NO_LIMIT:
            if not windows[name].fits(weight, priority, now_ns):
                return False
        for name, weight in costs or _NO_LIMIT:
            windows[name].take(weight, priority, now_ns)
        return True

    def submit(
        self,
        costs: Costs,
        priority: Priority,
        go: Callable[[], object],
        *,
        dropped: Callable[[str], None],
        deadline_ns: int = 0,
    ) -> Turn:
        """Call ``go`` once the costs are taken: before this returns, where they are there.

        Otherwise the request waits until ``deadline_ns`` (0: for ever); then, or where too many wait,
        or where a limit is smaller than the request, ``dropped`` is called with the reason instead. Of
        too many the one with the lowest priority is dropped, the newest of them first.
        """
        costs = costs or _NO_LIMIT
        self._number += 1
        turn = Turn(costs, priority, self._number, deadline_ns, go, dropped, self._forget)
        if reason := self._hopeless(turn):
            turn.drop(reason)
        elif self.try_take(costs, priority):
            turn.serve()
        else:
            self._wait(turn)
        return turn

    async def acquire(self, costs: Costs, priority: Priority, *, deadline_ns: int = 0) -> None:
        """Return once the costs are taken; raise `TransportError` where `submit` drops."""
        turn_came = asyncio.get_running_loop().create_future()

        def go() -> None:
            if not turn_came.done():
                turn_came.set_result(None)

        def dropped(reason: str) -> None:
            if not turn_came.done():
                turn_came.set_exception(TransportError(reason, sent=False))

        turn = self.submit(costs, priority, go, dropped=dropped, deadline_ns=deadline_ns)
        try:
            await turn_came
        finally:
            turn.withdraw()

    # -- what the exchange says --------------------------------------------------------------------

    def observe(self, name: str, used: int, sent_ns: int) -> None:
        """Learn how much of a limit the exchange counts as used.

        ``sent_ns`` is when the request was sent whose answer says so: what was taken since then may
        not be in it. A count that is higher than ours holds at once; what we took ourselves stays
        counted for its whole time, whatever the exchange says.
        """
        window = self._windows[name]
        window.observe(used, sent_ns, self._now_ns())
        if used > window.weight:
            self._warn(f"over {name}", f"limit {name!r}: the exchange counts {used} of {window.weight}")
        self._serve()

    def credit(self, name: str, weight: int) -> None:
        """Give back what the exchange says it did not count, or no longer counts."""
        self._windows[name].credit(weight, self._now_ns())
        self._serve()

    def configure(self, name: str, weight: int) -> None:
        """Let ``weight`` be the limit from here on: the exchange announced it."""
        window = self._windows[name]
        if weight != window.weight:
            self._warn(f"weight {name}", f"limit {name!r} is {weight} now, was {window.weight}")
            window.configure(max(0, weight))
            self._serve()

    def add(self, limit: RateLimit) -> None:
        """Hand out a limit more; one that is known by its name stays as it is."""
        if limit.name not in self._windows:
            self._windows[limit.name] = Window(limit)

    def block(self, name: str | None, until_ns: int) -> None:
        """Hand out nothing of a limit (None: of any) before ``until_ns``; after it, slowly at first.

        What the exchange exempts is what does not name that limit.
        """
        now_ns = self._now_ns()
        for window in self._named(name):
            window.block(until_ns, now_ns)
        self._serve()

    def refused(self, name: str | None, *, wait_ns: int = 0, first_ns: int = _FIRST_BLOCK_NS) -> int:
        """Block a limit (None: all) because the exchange said "too many"; return for how long.

        For ``wait_ns`` where it said how long. Otherwise for ``first_ns``, and twice as long each
        time that it happens again soon after; what was under way when it happened counts once.
        """
        now_ns = self._now_ns()
        back_off_ns = max(window.strike(first_ns, now_ns) for window in self._named(name))
        wait_ns = wait_ns or back_off_ns
        self.block(name, now_ns + wait_ns)
        return wait_ns

    def drop_all(self, reason: str) -> None:
        """Drop whatever waits; what comes after is served as before."""
        for lanes in self._lanes:
            for turn in [turn for lane in lanes.values() for turn in lane]:
                if not turn.done:
                    self._remove(turn)
                    self._drop(turn, reason)
        self._serve()

    def usage(self) -> dict[str, LimitUsage]:
        """Return how each limit stands; ``""`` is the pace of requests that name none."""
        now_ns = self._now_ns()
        return {
            name: LimitUsage(
                used=window.used(now_ns),
                weight=window.weight,
                blocked_until_ns=window.blocked_until_ns if window.blocked_until_ns > now_ns else 0,
            )
            for name, window in self._windows.items()
        }

    # -- waiting -----------------------------------------------------------------------------------

    def _named(self, name: str | None) -> Collection[Window]:
        return self._windows.values() if name is None else (self._windows[name],)

    def _is_behind(self, costs: Costs, priority: Priority) -> bool:
        return any(
            name in names for lanes in self._lanes[: priority + 1] for names in lanes for name, _ in costs
        )

    def _hopeless(self, turn: Turn) -> str:
        """Say why it can never be served; empty where it can."""
        if turn.late(self._now_ns()):
            return _LATE
        for name, weight in turn.costs:
            cap = self._windows[name].cap(turn.priority)
            if weight > cap:
                of = turn.priority.name.lower()
                return f"it costs {weight} of limit {name!r}, of which {of} may never use more than {cap}"
        return ""

    def _wait(self, turn: Turn) -> None:
        if self._waiting >= self._max_waiting and not self._make_room(turn):
            turn.drop(f"{self._max_waiting} requests wait already")
            return
        self._lanes[turn.priority].setdefault(turn.names, deque()).append(turn)
        self._waiting += 1
        turn.watch(self._clock, partial(self._miss, turn))
        self._serve()

    def _miss(self, turn: Turn) -> None:
        self._remove(turn)
        self._drop(turn, _LATE)
        self._serve()

    def _drop(self, turn: Turn, reason: str) -> None:
        try:
            turn.drop(reason)
        except Exception as error:  # see `_bug`
            self._bug("was dropped", error)

    def _bug(self, when: str, error: Exception) -> None:
        # One that fails must not hold up those behind.
        self._warn(when, f"bug: a request failed when it {when}: {type(error).__name__}: {error}")

    def _make_room(self, turn: Turn) -> bool:
        """Drop the newest of the lowest priority; False where none is lower than this one's."""
        for lanes in self._lanes[: turn.priority : -1]:
            if lanes:
                newest = max((lane[-1] for lane in lanes.values()), key=lambda each: each.number)
                self._remove(newest)
                self._drop(newest, f"{self._max_waiting} requests wait already, others go first")
                return True
        return False

    def _forget(self, turn: Turn) -> None:
        self._remove(turn)
        self._serve()

    def _remove(self, turn: Turn) -> None:
        lanes = self._lanes[turn.priority]
        lane = lanes[turn.names]
        lane.remove(turn)
        if not lane:
            del lanes[turn.names]
        self._waiting -= 1

    def _serve(self) -> None:
        # What is served may ask again: that waits for its turn in this loop.
        if self._serving or not (self._waiting or self._timer):
            return
        self._serving = True
        try:
            while (turn := self._next()) is not None:
                self._remove(turn)
                self._let_go(turn)
        finally:
            self._serving = False

    def _let_go(self, turn: Turn) -> None:
        if reason := self._hopeless(turn):
            self._drop(turn, reason)
            return
        now_ns = self._now_ns()
        for name, weight in turn.costs:
            self._windows[name].take(weight, turn.priority, now_ns)
        try:
            turn.serve()
        except Exception as error:  # see `_bug`
            self._bug("had its turn", error)

    def _next(self) -> Turn | None:
        """Return the next that need wait no longer; arrange to be called when there is one.

        Who waits keeps from those behind what it will take, and no more: orders that wait for one limit
        do not hold up questions for the sake of another of which there is enough.
        """
        now_ns = self._now_ns()
        kept: dict[str, int] = {}
        wake_ns = 0
        for lanes in self._lanes:
            for turn in sorted((lane[0] for lane in lanes.values()), key=_number):
                if self._hopeless(turn):
                    return turn
                ready_ns = max(
                    self._ready_ns(name, weight + kept.get(name, 0), turn.priority, now_ns)
                    for name, weight in turn.costs
                )
                if ready_ns <= now_ns:
                    return turn
                wake_ns = min(wake_ns or ready_ns, ready_ns)
                for name, weight in turn.costs:
                    kept[name] = kept.get(name, 0) + weight
        self._wake_at(0 if wake_ns == _NEVER_NS else wake_ns)
        return None

    def _ready_ns(self, name: str, weight: int, priority: Priority, now_ns: int) -> int:
        window = self._windows[name]
        return window.ready_ns(weight, priority, now_ns) if weight <= window.cap(priority) else _NEVER_NS

    def _wake_at(self, when_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(when_ns, self._serve) if when_ns else None


class _Windows(dict[str, Window]):
    """The windows by name; a name that is none of them is a bug of whoever asks."""

    def __missing__(self, name: str) -> Window:
        known = ", ".join(repr(each) for each in self if each)
        raise ValueError(f"limit {name!r} is none of {known or 'none'}")


def _number(turn: Turn) -> int:
    return turn.number
