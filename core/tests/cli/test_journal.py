"""``hft journal`` shows what a journal holds, and changes nothing about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.journal import NoteKind
from hft.testing.journal import JournalDesk
from hft.types import OrderState, Side, Size

PROFILE = "name: maker\nmode: live\nexchanges:\n  okx: {use: okx, key: '${NOT_SET}'}\n"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "profile.yaml"
    path.write_text(PROFILE)
    return path


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[JournalDesk]:
    """Yield a desk that bought 3 in a run, and is in its second."""
    desk = JournalDesk(tmp_path / ".hft" / "maker" / "live")
    desk.begin()
    order = desk.order(1)
    desk.journal.intend_place(order)
    desk.clock.advance(2_000_000)
    order.state, order.exchange_order_id = OrderState.NEW, "77"
    desk.journal.order(order)
    for number, size in ((1, 1), (2, 2)):
        order.filled = Size(order.filled + size)
        desk.journal.fill(desk.fill(order, number, size))
    desk.clock.advance(5_000_000)
    order.state = OrderState.CANCELED
    desk.journal.order(order)
    desk.journal.note(NoteKind.HALT, reason="loss of 12 USDT")
    desk.journal.note(NoteKind.STOPPED)
    desk.journal.close()
    desk = JournalDesk(desk.folder)
    desk.begin("abc2")
    desk.journal.flush()
    desk.journal.intend_place(desk.order(9, side=Side.SELL, price=None))
    yield desk
    desk.journal.close()


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    assert main(["journal", *map(str, arguments), "--json"]) == ExitCode.STOPPED
    return json.loads(capsys.readouterr().out)["runs"]


def test_all_runs_are_shown(profile: Path, desk: JournalDesk, capsys: pytest.CaptureFixture[str]) -> None:
    runs = shown(capsys, profile)
    assert [(one["run"], one["orders"], one["fills"], one["ended"]) for one in runs] == [
        (1, 1, 2, "stopped"),
        (2, 0, 0, "running"),
    ]


def test_a_run_is_shown_in_full(profile: Path, desk: JournalDesk, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = shown(capsys, profile, "--run", 1, "--orders", "--fills", "--notes")
    (order,) = run["order_list"]
    assert order["client_order_id"] == "abc11"
    assert order["price"] == "10.01"
    assert order["filled"] == "0.00003"
    made_ns = order["created_ns"]
    assert [
        (step["event"], step["state"], (step["time_ns"] - made_ns) // 1_000_000) for step in order["steps"]
    ] == [("place", "pending-new", 0), ("", "new", 2), ("", "canceled", 7)]
    assert [(fill["trade_id"], fill["size"]) for fill in run["fill_list"]] == [
        ("t1", "0.00001"),
        ("t2", "0.00002"),
    ]
    assert run["traded"] == {
        "BTC/USDT@test": {"fills": 2, "bought": "0.00003", "sold": "0", "fees": {"USDT": "0.02"}}
    }
    assert [(note["kind"], note["facts"]) for note in run["note_list"]] == [
        ("halt", {"reason": "loss of 12 USDT"}),
        ("stopped", {}),
    ]


def test_what_is_only_intended_yet_is_shown(
    profile: Path, desk: JournalDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    (run,) = shown(capsys, profile, "--orders")
    assert [(one["side"], one["price"], one["state"]) for one in run["order_list"]] == [
        ("sell", None, "pending-new")
    ]


def test_a_person_reads_tables(profile: Path, desk: JournalDesk, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", str(profile), "--run", "1", "--orders", "--fills", "--notes"]) == ExitCode.STOPPED
    out = capsys.readouterr().out
    assert "place +0.000000s, new +0.002000s, canceled +0.007002s" in out
    assert "halt" in out
    assert "loss of 12 USDT" in out
    assert "0.020 USDT" not in out
    assert "0.02 USDT" in out


def test_nothing_is_changed(profile: Path, desk: JournalDesk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.journal.flush()
    before = {file.name: file.read_bytes() for file in desk.folder.iterdir() if "shm" not in file.name}
    shown(capsys, profile, "--run", "all", "--orders", "--fills", "--notes")
    after = {file.name: file.read_bytes() for file in desk.folder.iterdir() if "shm" not in file.name}
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--run", "3"], "there is no run 3, the journal has runs 1 to 2"),
        (["--run", "x"], "must be a number, 'latest' or 'all', got 'x'"),
        (["--mode", "dry-run"], "holds no journal"),
    ],
)
def test_what_is_not_there_is_said(
    profile: Path,
    desk: JournalDesk,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert main(["journal", str(profile), *arguments]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_damage_is_said(profile: Path, desk: JournalDesk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.journal.close()
    database = desk.folder / "journal.sqlite"
    database.write_bytes(database.read_bytes()[:5000])
    assert main(["journal", str(profile)]) == ExitCode.FAULT
    assert "is damaged" in (said := capsys.readouterr().err)
    assert "the next run recovers" in said
