"""Suggest what somebody who misspelt a name may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["closest"]


def closest(name: str, known: Iterable[str]) -> str:
    """Return ``, did you mean 'okx'?`` for the known name most like this one, or nothing."""
    matches = get_close_matches(name.lower().replace("-", "_"), sorted(known), n=1, cutoff=0.7)
    return f", did you mean {matches[0]!r}?" if matches else ""
