"""Signed and unsigned REST requests, and what a refusal of one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from hft import (
    ClockOffset,
    Costs,
    DecodeError,
    HttpRequest,
    Link,
    Priority,
    RequestRefused,
    RestAnswer,
    RestCall,
)
from hft_okx import limits
from hft_okx.codec import NS_PER_MS, milliseconds
from hft_okx.private_codec import error_of, rows
from hft_okx.refusals import BAD_KEY, BAD_TIME, TOO_MANY
from hft_okx.signing import Signer, timestamp_text

__all__ = ["RestApi", "refusal"]

_SHOWN_CHARS = 200

_LATEST_NS = 250_000_000_000_000 * NS_PER_MS
"""The year 9892: what is signed names a year of four digits."""


class _Time(msgspec.Struct):
    ts: str


_decode_time = rows(_Time, "time")


class RestApi:
    """Makes requests; ``clock`` is the exchange's. ``headers`` are those of the environment."""

    def __init__(
        self, host: str, link: Link, signer: Signer, clock: ClockOffset, headers: Mapping[str, str]
    ) -> None:
        self.clock = clock
        self._host = host
        self._shown_host = host.partition("://")[2]
        self._link = link
        self._signer = signer
        self._headers = dict(headers)

    def shown(self, path: str) -> str:
        """Return what stands for a path in messages."""
        return f"{self._shown_host}{path}"

    def server_ns(self, now_ns: int) -> int:
        """Return the exchange's time."""
        return now_ns + self.clock.offset_ns

    def now_ms(self) -> int:
        """Return the exchange's time now, in milliseconds."""
        return self.server_ns(self._link.clock.now_ns()) // NS_PER_MS

    def request(
        self, now_ns: int, method: str, target: str, body: str = "", *, expires_ms: int = 0
    ) -> HttpRequest:
        """Return a signed request as it is sent; ``expires_ms`` 0: it does not expire."""
        timestamp = timestamp_text(self.server_ns(now_ns))
        headers = self._signer.headers(timestamp, method, target, body) | self._headers
        if expires_ms:
            headers["expTime"] = str(expires_ms)
        return HttpRequest(url=f"{self._host}{target}", headers=headers, body=body.encode())

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        *,
        costs: Costs,
        priority: Priority = Priority.QUERY,
        signed: bool = True,
    ) -> RestCall:
        """Return a request; ``params`` are the query of a GET, the body of a POST."""
        target, body = path, ""
        if method == "GET" and isinstance(params, Mapping):
            target += "?" + "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())
        elif params is not None:
            body = msgspec.json.encode(params).decode()

        def write(now_ns: int) -> HttpRequest:
            if signed:
                return self.request(now_ns, method, target, body)
            return HttpRequest(url=f"{self._host}{target}", headers=self._headers)

        return RestCall(method=method, shown=self.shown(path), write=write, costs=costs, priority=priority)

    async def fetch(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        *,
        costs: Costs,
        priority: Priority = Priority.QUERY,
    ) -> RestAnswer:
        """Return an answer that says success; raise `RequestRefused` for every other one.

        A request whose time was refused is made once more with the exchange's time measured anew.
        """
        call = self.call(method, path, params, costs=costs, priority=priority)
        answer = await self._link.fetch(call)
        if error_of(answer.body).code in BAD_TIME:
            await self.measure()
            answer = await self._link.fetch(call)
        code = error_of(answer.body).code
        if code in TOO_MANY and answer.status == 200:
            for name, _ in costs:
                self._link.refused(name)
        if answer.status != 200 or code != "0":
            raise refusal(call, answer)
        return answer

    async def measure(self) -> None:
        """Measure the exchange's clock."""
        answer = await self._link.fetch(self.time_call())
        if answer.status != 200:
            raise refusal(self.time_call(), answer)
        self.take_time(answer)

    def time_call(self) -> RestCall:
        """Return the request for the exchange's time."""
        return self.call("GET", "/api/v5/public/time", costs=limits.account("public"), signed=False)

    def take_time(self, answer: RestAnswer) -> None:
        """Take the answer to `time_call`; raise `DecodeError` where it states no time."""
        times = _decode_time(answer.body)
        if len(times) != 1 or not times[0].ts:
            raise DecodeError("time: none is stated")
        server_ns = milliseconds(times[0].ts) * NS_PER_MS
        if server_ns >= _LATEST_NS:
            raise DecodeError(f"time: {times[0].ts[:40]!r} is none that can be written")
        self.clock.measure(answer.sent_ns, answer.recv_ns, server_ns)


def refusal(call: RestCall, answer: RestAnswer) -> RequestRefused:
    """Return the error that an answer is."""
    error = error_of(answer.body)
    said = f"{error.code} {error.msg[:_SHOWN_CHARS]!r}" if error.code != "0" else f"status {answer.status}"
    return RequestRefused(
        f"{call.method} {call.shown}: refused: {said}",
        status=answer.status,
        code=error.code,
        asked_ns=answer.sent_ns,
        bad_key=error.code in BAD_KEY or (answer.status in (401, 403) and error.code != "0"),
    )
