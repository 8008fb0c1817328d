"""Requests that wait their turn under the exchange's published limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import TypeAlias

import aiohttp
from yarl import URL

from hft.capture.redact import redact_text, redact_url
from hft.capture.tap import Tap
from hft.clock import NS_PER_S, Clock
from hft.errors import OrderError, TransportError
from hft.net.limiter import RateLimiter
from hft.net.rate_limited import RateLimitedLog
from hft.net.spec import Costs, HttpRequest, Request, RestAnswer, RestCall
from hft.net.status import StatusError, retry_after_ns

__all__ = ["Refusals", "RestClient", "UsageReader"]

UsageReader: TypeAlias = Callable[[Costs, Mapping[str, str]], Iterable[tuple[str, int]]]
"""Reads from a request's costs and its answer's headers how much of which limit the exchange counts."""

Refusals: TypeAlias = Callable[[RestCall, RestAnswer], Iterable[str]]
"""Says which limits an answer with status 429 is about."""

_TOO_MANY = 429
_BANNED = 418
_FIRST_BLOCK_NS = {_TOO_MANY: 30 * NS_PER_S, _BANNED: 120 * NS_PER_S}
"""Statuses that say "too many", and how long to stay away at first where the answer does not say it."""

_KEEP_ALIVE_S = 30
"""Exchanges close what is idle for a minute; nothing should be written into a connection that closes."""

_CHUNK = 64 * 1024
_SHOWN_BYTES = 200


class RestClient:
    """Sends requests to one exchange, each when the ``limiter`` gives it its turn.

    Nothing is retried here, redirects are refused, and an answer is at most ``max_body_bytes``
    long. After a 429 the limits it is about hand out nothing for as long as the answer says
    (``refusals``; without it all that the request named), after a 418 none does. ``usage`` reads
    what the exchange counts from the headers. Answers go to the ``tap``: of `get` those with
    status 200, of `call` all of them.
    """

    def __init__(
        self,
        limiter: RateLimiter,
        *,
        clock: Clock,
        warn: Callable[[str], None],
        tap: Tap | None = None,
        usage: UsageReader | None = None,
        refusals: Refusals | None = None,
        timeout_ns: int = 15 * NS_PER_S,
        max_body_bytes: int = 128 * 1024 * 1024,
    ) -> None:
        self.limiter = limiter
        self._clock = clock
        self._warn = RateLimitedLog(clock, warn)
        self._tap = tap
        self._usage = usage
        self._refusals = refusals
        self._timeout_s = timeout_ns / NS_PER_S
        self._max_body_bytes = max_body_bytes
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def get(self, request: Request) -> bytes:
        """Return the body of a public answer; raise `TransportError` where there is none with status 200."""
        shown = redact_url(request.url)
        headers = {"Content-Type": "application/json"} if request.body else {}
        call = RestCall(
            method="POST" if request.body else "GET",
            shown=shown,
            write=lambda _: HttpRequest(url=str(URL(request.url)), headers=headers, body=request.body),
            costs=((request.limit, request.weight),),
        )
        answer = await self._answer(call, tap_all=False)
        wait_ns = self._refused(call, answer)
        if answer.status != 200:
            message = f"{call.method} {shown}: status {answer.status}: {answer.body[:_SHOWN_BYTES]!r}"
            raise StatusError(message, status=answer.status, retry_after_ns=wait_ns)
        return answer.body

    async def call(self, call: RestCall) -> RestAnswer:
        """Return the answer, whatever its status.

        Raises `TransportError` where there is none. Its ``sent`` is False where the request
        certainly was not sent: its deadline passed, the exchange could not be reached.
        """
        answer = await self._answer(call, tap_all=True)
        self._refused(call, answer)
        return answer

    async def warm(self, url: str) -> None:
        """Open a connection that the next request uses: the first order need not wait for TLS.

        ``url`` is of something cheap at the same host. Raises `TransportError` where it cannot be
        reached; its status does not matter.
        """
        await self.call(RestCall(method="GET", shown=redact_url(url), write=lambda _: HttpRequest(url=url)))

    async def close(self) -> None:
        """Close the connections for good; requests under way fail, and so do those that come later."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _answer(self, call: RestCall, *, tap_all: bool) -> RestAnswer:
        name = f"{call.method} {call.shown}"
        try:
            await self.limiter.acquire(call.costs, call.priority, deadline_ns=call.deadline_ns)
        except TransportError as error:
            raise TransportError(f"{name}: not sent: {error}", sent=False) from None
        if self._is_closed:
            raise TransportError(f"{name}: not sent: everything is closed", sent=False)
        written = _Written()
        url = ""
        try:
            sent_ns = self._clock.now_ns()
            request = call.write(sent_ns)
            url = request.url
            async with self._opened().request(
                call.method,
                URL(url, encoded=True),
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
                trace_request_ctx=written,
            ) as response:
                body = await self._read(name, response)
        except OrderError as error:
            raise TransportError(f"{name}: not sent: {error}", sent=False) from None
        except TimeoutError:
            reason = f"no answer within {self._timeout_s:g} s"
            raise TransportError(f"{name}: {reason}", sent=written.sent) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            text = f"{type(error).__name__}: {error}"
            reason = redact_text(text.replace(url, call.shown) if url else text)
            raise TransportError(f"{name}: {reason}", sent=written.sent) from None
        recv_ns = self._clock.now_ns()
        status = response.status
        if self._tap is not None and (tap_all or status == 200):
            self._tap.record(recv_ns, url, "http", body, request.body or None, (call.method, status))
        answer = RestAnswer(
            status=status, headers=response.headers, body=body, sent_ns=sent_ns, recv_ns=recv_ns
        )
        self._observe(call, answer)
        return answer

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_mark_written)
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                headers={"User-Agent": "hft"},
                connector=aiohttp.TCPConnector(keepalive_timeout=_KEEP_ALIVE_S),
                trace_configs=[trace],
            )
        return self._session

    async def _read(self, name: str, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._max_body_bytes:
                reason = f"answer is larger than {self._max_body_bytes} bytes"
                raise TransportError(f"{name}: {reason}", sent=True)
        return bytes(body)

    def _observe(self, call: RestCall, answer: RestAnswer) -> None:
        if self._usage is None:
            return
        try:
            for limit, used in self._usage(call.costs, answer.headers):
                self.limiter.observe(limit, used, answer.sent_ns)
        except Exception as error:
            # The answer is evidence, whatever stands in its headers.
            what = f"{call.method} {call.shown}: headers not understood: {type(error).__name__}: {error}"
            self._warn("usage", f"bug: {what}")

    def _refused(self, call: RestCall, answer: RestAnswer) -> int:
        """Keep away for as long as an answer says; return how long that is."""
        wait_ns = retry_after_ns(answer.headers.get("Retry-After"), answer.recv_ns)
        first_ns = _FIRST_BLOCK_NS.get(answer.status)
        if first_ns is None:
            return wait_ns
        wait_ns = max(
            self.limiter.refused(limit, wait_ns=wait_ns, first_ns=first_ns)
            for limit in self._blamed(call, answer)
        )
        self._warn(
            "refused",
            f"{call.method} {call.shown}: too many requests, pausing for {wait_ns / NS_PER_S:g} s",
        )
        return wait_ns

    def _blamed(self, call: RestCall, answer: RestAnswer) -> Sequence[str | None]:
        if answer.status == _BANNED:
            return [None]
        named = [] if self._refusals is None else list(self._refusals(call, answer))
        return named or [limit for limit, _ in call.costs] or [""]


class _Written:
    """Whether a request may have left: False until its first byte is written, then None."""

    def __init__(self) -> None:
        self.sent: bool | None = False


async def _mark_written(
    _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestHeadersSentParams
) -> None:
    written: _Written = context.trace_request_ctx
    if written.sent is None:
        # aiohttp repeats some methods by itself; it was one turn, and perhaps an order.
        raise aiohttp.ClientConnectionError("connection lost, and a request is not repeated")
    written.sent = None
