"""The REST endpoints of the simulated OKX as routes: public, private, and about orders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from hft import Clock
from hft.sim import EventQueue
from hft_okx.simulator.auth import ApiKey, Keys
from hft_okx.simulator.errors import ApiError, parameter
from hft_okx.simulator.market_data import MarketData
from hft_okx.simulator.questions import Questions
from hft_okx.simulator.rate_limits import Counters
from hft_okx.simulator.trading import ACTIONS, Trading

__all__ = ["envelope", "no_trading_routes", "private_routes", "public_routes", "refusal"]

_PREFIX = "/api/v5"
_ORDERS = (
    *("order", "batch-orders", "amend-order", "amend-batch-orders", "cancel-order"),
    "cancel-batch-orders",
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def envelope(body: Any, status: int = 200) -> web.Response:
    """Return an answer."""
    return web.Response(body=_encode(body), status=status, content_type="application/json")


def refusal(error: ApiError) -> web.Response:
    """Return the answer that a refusal of the whole request is."""
    return envelope({"code": error.code, "data": [], "msg": error.msg}, error.status)


def public_routes(data: MarketData, counters: Counters, wake: Callable[[], None]) -> list[web.RouteDef]:
    """Return what can be asked without a key; ``wake`` is called by each question."""

    def handler(path: str, answer: Callable[[Mapping[str, str]], list[Any]]) -> _Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            wake()
            try:
                counters.public(request.remote or "", path)
                return envelope({"code": "0", "msg": "", "data": answer(request.query)})
            except ApiError as error:
                return refusal(error)

        return handle

    return [web.get(f"{_PREFIX}{path}", handler(path, answer)) for path, answer in data.answers.items()]


def private_routes(
    keys: Keys, trading: Trading, questions: Questions, counters: Counters, queue: EventQueue, clock: Clock
) -> list[web.RouteDef]:
    """Return what a key is needed for."""

    def guarded(answer: Callable[[ApiKey, web.Request, Any], Any]) -> _Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.text() if request.can_read_body else ""
            began_ns = clock.now_ns()
            try:
                # What was signed are the bytes on the wire: aiohttp's own query is decoded and encoded anew.
                now_ms = began_ns // 1_000_000
                key = keys.of_request(request.headers, request.method, request.raw_path, body, now_ms)
                params = _params(request, body)
                if queue.hold():
                    # The answer is written before the loop turns again.
                    asyncio.get_running_loop().call_soon(queue.release)
                found = answer(key, request, params)
            except ApiError as error:
                return refusal(error)
            times = {"inTime": str(began_ns // 1000), "outTime": str(clock.now_ns() // 1000)}
            return envelope(found | times)

        return handle

    def orders(name: str) -> _Handler:
        def answer(key: ApiKey, request: web.Request, params: Any) -> Any:
            args: Sequence[Any] = params if isinstance(params, list) else [params]
            several = ACTIONS[name][1]
            if several is not isinstance(params, list) or not all(isinstance(arg, dict) for arg in args):
                raise parameter("body")
            return trading.answer(key, name, args, request.headers.get("expTime", ""), ws=False)

        return guarded(answer)

    def question(path: str, asked: Callable[[ApiKey, Mapping[str, Any]], list[Any]]) -> _Handler:
        def answer(key: ApiKey, request: web.Request, params: Any) -> Any:
            if not isinstance(params, dict):
                raise parameter("body")
            counters.question(key.account, path.rpartition("/")[2])
            return {"code": "0", "msg": "", "data": asked(key, params)}

        return guarded(answer)

    return [
        *(web.post(f"{_PREFIX}/trade/{name}", orders(name)) for name in _ORDERS),
        *(
            web.route(method, f"{_PREFIX}{path}", question(path, asked))
            for (method, path), asked in questions.answers.items()
        ),
    ]


def no_trading_routes() -> list[web.RouteDef]:
    """Return routes that say that a capture cannot be traded with."""

    async def refuse(_: web.Request) -> web.StreamResponse:
        return refusal(ApiError("50001", "Trading is not simulated on a capture."))

    return [web.route("*", f"{_PREFIX}/{{name:(trade|account|asset)}}/{{tail:.+}}", refuse)]


def _params(request: web.Request, body: str) -> Any:
    if request.method == "GET":
        return dict(parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True))
    try:
        return _decode(body or "{}")
    except msgspec.DecodeError:
        raise ApiError("50002", "JSON syntax error") from None
