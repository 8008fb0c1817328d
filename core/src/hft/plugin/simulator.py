"""The interface of simulators: the server side of one exchange's wire protocol, on a local port."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs.validators import and_, ge, gt, le, min_len

from hft.plugin.config import ConfigT, Configured, option

if TYPE_CHECKING:  # importing aiohttp takes longer than all of hft, and most runs need no server
    from aiohttp import web

    from hft.sim.faults import Faults
    from hft.sim.instruments import SyntheticProduct
    from hft.sim.world import World

__all__ = ["Account", "Endpoints", "Simulator", "SimulatorConfig"]


@attrs.frozen(kw_only=True)
class SimulatorConfig:
    """What every simulator can be told: in a profile under ``simulator:``, or as options of ``hft sim``.

    A simulator that has more of its own derives its ``Config`` from this one.
    """

    symbols: tuple[str, ...] = option(
        ("BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"),
        doc="unified symbols that trade",
        validator=min_len(1),
    )
    seed: int = option(1, doc="seed of the synthetic order flow")
    rate: float = option(1.0, doc="how busy the synthetic flow is", validator=and_(gt(0), le(100)))
    capture: str | None = option(None, doc="recorded session to play back instead")
    speed: float = option(1.0, doc="pace of the playback, 0: as fast as read", validator=ge(0))
    faults: str | None = option(None, doc="file of faults to inject")


@attrs.frozen(kw_only=True)
class Account:
    """A key to a made-up account of the simulated exchange; nothing here is secret.

    Keys with one ``name`` are keys to one account. A ``secret`` may be a private key in PEM. Where the
    exchange has no passphrases it is empty.
    """

    key: str
    secret: str
    name: str = ""
    passphrase: str = ""


@attrs.frozen(kw_only=True)
class Endpoints:
    """Where a running simulator is reached: REST base URL and named websocket URLs."""

    rest: str
    ws: Mapping[str, str]


class Simulator(Configured[ConfigT], ABC):
    """Plays one exchange: the kernel owns port, clock and `World`; this class speaks the dialect.

    ``world`` is what trades: its instruments, books and trades come from a seeded synthetic order
    flow, the same for every exchange, or are played back from a capture. A simulator renders them
    as this exchange does: paths, frames, sequence numbers, acknowledgements, errors, limits. It
    serves the exchange's real paths, so that any client is pointed at it by changing hosts only.

    Its ``Config`` is `SimulatorConfig` or derived from it. Where the world has a ``playback``, the
    simulator puts the recorded markets into ``world.markets`` when it is made.

    ``faults`` is what goes wrong on purpose. Whoever serves the simulator lets every REST request and
    every handshake pass through it; a simulator makes its `hft.sim.Hub` of it and lets frames, and the
    requests of a websocket API, pass through the hub. ``world.clock`` is the exchange's clock, which a
    fault may set wrong: what the exchange stamps or checks is by that clock.
    """

    product: ClassVar[staticmethod[[str, str], SyntheticProduct] | None] = None
    """Makes up what trades, from unified symbol and exchange, where the exchange's grid is its own; it raises
    `UsageError` for a symbol that cannot be simulated."""

    def __init__(self, config: ConfigT, world: World) -> None:
        self.config = config
        self.world = world
        self.faults: Faults = world.faults

    @abstractmethod
    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Return what is served: REST paths and websocket paths."""

    @abstractmethod
    def endpoints(self, host: str, port: int) -> Endpoints:
        """Return where clients connect when served at ``host:port``."""

    def accounts(self) -> Sequence[Account]:
        """Return the accounts a client may log in with."""
        return ()

    def refusal(self, path: str, status: int, retry_after_s: int) -> web.Response:
        """Write what the exchange answers when a fault refuses a request; override with its dialect.

        ``retry_after_s`` is how long to stay away, 0 where it does not say.
        """
        from aiohttp import web

        headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
        return web.Response(status=status, text=f"status {status}\n", headers=headers)

    async def start(self) -> None:
        """Begin: the port is open. Override to set timers, and call this one."""
        self.world.start()

    async def stop(self) -> None:
        """End: close every client's connection, cancel every timer, and call this one."""
        self.faults.stop()
        self.world.stop()
        if self.world.playback is not None:
            await self.world.playback.stop()
