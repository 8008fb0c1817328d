"""What a run in virtual time leaves behind, and what its event loop complains of."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from hft.testing.virtual_time import VirtualLoop

__all__ = ["collected_errors", "watch_connections"]


def watch_connections() -> list[asyncio.Transport]:
    """Return a list that gets every connection that is made from here on in the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    made: list[asyncio.Transport] = []
    connect = loop.network.connect

    async def watched(*arguments: Any) -> Any:
        ours, protocol = await connect(*arguments)
        made.append(ours)
        return ours, protocol

    loop.network.connect = watched  # type: ignore[method-assign,assignment]  # that is the point
    return made


class _Collector(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(self.format(record))


@contextlib.contextmanager
def collected_errors() -> Iterator[list[str]]:
    """Collect what the event loop has to say of tasks and callbacks that raised."""
    found: list[str] = []
    handler = _Collector(found)
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
