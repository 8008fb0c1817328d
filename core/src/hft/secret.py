"""Values that must never be seen: they print as ``***`` wherever they are printed."""

from __future__ import annotations

__all__ = ["Secret"]


class Secret:
    """A key, secret or passphrase; only `reveal` gives the text away.

    ``repr``, ``str``, ``format`` and tracebacks show ``***``; it refuses to be pickled or copied
    into JSON, so that it cannot reach a log, a capture or a journal by accident.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text, for signing only."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret cannot be pickled")
