"""A request that must succeed before a socket is of use, asked until it does."""

from __future__ import annotations

from collections.abc import Callable

from hft import Backoff, ConnectionSpec, Costs, Link, OrderError, Priority, Timer
from hft_binance.private_codec import ApiError
from hft_binance.refusals import BAD_TIME

__all__ = ["Login"]

_ANSWER_NS = 5_000_000_000
_INITIAL_NS = 500_000_000
_MAXIMUM_NS = 30_000_000_000

_SUBSCRIBED_ALREADY = -2035

LOGIN_ID = "login"


class Login:
    """Sends a frame each time a connection opens and waits for its answer.

    A refusal is told and tried again, later every time and for ever: an address may be allowed again, a
    clock be set. Where there is no answer, the connection is replaced. ``done`` is called on success,
    ``bad_time`` where the exchange says that our time is wrong.
    """

    def __init__(
        self,
        link: Link,
        spec: ConnectionSpec,
        write: Callable[[str, int], bytes],
        costs: Costs,
        *,
        done: Callable[[], None],
        bad_time: Callable[[], None],
    ) -> None:
        self._link = link
        self._spec = spec
        self._write = write
        self._costs = costs
        self._done = done
        self._bad_time = bad_time
        self._backoff = Backoff(link.random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)
        self._backoff.next_ns()
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Send the request: the connection is open."""
        self._after(_ANSWER_NS, self._on_silence)
        try:
            self._link.send(
                self._spec.name, self._costs, Priority.CANCEL, self._frame, dropped=self._on_dropped
            )
        except OrderError as error:
            self._on_dropped(str(error))

    def take(self, request_id: str | int | None, status: int, error: ApiError | None) -> bool:
        """Take an answer; return False if it is another's."""
        if request_id != LOGIN_ID:
            return False
        if status == 200 or (error is not None and error.code == _SUBSCRIBED_ALREADY):
            self.stop()
            self._backoff.reset()
            self._backoff.next_ns()
            self._done()
            return True
        code, msg = (0, "") if error is None else (error.code, error.msg[:200])
        self._link.warn(f"{self._spec.name}: login refused: status {status}, {code} {msg!r}")
        if code in BAD_TIME:
            self._bad_time()
        self._after(self._backoff.next_ns(), self.begin)
        return True

    def stop(self) -> None:
        """Wait no more: it is done, or the connection broke."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _frame(self, now_ns: int) -> bytes:
        return self._write(LOGIN_ID, now_ns)

    def _on_dropped(self, reason: str) -> None:
        self._after(self._backoff.next_ns(), self.begin)

    def _on_silence(self) -> None:
        self._link.warn(f"{self._spec.name}: no answer to the login, connecting again")
        self._link.connect(self._spec)

    def _after(self, delay_ns: int, then: Callable[[], None]) -> None:
        self.stop()
        self._timer = self._link.clock.call_later(delay_ns, then)
