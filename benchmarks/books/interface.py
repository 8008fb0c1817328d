"""What a book has to offer to be compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from benchmarks.inputs import DepthInput

__all__ = ["BookUnderTest", "Levels", "near_touch"]

Levels = list[tuple[Decimal, Decimal]]


def near_touch(depth: DepthInput, number: Callable[[str], Any]) -> dict[str, Any]:
    """Return the names that ``resize`` and ``remove`` are about, as numbers of a book's own type."""
    price, size = depth.bids[2]
    return {"price": number(price), "small": number("0.00001"), "large": number(size)}


class BookUnderTest(ABC):
    """One kind of book: short things as statements, long ones as methods.

    ``names`` are the globals of the statements; ``book`` among them is the book that the methods
    fill. `prepare` is not timed: what a method is given to work on is made there, in the form that
    suits this kind of book best.
    """

    name: ClassVar[str]
    create: ClassVar[str]
    """Make an empty book."""
    best: ClassVar[str]
    """Read best bid and best ask."""
    best_of_loaded: ClassVar[str] = ""
    """The same where `load` made another book than the one in ``names``."""
    top: ClassVar[str]
    """Make a list of price and size of the best 20 bids."""
    resize: ClassVar[tuple[str, str]]
    """Set ``price``, which is among the best 20 bids, to ``small``; set it to ``large``, as it was."""
    remove: ClassVar[tuple[str, str]]
    """Delete that level; set it to ``large`` again."""
    frame: ClassVar[str] = "apply_frame(frame)"
    """Apply ``frame``, bytes as they come from the socket."""
    begin: ClassVar[str] = "pass"
    """Be ready for the first frame once more."""
    notes: ClassVar[Mapping[str, str]] = {}
    """What is particular about this contestant, by the name of a row's kind."""

    names: dict[str, Any]

    @abstractmethod
    def prepare(self, depth: DepthInput) -> None:
        """Take the input and make whatever the timed methods need."""

    @abstractmethod
    def load_raw(self) -> None:
        """Make the book that of the snapshot's bytes."""

    @abstractmethod
    def load(self) -> None:
        """Make the book that of the snapshot, given in this book's own form."""

    @abstractmethod
    def apply(self, start: int, stop: int) -> None:
        """Apply updates from ``start`` to ``stop``, given in this book's own form."""

    @abstractmethod
    def levels(self) -> tuple[Levels, Levels]:
        """Return the best 20 bids and asks, to be compared with the truth."""
