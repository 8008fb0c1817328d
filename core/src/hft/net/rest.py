"""Requests that wait their turn under the exchange's published limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import aiohttp

from hft.capture.redact import redact_text, redact_url
from hft.capture.tap import Tap
from hft.clock import NS_PER_S, Clock
from hft.errors import TransportError
from hft.net.pacing import TokenBucket
from hft.net.spec import RateLimit, Request
from hft.net.status import StatusError, retry_after_ns

__all__ = ["RestClient"]

_UNPUBLISHED = RateLimit(name="", weight=10, per_ns=NS_PER_S)
"""The pace of requests that name no limit."""

_BLOCK_NS = {429: 30 * NS_PER_S, 418: 120 * NS_PER_S}
"""Statuses that say "too many", and how long to stay away where the answer does not say it."""

_CHUNK = 64 * 1024
_SHOWN_BYTES = 200


class RestClient:
    """Sends the public requests of one exchange, at most ``max_body_bytes`` an answer.

    ``limits`` are the exchange's; a request waits for its weight of the one it names. After a 429
    or 418 that limit hands out nothing for as long as the answer says. Nothing is retried here: a
    stream that still needs the answer asks again. Answers with status 200 go to the ``tap``.
    """

    def __init__(
        self,
        limits: Iterable[RateLimit],
        *,
        clock: Clock,
        warn: Callable[[str], None],
        tap: Tap | None = None,
        timeout_ns: int = 15 * NS_PER_S,
        max_body_bytes: int = 128 * 1024 * 1024,
    ) -> None:
        self._buckets = {limit.name: TokenBucket(limit, clock=clock) for limit in (_UNPUBLISHED, *limits)}
        self._clock = clock
        self._warn = warn
        self._tap = tap
        self._timeout_s = timeout_ns / NS_PER_S
        self._max_body_bytes = max_body_bytes
        self._session: aiohttp.ClientSession | None = None

    async def get(self, request: Request) -> bytes:
        """Return the body of the answer; raise `TransportError` where there is none with status 200."""
        bucket = self._buckets.get(request.limit)
        if bucket is None:
            known = ", ".join(repr(name) for name in self._buckets if name)
            raise ValueError(f"limit {request.limit!r} of {redact_url(request.url)} is none of {known}")
        await bucket.acquire(request.weight)
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s)
            self._session = aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "hft"})
        try:
            async with self._session.get(request.url, allow_redirects=False) as response:
                body = await self._read(request, response)
                if response.status != 200:
                    raise self._status_error(request, bucket, response, body)
        except TimeoutError:
            url = redact_url(request.url)
            raise TransportError(f"GET {url}: no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = redact_text(f"{type(error).__name__}: {error}")
            raise TransportError(f"GET {redact_url(request.url)}: {reason}") from None
        if self._tap is not None:
            self._tap.record(self._clock.now_ns(), request.url, "http", body)
        return body

    async def close(self) -> None:
        """Close the connections; requests under way fail."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _read(self, request: Request, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._max_body_bytes:
                url = redact_url(request.url)
                raise TransportError(f"GET {url}: answer is larger than {self._max_body_bytes} bytes")
        return bytes(body)

    def _status_error(
        self, request: Request, bucket: TokenBucket, response: aiohttp.ClientResponse, body: bytes
    ) -> StatusError:
        now_ns = self._clock.now_ns()
        wait_ns = retry_after_ns(response.headers.get("Retry-After"), now_ns)
        url = redact_url(request.url)
        if response.status in _BLOCK_NS:
            wait_ns = wait_ns or _BLOCK_NS[response.status]
            bucket.block_until(now_ns + wait_ns)
            self._warn(f"GET {url}: too many requests, pausing for {wait_ns / NS_PER_S:g} s")
        message = f"GET {url}: status {response.status}: {body[:_SHOWN_BYTES]!r}"
        return StatusError(message, status=response.status, retry_after_ns=wait_ns)
