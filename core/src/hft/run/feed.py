"""The feed of a live exchange: what joins a stream, which does no I/O, to sockets and requests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Any

from hft.clock import Clock
from hft.errors import DecodeError, TransportError
from hft.instrument import Instrument
from hft.latency import TickToOrder
from hft.net.connection import Connection
from hft.net.rest import RestClient
from hft.net.spec import ConnectionSpec, Request
from hft.plugin.market_data import Feed, MarketDataStream

__all__ = ["LiveFeed"]

_SHOWN_BYTES = 200
"""How much of a frame that could not be understood is logged."""


class LiveFeed(Feed):
    """Gives one exchange's stream its frames and answers, and takes its requests and events.

    It is the handler of the exchange's connections: `on_frame` is the first step of the hot path.
    """

    def __init__(
        self,
        exchange: str,
        environment: str,
        url: str | None,
        *,
        clock: Clock,
        random: random.Random,
        rest: RestClient,
        latency: TickToOrder,
        warn: Callable[[str, str], None],
    ) -> None:
        self.exchange = exchange
        self.environment = environment
        self.url = url
        self.clock = clock
        self.random = random
        self.instruments: dict[str, Instrument] = {}
        self.connections: dict[str, Connection] = {}
        self.frames = 0
        self.undecoded_frames = 0
        self.stream: MarketDataStream[Any]
        self._rest = rest
        self._latency = latency
        self._warn = warn
        self._requests: set[asyncio.Task[None]] = set()

    # -- what the stream calls -------------------------------------------------------------------

    def publish(self, instruments: Iterable[Instrument]) -> None:
        self.instruments.update((instrument.symbol, instrument) for instrument in instruments)

    def request(self, request: Request) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(request))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    def send(self, conn: str, data: bytes) -> None:
        self.connections[conn].send(data)

    def undecoded(self, conn: str, data: bytes, reason: str) -> None:
        self.undecoded_frames += 1
        shown = data[:_SHOWN_BYTES]
        rest = f"... ({len(data)} bytes)" if len(data) > _SHOWN_BYTES else ""
        self._warn(f"undecoded {conn}", f"{self.exchange}: frame not understood: {reason}: {shown!r}{rest}")

    def warn(self, message: str) -> None:
        self._warn(f"{self.exchange} {message[:40]}", f"{self.exchange}: {message}")

    # -- what the connections call ---------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        self.stream.on_open(conn, recv_ns)

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        self.frames += 1
        self._latency.begin(recv_ns)
        try:
            self.stream.on_frame(conn, data, recv_ns)
        except DecodeError as error:
            self.undecoded(conn, data, str(error))
        except Exception as error:
            # A bug in the plugin: its books can no longer be relied on, the other exchanges' can.
            self.undecoded(conn, data, f"bug in the plugin: {type(error).__name__}: {error}")
            self.stream.on_close(conn, recv_ns)
            self.stream.on_open(conn, recv_ns)
        finally:
            self._latency.end()

    def on_close(self, conn: str, recv_ns: int) -> None:
        self.stream.on_close(conn, recv_ns)

    # -- what the session calls ------------------------------------------------------------------

    def connect(
        self, specs: Iterable[ConnectionSpec], open_connection: Callable[[ConnectionSpec], Connection]
    ) -> None:
        """Open every connection the stream wants."""
        for spec in specs:
            self.connections[spec.name] = open_connection(spec)
        for connection in self.connections.values():
            connection.start()

    async def close(self) -> None:
        """Close every connection and drop every request under way."""
        await asyncio.gather(*(connection.stop() for connection in self.connections.values()))
        requests = list(self._requests)
        for task in requests:
            task.cancel()
        await asyncio.gather(*requests, return_exceptions=True)

    async def _answer(self, request: Request) -> None:
        try:
            body = await self._rest.get(request)
        except TransportError as error:
            self.warn(str(error))
            self.stream.on_request_failed(request, str(error), self.clock.now_ns())
            return
        recv_ns = self.clock.now_ns()
        try:
            self.stream.on_response(request, body, recv_ns)
        except Exception as error:
            bug = "" if isinstance(error, DecodeError) else f"bug in the plugin: {type(error).__name__}: "
            self.undecoded(request.url, body, f"{bug}{error}")
            self.stream.on_request_failed(request, str(error), recv_ns)
