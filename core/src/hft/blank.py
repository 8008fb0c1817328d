"""Make objects whose attributes are all still to be set, for those that are made so often that a call with a
keyword for each attribute would cost more than all else."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["new"]

T = TypeVar("T")


def new(kind: type[T]) -> T:
    """Return an object of a class with slots and no base: what calls this sets every attribute at once."""
    return kind.__new__(kind)
