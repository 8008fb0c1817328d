"""Read a profile: every fault of the file in one run, and nothing started."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs

from hft.errors import PluginError, ProfileError
from hft.profile.document import Broken, Items, Node, Scalar, Section, read_document
from hft.profile.fault import Fault, Mark, Refused, short
from hft.profile.model import (
    SIMULATOR,
    ExchangeEntry,
    ExchangeKeys,
    LoadedPlugin,
    Mode,
    PluginSource,
    Profile,
    ProfileKeys,
    RiskEntry,
    RiskKeys,
    StrategyEntry,
    StrategyKeys,
)
from hft.profile.structure import Structurer, option_names, unknown_key
from hft.profile.values import KEY
from hft.registry.closest import closest
from hft.registry.discovery import PluginKind

__all__ = ["read_profile"]

T = TypeVar("T")


def read_profile(path: Path, registry: PluginSource, *, environ: Mapping[str, str] = os.environ) -> Profile:
    """Read and check a profile, and load the plugins that it names.

    Raises:
        ProfileError: with all faults, sorted by line, each a `hft.profile.Fault`. No message holds
            a secret or the value of an environment variable.

    """
    file = str(path)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise ProfileError([Fault(file, 0, "", f"cannot be read: {reason}")]) from None
    try:
        root, faults = read_document(file, data, environ)
    except Refused as refused:
        raise ProfileError([*refused.faults]) from None
    reader = _Reader(path, root, registry)
    profile = reader.profile()
    faults = reader.visible([*faults, *reader.faults])
    if profile is None or faults:
        raise ProfileError([*sorted(faults, key=lambda fault: fault.line)])
    return profile


class _Reader:
    """Checks one tree. Every method goes on after a fault and returns None for what has one."""

    def __init__(self, path: Path, root: Section, registry: PluginSource) -> None:
        self.faults: list[Fault] = []
        self._path = path
        self._root = root
        self._registry = registry
        exchanges = root.get("exchanges")
        self._structurer = Structurer(exchanges if isinstance(exchanges, Section) else ())
        self._mode = self._quietly(root.get("mode"), Mode)

    def visible(self, faults: list[Fault]) -> list[Fault]:
        """Return the faults without those inside of what stands in place of a secret."""
        return [fault for fault in faults if not any(at.holds(fault) for at in self._structurer.secrets_at)]

    def profile(self) -> Profile | None:
        keys = self._fill(self._root, ProfileKeys)
        captures = self._captures()
        exchanges = self._each("exchanges", self._exchange)
        strategies = self._each("strategies", self._strategy)
        rules = self._rules()
        if keys is None or self.faults:
            return None
        return Profile(
            path=self._path,
            name=keys.name,
            mode=keys.mode,
            seed=keys.seed,
            exchanges=exchanges,
            strategies=strategies,
            risk=tuple(rules),
            captures=captures,
        )

    def _captures(self) -> tuple[Path, ...]:
        node = self._root.get("captures")
        replayed = self._mode is Mode.REPLAY
        if node is None or (isinstance(node, Items) and not node):
            if replayed:
                at = self._root["mode"].mark
                self.faults.append(at.fault("mode replay needs recorded sessions, add: captures: [FILE]"))
            return ()
        if not replayed and self._mode is not None:
            fault = node.mark.fault(f"only mode replay reads captures, mode is {self._mode.value}, remove the key")
            self.faults.append(fault)
        paths = []
        for item in node if isinstance(node, Items) else ():
            if isinstance(item, Scalar) and isinstance(item.value, str):
                paths.append(self._path.parent / item.value)
                if not _is_file(paths[-1]):
                    self.faults.append(item.mark.fault(f"{item.shown} is not a file beside the profile"))
        return tuple(paths)

    def _each(self, key: str, read: Callable[[str, Section], T | None]) -> dict[str, T]:
        """Read the entries of a mapping of the profile's own keys."""
        entries = {}
        section = self._root.get(key)
        for name, node in section.items() if isinstance(section, Section) else ():
            if re.fullmatch(KEY, name) is None:
                message = "a key has small letters, digits, - and _, begins with a letter, at most 32 in all"
                self.faults.append(section.keys_at[name].fault(message))
            if self._is_section(node):
                entry = read(name, node)
                if entry is not None:
                    entries[name] = entry
        return entries

    def _exchange(self, key: str, section: Section) -> ExchangeEntry | None:
        keys = self._fill(section.only(_EXCHANGE_KEYS), ExchangeKeys)
        plugin = self._load(PluginKind.EXCHANGE, section)
        stream = self._offer(plugin, section, "market data", lambda plugin: plugin.market_data())
        if plugin is None or stream is None:
            return None
        config = self._config(section, stream.Config, _EXCHANGE_KEYS)
        simulated: type[Any] | None = None
        with self._located(section):
            simulated = plugin.simulator()
            if self._mode is Mode.LIVE and plugin.execution() is None:
                raise PluginError(f"plugin {plugin.name!r} cannot trade, use mode: dry-run")
        environment = self._environment(section, stream.environments, simulated is not None)
        simulator = None
        if environment == SIMULATOR and simulated is not None:
            # No mapping is an empty one: the simulator's options may all have defaults.
            settings = section.get("simulator", Section(section.mark))
            simulator = self._fill(settings, simulated.Config)
            if "url" in section:
                at = section.keys_at["url"]
                self.faults.append(at.fault("the simulator has its own, remove url or change environment"))
        elif environment is not None and "simulator" in section:
            at = section.keys_at["simulator"]
            self.faults.append(at.fault("is only read with environment: simulator, remove it"))
        if keys is None or environment is None:
            return None
        return ExchangeEntry(
            key=key,
            use=keys.use,
            environment=environment,
            url=keys.url,
            paper=keys.paper,
            max_book_age=keys.max_book_age,
            plugin=plugin,
            config=config,
            simulator=simulator,
        )

    def _environment(self, section: Section, environments: tuple[str, ...], simulated: bool) -> str | None:
        node = section.get("environment")
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return environments[0]
        known = (*environments, SIMULATOR) if simulated else environments
        environment = self._quietly(node, str)
        if environment is None or environment in known:
            return environment
        shown = node.shown if isinstance(node, Scalar) else ""
        hint = "" if isinstance(node, Scalar) and node.sensitive else closest(environment, known)
        self.faults.append(node.mark.fault(f"{shown} is not one of {', '.join(known)}{hint}"))
        return None

    def _strategy(self, key: str, section: Section) -> StrategyEntry | None:
        keys = self._fill(section.only(_STRATEGY_KEYS), StrategyKeys)
        plugin = self._load(PluginKind.STRATEGY, section)
        offer = self._offer(plugin, section, "a strategy", lambda plugin: plugin.strategy())
        if plugin is None or offer is None:
            return None
        config = self._config(section, offer.Config, _STRATEGY_KEYS)
        if keys is None:
            return None
        return StrategyEntry(
            key=key, use=keys.use, instruments=keys.instruments, plugin=plugin, config=config
        )

    def _rules(self) -> list[RiskEntry]:
        rules = []
        nodes = self._root.get("risk")
        for section in nodes if isinstance(nodes, Items) else ():
            if self._is_section(section):
                keys = self._fill(section.only(_RISK_KEYS), RiskKeys)
                plugin = self._load(PluginKind.RISK, section)
                offer = self._offer(plugin, section, "a risk rule", lambda plugin: plugin.risk_rule())
                if plugin is not None and offer is not None:
                    config = self._config(section, offer.Config, _RISK_KEYS)
                    if keys is not None:
                        rules.append(RiskEntry(use=keys.use, plugin=plugin, config=config))
        return rules
