"""The REST requests of the simulated Bybit: envelopes, headers, addresses that ask too much."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from hft.sim import EventQueue
from hft_bybit.simulator.buckets import AddressLimit
from hft_bybit.simulator.calls import Endpoint
from hft_bybit.simulator.gate import Gate, Outcome
from hft_bybit.simulator.params import ApiError, Params

__all__ = ["PublicAnswer", "Rest", "turned_away"]

PublicAnswer = Callable[[Params], Awaitable[Any]]

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_encode = msgspec.json.Encoder().encode


class Rest:
    """Makes routes of what answers: status 200 for all but an address that has to stay away."""

    def __init__(self, gate: Gate, addresses: AddressLimit, queue: EventQueue) -> None:
        self._gate = gate
        self._addresses = addresses
        self._queue = queue

    def public(self, path: str, answer: PublicAnswer) -> web.RouteDef:
        """Return the route of a public question."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if not self._addresses.passes(request.remote or ""):
                return turned_away()
            try:
                result = await answer(Params(dict(request.query)))
            except ApiError as error:
                return self._envelope(error.code, error.message, {})
            return self._envelope(0, "OK", result)

        return web.get(path, handle)

    def private(self, method: str, path: str, endpoint: Endpoint) -> web.RouteDef:
        """Return the route of a private request, which is signed."""
        return web.route(method, path, self._handler(endpoint))

    def _handler(self, endpoint: Endpoint) -> _Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if not self._addresses.passes(request.remote or ""):
                return turned_away()
            # What was signed are the bytes on the wire: aiohttp's own query is decoded and encoded anew.
            body = await request.text() if request.can_read_body else ""
            query = request.raw_path.partition("?")[2]
            try:
                key = self._gate.sender(request.headers, body if request.method == "POST" else query)
                params = _params(request.method, query, body)
            except ApiError as error:
                return self._envelope(error.code, error.message, {})
            if self._queue.hold():
                # The answer is written before the loop turns again.
                asyncio.get_running_loop().call_soon(self._queue.release)
            return self._response(self._gate.pass_(endpoint, params, key))

        return handle

    def _response(self, outcome: Outcome) -> web.Response:
        headers = outcome.charge.headers()
        if outcome.error is not None:
            return self._envelope(outcome.error.code, outcome.error.message, {}, headers=headers)
        assert outcome.answer is not None
        return self._envelope(0, "OK", outcome.answer.result, outcome.answer.verdicts, headers=headers)

    def _envelope(
        self,
        code: int,
        message: str,
        result: Any,
        verdicts: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        body = {
            "retCode": code,
            "retMsg": message,
            "result": result,
            "retExtInfo": verdicts or {},
            "time": self._gate.now_ms(),
        }
        return web.Response(body=_encode(body), content_type="application/json", headers=headers)


def turned_away(status: int = 403) -> web.Response:
    """Refuse an address that asks too often."""
    return web.Response(status=status, text="access too frequent")


def _params(method: str, query: str, body: str) -> Params:
    if method != "POST":
        return Params(dict(parse_qsl(query, keep_blank_values=True)))
    try:
        return Params.of_json(msgspec.json.decode(body or "{}"))
    except (msgspec.DecodeError, UnicodeError):
        raise ApiError(10001, "Request parameter error.") from None
