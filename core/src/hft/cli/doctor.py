"""``hft doctor``: say what this installation is made of, as far as it makes hft faster or slower."""

from __future__ import annotations

import argparse
import json
import platform
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import pairwise
from typing import Any

from packaging.requirements import Requirement

from hft._compiled import COMPILED
from hft.book import BOOK
from hft.cli.exit_codes import ExitCode
from hft.clock import Clock, SystemClock
from hft.registry.discovery import core_version, discover

__all__ = ["configure", "run"]

_READINGS = 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print one object")


def run(args: argparse.Namespace) -> ExitCode:
    """Look at the installation and print what was found."""
    report = _examine()
    if args.json:
        print(json.dumps(report))
    else:
        _print(report)
    return ExitCode.STOPPED


def _examine() -> dict[str, Any]:
    resolution_ns, reading_ns = _measure(SystemClock())
    return {
        "hft": core_version(),
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "platform": platform.platform(),
        "book": {"implementation": BOOK.name, "reason": BOOK.reason},
        "orders": {"implementation": "compiled" if COMPILED.modules else "pure", "reason": COMPILED.reason},
        "packages": {name: _version(name) for name in _optional_packages()},
        "clock": {"resolution_ns": resolution_ns, "reading_ns": reading_ns},
        "plugins": [
            {"name": each.name, "kind": each.kind.singular, "version": each.version, "state": each.state}
            for each in discover()
        ],
    }


def _optional_packages() -> list[str]:
    """Return what the extras bring, by the metadata of hft-core."""
    texts = requires("hft-core") if core_version() else None
    requirements = map(Requirement, texts or ())
    return sorted(each.name for each in requirements if each.marker and "extra" in str(each.marker))


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _measure(clock: Clock) -> tuple[int | None, int]:
    """Return the smallest step of the clock (None: it stood still), and how long one reading takes."""
    readings = [clock.now_ns() for _ in range(_READINGS)]
    steps = {later - earlier for earlier, later in pairwise(readings)}
    return min(steps - {0}, default=None), (readings[-1] - readings[0]) // (_READINGS - 1)


def _print(report: dict[str, Any]) -> None:
    python, book, orders, clock = (report[name] for name in ("python", "book", "orders", "clock"))
    print(f"hft         {report['hft'] or 'not installed'}")
    print(f"python      {python['implementation']} {python['version']} on {report['platform']}")
    print(f"order book  {book['implementation']}: {book['reason']}")
    print(f"orders      {orders['implementation']}: {orders['reason']}")
    for name, installed in report["packages"].items():
        print(f"{name:11} {installed or 'not installed'}")
    print(f"clock       steps of {clock['resolution_ns']} ns, {clock['reading_ns']} ns a reading")
    for plugin in report["plugins"]:
        print(f"{plugin['kind']:11} {plugin['name']} {plugin['version']}: {plugin['state']}")
