"""A journal in a folder of its own, on a clock that stands still, written only when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hft.testing.journal import JournalDesk


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., JournalDesk]]:
    """Make desks, and close their journals."""
    made: list[JournalDesk] = []

    def make(folder: Path | None = None, **changes: Any) -> JournalDesk:
        made.append(JournalDesk(folder or tmp_path / "journal", **changes))
        return made[-1]

    yield make
    for desk in made:
        desk.journal.close()


@pytest.fixture
def desk(make_desk: Callable[..., JournalDesk]) -> JournalDesk:
    """Return a desk whose run has begun."""
    made = make_desk()
    made.begin()
    return made
