"""Plugins that need no installation, and a reader of profiles written in the test."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from hft.errors import PluginError, ProfileError
from hft.instrument import InstrumentId
from hft.plugin.config import option
from hft.profile import LoadedPlugin, Profile, read_profile
from hft.registry.discovery import PluginKind
from hft.secret import Secret
from hft.types import Duration

Read = Callable[..., Profile]


class Model(enum.Enum):
    """A choice."""

    PLAIN = "plain"
    AVELLANEDA_STOIKOV = "avellaneda-stoikov"


class Level(enum.IntEnum):
    """A choice by number."""

    LOW = 1
    HIGH = 2


@attrs.frozen(kw_only=True)
class ExchangeConfig:
    """An exchange's options; key and secret go together."""

    key: Secret | None = option(None, doc="the API key")
    secret: Secret | None = option(None, doc="the API secret")
    depth_speed: Duration = option(Duration(100_000_000), doc="how often the depth stream tells")

    def __attrs_post_init__(self) -> None:
        if (self.key is None) != (self.secret is None):
            raise ValueError("key and secret go together, write both or none")
        if self.key is not None and self.key.reveal().startswith("bad"):
            raise ValueError(f"key {self.key.reveal()} cannot be")


@attrs.frozen(kw_only=True)
class SimulatorConfig:
    """A simulator's options."""

    symbols: tuple[str, ...] = option(("BTCUSDT",), doc="what is traded")
    seed: int = option(1, doc="seed of the flow")


@attrs.frozen(kw_only=True)
class Volatility:
    """A nested part, which contains itself to be nasty."""

    window: Duration = option(Duration(60_000_000_000), doc="how far back it looks")
    weight: float = option(1.0, doc="how much it counts")
    then: Volatility | None = option(None, doc="another one on top")


def _at_least_minimum(instance: Any, _: object, value: Decimal) -> None:
    if value < instance.minimum:
        raise ValueError(f"must be at least minimum, {instance.minimum}, got {value}")


@attrs.frozen(kw_only=True)
class MakerConfig:
    """A strategy's options, one of every type."""

    order_size: Decimal = option(doc="base order size", validator=attrs.validators.gt(Decimal(0)))
    levels: int = option(5, doc="levels a side", validator=attrs.validators.ge(1))
    refresh: Duration = option(Duration(1_000_000_000), doc="how often quotes are looked at")
    model: Model = option(Model.PLAIN, doc="how the spread is chosen")
    level: Level = option(Level.LOW, doc="how loud it is")
    side: Literal["both", "bid", "ask"] = option("both", doc="which sides are quoted")
    skew: float = option(0.5, doc="inventory skew")
    active: bool = option(True, doc="whether it quotes")
    label: str = option("", doc="a text", validator=attrs.validators.max_len(10))
    hedge: InstrumentId | None = option(None, doc="where it hedges")
    weights: tuple[Decimal, ...] = option((), doc="a weight a level")
    band: tuple[int, float] = option((1, 2.0), doc="two different things")
    tags: dict[str, int] = option(attrs.Factory(dict), doc="numbers by name")
    volatility: Volatility = option(Volatility(), doc="volatility")
    minimum: Decimal = option(Decimal(0), doc="least maximum")
    maximum: Decimal = option(Decimal(1), doc="most", validator=_at_least_minimum)
    extra: dict[str, Any] = option(attrs.Factory(dict), doc="anything")


@attrs.frozen(kw_only=True)
class LimitConfig:
    """A rule's options."""

    limit: Decimal = option(doc="largest position", validator=attrs.validators.gt(Decimal(0)))
    instrument: InstrumentId | None = option(None, doc="of this instrument only")


@attrs.frozen(kw_only=True)
class ClashingConfig:
    """Options one of which is the kernel's."""

    instruments: str = option("", doc="taken")


@attrs.frozen(kw_only=True)
class ImpossibleConfig:
    """Options that no profile can fill."""

    raw: bytes = option(b"", doc="bytes")
    either: int | str = option(1, doc="one of two")
    number: complex = option(1j, doc="a number")


class Stream:
    """A stream as far as a profile is concerned."""

    Config = ExchangeConfig
    environments = ("mainnet", "testnet")


class Simulated:
    """A simulator as far as a profile is concerned."""

    Config = SimulatorConfig


class Trader:
    """An execution client as far as a profile is concerned."""

    Config = ExchangeConfig


def component(config: type[Any]) -> Any:
    """Make a strategy or rule as far as a profile is concerned."""
    return type("Component", (), {"Config": config, "__doc__": "Do something.\n\nAt length."})


@attrs.frozen(kw_only=True)
class FakePlugin:
    """A plugin that offers the given classes."""

    name: str
    stream: Any = None
    trader: Any = None
    simulated: Any = None
    component: Any = None
    rule: Any = None
    asked: list[str] = attrs.field(factory=list)

    def market_data(self) -> Any:
        return self.stream

    def execution(self) -> Any:
        return self.trader

    def simulator(self) -> Any:
        self.asked.append("simulator")
        return self.simulated

    def strategy(self) -> Any:
        return self.component

    def risk_rule(self) -> Any:
        return self.rule


PLUGINS: dict[tuple[PluginKind, str], LoadedPlugin] = {
    (kind, plugin.name): plugin
    for kind, plugin in (
        (PluginKind.EXCHANGE, FakePlugin(name="binance", stream=Stream, simulated=Simulated)),
        (PluginKind.EXCHANGE, FakePlugin(name="acme", stream=Stream, trader=Trader)),
        (PluginKind.EXCHANGE, FakePlugin(name="silent", trader=Trader)),
        (PluginKind.STRATEGY, FakePlugin(name="maker", component=component(MakerConfig))),
        (PluginKind.STRATEGY, FakePlugin(name="clashing", component=component(ClashingConfig))),
        (PluginKind.STRATEGY, FakePlugin(name="impossible", component=component(ImpossibleConfig))),
        (PluginKind.RISK, FakePlugin(name="max_position", rule=component(LimitConfig))),
    )
}


class FakeRegistry:
    """Knows `PLUGINS` and nothing else, and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[PluginKind, str, Path | None]] = []

    def load(self, kind: PluginKind, use: str, *, base: Path | None) -> LoadedPlugin:
        self.asked.append((kind, use, base))
        if (kind, use) not in PLUGINS:
            raise PluginError(f"no {kind.value} plugin {use!r} is installed: pip install hft-plugin-{use}")
        return PLUGINS[kind, use]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that reads a profile from its text."""

    def read_text(text: str | bytes, environ: Mapping[str, str] | None = None) -> Profile:
        path = tmp_path / "p.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_profile(path, FakeRegistry(), environ=environ or {})

    return read_text


@pytest.fixture
def faults_of(read: Read) -> Callable[..., list[str]]:
    """Return a function that gives a profile's faults as ``line path: message``."""

    def faults(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ProfileError) as caught:
            read(text, environ)
        for fault in caught.value.faults:
            assert fault.startswith(f"{fault.file}:{fault.line}: ")
            assert len(fault.splitlines()) == 1
        return [f"{fault.line} {fault.path}: {fault.message}" for fault in caught.value.faults]

    return faults


@pytest.fixture
def registry() -> FakeRegistry:
    """Return a registry that knows the plugins of this file."""
    return FakeRegistry()


@pytest.fixture
def plugins() -> dict[tuple[PluginKind, str], LoadedPlugin]:
    """Return the plugins of this file."""
    return PLUGINS
