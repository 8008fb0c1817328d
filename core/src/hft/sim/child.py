"""Run a simulator as a process of its own, as a profile's ``environment: simulator`` does."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Sequence

import msgspec
from loguru import logger

from hft.errors import UsageError

__all__ = ["Child", "start_child"]

_READY_S = 30.0
_STOP_S = 5.0
_LONGEST_LINE = 1024 * 1024
_TAIL = 5
"""Lines of its log that are quoted when it does not start."""


class _Ready(msgspec.Struct):
    rest: str
    ws: dict[str, str]
    accounts: list[dict[str, str]] = []


class Child:
    """A simulator that runs in another process; `stop` ends it.

    It also ends by itself when this process does, however that dies: its stdin closes.
    """

    def __init__(self, exchange: str, process: asyncio.subprocess.Process) -> None:
        self.rest = ""
        self.ws: dict[str, str] = {}
        self.accounts: list[dict[str, str]] = []
        self._exchange = exchange
        self._process = process
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._log = asyncio.create_task(self._forward_log(), name=f"log of simulated {exchange}")

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.returncode is None

    async def wait_ready(self) -> None:
        """Wait for the line that says where it listens; raise `UsageError` with its words if it died."""
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _READY_S)
            ready = msgspec.json.decode(line, type=_Ready)
        except (TimeoutError, msgspec.DecodeError):
            await self.stop()
            said = self._tail[-1] if self._tail else f"exit code {self._process.returncode}, no message"
            raise UsageError(
                f"the simulator of {self._exchange} did not start: {said}; "
                f"try 'hft sim {self._exchange}' by itself"
            ) from None
        self.rest, self.ws, self.accounts = ready.rest, ready.ws, ready.accounts

    async def stop(self) -> None:
        """End the process: ask, then insist."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        for insist in (self._process.terminate, self._process.kill):
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_S)
                break
            except TimeoutError:
                insist()
        await self._process.wait()
        await self._log

    async def _forward_log(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            text = line.decode(errors="replace").rstrip()
            self._tail.append(text)
            logger.info("simulated {}: {}", self._exchange, text)


async def start_child(exchange: str, arguments: Sequence[str]) -> Child:
    """Start ``hft sim EXCHANGE ARGUMENTS`` on a free port and wait until it listens.

    Raise `UsageError` when it cannot start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hft", "sim", exchange, "--port", "0", "--json", "--until-stdin-closes"),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        # Ctrl-C is for us: we still need the simulator to cancel our orders.
        start_new_session=True,
    )
    child = Child(exchange, process)
    try:
        await child.wait_ready()
    except asyncio.CancelledError:
        await child.stop()
        raise
    return child
