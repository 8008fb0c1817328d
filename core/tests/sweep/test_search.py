"""What a search asks for and when, and the file that keeps it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="Optuna comes with hft-core[sweep]")

from hft.sweep.search import Search
from hft.sweep.space import Space, read_space
from hft.sweep.storage import open_storage
from hft.sweep.work import Outcome

GRID = """\
objective: {figure: net_pnl}
sampler: grid
parameters:
  strategies.buyer.lots: {low: 1, high: 3}
"""

TPE = """\
objective: {figure: net_pnl}
sampler: tpe
trials: 8
round: 4
parameters:
  strategies.buyer.lots: {low: 1, high: 9}
"""

DONE = Outcome(figures={"net_pnl": "1"})


def space_of(folder: Path, text: str) -> Space:
    path = folder / "space.yaml"
    path.write_text(text)
    return read_space(path)


def states_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM trials ORDER BY number")]


def test_a_trial_asked_for_ahead_is_the_next_and_none_is_asked_for_too_many(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    with open_storage(str(path)) as kept:
        search = Search("one", kept, space_of(tmp_path, GRID), {})
        seen = []
        for left in (3, 2, 1):
            search.look_ahead()
            search.look_ahead()
            assert len(states_of(path)) == 4 - left
            assert search.left == left
            trial = search.next()
            assert trial is not None
            seen.append(search.values(trial)["strategies.buyer.lots"])
            search.finish(trial, DONE)
        search.look_ahead()
        assert search.next() is None
        assert search.left == 0
    assert sorted(seen) == ["1", "2", "3"]
    assert states_of(path) == ["COMPLETE"] * 3


def test_a_trial_asked_for_ahead_is_run_by_who_goes_on(tmp_path: Path) -> None:
    path, space = tmp_path / "kept.sqlite", space_of(tmp_path, GRID)
    with open_storage(str(path)) as kept:
        search = Search("one", kept, space, {})
        first = search.next()
        assert first is not None
        search.finish(first, DONE)
        search.look_ahead()
    assert states_of(path) == ["COMPLETE", "RUNNING"]
    with open_storage(str(path)) as kept:
        again = Search("one", kept, space, {})
        assert again.left == 2
        assert again.next() is not None
        assert len(states_of(path)) == 2


def test_a_sampler_that_learns_asks_for_nothing_while_its_round_runs(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    with open_storage(str(path)) as kept:
        search = Search("one", kept, space_of(tmp_path, TPE), {})
        trials = [search.next() for _ in range(4)]
        search.look_ahead()
        assert len(states_of(path)) == 4
        for trial in trials:
            assert trial is not None
            search.finish(trial, DONE)
        search.look_ahead()
        assert len(states_of(path)) == 8


def test_the_file_is_written_without_waiting_for_the_disk_at_each_trial(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    with open_storage(str(path)) as kept:
        Search("one", kept, space_of(tmp_path, GRID), {})
        # Told by the first bytes of the file.
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
