"""Inject, show and clear the faults of a simulator that ``hft sim`` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hft.errors import ProfileError
from hft.profile.fault_file import parse_faults, written
from hft.sim import Faults

if TYPE_CHECKING:  # only `hft sim` pays for importing aiohttp
    from aiohttp import web

__all__ = ["FAULTS_PATH", "fault_routes"]

FAULTS_PATH = "/_sim/faults"


def fault_routes(faults: Faults) -> list[web.RouteDef]:
    """Return ``GET``, ``POST`` and ``DELETE`` of `FAULTS_PATH`, each with a JSON answer."""
    from aiohttp import web

    def answer(body: Any, status: int = 200) -> web.Response:
        return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")

    async def show(_: web.Request) -> web.Response:
        now_ns = faults.clock.now_ns()
        listed = [
            {
                **written(armed.fault),
                "state": "over" if armed.is_over(now_ns) or armed not in faults.armed else "armed",
                "matches": armed.matches,
                "hits": armed.hits,
            }
            for armed in (*faults.finished, *faults.armed)
        ]
        return answer({"hits": faults.hits, "faults": listed})

    async def inject(request: web.Request) -> web.Response:
        try:
            wanted = parse_faults("request", await request.read())
        except ProfileError as error:
            return answer({"errors": [str(one) for one in error.faults]}, 400)
        if len(wanted) > faults.room:
            return answer({"errors": [f"only {faults.room} more can be armed, clear some first"]}, 400)
        for fault in wanted:
            faults.inject(fault)
        return answer({"injected": len(wanted)}, 201)

    async def clear(_: web.Request) -> web.Response:
        return answer({"cleared": faults.clear()})

    return [
        web.get(FAULTS_PATH, show),
        web.post(FAULTS_PATH, inject),
        web.delete(FAULTS_PATH, clear),
    ]
