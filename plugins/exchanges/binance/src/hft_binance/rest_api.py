"""Signed and unsigned REST requests of one product, and what a refusal of one is."""

from __future__ import annotations

from collections.abc import Mapping

from hft import ClockOffset, Costs, HttpRequest, Link, Priority, RequestRefused, RestAnswer, RestCall
from hft_binance import limits
from hft_binance.endpoints import Product
from hft_binance.private_codec import decode_error, decode_time
from hft_binance.refusals import BAD_KEY, BAD_TIME
from hft_binance.requests import NS_PER_MS, RestRequest
from hft_binance.signing import Signer, signed_query

__all__ = ["RestApi", "refusal"]

_SHOWN_CHARS = 200


class RestApi:
    """Makes the requests of one product; ``clock`` is the exchange's."""

    def __init__(
        self,
        product: Product,
        host: str,
        link: Link,
        signer: Signer,
        clock: ClockOffset,
        *,
        recv_window_ms: int,
    ) -> None:
        self.product = product
        self.clock = clock
        self._host = host
        self._shown_host = host.partition("://")[2]
        self._link = link
        self._signer = signer
        self._window_ms = recv_window_ms
        self._headers = {"X-MBX-APIKEY": signer.key.reveal()}

    def write(self, request: RestRequest) -> HttpRequest:
        """Return a signed request as it is sent."""
        return HttpRequest(url=f"{self._host}{request.target}", headers=self._headers)

    def shown(self, path: str) -> str:
        """Return what stands for a path in messages."""
        return f"{self._shown_host}{path}"

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        costs: Costs,
        priority: Priority = Priority.QUERY,
        signed: bool = True,
    ) -> RestCall:
        """Return a request; without a signature it shows the key only."""
        given = params or {}

        def write(now_ns: int) -> HttpRequest:
            if signed:
                now_ms = (now_ns + self.clock.offset_ns) // NS_PER_MS
                complete = {**given, "recvWindow": self._window_ms, "timestamp": now_ms}
                query = signed_query(complete, self._signer)
            else:
                query = "&".join(f"{name}={value}" for name, value in given.items())
            return HttpRequest(url=f"{self._host}{path}{'?' if query else ''}{query}", headers=self._headers)

        return RestCall(method=method, shown=self.shown(path), write=write, costs=costs, priority=priority)

    async def fetch(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        weight: int,
        priority: Priority = Priority.QUERY,
        signed: bool = True,
    ) -> RestAnswer:
        """Return an answer with status 200; raise `RequestRefused` for every other one.

        A request whose time was refused is made once more with the exchange's time measured anew.
        """
        costs = limits.weight(self.product, weight)
        call = self.call(method, path, params, costs=costs, priority=priority, signed=signed)
        answer = await self._link.fetch(call)
        if answer.status != 200 and signed and decode_error(answer.body).code in BAD_TIME:
            await self.measure()
            answer = await self._link.fetch(call)
        if answer.status != 200:
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
        path = "/api/v3/time" if self.product is Product.SPOT else "/fapi/v1/time"
        return self.call("GET", path, costs=limits.weight(self.product, 1), signed=False)

    def take_time(self, answer: RestAnswer) -> None:
        """Take the answer to `time_call`; raise `DecodeError` where it states no time."""
        server_ms = decode_time(answer.body).server_ms
        self.clock.measure(answer.sent_ns, answer.recv_ns, server_ms * NS_PER_MS)


def refusal(call: RestCall, answer: RestAnswer) -> RequestRefused:
    """Return the error that an answer is."""
    error = decode_error(answer.body)
    said = f"{error.code} {error.msg[:_SHOWN_CHARS]!r}" if error.code else f"status {answer.status}"
    return RequestRefused(
        f"{call.method} {call.shown}: refused: {said}",
        status=answer.status,
        code=error.code,
        asked_ns=answer.sent_ns,
        bad_key=error.code in BAD_KEY or (answer.status in (401, 403) and error.code != 0),
    )
