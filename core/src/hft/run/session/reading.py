"""Read a recorded session: inputs, each with what was done after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import msgspec

from hft.capture import CaptureRecord, read_capture
from hft.errors import CaptureError

__all__ = ["End", "SessionReader", "Step"]


class End(msgspec.Struct, kw_only=True):
    """The last record of a session: how many were written before it, how many were lost, and the figures.

    ``why_lost`` says why where it was not that the recorder fell behind.
    """

    records: int
    lost: int
    why_lost: str = ""
    figures: dict[str, str]


@attrs.frozen
class Step:
    """An input, the number of its line, the requests and fills that followed it, and what came of some."""

    line: int
    record: CaptureRecord
    effects: tuple[str, ...]
    outcomes: tuple[CaptureRecord, ...]


class SessionReader:
    """Yields the steps behind ``first``, the header; whether they are all is known afterwards.

    ``on_bytes`` is called with numbers of bytes as they are read from the file.
    """

    def __init__(self, path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> None:
        self._path = path
        self._damage: list[str] = []
        records = read_capture(path, warn=self._damage.append, on_bytes=on_bytes)
        self._records = enumerate(records, 1)
        self._count = 1
        self.end: End | None = None
        self.first: CaptureRecord | None = next((record for _, record in self._records), None)

    @property
    def incomplete(self) -> str:
        """Why this is not a whole session, or ""; known when all steps were read."""
        if self.end is None:
            return "; ".join(("it is cut off before the end of the session", *self._damage))
        if self.end.lost and self.end.why_lost:
            return self.end.why_lost
        if self.end.lost:
            return f"the recorder fell behind, and lost the last {self.end.lost:,} inputs, requests and fills"
        if self.end.records != self._count:
            return f"{self.end.records:,} records were written and {self._count:,} are there"
        return ""

    def steps(self) -> Iterator[Step]:
        """Yield the steps, in their order."""
        line, record = 0, None
        effects: list[str] = []
        outcomes: list[CaptureRecord] = []
        for number, each in self._records:
            if each.dir == "end":
                self.end = self._end(each)
                break
            self._count += 1
            if each.dir == "order":
                effects.append(each.data or "")
                continue
            if each.dir == "outcome":
                outcomes.append(each)
                continue
            if record is not None:
                yield Step(line, record, tuple(effects), tuple(outcomes))
            line, record, effects, outcomes = number, each, [], []
        # Of a recording that is cut off the last step may be only half there.
        if record is not None and self.end is not None and not self.end.lost:
            yield Step(line, record, tuple(effects), tuple(outcomes))

    def _end(self, record: CaptureRecord) -> End:
        try:
            return msgspec.json.decode(record.payload, type=End)
        except msgspec.DecodeError as error:
            raise CaptureError(f"{self._path}: the end of the session cannot be read: {error}") from None
