"""Places in a profile, and the faults that belong to them."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from hft.errors import Fault

__all__ = ["Mark", "Refused", "short"]


@attrs.frozen
class Mark:
    """Where something stands: file, line (from 1) and path, such as ``risk[1].limit``."""

    file: str
    line: int = 1
    path: str = ""

    def key(self, key: str, line: int) -> Mark:
        """Return the mark of a key of the mapping that stands here."""
        simple = len(key) <= _MAX_SHOWN and key.isascii() and key.replace("-", "_").isidentifier()
        shown = key if simple else short(key)
        return Mark(self.file, line, f"{self.path}.{shown}" if self.path else shown)

    def item(self, index: int, line: int) -> Mark:
        """Return the mark of an item of the list that stands here."""
        return Mark(self.file, line, f"{self.path}[{index}]")

    def fault(self, message: str) -> Fault:
        """Return a fault at this place."""
        return Fault(self.file, self.line, self.path, message)

    def holds(self, fault: Fault) -> bool:
        """Return whether a fault lies inside what stands here."""
        return fault.path.startswith((f"{self.path}.", f"{self.path}["))


class Refused(Exception):
    """A part of a profile has faults; none are named where they have been reported already."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


_MAX_SHOWN = 60


def short(text: str) -> str:
    """Return a text in quotes, cut to what a line can show."""
    return repr(text) if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]!r}..."
