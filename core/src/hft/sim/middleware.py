"""What faults do to the REST requests, and to the handshakes, of any simulator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from hft.sim.fault import CONNECT, KINDS, REPLY, REQUEST, FaultKind, Place
from hft.sim.faults import GARBAGE, Faults, Strike

__all__ = ["CONTROL_PREFIX", "Refusal", "fault_middleware"]

CONTROL_PREFIX = "/_sim/"
"""Where a simulator itself is spoken to: no fault strikes there."""

NS_PER_S = 1_000_000_000

_LOOK_S = 0.05
"""How often it is looked whether a client that gets no answer has given up."""

Refusal = Callable[[str, int, int], web.Response]
"""Writes the refusal of a path with a status, to stay away for so many seconds (0: it does not say)."""

# An answer over HTTP stands alone on its connection until it has come.
_REPLY_KINDS = KINDS[Place.REPLY] - {FaultKind.DUPLICATE, FaultKind.REORDER, FaultKind.SLOW}
_REQUEST_KINDS = KINDS[Place.REQUEST] - {FaultKind.SLOW}


def fault_middleware(faults: Faults, refusal: Refusal) -> Middleware:
    """Return what lets every request of an application pass through the faults.

    They know it as ``request/METHOD PATH``, its answer as ``reply/METHOD PATH`` and the handshake of a
    websocket as ``connect/PATH``. A request goes on also when its client is gone.
    """
    return web.middleware(_Middleware(faults, refusal))


class _Middleware:
    def __init__(self, faults: Faults, refusal: Refusal) -> None:
        self._faults = faults
        self._refusal = refusal
        self._overtaken: list[asyncio.Event] = []

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if (self._faults.is_idle and not self._overtaken) or request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            strike = self._faults.strike(
                Place.CONNECT, CONNECT + request.path.lstrip("/"), KINDS[Place.CONNECT]
            )
            return await self._ask(request, handler, strike)
        name = f"{request.method} {request.path}"
        strike = self._faults.strike(Place.REQUEST, REQUEST + name, _REQUEST_KINDS)
        overtaken, self._overtaken = self._overtaken, []
        try:
            response = await self._ask(request, handler, strike)
        finally:
            for event in overtaken:
                event.set()
        if isinstance(response, _Lost) or not isinstance(response, web.Response):
            return response
        strike = self._faults.strike(Place.REPLY, REPLY + name, _REPLY_KINDS)
        return response if strike is None else await self._answer(request, response, strike)

    async def _ask(self, request: web.Request, handler: Handler, strike: Strike | None) -> web.StreamResponse:
        match strike.kind if strike else None:
            case FaultKind.DROP:
                return _cut(request)
            case FaultKind.SILENCE:
                return await _never(request)
            case FaultKind.DISCONNECT:
                assert strike is not None
                if strike.fault.deliver:
                    await handler(request)
                return _cut(request)
            case FaultKind.REFUSE:
                assert strike is not None
                return self._refuse(request, strike)
            case FaultKind.DELAY:
                assert strike is not None
                await request.read()  # which cannot be done any more once the client is gone
                await self._faults.clock.sleep(strike.delay_ns)
            case FaultKind.REORDER:
                assert strike is not None
                await request.read()
                await self._let_overtake(strike.delay_ns)
            case FaultKind.DUPLICATE:
                await _outcome(handler(request))
        return await handler(request)

    async def _answer(
        self, request: web.Request, response: web.Response, strike: Strike
    ) -> web.StreamResponse:
        match strike.kind:
            case FaultKind.DROP:
                return _cut(request)
            case FaultKind.SILENCE:
                return await _never(request)
            case FaultKind.DISCONNECT:
                if not strike.fault.deliver:
                    return _cut(request)
                response.force_close()
            case FaultKind.DELAY:
                await self._faults.clock.sleep(strike.delay_ns)
            case FaultKind.TRUNCATE:
                return await _first_half(request, response)
            case FaultKind.GARBAGE:
                return web.Response(status=response.status, text=GARBAGE, content_type="text/html")
        return response

    def _refuse(self, request: web.Request, strike: Strike) -> web.Response:
        retry_after_s = -(-strike.fault.retry_after // NS_PER_S)
        return self._refusal(request.path, strike.fault.status, retry_after_s)

    async def _let_overtake(self, most_ns: int) -> None:
        overtaken = asyncio.Event()
        self._overtaken.append(overtaken)
        timer = self._faults.call_later(most_ns, overtaken.set)
        try:
            await overtaken.wait()
        finally:
            timer.cancel()
            if overtaken in self._overtaken:
                self._overtaken.remove(overtaken)


class _Lost(web.Response):
    """An answer that has nowhere to go."""


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return _Lost()


async def _never(request: web.Request) -> web.Response:
    """Wait until the client gives up; the connection stays open as long as it wants."""
    # aiohttp tells a handler of nothing that it could wait for.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)
    return _Lost()


async def _outcome(handling: Awaitable[web.StreamResponse]) -> None:
    # What is raised is an answer as well, and nobody gets the first one.
    with contextlib.suppress(web.HTTPException):
        await handling


async def _first_half(request: web.Request, response: web.Response) -> web.StreamResponse:
    body = response.body if isinstance(response.body, bytes) else b""
    cut = web.StreamResponse(status=response.status, headers=response.headers)
    cut.content_length = len(body)
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return cut
