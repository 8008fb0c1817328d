"""Take the compiled form of a module where there is one of the very source that is installed.

The modules on the way of an order are Python, and are compiled as they are when ``hft-core`` is built; a
``.pxd`` beside one says what C types its classes have. Compiled modules lie here, not beside their sources:
those are used when anything about them has changed since, so that nobody runs what he does not read, and
when the environment says ``HFT_PURE_PYTHON=1``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from hashlib import blake2b
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

__all__ = ["COMPILED", "MANIFEST", "Compiled", "digest_of", "file_of", "find_compiled"]

FOLDER = Path(__file__).parent
SOURCES = FOLDER.parent.parent
MANIFEST = f"manifest{EXTENSION_SUFFIXES[0]}.txt"
"""Of one Python, since several may share a folder and compile at other times: a line with a digest of the
sources, one with the names of the compiled modules, and one with those of whose objects they know where the
attributes lie."""


class _Loader(ExtensionFileLoader):
    """Says what to do where a Python makes objects of another size than the one that the module knows."""

    def exec_module(self, module: ModuleType) -> None:
        try:
            super().exec_module(module)
        except ValueError as error:
            if "size changed" not in str(error):
                raise
            raise ImportError(
                f"{self.name} was compiled for another Python: build hft-core again, or set"
                f" HFT_PURE_PYTHON=1 ({error})"
            ) from error


class Compiled:
    """Finds the compiled modules: all of them, since they know each other's insides, or none.

    ``reason`` says why it is one or the other.
    """

    def __init__(self, modules: dict[str, Path], reason: str) -> None:
        self.modules = modules
        self.reason = reason

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Answer the import system."""
        file = self.modules.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=_Loader(fullname, str(file)))


def file_of(module: str) -> str:
    """Return what the file of a compiled module is called, without what Python and platform add."""
    return module.replace(".", "_")


def digest_of(sources: Path, modules: Iterable[str]) -> str:
    """Return what stands for the text of modules and of their types, below the folder of all packages."""
    digest = blake2b(digest_size=16)
    for module in modules:
        file = sources.joinpath(*module.split("."))
        for suffix in (".py", ".pxd"):
            source = file.with_suffix(suffix)
            digest.update(source.read_bytes() if source.exists() else b"")
            digest.update(b"\0")
    return digest.hexdigest()


def find_compiled(folder: Path = FOLDER, sources: Path = SOURCES) -> Compiled:
    """Look for compiled modules, and whether they are of the sources that are there."""
    if os.environ.get("HFT_PURE_PYTHON") == "1":
        return Compiled({}, "HFT_PURE_PYTHON=1 asks for it")
    manifest = folder / MANIFEST
    if not manifest.exists():
        return Compiled({}, "nothing was compiled for this Python")
    digest, compiled, laid_out = manifest.read_text().splitlines()
    names = compiled.split()
    modules = {name: folder / f"{file_of(name)}{EXTENSION_SUFFIXES[0]}" for name in names}
    missing = [name for name, file in modules.items() if not file.exists()]
    if missing:
        return Compiled({}, f"{missing[0]} was not compiled for this Python")
    if digest_of(sources, [*names, *laid_out.split()]) != digest:
        return Compiled({}, "sources have changed since they were compiled, build hft-core again")
    return Compiled(modules, "compiled from the sources that are there")


def _use_compiled() -> Compiled:
    compiled = find_compiled()
    if compiled.modules:
        sys.meta_path.insert(0, compiled)
    return compiled


COMPILED = _use_compiled()
"""What this process uses, chosen when hft is imported."""
