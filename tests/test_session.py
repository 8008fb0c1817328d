"""A dry run that was recorded, run again: the same orders, or the first one that is not, with its cause."""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from rich.console import Console

from hft.capture import Tap
from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.clock import NS_PER_S
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.live import run_live
from hft.run.summary import Summary
from hft.run.watchdog import Watchdog
from hft.sim import World, serve
from hft.sim.fault import Fault, FaultKind
from hft.testing.virtual_time import VirtualClock, run
from hft_binance.simulator import BinanceSimulator, BinanceSimulatorConfig

PROFILES = Path(__file__).parents[1] / "profiles"

SYMBOLS = ("BTC/USDT", "BTC/USDT:USDT")

PROFILE = """
name: session
mode: dry-run
seed: {seed}
exchanges:
  binance:
    use: binance
    url: http://127.0.0.1:{port}
    paper: {{order_latency: 3ms, response_latency: 2ms, taker_fee: "0.0005"}}
strategies:
  maker:
    use: market_making
    instruments: [BTC/USDT@binance]
    target_spread: "0.5"
    order_size: "0.002"
    max_position: "0.1"
    levels: 3
    refresh: 700ms
  drawer: {{use: ./drawer.py, instruments: ["BTC/USDT:USDT@binance"]}}
risk:
  - {{use: max_position, instrument: "BTC/USDT@binance", limit: "0.01"}}
"""

DRAWER = '''
"""Place, amend and cancel by timers, chance and the time of the day, as nothing sensible does."""
import attrs
from hft import OrderType, Price, Side, Size, Strategy

@attrs.frozen(kw_only=True)
class Config:
    pass

class Drawer(Strategy[Config]):
    def on_start(self):
        self.trading.every(37_000_000, self.draw)

    def on_trade(self, trade):
        if self.trading.clock.now_ns() // 1_000 % 5 == 0:
            self.draw()

    def draw(self):
        book = self.trading.markets[0].book
        if book.best_bid is None or book.best_ask is None:
            return
        instrument, rng = book.instrument, self.trading.random
        orders = self.trading.open_orders(instrument)
        size = Size(instrument.min_size * rng.randint(5, 9))
        match rng.randrange(6):
            case 0:
                self.trading.place(instrument, rng.choice(list(Side)), size, type=OrderType.MARKET)
            case 1 if orders:
                self.trading.amend(rng.choice(orders), Price(book.best_bid - rng.randrange(20)), size)
            case 2 | 3 if orders:
                self.trading.cancel(rng.choice(orders))
            case _ if len(orders) < 10:
                self.trading.place(instrument, Side.BUY, size, Price(book.best_bid - rng.randrange(3)))
'''


class UnevenClock(VirtualClock):
    """A clock that no two readings find where it was, as the system's is."""

    def __init__(self) -> None:
        super().__init__()
        self._rng = random.Random(1)
        self._last_ns = 0

    def now_ns(self) -> int:
        self._last_ns = max(self._last_ns + 1, super().now_ns() + self._rng.randrange(200_000))
        return self._last_ns


async def session(
    folder: Path,
    seed: int,
    record: Path,
    faults: Iterable[Fault],
    warnings: list[str],
    console: Console | None,
) -> Summary:
    """Trade for some seconds on a simulated exchange of this loop, and record it."""
    clock = VirtualClock()
    world = World.synthetic(clock, SYMBOLS, "binance", seed=seed, rate=3.0)
    simulator = BinanceSimulator(BinanceSimulatorConfig(symbols=SYMBOLS, seed=seed), world)
    async with serve(simulator) as port:
        path = write_profile(folder, PROFILE.format(seed=seed, port=port))
        with patch("hft.run.live.SystemClock", UnevenClock):
            trading = asyncio.ensure_future(
                run_live(
                    read_profile(path, Registry()),
                    duration_ns=12 * NS_PER_S,
                    console=console,
                    write=lambda line: None,
                    warn=lambda key, line: warnings.append(line),
                    record=record,
                )
            )
            await clock.sleep(4 * NS_PER_S)
            for fault in faults:
                simulator.faults.inject(fault)
            summary = await trading
        world.stop()
        await clock.sleep(20 * NS_PER_S)
    return summary


def write_profile(folder: Path, text: str) -> Path:
    (folder / "drawer.py").write_text(DRAWER)
    path = folder / "profile.yaml"
    path.write_text(text)
    return path


