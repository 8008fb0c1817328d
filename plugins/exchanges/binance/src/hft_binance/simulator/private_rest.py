"""The private REST endpoints of the simulated Binance as routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from hft_binance.simulator.auth import rest_payload
from hft_binance.simulator.calls import Endpoint
from hft_binance.simulator.gate import Gate, Outcome, Signature

__all__ = ["Route", "private_routes"]

Route = tuple[str, str, Endpoint]
"""Method, path, and what answers."""

_encode = msgspec.json.Encoder().encode
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def private_routes(gate: Gate, routes: Iterable[Route]) -> list[web.RouteDef]:
    """Return routes that let requests through a gate."""
    return [web.route(method, path, _handler(gate, endpoint)) for method, path, endpoint in routes]


def _handler(gate: Gate, endpoint: Endpoint) -> _Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        # What was signed are the bytes on the wire: aiohttp's own query is decoded and encoded anew.
        query = request.raw_path.partition("?")[2]
        body = await request.text() if request.can_read_body else ""
        payload, signature = rest_payload(query, body)
        # A parameter that is in both counts as it is in the query.
        params = dict(parse_qsl(body, keep_blank_values=True)) | dict(
            parse_qsl(query, keep_blank_values=True)
        )
        shown = Signature(request.headers.get("X-MBX-APIKEY"), payload, signature)
        return _response(gate, gate.pass_(endpoint, params, shown, request.remote or ""))

    return handle


def _response(gate: Gate, outcome: Outcome) -> web.Response:
    used = str(outcome.used_weight)
    headers = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
    if outcome.placed and outcome.account is not None:
        headers |= gate.orders.headers(outcome.account)
    if outcome.retry_after_s:
        headers["Retry-After"] = str(outcome.retry_after_s)
    error = outcome.error
    if error is None:
        return web.Response(body=_encode(outcome.body), content_type="application/json", headers=headers)
    body = {"code": error.code, "msg": error.msg}
    if error.data is not None:
        body["data"] = error.data
    return web.Response(
        body=_encode(body), status=error.status, content_type="application/json", headers=headers
    )
