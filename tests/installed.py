"""Fail unless exactly the named plugins are installed, from wheels, as this folder's sources have them.

``python tests/installed.py hft-plugin-binance``, in an environment of tox. Wheels keep their version from
one change to the next, so that nothing but their contents can tell an old one from a new one.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[1]


def main(expected: set[str]) -> None:
    """Compare what is installed with what was asked for; exit with the first difference."""
    ours = {one.name: one for one in distributions() if one.name.startswith("hft-")}
    if ours.keys() != expected | {"hft-core"}:
        sys.exit(f"installed are {sorted(ours)}, expected are {sorted(expected | {'hft-core'})}")
    folders = {"hft-core": ROOT / "core"}
    for file in ROOT.glob("plugins/*/*/pyproject.toml"):
        folders[f"hft-plugin-{file.parent.name.replace('_', '-')}"] = file.parent
    for name, distribution in ours.items():
        compare(distribution, folders[name] / "src")


def compare(distribution: Distribution, sources: Path) -> None:
    """Exit unless the distribution holds the same files as the folder of sources, byte for byte."""
    installed = {
        str(file): Path(str(file.locate())).read_bytes()
        for file in distribution.files or ()
        if file.suffix in (".py", ".typed")
    }
    present = {
        str(file.relative_to(sources)): file.read_bytes()
        for file in sources.rglob("*")
        if file.suffix in (".py", ".typed")
    }
    for name in sorted(installed.keys() | present.keys()):
        if installed.get(name) != present.get(name):
            sys.exit(f"{distribution.name}: {name} is not what {sources} has")


if __name__ == "__main__":
    main(set(sys.argv[1:]))
