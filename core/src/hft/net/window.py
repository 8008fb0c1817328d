"""What has been taken of one published limit, whichever way the exchange's window lies."""

from __future__ import annotations

from collections import deque

from hft.clock import NS_PER_S
from hft.net.spec import Priority, RateLimit

__all__ = ["Window"]

_SLICES = 256
"""Tokens that were taken within one part of so many of a window come back together, with the last of
them: a limit of 160,000 a day costs 256 entries, and comes back up to 0.4 % later than it could."""

_MAX_LATENESS_NS = NS_PER_S // 10
_MAX_CLOCK_ERROR_NS = NS_PER_S
_MAX_RAMP_NS = 60 * NS_PER_S
_MAX_BLOCK_NS = 3600 * NS_PER_S
_FORGIVEN_NS = 600 * NS_PER_S
"""A limit that was kept for so long after a block starts the back-off from nothing."""

_NEVER_NS = 1 << 100
_UNSEEN = -(1 << 100)
_UNPACED = 1 << 100


class _Slice:
    """Tokens that come back together."""

    __slots__ = ("first_ns", "gone_ns", "weight")

    def __init__(self, first_ns: int, gone_ns: int, weight: int) -> None:
        self.first_ns = first_ns
        self.gone_ns = gone_ns
        self.weight = weight


