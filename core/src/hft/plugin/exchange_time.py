"""The exchange's time, measured again and again while trading."""

from __future__ import annotations

from collections.abc import Callable

from hft.clock import Timer
from hft.errors import DecodeError, TransportError
from hft.net.clock_offset import ClockOffset
from hft.net.spec import RestAnswer, RestCall
from hft.plugin.link import Link

__all__ = ["ExchangeTime"]

_EVERY_NS = 60_000_000_000
_LARGE_NS = 1_000_000_000


class ExchangeTime:
    """Measures an exchange's clock every minute, and when the exchange says that our time is wrong.

    ``ask`` makes the request, ``take`` takes the answer with status 200 to it (`ClockOffset.measure`) and
    raises `DecodeError` where it states no time. ``whose`` stands for it in messages.
    """

    def __init__(
        self,
        link: Link,
        offset: ClockOffset,
        ask: Callable[[], RestCall],
        take: Callable[[RestAnswer], object],
        *,
        whose: str = "the exchange",
    ) -> None:
        self._link = link
        self._offset = offset
        self._ask = ask
        self._take = take
        self._whose = whose
        self._is_asking = False
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Measure from now on, a minute from now for the first time."""
        self._timer = self._link.clock.call_later(_EVERY_NS, self._measure_again)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def distrust(self) -> None:
        """Learn that the exchange refused a request for its time: what was measured is worth nothing."""
        self._offset.distrust()
        self._measure()

    def warn_if_far(self) -> None:
        """Tell of a clock of ours that is far off."""
        offset_ns = self._offset.offset_ns
        if abs(offset_ns) > _LARGE_NS:
            side = "behind" if offset_ns > 0 else "ahead of"
            self._link.warn(
                f"{self._link.exchange}: this clock is {abs(offset_ns) / 1e9:.3f} s {side} {self._whose}'s;"
                " requests are given the exchange's time, latencies are wrong; synchronise it"
            )

    def _measure_again(self) -> None:
        self.begin()
        self._measure()

    def _measure(self) -> None:
        if not self._is_asking:
            self._is_asking = True
            self._link.call(self._ask(), self._on_answer)

    def _on_answer(self, answer: RestAnswer | TransportError) -> None:
        self._is_asking = False
        if isinstance(answer, RestAnswer) and answer.status == 200:
            try:
                self._take(answer)
            except DecodeError as error:
                self._link.undecoded(f"time of {self._whose}", answer.body, str(error))
