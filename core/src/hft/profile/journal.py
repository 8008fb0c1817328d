"""Where a profile keeps its state, found without the plugins and secrets that the profile asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from hft.errors import Fault, ProfileError, UsageError
from hft.profile.document import Scalar, read_document
from hft.profile.fault import Refused
from hft.profile.model import Mode, ProfileKeys

__all__ = ["journal_folder", "state_folder"]


def state_folder(path: Path, *, environ: Mapping[str, str]) -> tuple[Path, str]:
    """Return the folder of a profile's journals and kill switch, and the mode that the profile says.

    Raises `ProfileError` for a file that cannot be read, `UsageError` where it does not say what is needed.
    """
    try:
        root, _ = read_document(str(path), path.read_bytes(), environ)
    except OSError as error:
        raise ProfileError([Fault(str(path), 0, "", f"cannot be read: {error.strerror}")]) from None
    except Refused as refused:
        raise ProfileError(refused.faults) from None
    said = {key: node.read() for key, node in root.items() if isinstance(node, Scalar)}
    name, state = said.get("name"), said.get("state", attrs.fields(ProfileKeys).state.default)
    if not isinstance(name, str) or not isinstance(state, str):
        raise UsageError(f"{path}: does not say its name: see `hft check {path}`")
    return path.parent / state / name, str(said.get("mode"))


def journal_folder(path: Path, mode: Mode | None, *, environ: Mapping[str, str]) -> Path:
    """Return the folder of a profile's journal, of its own mode if none is given; see `state_folder`."""
    folder, said = state_folder(path, environ=environ)
    chosen = said if mode is None else mode.value
    if chosen not in (Mode.LIVE.value, Mode.DRY_RUN.value):
        raise UsageError(f"{path}: mode {chosen!r} writes no journal: add --mode live or --mode dry-run")
    return folder / chosen
