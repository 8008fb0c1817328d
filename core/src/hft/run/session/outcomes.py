"""What came of requests that were not simply sent: the part of a session that answers instead of telling."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hft.capture import CaptureRecord
from hft.errors import OrderError

__all__ = ["Outcomes", "raised"]

_NOT_SENT = "OrderError"


class Raised(msgspec.Struct):
    """What a request raised."""

    error: str
    message: str


def raised(error: Exception) -> bytes:
    """Return what a request raised, as a recording has it."""
    kind = _NOT_SENT if isinstance(error, OrderError) else type(error).__name__
    return msgspec.json.encode(Raised(kind, str(error)))


class Outcomes:
    """The outcomes of the input that is played, each to be taken once, in their order."""

    def __init__(self) -> None:
        self._left: dict[str, list[bytes]] = {}

    def begin(self, records: Iterable[CaptureRecord]) -> None:
        """Begin an input."""
        self._left.clear()
        for record in records:
            self._left.setdefault(record.conn, []).append(record.payload)

    def take(self, what: str) -> bytes | None:
        """Return what came of a request, None where it was sent and that was all."""
        left = self._left.get(what)
        return left.pop(0) if left else None

    def answer(self, what: str) -> None:
        """Raise what a request raised."""
        data = self.take(what)
        if data is None:
            return
        outcome = msgspec.json.decode(data, type=Raised)
        if outcome.error == _NOT_SENT:
            raise OrderError(outcome.message)
        raise type(outcome.error, (Exception,), {})(outcome.message)

    @property
    def left(self) -> tuple[str, ...]:
        """What was asked then and has not been asked now."""
        return tuple(f"asked for {what}" for what, left in self._left.items() for _ in left)
