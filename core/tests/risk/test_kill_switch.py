"""The kill switch stays latched through anything but a person's reset."""

from __future__ import annotations

import errno
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.clock import SimulatedClock, SystemClock
from hft.errors import UsageError
from hft.risk import Kill, KillSwitch

T0 = 1_700_000_000_000_000_000
POLL_NS = 50_000_000


def make_switch(folder: Path, clock: SimulatedClock | None = None) -> KillSwitch:
    return KillSwitch(folder / "state", clock or SimulatedClock(T0))


def fill_disk(monkeypatch: pytest.MonkeyPatch, *, even_empty_files: bool = False) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hft.risk.kill_switch.tempfile.mkstemp", full)
    monkeypatch.setattr("hft.risk.kill_switch.os.fsync", full)
    if even_empty_files:
        monkeypatch.setattr(Path, "touch", full)


def test_a_kill_outlasts_the_process_until_it_is_reset(tmp_path: Path) -> None:
    assert make_switch(tmp_path).state is None
    kill = make_switch(tmp_path).kill("too much lost", flatten=True, by="ann")
    assert (kill.reason, kill.flatten, kill.by, kill.at_ns, kill.unsaved) == (
        "too much lost",
        True,
        "ann",
        T0,
        "",
    )
    assert make_switch(tmp_path).state == kill
    assert make_switch(tmp_path).reset("looked into it", by="bob") == kill
    assert make_switch(tmp_path).state is None
    assert make_switch(tmp_path).reset("again", by="bob") is None


def test_the_first_reason_stays_and_every_act_is_on_record(tmp_path: Path) -> None:
    clock = SimulatedClock(T0)
    switch = make_switch(tmp_path, clock)
    switch.kill("first", by="ann")
    clock.advance(1)
    assert make_switch(tmp_path, clock).kill("second", by="bob").reason == "first"
    clock.advance(1)
    assert make_switch(tmp_path, clock).kill("third", flatten=True, by="eve").flatten
    state = make_switch(tmp_path).state
    assert state is not None
    assert (state.reason, state.flatten, state.by, state.at_ns) == ("first", True, "ann", T0)
    assert make_switch(tmp_path).kill("fourth").flatten
    clock.advance(1)
    make_switch(tmp_path, clock).reset("fine", by="ann")
    trail = switch.trail()
    assert [(r.what, r.by, r.reason) for r in trail][:3] == [
        ("kill", "ann", "first"),
        ("kill", "bob", "second"),
        ("flatten", "eve", "third"),
    ]
    assert (trail[-1].what, trail[-1].reason, trail[-1].at) == (
        "reset",
        "fine",
        "2023-11-14T22:13:20.000+00:00",
    )
    assert switch.last_reset_ns() == T0 + 3
    assert all(record.host for record in trail)


def test_a_process_that_was_killed_stays_so(tmp_path: Path) -> None:
    switch = make_switch(tmp_path)
    switch.kill("stop")
    make_switch(tmp_path).reset("fine")
    assert switch.state is not None
    assert make_switch(tmp_path).state is None


@given(st.binary(max_size=40) | st.sampled_from([b"", b"{}", b'{"reason": 1}', b"null", b"[]", b"\xff\xfe"]))
def test_whatever_the_file_holds_it_counts_as_killed(tmp_path_factory: Any, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("kill")
    switch = make_switch(folder)
    switch.path.parent.mkdir()
    switch.path.write_bytes(content)
    state = switch.state
    assert state is not None
    assert "is damaged, which counts as killed" in state.reason
    assert str(switch.path) in state.reason


def test_a_latch_cut_anywhere_counts_as_killed(tmp_path: Path) -> None:
    switch = make_switch(tmp_path)
    switch.kill("stop", by="ann")
    whole = switch.path.read_bytes()
    for length in range(len(whole)):
        switch.path.write_bytes(whole[:length])
        assert make_switch(tmp_path).state is not None


def test_a_latch_that_cannot_be_read_counts_as_killed(tmp_path: Path) -> None:
    switch = make_switch(tmp_path)
    switch.path.mkdir(parents=True)
    state = switch.state
    assert state is not None
    assert "cannot be read" in state.reason
    with pytest.raises(UsageError, match="stays latched"):
        switch.reset("fine")
    assert make_switch(tmp_path).state is not None


def test_on_a_full_disk_a_kill_holds_here_and_in_later_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Kill] = []
    switch = make_switch(tmp_path)
    switch.path.parent.mkdir()
    switch.watch(told.append)
    fill_disk(monkeypatch)
    kill = switch.kill("stop")
    assert "No space left" in kill.unsaved
    assert [each.reason for each in told] == ["stop"]
    state = make_switch(tmp_path).state
    assert state is not None
    assert "damaged" in state.reason


