"""Read a profile: every fault of the file in one run, and nothing started."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from hft.errors import Fault, PluginError, ProfileError
from hft.paper.config import NO_L3, QueueModelName
from hft.profile.document import Broken, Items, Node, Scalar, Section, read_document
from hft.profile.fault import Refused
from hft.profile.model import (
    SIMULATOR,
    ComponentKeys,
    ExchangeEntry,
    ExchangeKeys,
    LoadedPlugin,
    Mode,
    PluginSource,
    Profile,
    ProfileKeys,
    RiskEntry,
    StrategyEntry,
    StrategyKeys,
)
from hft.profile.structure import Structurer, option_names, unknown_key
from hft.profile.values import KEY
from hft.registry.discovery import PluginKind
from hft.spelling import did_you_mean

__all__ = ["parse_profile", "read_profile"]

T = TypeVar("T")


def read_profile(path: Path, registry: PluginSource, *, environ: Mapping[str, str] = os.environ) -> Profile:
    """Read and check a profile, and load the plugins that it names.

    Raises:
        ProfileError: with all faults, sorted by line, each a `hft.profile.Fault`. No message holds
            a secret or the value of an environment variable.

    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no file name"
        raise ProfileError([Fault(str(path), 0, "", f"cannot be read: {reason}")]) from None
    return parse_profile(path, data, registry, environ=environ)


def parse_profile(
    path: Path, data: bytes, registry: PluginSource, *, environ: Mapping[str, str] = os.environ
) -> Profile:
    """Do what `read_profile` does, for a text that is or might be in the file ``path``."""
    try:
        root, faults = read_document(str(path), data, environ)
    except Refused as refused:
        raise ProfileError(refused.faults) from None
    reader = _Reader(path, root, registry, faults)
    profile = reader.profile()
    if profile is None:
        raise ProfileError(reader.sorted_faults())
    return profile


@attrs.frozen(kw_only=True)
class _Component:
    """What the mapping of a component says; ``keys`` and ``config`` are None where they have faults."""

    keys: Any
    plugin: LoadedPlugin
    offer: Any
    config: Any


@attrs.frozen
class _Kind:
    """How the mapping of one kind of component is read."""

    kind: PluginKind
    keys: type[Any]
    what: str
    offer: Callable[[LoadedPlugin], Any]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(option_names(self.keys))


_EXCHANGE = _Kind(PluginKind.EXCHANGE, ExchangeKeys, "market data", lambda plugin: plugin.market_data())
_STRATEGY = _Kind(PluginKind.STRATEGY, StrategyKeys, "strategy", lambda plugin: plugin.strategy())
_RISK = _Kind(PluginKind.RISK, ComponentKeys, "risk rule", lambda plugin: plugin.risk_rule())

_USE = frozenset({"use"})


