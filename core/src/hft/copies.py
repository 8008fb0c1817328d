"""Another object with the same attributes, where to make one anew would cost more than all else."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["copied"]

T = TypeVar("T")


def copied(source: T) -> T:
    """Return another object of the class of ``source``, which keeps all it has in slots of its own."""
    cls = type(source)
    made = cls.__new__(cls)
    for name in cls.__slots__:  # type: ignore[attr-defined]
        if name != "__weakref__":
            setattr(made, name, getattr(source, name))
    return made
