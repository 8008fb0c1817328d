"""What a profile says, once it has been read and found without fault."""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import Any, Protocol

import attrs

from hft.instrument import InstrumentId
from hft.orders.config import AccountConfig
from hft.orders.self_trade import SelfTradePolicy
from hft.paper.config import PaperConfig
from hft.plugin.config import option
from hft.plugin.execution import ExecutionClient
from hft.plugin.market_data import MarketDataStream
from hft.plugin.risk import RiskRule
from hft.plugin.simulator import Simulator
from hft.plugin.strategy import Strategy
from hft.profile.document import Node
from hft.profile.values import URL
from hft.registry.discovery import PluginKind
from hft.routing.config import FeesConfig
from hft.types import Duration

__all__ = [
    "SIMULATOR",
    "ComponentKeys",
    "ExchangeEntry",
    "ExchangeKeys",
    "LoadedPlugin",
    "Mode",
    "OnError",
    "PluginSource",
    "Profile",
    "ProfileKeys",
    "RiskEntry",
    "StrategyEntry",
    "StrategyKeys",
]

SIMULATOR = "simulator"
"""The environment that every exchange has whose plugin brings a simulator: the kernel starts it."""

_NAME = r"[A-Za-z0-9]([A-Za-z0-9 ._-]*[A-Za-z0-9])?"
_MAX_NAME = 64
_MAX_TEXT = 64
_MAX_USE = 255
_MAX_PORT = 65535


class Mode(enum.Enum):
    """Where data come from and where orders go."""

    BACKTEST = "backtest"
    DRY_RUN = "dry-run"
    LIVE = "live"
    REPLAY = "replay"


class LoadedPlugin(Protocol):
    """A plugin as the registry gives it: the classes it offers, None where it offers none.

    Each class has a ``Config``. Asking may raise `hft.errors.PluginError`.
    """

    @property
    def name(self) -> str:
        """Return the name of its entry point, or the path of its one file."""
        ...

    def market_data(self) -> type[MarketDataStream[Any]] | None:
        """Return an exchange's stream."""
        ...

    def execution(self) -> type[ExecutionClient[Any]] | None:
        """Return an exchange's client for orders."""
        ...

    def simulator(self) -> type[Simulator[Any]] | None:
        """Return an exchange's simulator."""
        ...

    def strategy(self) -> type[Strategy[Any]] | None:
        """Return a strategy."""
        ...

    def risk_rule(self) -> type[RiskRule[Any]] | None:
        """Return a risk rule."""
        ...


class PluginSource(Protocol):
    """What a profile's ``use:`` is looked up in: `hft.registry.loader.Registry`."""

    def load(self, kind: PluginKind, use: str, *, base: Path | None) -> LoadedPlugin:
        """Return a plugin; raise `hft.errors.PluginError`. ``base`` is the profile's folder."""
        ...


def _check_name(_: object, __: object, value: str) -> None:
    # Journal and kill switch are kept in a folder of this name, which must be in the folder `state` names.
    if re.fullmatch(_NAME, value) is None:
        raise ValueError(
            "must be made of A-Z, a-z, 0-9, blanks and . _ -, a letter or digit first and last: a folder is"
            " named after it"
        )
    if len(value) > _MAX_NAME:
        raise ValueError(f"must have at most {_MAX_NAME} characters")


def _check_text(_: object, __: object, value: str) -> None:
    if not (value and value.isprintable()):
        raise ValueError("must be printable text, and not empty")
    if len(value) > _MAX_TEXT:
        raise ValueError(f"must have at most {_MAX_TEXT} characters")


def _check_use(_: object, __: object, value: str) -> None:
    if not (value and value.isprintable() and len(value) <= _MAX_USE):
        raise ValueError("must be the name of a plugin, or the path of a file such as ./maker.py")


def _check_seed(_: object, __: object, value: int) -> None:
    if value < 0:
        raise ValueError(f"must not be negative, got {value}")


def _check_url(_: object, __: object, value: str | None) -> None:
    if value is None:
        return
    match = re.fullmatch(URL, value)
    if match is None or (match[2] and not 0 < int(match[2][1:]) <= _MAX_PORT):
        raise ValueError(f"must be http://HOST:PORT or https://HOST:PORT without a path, got {value!r}")


def _check_positive(_: object, __: object, value: Duration) -> None:
    if value <= 0:
        raise ValueError("must be longer than 0s")


def _check_exchanges(_: object, __: object, value: dict[str, Node]) -> None:
    if not value:
        raise ValueError("must have at least one exchange")


def _check_instruments(_: object, __: object, value: tuple[InstrumentId, ...]) -> None:
    if not value:
        raise ValueError("must name at least one instrument, such as [BTC/USDT@binance]")
    for instrument in value:
        if value.count(instrument) > 1:
            raise ValueError(f"must name an instrument once, {instrument} stands there more than once")