def test_a_kill_that_could_not_be_written_is_written_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimulatedClock(T0)
    switch = make_switch(tmp_path, clock)
    told: list[Kill] = []
    switch.watch(told.append)
    with monkeypatch.context() as full:
        fill_disk(full, even_empty_files=True)
        assert switch.kill("stop").unsaved
        assert switch.state is not None
        assert make_switch(tmp_path).state is None
        clock.advance(5_000_000_000)
    assert make_switch(tmp_path).state is None
    clock.advance(1_000_000_000)
    state = make_switch(tmp_path).state
    assert state is not None
    assert state.reason == "stop"
    assert len(told) == 1


def test_a_reset_that_cannot_be_recorded_does_not_happen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_switch(tmp_path).kill("stop")
    fill_disk(monkeypatch)
    with pytest.raises(UsageError, match=r"cannot be reset: .*No space left"):
        make_switch(tmp_path).reset("fine")
    assert make_switch(tmp_path).state is not None


def test_a_running_process_notices_a_kill_by_another(tmp_path: Path) -> None:
    clock = SimulatedClock(T0)
    told: list[Kill] = []
    switch = make_switch(tmp_path, clock)
    switch.watch(told.append)
    clock.advance(POLL_NS * 3)
    assert told == []
    make_switch(tmp_path).kill("by hand", by="ann")
    clock.advance(POLL_NS)
    assert [each.reason for each in told] == ["by hand"]
    assert switch.state == told[0]
    clock.advance(POLL_NS * 10)
    make_switch(tmp_path).kill("still")
    clock.advance(POLL_NS * 10)
    assert len(told) == 1
    make_switch(tmp_path).kill("and flatten", flatten=True)
    clock.advance(POLL_NS)
    assert [(each.reason, each.flatten) for each in told] == [("by hand", False), ("by hand", True)]
    switch.stop()
    assert clock.next_timer_ns() is None


def test_one_that_is_latched_at_the_start_is_told(tmp_path: Path) -> None:
    make_switch(tmp_path).kill("yesterday")
    told: list[Kill] = []
    make_switch(tmp_path).watch(told.append)
    assert [each.reason for each in told] == ["yesterday"]


def test_a_damaged_latch_that_appears_kills(tmp_path: Path) -> None:
    clock = SimulatedClock(T0)
    told: list[Kill] = []
    switch = make_switch(tmp_path, clock)
    switch.watch(told.append)
    switch.path.parent.mkdir()
    switch.path.touch()
    clock.advance(POLL_NS)
    assert len(told) == 1


def test_a_line_cut_short_does_not_spoil_the_next(tmp_path: Path) -> None:
    switch = make_switch(tmp_path)
    switch.kill("first")
    with switch.trail_path.open("ab") as file:
        file.write(b'{"what": "ki')
    make_switch(tmp_path).kill("second")
    assert [record.what for record in switch.trail()] == ["kill", "damaged", "kill"]
    assert [json.loads(line)["reason"] for line in switch.trail_path.read_text().splitlines()[::2]] == [
        "first",
        "second",
    ]


def _kill(folder: Path, name: str, go: Any) -> None:
    go.wait()
    KillSwitch(folder / "state", SystemClock()).kill(name)


def test_of_many_processes_one_is_first_and_all_are_on_record(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    go = context.Event()
    names = [f"process {number}" for number in range(3)]
    processes = [context.Process(target=_kill, args=(tmp_path, name, go), daemon=True) for name in names]
    for process in processes:
        process.start()
    go.set()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    state = make_switch(tmp_path).state
    assert state is not None
    assert state.reason in names
    assert sorted(record.reason for record in make_switch(tmp_path).trail()) == names
    files = [file.name for file in (tmp_path / "state").iterdir()]
    assert sorted(files) == ["kill.json", "kill.jsonl"]
