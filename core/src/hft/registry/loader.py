"""Load the plugins that a profile names, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from hft.errors import PluginError
from hft.plugin.hookspecs import API_VERSION, hookimpl
from hft.plugin.risk import RiskRule
from hft.plugin.strategy import Strategy
from hft.registry.discovery import Found, PluginKind, discover
from hft.registry.hooks import Hooks
from hft.registry.importing import find_file, import_plugin, is_file
from hft.registry.plugin import HOOKS_OF, Commands, Plugin
from hft.spelling import did_you_mean

__all__ = ["Registry"]

_ONE_CLASS: dict[PluginKind, type] = {PluginKind.STRATEGY: Strategy, PluginKind.RISK: RiskRule}
"""What a one-file plugin may define in place of a hook."""


class Registry:
    """Loads plugins by the name of their entry point, or from a file.

    Every fault is a `PluginError` of one line that says which distribution, what is wrong with it
    and what to type. What failed is not remembered; what was loaded is, and the same `Plugin` is
    returned again. ``discovered`` is what is installed, for whoever has many registries.
    """

    def __init__(self, discovered: Sequence[Found] | None = None) -> None:
        self._hooks = Hooks()
        self._plugins: dict[tuple[PluginKind, str], Plugin] = {}
        self._discovered = discovered

    def load(self, kind: PluginKind, use: str, *, base: Path | None = None) -> Plugin:
        """Return the plugin that a profile's ``use:`` means, imported and checked.

        ``use`` is an entry point's name, or the path of a one-file plugin: it ends in ``.py`` or has
        a ``/`` in it, and is relative to ``base``, the profile's folder (the working directory where
        there is none).
        """
        found = find_file(kind, use, base) if is_file(use) else self._installed(kind, use)
        key = kind, found.module
        if key not in self._plugins:
            self._plugins[key] = self._load(found)
        return self._plugins[key]

    def add_commands(self, commands: Commands) -> list[PluginError]:
        """Let every installed plugin of group ``hft.commands`` add to ``hft``'s commands.

        Return the faults of those that cannot: a broken plugin must not take the others' commands away.
        """
        faults = []
        for name in dict.fromkeys(found.name for found in discover(PluginKind.COMMAND)):
            try:
                self.load(PluginKind.COMMAND, name).add_commands(commands)
            except PluginError as fault:
                faults.append(fault)
        return faults

    def _installed(self, kind: PluginKind, use: str) -> Found:
        if self._discovered is None:
            self._discovered = discover()
        try:
            return _offer(self._discovered, kind, use)
        except PluginError:
            self._discovered = None  # who is told what to install may do so
            raise

    def _load(self, found: Found) -> Plugin:
        module = import_plugin(found)
        try:
            _check_api(found, module)
            if is_file(found.name):
                _offer_only_class(found.kind, module)
            self._hooks.register(module)
        except PluginError as error:
            raise PluginError(f"{found.label}: {error}") from error
        plugin = Plugin(found=found, module=module, hooks=self._hooks)
        plugin.check()
        return plugin


def _offer(discovered: Sequence[Found], kind: PluginKind, use: str) -> Found:
    found = [each for each in discovered if each.kind is kind]
    offers = [each for each in found if each.name == use]
    if not offers:
        raise PluginError(_missing(discovered, kind, use))
    if len(offers) > 1:
        both = " and ".join(each.label for each in offers)
        remedy = " or ".join(f"pip uninstall {each.distribution}" for each in offers)
        raise PluginError(f"{kind.singular} plugin {use!r} is offered by {both}: {remedy}")
    (offer,) = offers
    if not offer.ok:
        remedy = f"pip install --upgrade hft-core {offer.distribution}"
        raise PluginError(f"{offer.label}: {offer.state}: {remedy}")
    return offer


def _missing(discovered: Sequence[Found], kind: PluginKind, use: str) -> str:
    missing = f"no {kind.singular} plugin {use!r} is installed"
    for other in discovered:
        if other.name == use:
            return f"{missing}: {other.label} offers {use!r} as {other.kind.singular} plugin"
    # Nothing to be pasted into a shell is made of what is no plain name.
    if not re.fullmatch(r"[A-Za-z0-9](?:[\w-]*[A-Za-z0-9])?", use, re.ASCII):
        return f"{missing}: write a name that `hft plugins` lists, or the path of a file, './maker.py'"
    install = f"pip install hft-plugin-{use.replace('_', '-').lower()}"
    meant = did_you_mean(use, [each.name for each in discovered if each.kind is kind])
    return f"{missing}{meant} otherwise: {install}" if meant else f"{missing}: {install}"


def _check_api(found: Found, module: ModuleType) -> None:
    stated = vars(module).get("HFT_API", API_VERSION if is_file(found.name) else None)
    if stated is None:
        raise PluginError(
            f"{found.module} does not say which API it was written for: add HFT_API = {API_VERSION}"
        )
    if type(stated) is not int:
        raise PluginError(f"HFT_API is {stated!r}: write HFT_API = {API_VERSION}")
    if stated == API_VERSION:
        return
    what = f"it was written for API {stated} of hft, this hft-core has API {API_VERSION}"
    if is_file(found.name):
        raise PluginError(f"{what}: mend the file and write HFT_API = {API_VERSION}")
    outdated = "hft-core" if stated > API_VERSION else found.distribution
    raise PluginError(f"{what}: pip install --upgrade {outdated}")


def _offer_only_class(kind: PluginKind, module: ModuleType) -> None:
    """Write the hook that a one-file plugin of a single class leaves out."""
    (hook, *_) = HOOKS_OF[kind]
    interface = _ONE_CLASS.get(kind)
    if interface is None or any(hasattr(value, "hft_impl") for value in vars(module).values()):
        return
    classes = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, interface)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    if not classes:
        raise PluginError(f"it has no {interface.__name__}: write class Name({interface.__name__}[Config])")
    if len(classes) > 1:
        names = " and ".join(each.__name__ for each in classes)
        raise PluginError(f"it has more than one {interface.__name__}, {names}: write {hook}() to say which")
    (only,) = classes
    setattr(module, hook, hookimpl(lambda: only))