class Window:
    """Counts the tokens of one `RateLimit`; `fits` says whether more may be taken, `take` takes them.

    A token comes back one ``per_ns`` and a little after it was taken, not at a steady trickle: a
    bucket that refills while it is emptied lets twice the limit through in one window. The little
    is what the network may delay one request more than another.

    What the exchange counts (`observe`) holds as well where it is more: it sees others behind our
    address, and what a process before this one took.
    """

    def __init__(self, limit: RateLimit) -> None:
        self.name = limit.name
        self.limit = limit
        per_ns = limit.per_ns
        # A window of the exchange that includes both its ends still holds no more than the limit.
        self.hold_ns = per_ns + min(per_ns // 20, _MAX_LATENESS_NS) + 1
        self._slice_ns = per_ns // _SLICES
        self._log: deque[_Slice] = deque()
        self._own = 0
        self._seen = _UNSEEN
        self._seen_until_ns = _NEVER_NS
        self._seen_at_ns = 0
        self._open_ns = [0] * len(Priority)
        self._blocked_until_ns = 0
        self._gentle_until_ns = 0
        self._strikes = 0
        self._change_ns = _NEVER_NS
        self._caps: list[int]
        self._pace_from: list[int]
        self.configure(limit.weight)

    @property
    def weight(self) -> int:
        """The limit as it now stands."""
        return self._caps[Priority.CANCEL]

    @property
    def blocked_until_ns(self) -> int:
        """Until when the exchange wants nothing; in the past where it takes requests."""
        return self._blocked_until_ns

    def cap(self, priority: Priority) -> int:
        """Return up to how much of the limit a priority may use."""
        return self._caps[priority]

    def used(self, now_ns: int) -> int:
        """Return how much is taken, as we or the exchange count, whichever is more."""
        if now_ns >= self._change_ns:
            self._roll(now_ns)
        return max(self._own, self._seen)

    def fits(self, weight: int, priority: Priority, now_ns: int) -> bool:
        """Say whether ``weight`` may be taken now."""
        if now_ns >= self._change_ns:
            self._roll(now_ns)
        most = self._caps[priority] - weight
        return self._own <= most and self._seen <= most and now_ns >= self._open_ns[priority]

    def take(self, weight: int, priority: Priority, now_ns: int) -> None:
        """Count ``weight`` that `fits` has allowed."""
        log = self._log
        gone_ns = now_ns + self.hold_ns
        if log and now_ns - log[-1].first_ns < self._slice_ns:
            log[-1].gone_ns = gone_ns
            log[-1].weight += weight
        else:
            log.append(_Slice(now_ns, gone_ns, weight))
            if gone_ns < self._change_ns:
                self._change_ns = gone_ns
        self._own += weight
        self._seen += weight
        pace_from = self._pace_from[priority]
        if self._own > pace_from or self._seen > pace_from:
            self._pace(weight, priority, now_ns)

    def ready_ns(self, weight: int, priority: Priority, now_ns: int) -> int:
        """Return when ``weight`` may be taken if nobody else takes any; now or later."""
        if now_ns >= self._change_ns:
            self._roll(now_ns)
        cap = self._caps[priority]
        ready_ns = max(now_ns, self._open_ns[priority])
        missing = self._own + weight - cap
        for part in self._log:
            if missing <= 0:
                break
            missing -= part.weight
            ready_ns = max(ready_ns, part.gone_ns)
        if self._seen + weight > cap:
            ready_ns = max(ready_ns, self._seen_until_ns)
        return ready_ns

    def observe(self, used: int, sent_ns: int, now_ns: int) -> None:
        """Learn what the exchange counted when it answered what was sent at ``sent_ns``.

        It holds until its window has passed. A later count replaces it, a lower one only if it was
        asked for after this one was known; what we took ourselves stays counted.
        """
        if now_ns >= self._change_ns:
            self._roll(now_ns)
        # What was taken meanwhile may not be in it.
        for part in reversed(self._log):
            if part.gone_ns - self.hold_ns <= sent_ns:
                break
            used += part.weight
        if used < self._seen and sent_ns < self._seen_at_ns:
            return
        self._seen = used
        self._seen_at_ns = now_ns
        self._seen_until_ns = now_ns + self.hold_ns
        if self.limit.aligned:
            per_ns = self.limit.per_ns
            turn_ns = (now_ns // per_ns + 1) * per_ns + min(per_ns // 20, _MAX_CLOCK_ERROR_NS)
            self._seen_until_ns = min(turn_ns, self._seen_until_ns)
        self._change_ns = min(self._change_ns, self._seen_until_ns)

    def credit(self, weight: int, now_ns: int) -> None:
        """Give back ``weight`` that the exchange did not count."""
        if now_ns >= self._change_ns:
            self._roll(now_ns)
        self._seen -= weight
        # The oldest: which ones they were is not known, and these would have come back first.
        for part in self._log:
            given = min(weight, part.weight)
            part.weight -= given
            self._own -= given
            weight -= given

    def configure(self, weight: int) -> None:
        """Let ``weight`` be the limit from here on; what is taken stays taken."""
        reserve = int(weight * self.limit.reserve)
        usable = weight - reserve
        self._caps = [weight, weight - (reserve + 1) // 2, usable, usable]
        self._set_pace()

    def block(self, until_ns: int, now_ns: int) -> None:
        """Hand out nothing before ``until_ns``, and for a while after it at an even pace only."""
        if until_ns <= max(now_ns, self._blocked_until_ns):
            return
        self._blocked_until_ns = until_ns
        self._open_ns = [max(open_ns, until_ns) for open_ns in self._open_ns]
        self._gentle_until_ns = until_ns + min(self.limit.per_ns, _MAX_RAMP_NS)
        self._change_ns = min(self._change_ns, self._gentle_until_ns)
        self._set_pace()

    def strike(self, first_ns: int, now_ns: int) -> int:
        """Count a refusal; return for how long to stay away where the exchange does not say it."""
        if now_ns < self._blocked_until_ns:
            return self._blocked_until_ns - now_ns
        recent = self._blocked_until_ns and now_ns - self._blocked_until_ns < _FORGIVEN_NS
        self._strikes = self._strikes + 1 if recent else 0
        return min(first_ns << min(self._strikes, 16), _MAX_BLOCK_NS)

    def _roll(self, now_ns: int) -> None:
        log = self._log
        while log and log[0].gone_ns <= now_ns:
            self._own -= log.popleft().weight
        if now_ns >= self._seen_until_ns:
            self._seen = _UNSEEN
            self._seen_until_ns = _NEVER_NS
        if self._gentle_until_ns and now_ns >= self._gentle_until_ns:
            self._gentle_until_ns = 0
            self._set_pace()
        self._change_ns = min(
            log[0].gone_ns if log else _NEVER_NS,
            self._seen_until_ns,
            self._gentle_until_ns or _NEVER_NS,
        )

    def _set_pace(self) -> None:
        usable, above = self._caps[Priority.NEW], self.limit.pace_above
        if self._gentle_until_ns:
            query = new = -1
        else:
            query, new = int(usable * above), int(usable * (1 + above) / 2)
        self._pace_from = [_UNPACED, _UNPACED, new, query]

    def _pace(self, weight: int, priority: Priority, now_ns: int) -> None:
        """Spread what is left over the time until some of what is taken comes back."""
        left = self._caps[priority] - max(self._own, self._seen)
        back_ns = self._seen_until_ns if self._seen > self._own else self._log[0].gone_ns
        wait_ns = weight * (back_ns - now_ns) // max(left, weight)
        if self._gentle_until_ns:
            wait_ns = max(wait_ns, weight * self.hold_ns // self._caps[priority])
        self._open_ns[priority] = max(self._open_ns[priority], now_ns + wait_ns)
