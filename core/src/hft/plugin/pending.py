"""What an execution client remembers of its requests until each is answered, or its time is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from hft.clock import Clock, Timer
from hft.recent import Recent

__all__ = ["PendingRequests"]

_LATE_KEPT = 10_000

RequestT = TypeVar("RequestT")


class PendingRequests(Generic[RequestT]):
    """The requests under way on one connection, by the ids that their answers name.

    A request that stays unanswered for ``timeout_ns``, or whose connection breaks (`lose`), is handed to
    ``unanswered(request, reason)``: nobody knows what became of it. It is remembered for a while longer,
    since an answer that comes late is still evidence. One timer serves all of them.

    ::

        pending = PendingRequests(clock, 2_000_000_000, lambda request, reason: request.unknown(reason))
        pending.add("17", request, now_ns)           # when its frame is written
        request = pending.take(answer.id)            # None: not ours, or answered before
        pending.lose("connection lost")              # from on_close
    """

    __slots__ = ("_clock", "_late", "_timeout_ns", "_timer", "_unanswered", "_under_way")

    def __init__(self, clock: Clock, timeout_ns: int, unanswered: Callable[[RequestT, str], None]) -> None:
        self._clock = clock
        self._timeout_ns = timeout_ns
        self._unanswered = unanswered
        self._under_way: dict[str, tuple[int, RequestT]] = {}
        self._late: Recent[str, RequestT] = Recent(_LATE_KEPT)
        self._timer: Timer | None = None

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._under_way)

    def add(self, request_id: str, request: RequestT, now_ns: int) -> None:
        """Remember a request that is being written."""
        due_ns = now_ns + self._timeout_ns
        self._under_way[request_id] = due_ns, request
        if self._timer is None:
            self._timer = self._clock.call_at(due_ns, self._expire)

    def take(self, request_id: str) -> RequestT | None:
        """Return the request that an answer is about, under way or overdue, and forget it."""
        entry = self._under_way.pop(request_id, None)
        return self._late.pop(request_id, None) if entry is None else entry[1]

    def discard(self, request_id: str) -> None:
        """Forget a request that was certainly not sent."""
        self._under_way.pop(request_id, None)

    def lose(self, reason: str) -> None:
        """Give up on all that is under way: its connection broke."""
        requests, self._under_way = self._under_way, {}
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for request_id, (_, request) in requests.items():
            self._give_up(request_id, request, reason)

    def _expire(self) -> None:
        self._timer = None
        now_ns = self._clock.now_ns()
        # All wait equally long: the oldest are due first.
        overdue = []
        for request_id, (due_ns, request) in self._under_way.items():
            if due_ns > now_ns:
                self._timer = self._clock.call_at(due_ns, self._expire)
                break
            overdue.append((request_id, request))
        for request_id, _ in overdue:
            del self._under_way[request_id]
        for request_id, request in overdue:
            self._give_up(request_id, request, f"no answer within {self._timeout_ns / 1e9:g} s")

    def _give_up(self, request_id: str, request: RequestT, reason: str) -> None:
        self._late[request_id] = request
        self._unanswered(request, reason)
