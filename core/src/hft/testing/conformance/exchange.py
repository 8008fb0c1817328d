"""What the suites of exchanges are run on: a plugin, and how its simulator is to be set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import attrs

from hft.clock import Clock, SimulatedClock
from hft.instrument import Instrument
from hft.market import Channel
from hft.orders.config import AccountConfig
from hft.paper.config import PaperConfig
from hft.plugin.execution import Capabilities, ExecutionClient
from hft.plugin.market_data import MarketDataStream
from hft.plugin.simulator import Account, Simulator
from hft.profile import ExchangeEntry
from hft.profile.model import LoadedPlugin
from hft.registry.discovery import PluginKind
from hft.routing.config import FeesConfig
from hft.secret import Secret
from hft.sim import World
from hft.sim.instruments import synthetic_product
from hft.testing.conformance.cards import Subject, loaded
from hft.testing.link import FakeLink, NotedEvents
from hft.types import Duration, InstrumentKind, OrderType, TimeInForce

__all__ = ["ExchangeUnderTest"]


ClassT = TypeVar("ClassT")


def _key_and_secret(account: Account) -> Mapping[str, Any]:
    return {"key": Secret(account.key), "secret": Secret(account.secret)}


def _loaded(plugin: str | LoadedPlugin) -> LoadedPlugin:
    return loaded(PluginKind.EXCHANGE, plugin)


@attrs.frozen(kw_only=True, eq=False)
class ExchangeUnderTest(Subject):
    """An exchange's plugin as the suites run it.

    ``plugin`` is the name of its entry point. ``symbols`` are two or more unified symbols of one product:
    the first is traded, the others must not notice what happens to it. ``config`` are keys of the plugin's
    ``Config`` beside its credentials, which ``credentials`` makes of an account of the simulator; ``wrong``
    are those with which nobody can log in. ``simulator_config`` are options of the simulator beside
    symbols, seed and rate. ``capture`` is a recorded session of the real exchange, where there is one.
    """

    plugin: LoadedPlugin = attrs.field(converter=_loaded)
    symbols: Sequence[str] = attrs.field(validator=attrs.validators.min_len(2))
    title: str = ""
    """What the report calls it; the plugin's name by default."""
    config: Mapping[str, Any] = attrs.Factory(dict)
    simulator_config: Mapping[str, Any] = attrs.Factory(dict)
    credentials: Callable[[Account], Mapping[str, Any]] = _key_and_secret
    wrong: Mapping[str, Any] = attrs.Factory(lambda: {"secret": Secret("0" * 64)})
    capture: Path | None = None

    @property
    def name(self) -> str:  # type: ignore[override]  # an attribute that is computed
        """What the report calls it."""
        return self.title or self.plugin.name

    @property
    def key(self) -> str:
        """Its key in the profile of a run."""
        return self.plugin.name.removeprefix("./").removesuffix(".py")

    @property
    def stream(self) -> type[MarketDataStream[Any]]:
        """The plugin's stream."""
        return _offered(self.plugin.market_data())

    @property
    def client(self) -> type[ExecutionClient[Any]]:
        """The plugin's execution client."""
        return _offered(self.plugin.execution())

    @property
    def simulator(self) -> type[Simulator[Any]]:
        """The plugin's simulator."""
        return _offered(self.plugin.simulator())

    def make_world(self, clock: Clock, symbols: Sequence[str], **options: Any) -> World:
        """Make a world of symbols as the plugin's simulator wants it."""
        product = self.simulator.product or synthetic_product
        return World.synthetic(clock, symbols, self.key, product=product, **options)

    def make_simulator(self, world: World, **options: Any) -> Simulator[Any]:
        """Make the simulator around a world."""
        symbols = tuple(world.markets)
        config = self.simulator.Config(**{"symbols": symbols, **self.simulator_config, **options})
        return self.simulator(config, world)

    def make_config(self, account: Account | None, **changes: Any) -> Any:
        """Make the plugin's config, with the credentials of an account."""
        login = {} if account is None else self.credentials(account)
        return self.stream.Config(**{**login, **self.config, **changes})

    def entry(self, url: str, account: Account | None, **changes: Any) -> ExchangeEntry:
        """Return the exchange as a profile would name it, with the simulator's address."""
        return ExchangeEntry(
            key=self.key,
            use=self.plugin.name,
            environment=self.stream.environments[0],
            url=url,
            paper=PaperConfig(),
            account=AccountConfig(interval=Duration(5_000_000_000)),
            fees=FeesConfig(),
            max_book_age=Duration(10_000_000_000),
            plugin=self.plugin,
            config=self.make_config(account, **changes),
            simulator=None,
        )

    # -- what it declares ----------------------------------------------------------------------------

    @cached_property
    def instrument(self) -> Instrument:
        """The traded instrument, as the world has it."""
        return (self.simulator.product or synthetic_product)(self.symbols[0], self.key).instrument

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the client declares for the traded instrument."""
        world = self.make_world(SimulatedClock(1_700_000_000_000_000_000), self.symbols)
        account = self.make_simulator(world).accounts()[0]
        link = FakeLink(self.key, url="http://127.0.0.1:9")
        return self.client(self.make_config(account), NotedEvents(), link).capabilities_of(self.instrument)

    def lacks(self, need: str) -> bool:
        return need not in self.declared()

    def declared(self) -> list[str]:
        """Return channels, capabilities, order types and times in force that it declares."""
        found = [f"channel {channel.value}" for channel in Channel if self._brings(channel)]
        if self.capture is not None:
            found.append("capture")
        if self.plugin.execution() is None:
            return found
        declared = self.capabilities
        flags = ("amend", "amend_reduces", "post_only", "reduce_only", "dead_man")
        found += [name for name in flags if getattr(declared, name)]
        found += ["amend_any"] * (declared.amend or declared.amend_reduces)
        found += [name for name in ("batch", "cancel_batch") if getattr(declared, name) > 1]
        found += [each.value for each in OrderType if each in declared.order_types]
        found += [each.value for each in TimeInForce if each in declared.times_in_force]
        return found

    def _brings(self, channel: Channel) -> bool:
        if channel is Channel.MARK and self.instrument.kind is InstrumentKind.SPOT:
            return False
        return channel in self.stream.channels


def _offered(found: type[ClassT] | None) -> type[ClassT]:
    assert found is not None, "the plugin does not implement the hook of what this suite is about"
    return found
