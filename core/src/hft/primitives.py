"""One step of the machine, several of Python: the ``.pxd`` beside this is the only one with code."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["bit_length", "blank", "copied"]

T = TypeVar("T")


def bit_length(number: int) -> int:
    """Return how many bits a number has that is not negative and fits into 63 of them."""
    return number.bit_length()


def blank(kind: type[T]) -> T:
    """Return an object of a class with slots and no base, all still to be set: a call with a keyword for each
    would cost more than all else that is done for an order."""
    return kind.__new__(kind)


def copied(source: T) -> T:
    """Return another object of the class of ``source``, which keeps all it has in slots of its own."""
    cls = type(source)
    made = cls.__new__(cls)
    for name in cls.__slots__:  # type: ignore[attr-defined]
        if name != "__weakref__":
            setattr(made, name, getattr(source, name))
    return made
