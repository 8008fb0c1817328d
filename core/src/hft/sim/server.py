"""Serve a simulator on a port of this machine, and leave nothing behind."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from hft.errors import UsageError
from hft.sim.faults import Faults

if TYPE_CHECKING:  # only whoever serves pays for importing aiohttp
    from aiohttp import web

__all__ = ["Servable", "serve"]

_SHUTDOWN_S = 2.0


class Servable(Protocol):
    """What a simulator is to its server: `hft.plugin.simulator.Simulator`."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Return what is served."""
        ...

    @property
    def faults(self) -> Faults:
        """What goes wrong on the way to and from every route."""
        ...

    def refusal(self, path: str, status: int, retry_after_s: int) -> web.Response:
        """Write a refusal in the exchange's dialect."""
        ...

    async def start(self) -> None:
        """Set the world in motion."""
        ...

    async def stop(self) -> None:
        """Bring it to rest and close what clients hold open."""
        ...


@asynccontextmanager
async def serve(
    simulator: Servable,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    control: Sequence[web.AbstractRouteDef] = (),
) -> AsyncIterator[int]:
    """Serve while the context lasts, and give the port: ``port`` 0 takes any that is free.

    Every route of the simulator is behind its faults; those of ``control`` are for whoever runs it.
    Raise `UsageError` when the port is taken or the host is not this machine's.
    """
    from aiohttp import web

    from hft.sim.middleware import fault_middleware

    app = web.Application(middlewares=[fault_middleware(simulator.faults, simulator.refusal)])
    app.add_routes(simulator.routes())
    app.add_routes(control)
    # Clients do things on purpose that aiohttp would log as warnings, and signals are the command's.
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise UsageError(_why(host, port, error)) from None
        await simulator.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await simulator.stop()
    finally:
        await runner.cleanup()


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program, give another --port (0: any free one)"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} needs more rights, give a --port above 1023 (0: any free one)"
    return f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}, give another --host or --port"
