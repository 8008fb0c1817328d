"""The private REST endpoints of the simulated Binance as routes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from hft.sim import EventQueue
from hft_binance.simulator.auth import rest_payload
from hft_binance.simulator.calls import Endpoint
from hft_binance.simulator.gate import Gate, Outcome, Signature

__all__ = ["Route", "no_trading_routes", "private_routes"]

Route = tuple[str, str, Endpoint]
"""Method, path, and what answers."""

_SPOT_WORDS = "order|openOrders|allOrders|myTrades|account|rateLimit|userDataStream"
_USDM_WORDS = (
    "order|openOrder|allOpenOrders|allOrders|batchOrders|userTrades|income|listenKey|positionSide|leverage|"
    "marginType|multiAssetsMargin|countdownCancelAll|algo|openAlgo|allAlgo|account|balance|positionRisk|"
    "symbolConfig|commissionRate"
)
_PRIVATE_PATHS = (
    f"/api/v3/{{name:({_SPOT_WORDS})}}{{tail:.*}}",
    f"/fapi/{{version:v[0-9]}}/{{name:({_USDM_WORDS})}}{{tail:.*}}",
    "/sapi/{tail:.+}",
    "/ws-api/v3",
    "/ws-fapi/v1",
    "/private/{tail:.+}",
)

_encode = msgspec.json.Encoder().encode
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def private_routes(gate: Gate, queue: EventQueue, routes: Iterable[Route]) -> list[web.RouteDef]:
    """Return routes that let requests through a gate."""
    return [web.route(method, path, _handler(gate, queue, endpoint)) for method, path, endpoint in routes]


def no_trading_routes() -> list[web.RouteDef]:
    """Return routes that say that a capture cannot be traded with."""

    async def refuse(_: web.Request) -> web.StreamResponse:
        body = {"code": -1000, "msg": "Trading is not simulated on a capture."}
        return web.Response(body=_encode(body), status=400, content_type="application/json")

    return [web.route("*", path, refuse) for path in _PRIVATE_PATHS]


def _handler(gate: Gate, queue: EventQueue, endpoint: Endpoint) -> _Handler:
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
        if queue.hold():
            # The answer is written before the loop turns again.
            asyncio.get_running_loop().call_soon(queue.release)
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
