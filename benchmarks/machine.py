"""Say on what was measured, without saying whose machine it is."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import attrs

from benchmarks.peers import PEERS
from hft.book import new_book

__all__ = ["Machine"]

_OURS = ("hft-core", "hft-plugin-binance", "msgspec", "attrs", "sortedcontainers", "websockets")


@attrs.frozen(kw_only=True)
class Machine:
    """Hardware, system and versions; ``load`` is the system's load average when the run began."""

    cpu: str
    cores: int
    system: str
    python: str
    book: str
    load: float
    versions: dict[str, str]

    @classmethod
    def this(cls) -> Machine:
        """Describe this machine."""
        from benchmarks.inputs import INSTRUMENT

        return cls(
            cpu=_cpu(),
            cores=os.cpu_count() or 0,
            system=f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
            python=f"{platform.python_implementation()} {platform.python_version()}",
            book=type(new_book(INSTRUMENT)).__name__,
            load=os.getloadavg()[0],
            versions={name: found for name in (*_OURS, *PEERS) if (found := _version(name))},
        )

    @property
    def slug(self) -> str:
        """A name for files: the processor's, in small letters and digits."""
        return re.sub("[^a-z0-9]+", "-", self.cpu.lower()).strip("-")


def _cpu() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
