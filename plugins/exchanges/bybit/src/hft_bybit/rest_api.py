"""Signed and unsigned REST requests, and what a refusal of one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from msgspec import Raw

from hft import ClockOffset, Costs, HttpRequest, Link, Priority, RequestRefused, RestAnswer, RestCall
from hft_bybit import limits
from hft_bybit.private_codec import Envelope, decode_envelope, decode_time, refusal_of
from hft_bybit.refusals import BAD_KEY, BAD_TIME, TOO_MANY
from hft_bybit.requests import NS_PER_MS
from hft_bybit.signing import Signer, signed_headers

__all__ = ["RestApi", "Result", "refusal"]

_SHOWN_CHARS = 200
_TIME = "/v5/market/time"
_TOO_FREQUENT = b"access too frequent"


class Result:
    """What was asked for, undecoded, and when it was asked and answered."""

    __slots__ = ("asked_ns", "body", "recv_ns")

    def __init__(self, body: Raw, asked_ns: int, recv_ns: int) -> None:
        self.body = body
        self.asked_ns = asked_ns
        self.recv_ns = recv_ns


class RestApi:
    """Makes the requests of one account; ``clock`` is the exchange's."""

    def __init__(
        self, host: str, link: Link, signer: Signer, clock: ClockOffset, *, recv_window_ms: int
    ) -> None:
        self.clock = clock
        self.window_ms = recv_window_ms
        self._host = host
        self._shown_host = host.partition("://")[2]
        self._link = link
        self._signer = signer

    def shown(self, path: str) -> str:
        """Return what stands for a path in messages."""
        return f"{self._shown_host}{path}"

    def server_ms(self, now_ns: int) -> int:
        """Return the exchange's time."""
        return (now_ns + self.clock.offset_ns) // NS_PER_MS

    def write_get(self, path: str, params: Mapping[str, str | int], now_ns: int) -> HttpRequest:
        """Return a signed question as it is sent."""
        query = urlencode(params)
        return HttpRequest(
            url=f"{self._host}{path}{'?' if query else ''}{query}", headers=self._headers(query, now_ns)
        )

    def write_post(self, path: str, body: str, now_ns: int) -> HttpRequest:
        """Return a signed request with a body as it is sent."""
        return HttpRequest(url=f"{self._host}{path}", headers=self._headers(body, now_ns), body=body.encode())

    def _headers(self, payload: str, now_ns: int) -> dict[str, str]:
        return signed_headers(payload, self._signer, time_ms=self.server_ms(now_ns), window_ms=self.window_ms)

    def post(
        self,
        path: str,
        body: Callable[[], str],
        *,
        costs: Costs,
        priority: Priority = Priority.QUERY,
        deadline_ns: int = 0,
    ) -> RestCall:
        """Return a request with a body, which is made when its turn comes."""
        return RestCall(
            method="POST",
            shown=self.shown(path),
            write=lambda now_ns: self.write_post(path, body(), now_ns),
            costs=costs,
            priority=priority,
            deadline_ns=deadline_ns,
        )

    async def fetch(self, path: str, params: Mapping[str, str | int] | None = None) -> Result:
        """Ask, and return what the answer holds; raise `RequestRefused` where it is none.

        A request whose time was refused is made once more with the exchange's time measured anew.
        """
        given = params or {}
        call = RestCall(
            method="GET",
            shown=self.shown(path),
            write=lambda now_ns: self.write_get(path, given, now_ns),
            costs=limits.query_costs(path),
        )
        answer = await self._link.fetch(call)
        code = self.judge(call, answer)
        if code in BAD_TIME:
            await self.measure()
            answer = await self._link.fetch(call)
            code = self.judge(call, answer)
        if code or answer.status != 200:
            raise refusal(call, answer)
        return _result(answer)

    async def send(self, call: RestCall) -> Envelope:
        """Make a request, and return its answer; raise `RequestRefused` where that is not a success."""
        answer = await self._link.fetch(call)
        if self.judge(call, answer) or answer.status != 200:
            raise refusal(call, answer)
        return decode_envelope(answer.body)

    def judge(self, call: RestCall, answer: RestAnswer) -> int:
        """Return an answer's code, 0 for success, and keep away from what it says is used up."""
        limit = next((name for name, _ in call.costs if name != limits.REST), limits.REST)
        self.take_limits(limit, answer.headers, answer.sent_ns)
        if answer.status == 403 and _TOO_FREQUENT in answer.body.lower():
            self._link.refused(None, limits.TOO_FREQUENT_NS)
            return 0
        code, _ = refusal_of(answer.body)
        if code in TOO_MANY:
            server_ns = answer.recv_ns + self.clock.offset_ns
            self._link.refused(limit, limits.wait_ns(answer.headers, server_ns))
        return code

    def take_limits(self, limit: str, headers: Mapping[str, str], sent_ns: int) -> None:
        """Learn from an answer's headers how much the bucket holds, and how much of it is used."""
        if limit in (limits.REST, limits.SOCKET_ORDERS):
            return
        if weight := limits.stated_limit(headers):
            self._link.configure(limit, weight)
        if (used := limits.used(headers)) is not None:
            self._link.observe(limit, used, sent_ns)

    async def measure(self) -> None:
        """Measure the exchange's clock."""
        call = self.time_call()
        answer = await self._link.fetch(call)
        if self.judge(call, answer) or answer.status != 200:
            raise refusal(call, answer)
        self.take_time(answer)

    def time_call(self) -> RestCall:
        """Return the request for the exchange's time, which needs no signature."""
        return RestCall(
            method="GET",
            shown=self.shown(_TIME),
            write=lambda _: HttpRequest(url=f"{self._host}{_TIME}"),
            costs=limits.query_costs(_TIME),
        )

    def take_time(self, answer: RestAnswer) -> None:
        """Take the answer to `time_call`; raise `DecodeError` where it states no time."""
        envelope = decode_envelope(answer.body)
        nanoseconds = decode_time(envelope.result).nanoseconds
        whole = nanoseconds.isdecimal() and nanoseconds.isascii() and len(nanoseconds) < 20
        server_ns = int(nanoseconds) if whole else envelope.time_ms * NS_PER_MS
        self.clock.measure(answer.sent_ns, answer.recv_ns, server_ns)


def _result(answer: RestAnswer) -> Result:
    return Result(decode_envelope(answer.body).result, answer.sent_ns, answer.recv_ns)


def refusal(call: RestCall, answer: RestAnswer) -> RequestRefused:
    """Return the error that an answer is."""
    code, message = refusal_of(answer.body)
    said = f"{code} {message[:_SHOWN_CHARS]!r}" if code else f"status {answer.status}"
    return RequestRefused(
        f"{call.method} {call.shown}: refused: {said}",
        status=answer.status,
        code=code,
        asked_ns=answer.sent_ns,
        bad_key=code in BAD_KEY or answer.status == 401,
    )