def recorded(
    folder: Path,
    seed: int = 1,
    faults: Iterable[Fault] = (),
    warnings: list[str] | None = None,
    console: Console | None = None,
) -> tuple[Path, Summary]:
    """Return the profile that replays a session, and what the session came to."""
    record = folder / "session.jsonl"
    summary = run(session(folder, seed, record, faults, [] if warnings is None else warnings, console))
    path = folder / "replay.yaml"
    text = (folder / "profile.yaml").read_text()
    path.write_text(text.replace("mode: dry-run", f"mode: replay\ncaptures: [{record}]"))
    return path, summary


def replayed(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["run", str(path), "--json"])
    out, err = capsys.readouterr()
    assert out, err
    return code, json.loads(out)


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "session.jsonl").read_text().splitlines()]


FAULTS: list[tuple[tuple[Fault, ...], set[str]]] = [
    ((), set()),
    ((Fault(kind=FaultKind.DISCONNECT, where="*", count=2),), {"close"}),
    (
        (
            Fault(kind=FaultKind.GAP, where="*depth*", count=2),
            Fault(kind=FaultKind.REFUSE, where="request/*depth*", status=400, count=2),
        ),
        {"failed"},
    ),
    ((Fault(kind=FaultKind.GARBAGE, where="*", count=5),), set()),
]


