"""``hft sweep``: the same trials whatever runs them, what is refused, what fails, and going on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")
pytest.importorskip("optuna", reason="Optuna comes with hft-core[sweep]")

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.errors import UsageError
from tests.sweeping import write_sweep

LOTS = """\
objective: {figure: net_pnl}
sampler: grid
parameters:
  strategies.buyer.lots: {low: 1, high: 4}
"""

WIDE = """\
objective: {figure: net_pnl}
constraints:
  - {figure: instruments.BTC/USDT@binance.inventory_max, at_most: "0.004"}
sampler: SAMPLER
trials: TRIALS
round: 4
seed: 3
parameters:
  strategies.buyer.lots: {low: 1, high: 16, log: true}
  strategies.buyer.hold: {low: 50ms, high: 250ms, step: 50ms}
  strategies.buyer.edge: {low: "0.1", high: "0.7", step: "0.1"}
  exchanges.binance.paper.queue: [risk-averse, power]
"""


def sweep(capsys: pytest.CaptureFixture[str], command: list[str], *more: str) -> tuple[int, dict[str, Any]]:
    code = main([*command, "--json", *more])
    return code, json.loads(capsys.readouterr().out)


def test_a_grid_is_tried_in_whole_and_the_best_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, result = sweep(capsys, write_sweep(tmp_path, LOTS), "--jobs", "1")
    assert code == ExitCode.STOPPED
    assert result["complete"]
    (search,) = result["searches"]
    lots = {
        trial["values"]["strategies.buyer.lots"]: Decimal(trial["objective"]) for trial in search["trials"]
    }
    # Five ticks up in 50 ms, less the spread of two.
    assert lots == {str(count): count * 3 * Decimal("0.0005") for count in (1, 2, 3, 4)}
    assert search["chosen"]["values"] == {"strategies.buyer.lots": "4"}
    assert Decimal(search["chosen"]["figures"]["net_pnl"]) == lots["4"]


def test_a_trial_is_the_backtest_of_the_profile_with_its_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, result = sweep(capsys, write_sweep(tmp_path, LOTS), "--jobs", "1")
    profile = tmp_path / "p.yaml"
    profile.write_text(profile.read_text().replace("lots: 1", "lots: 3"))
    assert main(["backtest", str(profile), "--json"]) == ExitCode.STOPPED
    single = json.loads(capsys.readouterr().out.splitlines()[-1])
    trials = {trial["values"]["strategies.buyer.lots"]: trial for trial in result["searches"][0]["trials"]}
    assert trials["3"]["objective"] == single["net_pnl"]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_trials_however_many_at_a_time_and_however_often_interrupted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sampler: str
) -> None:
    command = write_sweep(tmp_path, WIDE.replace("SAMPLER", sampler).replace("TRIALS", "12"))
    _, one = sweep(capsys, command, "--jobs", "1", "--storage", str(tmp_path / "one.sqlite"))
    _, three = sweep(capsys, command, "--jobs", "3", "--storage", str(tmp_path / "three.sqlite"))
    assert one == three
    assert len(one["searches"][0]["trials"]) == 12
    # Whole rounds, and then the others: what went before is not run again, and is known.
    again = str(tmp_path / "again.sqlite")
    sweep(capsys, command, "--jobs", "2", "--storage", again, "--trials", "8")
    assert sweep(capsys, command, "--jobs", "2", "--storage", again)[1] == one
    chosen = one["searches"][0]["chosen"]
    assert chosen["keeps_constraints"]
    assert int(chosen["values"]["strategies.buyer.lots"]) <= 4
    assert any(not trial["keeps_constraints"] for trial in one["searches"][0]["trials"])
    for trial in one["searches"][0]["trials"]:
        edge = Decimal(trial["values"]["strategies.buyer.edge"])
        assert edge == edge.quantize(Decimal("0.1"))


def test_a_sweep_that_is_done_runs_nothing_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = write_sweep(tmp_path, LOTS)
    first = sweep(capsys, command, "--jobs", "1")
    (tmp_path / "p.sweep.sqlite").stat()
    second = sweep(capsys, command, "--on", "ray://127.0.0.1:1")  # nobody is asked
    assert second == first


def test_walk_forward_judges_on_the_time_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = write_sweep(tmp_path, LOTS.replace("high: 4", "high: 2"))
    code, result = sweep(capsys, command, "--walk-forward", "2", "--jobs", "2")
    assert code == ExitCode.STOPPED
    first, second = result["searches"]
    for search in (first, second):
        assert search["train"]["end_ns"] == search["test"]["begin_ns"]
        assert search["judged"]["error"] is None
        seen = search["judged"]["figures"]
        assert search["test"]["begin_ns"] <= seen["first_ns"] <= seen["last_ns"] < search["test"]["end_ns"]
        trained = search["chosen"]["figures"]
        assert search["train"]["begin_ns"] <= trained["first_ns"]
        assert trained["last_ns"] < search["train"]["end_ns"]
    assert second["test"]["begin_ns"] == first["test"]["end_ns"]
    assert main([*command, "--walk-forward", "2"]) == ExitCode.STOPPED
    told = capsys.readouterr().out
    assert "not searched" in told
    assert "mean" in told


@pytest.mark.parametrize(
    ("mood", "says"),
    [("raising", "not today"), ("dying", "its process died 2 times (signal 9)")],
)
def test_a_trial_that_fails_is_kept_with_its_error_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mood: str, says: str
) -> None:
    space = f"""\
