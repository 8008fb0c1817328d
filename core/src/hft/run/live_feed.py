"""The feed of an exchange that is reached over the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from hft.errors import TransportError
from hft.instrument import InstrumentId
from hft.net import Connection, RestClient
from hft.net.spec import ConnectionSpec, Request
from hft.plugin.feed import StreamFeed

__all__ = ["LiveFeed"]


class LiveFeed(StreamFeed):
    """Keeps the connections that the stream wants, and makes its requests."""

    def __init__(self, *args: Any, rest: RestClient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rest = rest
        self._connections: dict[str, Connection] = {}
        self._requests: set[asyncio.Task[None]] = set()

    def request(self, request: Request) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(request))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    def send(self, conn: str, data: bytes) -> None:
        self._connections[conn].send(data)

    def rotate(self, conn: str) -> None:
        self._connections[conn].rotate()

    def connect(
        self, specs: Iterable[ConnectionSpec], open_connection: Callable[[ConnectionSpec], Connection]
    ) -> None:
        """Open every connection the stream wants."""
        for spec in specs:
            self._connections[spec.name] = open_connection(spec)
        for connection in self._connections.values():
            connection.start()

    def replace(self, instrument: InstrumentId) -> None:
        """Replace, without a hole, what should bring a book that stays silent."""
        for connection in self._connections.values():
            books = connection.spec.books
            if books is None or instrument in books:
                self.warn(f"{instrument}: its book stays silent, replacing {connection.spec.name}")
                connection.rotate()

    async def close(self) -> None:
        """Close every connection and drop every request under way."""
        await asyncio.gather(*(connection.stop() for connection in self._connections.values()))
        requests = list(self._requests)
        for task in requests:
            task.cancel()
        await asyncio.gather(*requests, return_exceptions=True)

    async def _answer(self, request: Request) -> None:
        try:
            body = await self._rest.get(request)
        except Exception as error:
            # Also a bug: the stream waits for an answer, and would wait for ever.
            bug = "" if isinstance(error, TransportError) else f"bug: {type(error).__name__}: "
            self.warn(f"{bug}{error}")
            self.on_request_failed(request, str(error), self.clock.now_ns())
        else:
            self.on_response(request, body, self.clock.now_ns())
