"""Read the faults that a simulator is to inject, as strictly as a profile, and write them down again."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import attrs

from hft.errors import Fault as Complaint
from hft.errors import ProfileError
from hft.plugin.config import option
from hft.profile.document import FileKind, read_document
from hft.profile.fault import Refused
from hft.profile.structure import Structurer
from hft.profile.values import format_duration
from hft.sim.fault import Fault
from hft.types import Duration

__all__ = ["FaultFile", "parse_faults", "read_faults", "written"]

_KIND = FileKind("fault file", "faults: [{kind: drop, where: TOPIC}]")


@attrs.frozen(kw_only=True)
class FaultFile:
    """The keys of a fault file."""

    faults: tuple[Fault, ...] = option(doc="the faults, in the order in which they strike at one place")


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Read a fault file; raise `ProfileError` with everything that is wrong with it."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no file name"
        raise ProfileError([Complaint(str(path), 0, "", f"cannot be read: {reason}")]) from None
    return parse_faults(str(path), data)


def parse_faults(name: str, data: bytes) -> tuple[Fault, ...]:
    """Read a fault file's text, YAML or JSON; ``name`` is what its complaints call it."""
    try:
        # It holds no secrets, so nothing is taken from the environment.
        root, complaints = read_document(name, data, {}, _KIND)
    except Refused as refused:
        raise ProfileError(refused.faults) from None
    file: FaultFile | None = None
    try:
        file = Structurer(()).fill(root, FaultFile)
    except Refused as refused:
        complaints += refused.faults
    if complaints or file is None:
        raise ProfileError(sorted(complaints, key=lambda complaint: (complaint.line, complaint.path)))
    return file.faults


def written(fault: Fault) -> dict[str, Any]:
    """Return a fault as a file would have it, without what is by default."""
    shown: dict[str, Any] = {}
    for field in attrs.fields(attrs.resolve_types(Fault)):
        value = getattr(fault, field.name)
        if value == field.default:
            continue
        if isinstance(value, enum.Enum):
            value = value.value
        elif field.type in (Duration, Duration | None):
            value = format_duration(value)
        shown[field.name] = value
    return shown
