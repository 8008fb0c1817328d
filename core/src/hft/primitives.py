"""One step of the machine, several of Python: the ``.pxd`` beside this is the only one with code."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["MOST", "bit_length", "copied", "elapsed", "joined", "within"]

T = TypeVar("T")

MOST = 2**63 - 1
"""What fits into 64 bits with a sign."""


def bit_length(number: int) -> int:
    """Return how many bits a number has that is not negative and fits into 63 of them."""
    return number.bit_length()


def copied(source: T) -> T:
    """Return another object of the class of ``source``, which keeps all it has in slots of its own."""
    cls = type(source)
    if cls.__dictoffset__:
        raise TypeError(f"{cls.__name__} keeps more than slots")
    made = cls.__new__(cls)
    for base in cls.__mro__:
        for name in base.__dict__.get("__slots__", ()):
            if name != "__weakref__":
                setattr(made, name, getattr(source, name))
    return made


def elapsed(later: int, earlier: int) -> int:
    """Return by how much a number is above another: 0 where it is not, 2**63 - 1 where that would be more."""
    return min(max(0, later - earlier), MOST)


def joined(head: str, tail: str) -> str:
    """Return a text and another behind it."""
    return head + tail


def within(number: int, least: int, most: int) -> bool:
    """Say whether a number is from ``least`` to ``most``, both of 63 bits and not negative."""
    return least <= number <= most
