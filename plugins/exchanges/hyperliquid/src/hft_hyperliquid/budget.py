"""What is left of the actions that an account may take in its life."""

from __future__ import annotations

from hft import DecodeError, Link, RestAnswer, Timer, TransportError, decoder
from hft_hyperliquid import limits
from hft_hyperliquid.private_codec import RateUsage
from hft_hyperliquid.rest_api import RestApi

__all__ = ["Budget"]

_EVERY_NS = 60_000_000_000
_LOW = 10
"""It is told once that less than a part in so many is left."""

_decode = decoder(RateUsage, "userRateLimit")


class Budget:
    """Asks the exchange every minute how much is left, and lets the limit of actions follow.

    With nothing left one action goes every ten seconds, until trading has earned more.
    """

    def __init__(self, link: Link, api: RestApi, user: str) -> None:
        self._link = link
        self._api = api
        self._user = user
        self._is_low = False
        self._is_out = False
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._timer = self._link.clock.call_later(_EVERY_NS, self.start)
        call = self._api.question({"type": "userRateLimit", "user": self._user})
        self._link.call(call, self._on_answer)

    def stop(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def exhausted(self) -> None:
        """Learn that an action was refused for want of a budget."""
        if not self._is_out:
            self._is_out = True
            self._link.configure(limits.ACTIONS, 1)

    def _on_answer(self, answer: RestAnswer | TransportError) -> None:
        if isinstance(answer, TransportError) or answer.status != 200:
            return  # asked again in a minute
        try:
            usage = _decode(answer.body)
        except DecodeError as error:
            self._link.undecoded("userRateLimit", answer.body, str(error))
            return
        left = usage.cap + usage.surplus - usage.used
        if left <= 0:
            self.exhausted()
        elif self._is_out:
            self._is_out = False
            self._link.configure(limits.ACTIONS, limits.ACTIONS_PER_WINDOW)
        is_low = left * _LOW < usage.cap
        if is_low and not self._is_low:
            self._link.warn(
                f"{self._link.exchange}: {max(0, left)} of {usage.cap} actions are left to the account;"
                " each USDC that is traded earns another"
            )
        self._is_low = is_low
