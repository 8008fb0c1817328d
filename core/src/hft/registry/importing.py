"""Import the one module that is named, and say in one line why it cannot be."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from hft.blame import why
from hft.errors import PluginError
from hft.registry.discovery import Found, PluginKind

__all__ = ["find_file", "import_plugin", "is_file"]


def is_file(use: str) -> bool:
    """Return whether a profile's ``use`` names a one-file plugin rather than an installed one."""
    return use.endswith(".py") or "/" in use or os.sep in use


def find_file(kind: PluginKind, use: str, base: Path | None) -> Found:
    """Find a one-file plugin; a relative path starts at ``base``, the profile's folder."""
    path = ((base or Path()) / Path(use).expanduser()).resolve()
    if path.suffix != ".py":
        raise PluginError(f"{kind.singular} plugin {use!r} is no Python file: name one that ends in .py")
    if not path.is_file():
        raise PluginError(f"{kind.singular} plugin {use!r} does not exist: looked for {path}")
    # Two files of one name in different folders are two modules.
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    stem = re.sub(r"\W", "_", path.stem)
    return Found(
        name=use,
        kind=kind,
        module=f"hft_file_{digest}_{stem}",
        distribution=use,
        version="",
        source=f"file {path}",
    )


def import_plugin(found: Found) -> ModuleType:
    """Import a plugin's module; raise `PluginError` with the exception and the line it came from."""
    try:
        return _import_file(found) if is_file(found.name) else importlib.import_module(found.module)
    except (Exception, SystemExit) as error:  # whatever a plugin does when it is imported, it is its fault
        reason = f"{found.label} cannot be imported: {why(error, found.module)}"
        if not is_file(found.name) and isinstance(error, ModuleNotFoundError):
            reason = f"{reason}: {found.reinstall}"
        raise PluginError(reason) from error


class _SourceAsItIs(SourceFileLoader):
    """Compiles the file, always. Bytecode is taken for that of a file of the same size and the same second of
    change: a strategy that was just edited would trade as it was before."""

    def path_stats(self, path: str) -> NoReturn:
        raise OSError("no bytecode of this file is read or written")


def _import_file(found: Found) -> ModuleType:
    if found.module in sys.modules:
        return sys.modules[found.module]
    path = found.source.removeprefix("file ")
    loader = _SourceAsItIs(found.module, path)
    spec = importlib.util.spec_from_file_location(found.module, path, loader=loader)
    assert spec is not None, "there is none only where no loader is given"
    module = importlib.util.module_from_spec(spec)
    sys.modules[found.module] = module  # attrs and typing look a class's module up there
    try:
        loader.exec_module(module)
    except BaseException:  # half a module must not be taken for a whole one
        del sys.modules[found.module]
        raise
    return module
