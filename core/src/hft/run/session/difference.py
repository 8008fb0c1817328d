"""What came of running a session again, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import ndiff
from typing import Any

import attrs

from hft.capture import CaptureRecord
from hft.clock import NS_PER_S

__all__ = ["Difference", "Verdict"]

_SHOWN = 160
"""How much of an input is shown."""


@attrs.frozen(kw_only=True)
class Difference:
    """The first place where a run does something else: what it followed, and what was done then and is now.

    ``line`` is the input's line in the recording, from 1.
    """

    line: int
    record: CaptureRecord
    then: tuple[str, ...]
    now: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as an object."""
        return {
            "line": self.line,
            "t": self.record.t,
            "input": _described(self.record),
            "then": list(self.then),
            "now": list(self.now),
        }

    def render(self) -> str:
        """Return it as lines."""
        seconds, left_ns = divmod(self.record.t, NS_PER_S)
        when = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{left_ns:09d}"
        diff = [each for each in ndiff(self.then, self.now) if not each.startswith("?")]
        return "\n".join(
            (
                f"first difference, line {self.line} of the recording, {when} UTC",
                f"  input: {_described(self.record)}",
                "  - as recorded, + as it is now:",
                *(f"    {each}" for each in diff),
            )
        )


@attrs.frozen(kw_only=True)
class Verdict:
    """Whether a session, run again, did the same.

    ``equal`` is None where nothing differed as far as the recording goes, but it does not go to the end:
    ``incomplete`` says why. ``changed`` are the facts about profile, code and versions that are others now.
    ``inputs`` were played, and ``effects`` of the recording, requests and fills, were compared.
    """

    inputs: int
    effects: int
    incomplete: str
    difference: Difference | None
    changed: Sequence[str]

    @property
    def equal(self) -> bool | None:
        """Whether all that was done was done again, and nothing else."""
        if self.difference is not None:
            return False
        return None if self.incomplete else True

    def to_json(self) -> dict[str, Any]:
        """Return it as an object."""
        return {
            "equal": self.equal,
            "inputs": self.inputs,
            "effects": self.effects,
            "incomplete": self.incomplete or None,
            "difference": None if self.difference is None else self.difference.to_json(),
            "changed": list(self.changed),
        }

    def render(self) -> str:
        """Return it as lines."""
        compared = f"{self.effects:,} requests and fills after {self.inputs:,} inputs"
        lines = []
        if self.difference is not None:
            lines.append(self.difference.render())
            lines.append(f"equal before that: {compared}")
        elif self.incomplete:
            lines.append(f"not proved equal: {compared} are, and there the recording ends")
        else:
            lines.append(f"equal: {compared}")
        if self.incomplete:
            lines.append(f"the recording is incomplete: {self.incomplete}")
        if self.changed:
            lines.append("what is not as it was recorded:")
            lines += [f"  {each}" for each in self.changed]
        return "\n".join(lines)


def _described(record: CaptureRecord) -> str:
    """Say in one line what an input was."""
    shown = record.data or ""
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}... ({len(record.payload)} bytes)"
    whose = " ".join(part for part in (record.exchange, record.conn) if part)
    match record.dir:
        case "recv":
            return f"frame from {whose}: {shown}"
        case "http":
            return f"answer from {whose}: {shown}"
        case "failed":
            return f"no answer from {whose}: {shown}"
        case "open":
            return f"connection opened: {whose}"
        case "close":
            return f"connection lost: {whose}"
        case "timer":
            return f"timer {shown.partition(' ')[0]}"
        case "told":
            return f"told of the account: {record.conn} {shown}".rstrip()
        case "start":
            return "start of the strategies"
        case "stop":
            return "end of the run: orders are cancelled"
        case "halt":
            return f"halt: {shown}"
        case "mark":
            return "positions valued for the panel"
        case _:
            return "end of the session"