class _Reader:
    """Checks one tree. Every method notes the faults it finds and goes on, for the next ones."""

    def __init__(self, path: Path, root: Section, registry: PluginSource, faults: list[Fault]) -> None:
        self._path = path
        self._root = root
        self._registry = registry
        self._faults = faults
        exchanges = root.get("exchanges")
        self._structurer = Structurer(exchanges if isinstance(exchanges, Section) else ())
        self._mode: Mode | None = self._quietly(root.get("mode"), Mode)

    def sorted_faults(self) -> list[Fault]:
        """Return the faults by line, without those inside of what stands in place of a secret."""
        hidden = self._structurer.secrets_at
        shown = [fault for fault in self._faults if not any(mark.holds(fault) for mark in hidden)]
        return sorted(shown, key=lambda fault: (fault.line, fault.path))

    def profile(self) -> Profile | None:
        """Return the profile, None where anything has a fault."""
        keys = self._fill(self._root, ProfileKeys)
        captures = self._captures()
        data = self._data()
        if keys is not None and self._mode is Mode.LIVE and not keys.journal:
            self._fault(self._root["journal"], "mode live cannot do without its journal, remove the key")
        exchanges = list(self._entries("exchanges", self._exchange))
        strategies = list(self._entries("strategies", self._strategy))
        risk = self._rules()
        if self._faults:
            return None
        return Profile(
            path=self._path,
            name=keys.name,
            mode=keys.mode,
            seed=keys.seed,
            exchanges=dict(exchanges),
            strategies=dict(strategies),
            risk=tuple(risk),
            self_trade=keys.self_trade,
            captures=captures,
            data=data,
            live=keys.live,
            journal=keys.journal,
            state=self._path.parent / keys.state,
        )

    def _captures(self) -> tuple[Path, ...]:
        node = self._root.get("captures")
        if self._mode is None or isinstance(node, Broken):
            return ()
        if self._mode is not Mode.REPLAY:
            if node is not None:
                self._fault(node, "only mode replay reads captures, remove the key")
            return ()
        if node is None or node == []:
            at = self._root["mode"] if node is None else node
            self._fault(at, "mode replay needs recorded sessions: captures: [FILE]")
        paths = []
        for item in node if isinstance(node, Items) else ():
            name = self._quietly(item, str)
            if name is not None:
                paths.append(self._path.parent / name)
                if not _is_file(paths[-1]):
                    self._fault(item, f"{_shown(item)} is not a file, it is looked for beside the profile")
        return tuple(paths)

    def _data(self) -> tuple[Path, ...]:
        node = self._root.get("data")
        if self._mode is None or isinstance(node, Broken):
            return ()
        if self._mode is not Mode.BACKTEST:
            if node is not None:
                self._fault(node, "only mode backtest reads data, remove the key")
            return ()
        paths = []
        for item in node if isinstance(node, Items) else ():
            name = self._quietly(item, str)
            if name is not None:
                paths.append(self._path.parent / name)
                if not _is_folder(paths[-1]):
                    self._fault(item, f"{_shown(item)} is not a folder, it is looked for beside the profile")
        return tuple(paths)

    def _entries(self, key: str, read: Callable[[str, Section], T | None]) -> Iterator[tuple[str, T]]:
        """Read the entries of a mapping whose keys the user chooses; those with faults are left out."""
        nodes = self._root.get(key)
        for name, node in nodes.items() if isinstance(nodes, Section) else ():
            if re.fullmatch(KEY, name) is None:
                self._fault(node, "a key is made of a-z, 0-9, _ and -, a letter first, at most 32 of them")
            section = self._section(node)
            entry = None if section is None else read(name, section)
            if entry is not None:
                yield name, entry

    def _rules(self) -> list[RiskEntry]:
        nodes = self._root.get("risk")
        sections = map(self._section, nodes if isinstance(nodes, Items) else ())
        rules = [self._rule(section) for section in sections if section is not None]
        return [rule for rule in rules if rule is not None]

    def _exchange(self, key: str, section: Section) -> ExchangeEntry | None:
        component = self._component(section, _EXCHANGE)
        if component is None:
            return None
        simulator = None
        environment = component.offer.environments[0]
        try:
            if self._mode is Mode.LIVE and component.plugin.execution() is None:
                raise PluginError(f"plugin {component.plugin.name!r} cannot trade, use mode: dry-run")
            environment = self._environment(section, component) or environment
            if environment == SIMULATOR:
                simulator = self._simulator(section, component.plugin.simulator())
            elif "simulator" in section:
                self._fault(section["simulator"], "is only read with environment: simulator, remove it")
        except PluginError as error:
            self._plugin_fault(section, error)
        if component.keys is None:
            return None
        if component.keys.paper.queue is QueueModelName.L3 and self._mode not in (None, Mode.BACKTEST):
            self._fault(section["paper"], NO_L3)
        return ExchangeEntry(
            key=key,
            use=component.keys.use,
            environment=environment,
            url=component.keys.url,
            paper=component.keys.paper,
            account=component.keys.account,
            fees=component.keys.fees,
            max_book_age=component.keys.max_book_age,
            plugin=component.plugin,
            config=component.config,
            simulator=simulator,
        )

    def _environment(self, section: Section, component: _Component) -> str | None:
        node = section.get("environment")
        named: str | None = self._quietly(node, str | None)
        known: tuple[str, ...] = component.offer.environments
        if node is None or named is None or named in known:
            return named
        # Asked last: a simulator brings a web server along, which few runs need.
        if component.plugin.simulator() is not None:
            known = (*known, SIMULATOR)
        if named not in known:
            hint = "" if _is_sensitive(node) else did_you_mean(named, known)
            self._fault(node, f"{_shown(node)} is not one of {', '.join(known)}{hint}")
            return None
        return named

    def _simulator(self, section: Section, simulated: Any) -> Any:
        if "url" in section:
            self._fault(section["url"], "the simulator has its own, remove url or change environment")
        # No mapping is an empty one: all options of a simulator may have defaults.
        return self._fill(section.get("simulator", Section(section.mark)), simulated.Config)

    def _strategy(self, key: str, section: Section) -> StrategyEntry | None:
        component = self._component(section, _STRATEGY)
        if component is None or component.keys is None:
            return None
        return StrategyEntry(
            key=key,
            use=component.keys.use,
            instruments=component.keys.instruments,
            on_error=component.keys.on_error,
            plugin=component.plugin,
            config=component.config,
        )

    def _rule(self, section: Section) -> RiskEntry | None:
        component = self._component(section, _RISK)
        if component is None or component.keys is None:
            return None
        return RiskEntry(use=component.keys.use, plugin=component.plugin, config=component.config)

    def _component(self, section: Section, kind: _Kind) -> _Component | None:
        """Read the kernel's keys, load the plugin, and read its own; None without its class."""
        keys = self._fill(section.only(kind.names), kind.keys)
        named = self._quietly(section.only(_USE), ComponentKeys)
        if named is None:
            return None
        try:
            plugin = self._registry.load(kind.kind, named.use, base=self._path.parent)
            offer = kind.offer(plugin)
            if offer is None:
                raise PluginError(f"plugin {plugin.name!r} offers no {kind.what}, use another one")
            options = _options(plugin, offer.Config, kind.names)
        except PluginError as error:
            self._plugin_fault(section, error)
            return None
        for key in section:
            if key not in kind.names | options:
                self._faults.append(unknown_key(section.keys_at[key], key, kind.names | options))
        config = self._fill(section.only(options), offer.Config)
        return _Component(keys=keys, plugin=plugin, offer=offer, config=config)

    def _plugin_fault(self, section: Section, error: PluginError) -> None:
        use = section["use"]
        hidden = f"the plugin that {_shown(use)} names cannot be used, type its name to see why"
        self._fault(use, hidden if _is_sensitive(use) else str(error))

    def _section(self, node: Node) -> Section | None:
        if isinstance(node, Section):
            return node
        if not isinstance(node, Broken):
            self._fault(node, "wants a mapping that begins with use: PLUGIN")
        return None

    def _fill(self, node: Node, type_: Any) -> Any:
        try:
            return self._structurer.fill(node, type_)
        except Refused as refused:
            self._faults += refused.faults
            return None

    def _quietly(self, node: Node | None, type_: Any) -> Any:
        """Return a value whose faults are noted elsewhere, None where it has one or is missing."""
        try:
            return None if node is None else self._structurer.fill(node, type_)
        except Refused:
            return None

    def _fault(self, node: Node, message: str) -> None:
        self._faults.append(node.mark.fault(message))


def _options(plugin: LoadedPlugin, config: type[Any], reserved: frozenset[str]) -> frozenset[str]:
    try:
        attrs.resolve_types(config)
    except NameError as error:
        raise PluginError(f"plugin {plugin.name!r}: the types of its Config are unknown, {error}") from None
    options = frozenset(option_names(config))
    if options & reserved:
        names = ", ".join(sorted(options & reserved))
        raise PluginError(
            f"plugin {plugin.name!r}: its Config has the profile's own {names}, rename it there"
        )
    return options


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, a folder that may not be entered
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_sensitive(node: Node) -> bool:
    return isinstance(node, Scalar) and node.sensitive


def _shown(node: Node) -> str:
    return node.shown if isinstance(node, Scalar) else "it"
