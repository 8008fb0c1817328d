"""The interface of simulators: the server side of one exchange's wire protocol, on a local port."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from hft.plugin.config import ConfigT, Configured
from hft.sim.world import World

if TYPE_CHECKING:  # importing aiohttp takes longer than all of hft, and most runs need no server
    from aiohttp import web

__all__ = ["Account", "Endpoints", "Simulator"]


@attrs.frozen(kw_only=True)
class Account:
    """A made-up account of the simulated exchange; nothing here is secret."""

    key: str
    secret: str


@attrs.frozen(kw_only=True)
class Endpoints:
    """Where a running simulator is reached: REST base URL and named websocket URLs."""

    rest: str
    ws: Mapping[str, str]


class Simulator(Configured[ConfigT], ABC):
    """Plays one exchange: the kernel owns port, clock and `World`; this class speaks the dialect.

    ``world`` is what trades: its instruments, books and trades come from a seeded synthetic order
    flow or from a capture, the same for every exchange. A simulator renders them as this exchange
    does: paths, frames, sequence numbers, acknowledgements, errors, limits. It serves the
    exchange's real paths, so that any client is pointed at it by changing hosts only.
    """

    def __init__(self, config: ConfigT, world: World) -> None:
        self.config = config
        self.world = world

    @abstractmethod
    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Return what is served: REST paths and websocket paths."""

    @abstractmethod
    def endpoints(self, host: str, port: int) -> Endpoints:
        """Return where clients connect when served at ``host:port``."""

    def accounts(self) -> Sequence[Account]:
        """Return the accounts a client may log in with."""
        return ()
