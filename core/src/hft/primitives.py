"""One step of the machine, several of Python: the ``.pxd`` beside this is the only one with code."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["bit_length", "copied"]

T = TypeVar("T")


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