@attrs.frozen(kw_only=True)
class ProfileKeys:
    """The keys of the whole profile."""

    name: str = option(
        doc="what this profile is called in logs, client order ids and the folder of its journal",
        validator=_check_name,
    )
    mode: Mode = option(doc="where data come from and where orders go")
    seed: int = option(1, doc="seed of all randomness, so that a run can be repeated", validator=_check_seed)
    exchanges: dict[str, Node] = option(
        doc="the exchanges by a key of your choice, which instruments name", validator=_check_exchanges
    )
    strategies: dict[str, Node] = option(attrs.Factory(dict), doc="the strategies by a key of your choice")
    risk: tuple[Node, ...] = option((), doc="the risk rules, checked in this order before every order")
    self_trade: SelfTradePolicy = option(
        SelfTradePolicy.REFUSE, doc="what happens to an order that would trade with one of our own"
    )
    captures: tuple[str, ...] = option((), doc="recorded sessions for mode replay, beside the profile")
    live: bool = option(False, doc="mode live trades without being asked for --yes")
    journal: bool = option(True, doc="write orders and fills to a journal; mode live always does")
    state: str = option(
        ".hft", doc="folder of journals and kill switches, beside the profile", validator=_check_text
    )


@attrs.frozen(kw_only=True)
class ComponentKeys:
    """The key of every component that the kernel reads, a risk rule's only one."""

    use: str = option(doc="the plugin, by name or as a path such as ./maker.py", validator=_check_use)


@attrs.frozen(kw_only=True)
class ExchangeKeys(ComponentKeys):
    """The keys of an exchange that the kernel reads; all others are its plugin's."""

    environment: str | None = option(None, doc="which of the exchange's environments, the first by default")
    url: str | None = option(
        None, doc="where every endpoint lives instead, scheme and host", validator=_check_url
    )
    paper: PaperConfig = option(PaperConfig(), doc="what simulated fills assume")
    account: AccountConfig = option(AccountConfig(), doc="how the account is kept in step, in mode live")
    fees: FeesConfig = option(FeesConfig(), doc="what the account pays, by which orders are routed")
    max_book_age: Duration = option(
        Duration(10_000_000_000),
        doc="a LIVE book not heard of for this long is STALE, and subscribed anew if it stays so",
        validator=_check_positive,
    )
    simulator: Node | None = option(None, doc="how the simulator trades, with environment: simulator")


class OnError(enum.Enum):
    """What follows from an exception that a strategy raises, beside that it is reported."""

    STOP = "stop"
    """That strategy is called no more, and its orders are cancelled; the others go on."""
    HALT = "halt"
    """So are all: trading halts."""


@attrs.frozen(kw_only=True)
class StrategyKeys(ComponentKeys):
    """The keys of a strategy that the kernel reads; all others are its plugin's."""

    instruments: tuple[InstrumentId, ...] = option(
        doc="what it sees and trades, such as [BTC/USDT@binance]", validator=_check_instruments
    )
    on_error: OnError = option(
        OnError.STOP, doc="what follows when it raises: it is stopped, or all trading halts"
    )


@attrs.frozen(kw_only=True)
class ExchangeEntry:
    """One exchange of the profile.

    ``config`` is an instance of the ``Config`` of the plugin's stream and execution client,
    ``simulator`` one of the simulator's where ``environment`` is ``simulator``, else None. ``url``
    replaces scheme, host and port of every endpoint.
    """

    key: str
    use: str
    environment: str
    url: str | None
    paper: PaperConfig
    account: AccountConfig
    fees: FeesConfig
    max_book_age: Duration
    plugin: LoadedPlugin
    config: Any
    simulator: Any | None


@attrs.frozen(kw_only=True)
class StrategyEntry:
    """One strategy of the profile; ``config`` is an instance of its ``Config``."""

    key: str
    use: str
    instruments: tuple[InstrumentId, ...]
    on_error: OnError
    plugin: LoadedPlugin
    config: Any


@attrs.frozen(kw_only=True)
class RiskEntry:
    """One risk rule of the profile; ``config`` is an instance of its ``Config``."""

    use: str
    plugin: LoadedPlugin
    config: Any


@attrs.frozen(kw_only=True)
class Profile:
    """A whole profile without fault. Paths in it are relative to the file no more."""

    path: Path
    name: str
    mode: Mode
    seed: int = 1
    exchanges: dict[str, ExchangeEntry]
    strategies: dict[str, StrategyEntry]
    risk: tuple[RiskEntry, ...]
    self_trade: SelfTradePolicy = SelfTradePolicy.REFUSE
    captures: tuple[Path, ...] = ()
    live: bool = False
    journal: bool = True
    state: Path = Path(".hft")