objective: {{figure: net_pnl}}
sampler: grid
parameters:
  strategies.buyer.mood: [{mood}, calm]
"""
    code, result = sweep(capsys, write_sweep(tmp_path, space), "--jobs", "1")
    assert code == ExitCode.STOPPED
    trials = {trial["values"]["strategies.buyer.mood"]: trial for trial in result["searches"][0]["trials"]}
    assert says in trials[mood]["error"]
    assert trials[mood]["objective"] is None
    assert trials["calm"]["error"] is None
    assert result["searches"][0]["chosen"]["values"] == {"strategies.buyer.mood": "calm"}


@pytest.mark.parametrize(("more", "count"), [([], 2), (["--walk-forward", "3"], 6), (["--jobs", "1"], 1)])
def test_no_more_processes_begin_than_trials_can_run_at_a_time(
    more: list[str],
    count: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = write_sweep(tmp_path, LOTS.replace("high: 4", "high: 2"))

    def begin(asked: int) -> None:
        raise UsageError(f"asked for {asked}")

    monkeypatch.setattr("hft.sweep.processes.Processes", begin)
    assert main([*command, "--jobs", "8", *more]) == ExitCode.USAGE
    assert f"asked for {count}\n" in capsys.readouterr().err


def test_the_trial_of_a_process_that_dies_is_begun_once_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    space = LOTS.replace("lots: {low: 1, high: 4}", "mood: [dying once]")
    code, result = sweep(capsys, write_sweep(tmp_path, space), "--jobs", "1")
    assert (tmp_path / "died").exists()
    assert code == ExitCode.STOPPED
    assert result["searches"][0]["trials"][0]["error"] is None


def test_where_all_fail_nothing_is_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = write_sweep(tmp_path, LOTS.replace("net_pnl", "performance.USDT.sharpe"))
    assert main([*command, "--jobs", "1"]) == ExitCode.FAULT
    told = capsys.readouterr().out
    assert "performance.USDT.sharpe has no value in this run" in told
    assert "nothing is chosen" in told


def test_an_interrupt_keeps_what_is_done_and_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = LOTS.replace("lots: {low: 1, high: 4}", "mood: [calm, waiting]")
    command = write_sweep(tmp_path, space)
    process = subprocess.Popen(
        [sys.executable, "-m", "hft", *command, "--json", "--jobs", "2"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    storage = tmp_path / "p.sweep.sqlite"
    assert process.stdout is not None
    deadline = time.monotonic() + 60
    while not _is_done(storage) and time.monotonic() < deadline:
        time.sleep(0.2)
    # As a terminal does, to all processes.
    os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    result = json.loads(told)
    assert not result["complete"]
    (trial,) = result["searches"][0]["trials"]
    assert trial["values"] == {"strategies.buyer.mood": "calm"}
    # The signal did not cut the other one short and make a result of that; it is run again, and killed here
    # with the process that waits in it, which would outlive the one that began it.
    again = subprocess.Popen(
        [sys.executable, "-m", "hft", *command, "--json", "--jobs", "2"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            again.communicate(timeout=4)
    finally:
        os.killpg(again.pid, signal.SIGKILL)
        again.communicate()
    capsys.readouterr()


def _is_done(storage: Path) -> bool:
    import sqlite3

    try:
        with contextlib.closing(sqlite3.connect(f"file:{storage}?mode=ro", uri=True)) as database:
            (count,) = database.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()
    except sqlite3.OperationalError:
        return False
    return bool(count)


def test_a_storage_is_for_one_space_profile_and_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = write_sweep(tmp_path, LOTS)
    assert main([*command, "--jobs", "1"]) == ExitCode.STOPPED
    write_sweep(tmp_path, LOTS.replace("high: 4", "high: 5"))
    (tmp_path / "buyer.py").write_text((tmp_path / "buyer.py").read_text() + "\n# better now\n")
    assert main(command) == ExitCode.USAGE
    assert "begun with another space and plugin: name another one with --storage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "to", "says"),
    [
        (
            "buyer.lots:",
            "buyer.lotz:",
            "space.yaml:4: parameters.'strategies.buyer.lotz': no single value stands",
        ),
        ("high: 4", "high: 21", "space.yaml:4: parameters.'strategies.buyer.lots': 21 is refused: "),
        ("high: 4", "high: 21", "p.yaml:12: strategies.buyer.lots: must be at most 20, got 21"),
        (
            "net_pnl",
            "net_pln",
            "space.yaml:1: objective.figure: no result has the figure 'net_pln', did you mean",
        ),
        (
            "high: 4",
            "high: 4, stp: 1",
            "space.yaml:4: parameters.'strategies.buyer.lots'.stp: the key is unknown",
        ),
        ("{low: 1, high: 4}", "{low: 1.5, high: 4.5}", "a grid needs a step"),
        ("{low: 1, high: 4}", '["x"]', "p.yaml:12: strategies.buyer.lots: wants a whole number"),
        ("strategies.buyer.lots: {low: 1, high: 4}", "mode: [live]", "is refused: "),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, to: str, says: str
) -> None:
    command = write_sweep(tmp_path, LOTS.replace(change, to))
    assert main(command) == ExitCode.USAGE
    assert says in capsys.readouterr().err
    assert not (tmp_path / "p.sweep.sqlite").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--on", "dask"], "ray://HOST:PORT"),
        (["--trials", "2"], "a grid has all of its points"),
        (["--trials", "0"], "whole number above 0"),
        (["--storage", "/nowhere/x.sqlite"], "there is no folder"),
        (["--storage", "oracle+nonsense://secret@x"], "--storage"),
        (["--report", "/nowhere/x.html"], "there is no folder"),
        (["--walk-forward", "900000000"], "too short"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    assert main([*write_sweep(tmp_path, LOTS), *more]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert says in told
    assert "secret" not in told


def test_a_page_of_plots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = write_sweep(tmp_path, LOTS)
    page = tmp_path / "out.html"
    assert main([*command, "--jobs", "1", "--report", str(page)]) == ExitCode.STOPPED
    text = page.read_text()
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    assert data["axes"] == [{"name": "strategies.buyer.lots", "choices": [], "log": False}]
    assert sorted(dot["values"] for dot in data["dots"]) == [[1.0], [2.0], [3.0], [4.0]]
    assert "best, on searched data" in text
    assert main([*command, "--report", str(page)]) == ExitCode.STOPPED
    assert page.read_text() == text
    capsys.readouterr()
