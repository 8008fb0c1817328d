"""A request that must succeed before a socket is of use, asked until it does."""

from __future__ import annotations

from collections.abc import Callable

from hft.clock import Timer
from hft.errors import OrderError
from hft.net.backoff import Backoff
from hft.net.spec import ConnectionSpec, Costs, Priority
from hft.plugin.link import Link

__all__ = ["Login"]

_ANSWER_NS = 5_000_000_000
_INITIAL_NS = 500_000_000
_MAXIMUM_NS = 30_000_000_000


class Login:
    """Sends a frame each time a connection opens and waits for its answer.

    Whoever reads the connection says what the answer was: `succeeded` or `refused`. A refusal is told and
    tried again, later every time and for ever: an address may be allowed again, a clock be set. Where there
    is no answer, the connection is replaced.
    """

    def __init__(
        self, link: Link, spec: ConnectionSpec, write: Callable[[int], bytes], costs: Costs = ()
    ) -> None:
        self._link = link
        self._spec = spec
        self._write = write
        self._costs = costs
        self._backoff = Backoff(link.random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)
        self._backoff.next_ns()
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Send the request: the connection is open."""
        self._after(_ANSWER_NS, self._on_silence)
        try:
            self._link.send(
                self._spec.name, self._costs, Priority.CANCEL, self._write, dropped=self._on_dropped
            )
        except OrderError as error:
            self._on_dropped(str(error))

    def succeeded(self) -> None:
        """Learn that it was answered well: the next refusal is the first again."""
        self.stop()
        self._backoff.reset()
        self._backoff.next_ns()

    def refused(self, reason: str) -> None:
        """Learn that it was refused; it is sent again after a while."""
        self._link.warn(f"{self._spec.name}: login refused: {reason}")
        self._after(self._backoff.next_ns(), self.begin)

    def stop(self) -> None:
        """Wait no more: it is done, or the connection broke."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_dropped(self, reason: str) -> None:
        self._after(self._backoff.next_ns(), self.begin)

    def _on_silence(self) -> None:
        self._link.warn(f"{self._spec.name}: no answer to the login, connecting again")
        self._link.connect(self._spec)

    def _after(self, delay_ns: int, then: Callable[[], None]) -> None:
        self.stop()
        self._timer = self._link.clock.call_later(delay_ns, then)
