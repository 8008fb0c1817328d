"""What Binance answers to a login or a subscription to private data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hft import ConnectionSpec, Costs, Link
from hft import Login as Attempts
from hft_binance.private_codec import ApiError
from hft_binance.refusals import BAD_TIME

__all__ = ["Login"]

_SUBSCRIBED_ALREADY = -2035

LOGIN_ID = "login"


class Login(Attempts):
    """Logs in, or subscribes, whenever a connection opens.

    ``done`` is called on success, ``bad_time`` where the exchange says that our time is wrong.
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
        super().__init__(link, spec, partial(write, LOGIN_ID), costs)
        self._done = done
        self._bad_time = bad_time

    def take(self, request_id: str | int | None, status: int, error: ApiError | None) -> bool:
        """Take an answer; return False if it is another's."""
        if request_id != LOGIN_ID:
            return False
        code, msg = (0, "") if error is None else (error.code, error.msg[:200])
        if status == 200 or code == _SUBSCRIBED_ALREADY:
            self.succeeded()
            self._done()
            return True
        if code in BAD_TIME:
            self._bad_time()
        self.refused(f"status {status}, {code} {msg!r}")
        return True
