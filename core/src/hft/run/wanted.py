"""Which instruments a profile is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from hft.instrument import InstrumentId
from hft.profile import Profile

__all__ = ["wanted_instruments"]


def wanted_instruments(profile: Profile) -> list[InstrumentId]:
    """Return every instrument the profile names, in strategies and in any plugin's part, once each."""
    found = [instrument for entry in profile.strategies.values() for instrument in entry.instruments]
    for config in (
        *(entry.config for entry in profile.strategies.values()),
        *(entry.config for entry in profile.risk),
    ):
        found += _named_in(config)
    return list(dict.fromkeys(found))


def _named_in(value: Any) -> Iterator[InstrumentId]:
    if isinstance(value, InstrumentId):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _named_in(key)
            yield from _named_in(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _named_in(each)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _named_in(getattr(value, field.name))
