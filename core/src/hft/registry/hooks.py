"""The one place that talks to pluggy: register a plugin's module, ask it its own hooks."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import pluggy

from hft.errors import PluginError
from hft.plugin import hookspecs
from hft.spelling import did_you_mean

__all__ = ["HOOK_NAMES", "Hooks"]

HOOK_NAMES = frozenset(name for name in vars(hookspecs) if name.startswith("hft_"))


class Hooks:
    """Registers modules of hookimpls and asks each its own hooks, never those of all plugins."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("hft")
        self._manager.add_hookspecs(hookspecs)

    def register(self, module: ModuleType) -> None:
        """Register a module once; raise `PluginError` naming the hook that is not as it must be."""
        if self._manager.is_registered(module):
            return
        _check_marked(module)
        try:
            self._manager.register(module)
            self._check_known(module)
        except pluggy.PluginValidationError as error:
            self._forget(module)
            *_, definition, reason = str(error).splitlines()
            raise PluginError(f"{definition}: {reason}") from error
        except PluginError:
            self._forget(module)
            raise

    def offered(self, module: ModuleType) -> frozenset[str]:
        """Return the names of the hooks that a registered module implements."""
        callers = self._manager.get_hookcallers(module) or ()
        return frozenset(caller.name for caller in callers)

    def ask(self, module: ModuleType, hook: str, **arguments: Any) -> Any:
        """Call one hook of one registered module and return what it returns, unchecked."""
        others = [plugin for plugin in self._manager.get_plugins() if plugin is not module]
        return self._manager.subset_hook_caller(hook, others)(**arguments)

    def _check_known(self, module: ModuleType) -> None:
        for caller in self._manager.get_hookcallers(module) or ():
            optional = all(impl.optionalhook for impl in caller.get_hookimpls() if impl.plugin is module)
            if caller.has_spec() or optional:
                continue
            remedy = (
                did_you_mean(caller.name, HOOK_NAMES) or f": the hooks are {', '.join(sorted(HOOK_NAMES))}"
            )
            raise PluginError(f"there is no hook {caller.name!r}{remedy}")

    def _forget(self, module: ModuleType) -> None:
        if self._manager.is_registered(module):
            self._manager.unregister(module)


def _check_marked(module: ModuleType) -> None:
    # pluggy passes over a hook without its decorator, and the plugin would seem to offer nothing.
    for name in sorted(HOOK_NAMES & vars(module).keys()):
        function = vars(module)[name]
        if inspect.isfunction(function) and not hasattr(function, "hft_impl"):
            raise PluginError(f"{name} lacks its decorator: write @hookimpl above it")
