"""A plugin that was loaded: its hooks asked once each, and what they return checked."""

from __future__ import annotations

import argparse
import inspect
from difflib import get_close_matches
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

import attrs

from hft.blame import why
from hft.errors import PluginError
from hft.plugin.config import Configured
from hft.plugin.execution import ExecutionClient
from hft.plugin.market_data import MarketDataStream
from hft.plugin.risk import RiskRule
from hft.plugin.simulator import Simulator
from hft.plugin.strategy import Strategy
from hft.registry.discovery import Found, PluginKind
from hft.registry.hooks import Hooks

__all__ = ["HOOKS_OF", "Commands", "Plugin"]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What ``ArgumentParser.add_subparsers`` returns."""

_ALMOST = 0.8
"""How alike a slip is to what was meant: ``on_bok`` is to ``on_book``, ``on_timer`` to ``on_trade`` not."""

ClassT = TypeVar("ClassT", bound=Configured[Any])

HOOKS_OF = {
    PluginKind.EXCHANGE: ("hft_market_data", "hft_execution", "hft_simulator"),
    PluginKind.STRATEGY: ("hft_strategy",),
    PluginKind.RISK: ("hft_risk_rule",),
    PluginKind.COMMAND: ("hft_add_commands",),
}


@attrs.frozen(kw_only=True, eq=False)
class Plugin:
    """One plugin of one kind. What its module does not offer, or offers for another kind, is None.

    Every accessor raises `PluginError` if what the hook returns cannot be used. `Registry.load` has
    asked all of them but `simulator` and `add_commands`: those are asked when they are wanted, since
    a simulator brings a web server along that most runs have no use for.
    """

    found: Found
    _module: ModuleType = attrs.field(repr=False)
    _hooks: Hooks = attrs.field(repr=False)
    _classes: dict[str, type[Any]] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """Return the entry point's name, or the path of a one-file plugin as the profile has it."""
        return self.found.name

    @property
    def kind(self) -> PluginKind:
        """Return which kind of plugin this is."""
        return self.found.kind

    @property
    def distribution(self) -> str:
        """Return the distribution's name, or the path of a one-file plugin as the profile has it."""
        return self.found.distribution

    @property
    def version(self) -> str:
        """Return the distribution's version, empty for a one-file plugin."""
        return self.found.version

    @property
    def module(self) -> str:
        """Return the name of the module of hookimpls."""
        return self.found.module

    # What is asked for are subclasses, which the type checker cannot tell from the abstract class itself.

    def market_data(self) -> type[MarketDataStream[Any]] | None:
        """Return the class that streams the exchange's public market data."""
        return self._class("hft_market_data", MarketDataStream)  # type: ignore[type-abstract]

    def execution(self) -> type[ExecutionClient[Any]] | None:
        """Return the class that trades on the exchange."""
        return self._class("hft_execution", ExecutionClient)  # type: ignore[type-abstract]

    def simulator(self) -> type[Simulator[Any]] | None:
        """Return the class that plays the exchange on a local port."""
        return self._class("hft_simulator", Simulator)  # type: ignore[type-abstract]

    def strategy(self) -> type[Strategy[Any]] | None:
        """Return the class of the strategy."""
        return self._class("hft_strategy", Strategy)

    def risk_rule(self) -> type[RiskRule[Any]] | None:
        """Return the class of the risk rule."""
        return self._class("hft_risk_rule", RiskRule)  # type: ignore[type-abstract]

    def add_commands(self, commands: Commands) -> None:
        """Let the plugin add its commands."""
        if self._offers("hft_add_commands"):
            self._ask("hft_add_commands", commands=commands)

    def check(self) -> None:
        """Raise `PluginError` unless the plugin offers what one of its kind must."""
        hooks = HOOKS_OF[self.kind]
        if not self._hooks.offered(self._module).intersection(hooks):
            raise self._error(f"is no {self.kind.singular} plugin: implement {' or '.join(hooks)}")
        self.strategy()
        self.risk_rule()
        stream, client = self.market_data(), self.execution()
        if stream and client and stream.Config is not client.Config:
            # One part of the profile configures both.
            raise self._error(
                f"{stream.__name__} and {client.__name__} have different Config classes, give both one"
            )

    def _offers(self, hook: str) -> bool:
        return hook in HOOKS_OF[self.kind] and hook in self._hooks.offered(self._module)

    def _class(self, hook: str, interface: type[ClassT]) -> type[ClassT] | None:
        if not self._offers(hook):
            return None
        if hook not in self._classes:
            answer = self._ask(hook)
            fault = _fault(answer, interface)
            if fault:
                raise self._error(f"{hook} returned {fault}")
            self._classes[hook] = answer
        return self._classes[hook]

    def _ask(self, hook: str, **arguments: Any) -> Any:
        try:
            return self._hooks.ask(self._module, hook, **arguments)
        except (Exception, SystemExit) as error:
            raise self._error(f"{hook} failed: {why(error, self.module)}") from error

    def _error(self, what: str) -> PluginError:
        return PluginError(f"{self.found.label}: {' '.join(what.split())}")


def _fault(answer: object, interface: type[Configured[Any]]) -> str | None:
    wanted = interface.__name__
    if isinstance(answer, interface):
        return f"an object of {type(answer).__name__}: return the class itself"
    if not isinstance(answer, type):
        return f"{type(answer).__name__} {answer!r}: return a subclass of {wanted}"
    name = answer.__name__
    if not issubclass(answer, interface) or answer is interface:
        return (
            f"{name}, which is not a subclass of {wanted}: write class Name({wanted}[Config]) and return it"
        )
    missing = sorted(getattr(answer, "__abstractmethods__", ()))
    if missing:
        return f"{name}, which lacks {', '.join(missing)}: write what {wanted} requires"
    if not attrs.has(getattr(answer, "Config", object)):
        return f"{name}, which has no Config: write class {name}({wanted}[Config]), Config an attrs class"
    return _callback_fault(answer, interface) if interface in (Strategy, RiskRule) else None


def _callback_fault(answer: type[object], interface: type[object]) -> str | None:
    """Say which method would not be called as its author thinks: Python itself says nothing."""
    known = [name for name in dir(interface) if not name.startswith("_")]
    for name in dir(answer):
        if name in known and inspect.iscoroutinefunction(getattr(answer, name)):
            return (
                f"{answer.__name__}, whose {name} is async: write it with def, on the hot path nothing waits"
            )
        if name.startswith("on_") and name not in known:
            meant = get_close_matches(name, known, n=1, cutoff=_ALMOST)
            if meant:
                return f"{answer.__name__}, whose {name} nothing calls: did you mean {meant[0]!r}?"
    return None
