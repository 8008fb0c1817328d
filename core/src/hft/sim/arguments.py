"""A simulator's configuration as the options of ``hft sim``."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import attrs

from hft.types import Duration

__all__ = ["config_arguments"]

_FILES = ("capture", "faults")


def config_arguments(config: Any, *, base: Path | None = None) -> list[str]:
    """Return the options that make ``hft sim`` run with this configuration.

    ``base`` is the folder that a relative ``capture`` or ``faults`` is meant from: that of the profile.
    """
    arguments: list[str] = []
    for field in attrs.fields(attrs.resolve_types(type(config))):
        value = getattr(config, field.name)
        if value is None:
            continue
        if field.name in _FILES and base is not None:
            value = base / value
        if isinstance(value, tuple):
            text = ",".join(value)
        elif isinstance(value, enum.Enum):
            text = str(value.value)
        elif isinstance(value, bool):
            text = str(value).lower()
        else:
            text = f"{value}ns" if field.type is Duration else str(value)
        arguments += ["--set", f"{field.name}={text}"]
    return arguments