@pytest.mark.parametrize(("seed", "faults", "inputs"), [(seed, *each) for seed, each in enumerate(FAULTS, 1)])
def test_a_session_run_again_makes_the_same_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int, faults: tuple[Fault, ...], inputs: set[str]
) -> None:
    path, then = recorded(tmp_path, seed, faults)
    assert then.fills > 10
    assert then.orders_sent > 50
    assert then.amends_sent > 10
    assert then.cancels_sent > 10
    assert sum(then.refused.values()) > 0
    assert {"open", "recv", "http", "timer", "start", "stop", "order", "end"} | inputs <= {
        line["dir"] for line in lines_of(tmp_path)
    }
    code, now = replayed(path, capsys)
    assert now["session"] == {
        "equal": True,
        "inputs": now["session"]["inputs"],
        "effects": then.orders_sent + then.amends_sent + then.cancels_sent + then.fills,
        "incomplete": None,
        "difference": None,
        "changed": [],
    }
    assert code == ExitCode.STOPPED
    before = then.to_json()
    for key in (
        "orders_sent",
        "fills",
        "refused",
        "currencies",
        "positions",
        "book_updates",
        "gaps",
        "resyncs",
    ):
        assert now[key] == before[key], key


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recorded session and the profile that replays it."""
    folder = tmp_path_factory.mktemp("session")
    recorded(folder, 7)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    for file in ("drawer.py", "session.jsonl"):
        (tmp_path / file).write_bytes((whole / file).read_bytes())
    (tmp_path / "replay.yaml").write_text(
        (whole / "replay.yaml").read_text().replace(str(whole / "session.jsonl"), "session.jsonl")
    )
    return tmp_path


def test_a_changed_parameter_is_the_cause_of_the_first_order_that_differs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "replay.yaml"
    change(path, 'target_spread: "0.5"', 'target_spread: "0.7"')
    code, summary = replayed(path, capsys)
    assert code == ExitCode.DIFFERENT
    verdict = summary["session"]
    assert verdict["equal"] is False
    assert verdict["incomplete"] is None
    assert verdict["changed"] == ["strategies.maker.target_spread: then 0.5, now 0.7"]
    found = verdict["difference"]
    # The first quotes: they follow the frame or answer that made the book live.
    lines = lines_of(folder)
    first = next(number for number, line in enumerate(lines, 1) if " maker " in line.get("data", ""))
    cause = max(number for number in range(1, first) if lines[number - 1]["dir"] != "order")
    assert found["line"] == cause
    assert found["t"] == lines[cause - 1]["t"]
    assert found["then"][0] == lines[cause]["data"]
    assert found["now"] != found["then"]
    assert all("maker BTC/USDT@binance" in line for line in (*found["then"], *found["now"]))

    assert main(["run", str(path)]) == ExitCode.DIFFERENT
    shown = capsys.readouterr().out
    assert f"first difference, line {cause} of the recording, 2023-11-14 22:13:" in shown
    assert f"- {found['then'][0]}" in shown
    assert "strategies.maker.target_spread: then 0.5, now 0.7" in shown


def test_a_risk_limit_that_lets_less_through_differs_where_it_first_refuses(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "replay.yaml"
    change(path, 'limit: "0.01"', 'limit: "0.002"')
    code, summary = replayed(path, capsys)
    assert code == ExitCode.DIFFERENT
    found = summary["session"]["difference"]
    assert set(found["now"]) < set(found["then"])
    assert "limit: then 0.01, now 0.002" in summary["session"]["changed"][0]


def test_changed_code_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder / "drawer.py", "37_000_000", "38_000_000")
    code, summary = replayed(folder / "replay.yaml", capsys)
    assert code == ExitCode.DIFFERENT
    found = summary["session"]["difference"]
    assert found["input"].startswith("timer ")
    assert found["then"][0].startswith("timer ")
    assert summary["session"]["changed"][0].startswith("strategies.drawer code: then ")


def test_an_order_that_only_the_figures_show_is_found_at_the_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = lines_of(folder)
    end = json.loads(lines[-1]["data"])
    subject = next(name for name in end["figures"] if name.startswith("refused by "))
    end["figures"][subject] = "100000"
    lines[-1]["data"] = json.dumps(end)
    write_lines(folder, lines)
    code, summary = replayed(folder / "replay.yaml", capsys)
    assert code == ExitCode.DIFFERENT
    assert summary["session"]["difference"]["then"] == [f"{subject}: 100000"]
    assert summary["session"]["difference"]["input"] == "end of the session"


def write_lines(folder: Path, lines: list[dict[str, Any]]) -> None:
    (folder / "session.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 1])
def test_a_recording_that_is_cut_off_proves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], share: float
) -> None:
    file = folder / "session.jsonl"
    data = file.read_bytes()
    # The first line, and that much of the others; the last byte is the end of the last line.
    head = data.index(b"\n") + 1
    file.write_bytes(data[: head + int((len(data) - head - 2) * share)])
    code, summary = replayed(folder / "replay.yaml", capsys)
    assert code == ExitCode.FAULT
    verdict = summary["session"]
    assert verdict["equal"] is None
    assert verdict["difference"] is None
    assert "cut off before the end of the session" in verdict["incomplete"]
    assert main(["run", str(folder / "replay.yaml")]) == ExitCode.FAULT
    out = capsys.readouterr().out
    assert "not proved equal" in out
    assert "\nequal:" not in out


def test_a_line_that_is_missing_is_noticed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(folder)
    count = len(lines) - 1
    # A timer of the log, which nothing follows: no order differs without it.
    number = next(
        number
        for number in range(count - 1, 0, -1)
        if lines[number]["dir"] == "timer" and lines[number + 1]["dir"] == "timer"
    )
    del lines[number]
    write_lines(folder, lines)
    code, summary = replayed(folder / "replay.yaml", capsys)
    assert code in (ExitCode.FAULT, ExitCode.DIFFERENT)
    assert summary["session"]["equal"] is not True
    assert f"{count} records were written and {count - 1} are there".replace(",", "") in summary["session"][
        "incomplete"
    ].replace(",", "")


def test_a_recorder_that_falls_behind_says_so_and_claims_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hft.run.session.recorder.Tap", lambda clock: Tap(clock=clock, max_records=90))
    warnings: list[str] = []
    path, _ = recorded(tmp_path, warnings=warnings)
    assert warnings.count("the recording of the session is behind, what follows cannot be replayed") == 1
    code, summary = replayed(path, capsys)
    assert code == ExitCode.FAULT
    assert summary["session"]["equal"] is None
    assert summary["session"]["difference"] is None
    assert "the recorder fell behind" in summary["session"]["incomplete"]


def test_a_bug_in_a_timer_halts_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [0]

    class FaultyWatchdog(Watchdog):
        def _look(self) -> None:
            calls[0] += 1
            if calls[0] % 10 == 0:
                raise RuntimeError("boom")
            super()._look()

    monkeypatch.setattr("hft.run.kernel.Watchdog", FaultyWatchdog)
    path, then = recorded(tmp_path)
    assert then.halted == "bug: RuntimeError: boom"
    calls[0] = 0
    code, summary = replayed(path, capsys)
    assert (code, summary["session"]["equal"]) == (ExitCode.STOPPED, True)
    assert summary["halted"] == then.halted
    calls[0] = 5
    code, summary = replayed(path, capsys)
    assert code == ExitCode.DIFFERENT
    found = summary["session"]["difference"]
    assert found["input"].startswith("timer ")
    assert found["now"] == [*found["then"], "a timer raised RuntimeError: boom"]


def test_the_panel_values_positions_and_that_is_an_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    path, then = recorded(tmp_path, console=console)
    marks = [number for number, line in enumerate(lines_of(tmp_path)) if line["dir"] == "mark"]
    assert len(marks) > 10
    code, now = replayed(path, capsys)
    assert (code, now["session"]["equal"]) == (ExitCode.STOPPED, True)
    assert now["positions"] == then.to_json()["positions"]


def test_a_run_that_never_started_is_a_session_without_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "session.jsonl"
    path = write_profile(tmp_path, PROFILE.format(seed=1, port=1))
    options = ["--duration", "300ms", "--json", "--record", str(record)]
    assert main(["run", str(path), *options]) == ExitCode.FAULT
    capsys.readouterr()
    change(path, "mode: dry-run", f"mode: replay\ncaptures: [{record}]")
    code, summary = replayed(path, capsys)
    assert (code, summary["session"]["equal"], summary["session"]["effects"]) == (ExitCode.STOPPED, True, 0)


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "session.jsonl"
    record.write_text("precious")
    path = write_profile(tmp_path, PROFILE.format(seed=1, port=1))
    assert main(["run", str(path), "--duration", "1s", "--record", str(record)]) == ExitCode.FAULT
    assert "exists already" in capsys.readouterr().err
    assert record.read_text() == "precious"


def test_secrets_are_not_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"SPREAD": "0.53", "KEY": "open", "SECRET": "sesame"}.items():
        monkeypatch.setenv(name, value)
    keys = 'use: binance\n    key: "${{KEY}}"\n    secret: "${{SECRET}}"\n'
    text = PROFILE.replace("use: binance\n", keys).replace('"0.5"', '"${{SPREAD}}"')
    monkeypatch.setitem(globals(), "PROFILE", text)
    path, _ = recorded(tmp_path)
    assert "sesame" not in (tmp_path / "session.jsonl").read_text()
    header = lines_of(tmp_path)[0]["data"]
    assert "${SPREAD}" in header
    assert "0.53" not in header
    code, summary = replayed(path, capsys)
    assert (code, summary["session"]["equal"]) == (ExitCode.STOPPED, True)


@pytest.mark.parametrize("mode", ["replay", "backtest"])
def test_only_what_exchanges_send_now_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    text = (PROFILES / "quickstart.yaml").read_text()
    more = "\ncaptures: [x.jsonl]" if mode == "replay" else ""
    (tmp_path / "x.jsonl").touch()
    path = tmp_path / "profile.yaml"
    path.write_text(text.replace("mode: dry-run", f"mode: {mode}{more}"))
    assert main(["run", str(path), "--yes", "--record", str(tmp_path / "s.jsonl")]) == ExitCode.USAGE
    assert f"of mode '{mode}', only sessions of modes 'dry-run' and 'live' are recorded" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "s.jsonl").exists()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("mode", "backtest", "is a session of mode 'backtest', which this hft does not replay"),
        ("format", 2, "is a session of format 2, this hft replays format 1"),
    ],
)
def test_a_session_that_cannot_be_replayed_says_why(
    folder: Path, capsys: pytest.CaptureFixture[str], key: str, value: Any, words: str
) -> None:
    lines = lines_of(folder)
    lines[0]["data"] = json.dumps(json.loads(lines[0]["data"]) | {key: value})
    write_lines(folder, lines)
    assert main(["run", str(folder / "replay.yaml")]) == ExitCode.FAULT
    assert words in capsys.readouterr().err


def test_a_session_is_replayed_by_itself_and_to_its_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "replay.yaml"
    assert main(["run", str(path), "--duration", "1s"]) == ExitCode.USAGE
    assert "leave out --duration" in capsys.readouterr().err
    change(path, "[session.jsonl]", "[session.jsonl, session.jsonl]")
    assert main(["run", str(path)]) == ExitCode.USAGE
    assert "replayed by itself" in capsys.readouterr().err


def test_a_session_is_a_capture_as_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(folder / "session.jsonl")
    assert main(["replay", file, "--exchange", "binance", "--json"]) == ExitCode.STOPPED
    report = json.loads(capsys.readouterr().out)
    assert report["instruments"]["BTC/USDT@binance"]["state"] == "LIVE"


def test_processes_with_other_hashes_do_the_same(tmp_path: Path) -> None:
    text = (PROFILES / "quickstart.yaml").read_text()
    (tmp_path / "dry.yaml").write_text(text)
    (tmp_path / "replay.yaml").write_text(
        text.replace("mode: dry-run", "mode: replay\ncaptures: [session.jsonl.zst]")
    )

    def hft(seed: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "hft", "run", *arguments, "--json"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    code, then = hft("1", "dry.yaml", "--duration", "5s", "--record", "session.jsonl.zst")
    assert code == ExitCode.STOPPED
    assert then["orders_sent"] > 0
    code, now = hft("2", "replay.yaml")
    assert (code, now["session"]["equal"]) == (ExitCode.STOPPED, True)
    assert (now["positions"], now["fills"]) == (then["positions"], then["fills"])
