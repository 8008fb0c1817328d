"""The REST paths of the simulated Hyperliquid."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from hft.sim import EventQueue
from hft_hyperliquid.simulator.auth import Malformed
from hft_hyperliquid.simulator.gateway import MALFORMED, Gateway, kind_of, parsed
from hft_hyperliquid.simulator.weights import Weights, weight_of

__all__ = ["Rest", "refusal"]

_BATCH = 40

_encode = msgspec.json.Encoder().encode


class Rest:
    """Serves ``POST /info`` and ``POST /exchange``."""

    def __init__(self, gateway: Gateway, queue: EventQueue, weights: Weights) -> None:
        self._gateway = gateway
        self._queue = queue
        self._weights = weights

    def routes(self) -> list[web.RouteDef]:
        """Return the paths."""
        return [web.post("/info", self._info), web.post("/exchange", self._exchange)]

    async def _info(self, request: web.Request) -> web.Response:
        return await self._answer(request, lambda body: weight_of(kind_of(body)), self._gateway.info)

    async def _exchange(self, request: web.Request) -> web.Response:
        def carry_out(body: Mapping[str, Any]) -> Any:
            if self._queue.hold():
                # The answer is written before the loop turns again.
                asyncio.get_running_loop().call_soon(self._queue.release)
            return self._gateway.exchange(body)

        return await self._answer(request, _action_weight, carry_out)

    async def _answer(
        self,
        request: web.Request,
        weigh: Callable[[Mapping[str, Any]], int],
        answer: Callable[[Mapping[str, Any]], Any],
    ) -> web.Response:
        try:
            body = parsed(await request.read())
            if not self._weights.charge(request.remote or "", weigh(body)):
                return refusal(429, 0)
            return web.Response(body=_encode(answer(body)), content_type="application/json")
        except Malformed:
            return web.Response(status=422, text=MALFORMED)


def _action_weight(body: Mapping[str, Any]) -> int:
    action = body.get("action")
    if not isinstance(action, Mapping):
        return 1
    listed = (action.get(name) for name in ("orders", "cancels", "modifies"))
    return 1 + sum(len(each) for each in listed if isinstance(each, list)) // _BATCH


def refusal(status: int, retry_after_s: int) -> web.Response:
    """Refuse a request for no reason of its own: too many, or a bad day of the exchange's."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    words = {429: "Too Many Requests", 502: "Bad Gateway", 503: "Service Unavailable"}
    return web.Response(status=status, text=f"{status} {words.get(status, 'Error')}", headers=headers)
