"""``hft run`` as a user types it: on a recording, on a simulated exchange, and when something is wrong."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main

PROFILES = Path(__file__).parents[1] / "profiles"
CAPTURES = Path(__file__).parents[2] / "shared" / "captures" / "binance"

REPLAY = """
name: test
mode: replay
captures: [{capture}]
exchanges:
  binance: {{use: binance, paper: {{order_latency: 2ms, response_latency: 2ms, {fees}}}}}
strategies:
  maker:
    use: {use}
    instruments: ["{instrument}"]
"""
FEES = 'maker_fee: "0.0002", taker_fee: "0.0005"'
MAKER = """
    target_spread: "1.0"
    order_size: "0.002"
    max_position: "0.1"
    levels: 5
    refresh: 1s
"""
JOINER = '''
"""Join the best bid and ask; do what the test wants besides."""
import attrs
from hft import Size, Strategy

@attrs.frozen(kw_only=True)
class Config:
    pass

class Joiner(Strategy[Config]):
    def on_book(self, book):
        size = Size(book.instrument.min_size * 100)
        if book.best_bid and book.best_ask:
            self.trading.quote(book.instrument, [(book.best_bid, size)], [(book.best_ask, size)])
'''


FAULT = """
        if self.trading.open_orders(book.instrument):
            raise RuntimeError("boom")
"""
START_FAULT = """
    def on_start(self):
        {}["no such key"]
"""
MARKUP_FAULT = """
        raise RuntimeError("[/red] :bomb:")
"""


def run_json(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    code = main(["run", str(path), "--json", *options])
    out, err = capsys.readouterr()
    assert out, err
    return code, json.loads(out)


def assert_adds_up(summary: dict[str, Any]) -> None:
    """Cash and inventory at its mark, less fees, is the profit: to the last digit."""
    assert summary["positions"]
    worth = fees = Decimal(0)
    for position in summary["positions"].values():
        worth += Decimal(position["cash"]) + Decimal(position["size"]) * Decimal(position["mark"])
        fees += sum(map(Decimal, position["fees"].values()), Decimal(0))
    assert worth - fees == Decimal(summary["net_pnl"])
    assert Decimal(summary["realized_pnl"]) + Decimal(summary["unrealized_pnl"]) == worth
    assert fees == Decimal(summary["fees"])


def replay_profile(tmp_path: Path, capture: Path, *, use: str, instrument: str, config: str = "") -> Path:
    path = tmp_path / "replay.yaml"
    path.write_text(REPLAY.format(capture=capture, use=use, instrument=instrument, fees=FEES) + config)
    return path


def test_a_recording_gives_the_same_fills_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    code, first = run_json(PROFILES / "capture.yaml", capsys)
    assert code == ExitCode.STOPPED
    assert first["mode"] == "replay"
    assert first["fills"] > 0
    assert first["orders_sent"] > 0
    assert first["undecoded"] == first["gaps"] == first["open_orders_left"] == 0
    assert first["latency_us"]["p50"] <= first["latency_us"]["p99"] <= first["latency_us"]["max"]
    stages = first["latency_us"]["stages"]
    assert list(stages) == ["feed", "decode", "book", "strategy", "risk", "send", "acknowledge"]
    assert stages["risk"]["count"] >= first["orders_sent"]
    assert stages["send"]["count"] == sum(first[f"{what}_sent"] for what in ("orders", "amends", "cancels"))
    assert all(0 < stage["p50"] <= stage["p99"] <= stage["max"] for stage in stages.values())
    assert_adds_up(first)
    _, second = run_json(PROFILES / "capture.yaml", capsys)
    del first["latency_us"], second["latency_us"]
    assert second == first


def test_an_answer_that_cannot_be_read_is_counted_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with gzip.open(PROFILES / "captures/simulated.jsonl.gz", "rt") as file:
        lines = file.readlines()
    listing = json.loads(lines[0])
    assert "/exchangeInfo" in listing["conn"]
    capture = tmp_path / "broken.jsonl"
    capture.write_text(json.dumps(listing | {"data": "<html>"}) + "\n" + "".join(lines))
    path = replay_profile(tmp_path, capture, use="market_making", instrument="BTC/USDT@binance", config=MAKER)
    code, summary = run_json(path, capsys)
    assert code == ExitCode.STOPPED
    assert summary["undecoded"] == 1
    assert summary["fills"] > 0


def test_a_duration_is_of_the_recording(capsys: pytest.CaptureFixture[str]) -> None:
    _, summary = run_json(PROFILES / "capture.yaml", capsys, "--duration", "5s")
    assert 4 < summary["duration_s"] <= 5
    assert summary["open_orders_left"] == 0


def test_records_of_an_exchange_that_the_profile_has_not_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = PROFILES / "captures/simulated.jsonl.gz"
    other = tmp_path / "other.jsonl"
    first = json.loads(gzip.decompress(capture.read_bytes()).splitlines()[0])
    other.write_text(json.dumps(first | {"exchange": "okx"}) + "\n")
    path = replay_profile(tmp_path, capture, use="market_making", instrument="BTC/USDT@binance", config=MAKER)
    path.write_text(path.read_text().replace(str(capture), f"{capture}, {other}"))
    assert main(["run", str(path), "--json"]) == ExitCode.STOPPED
    err = capsys.readouterr().err
    assert err.count("records of exchange 'okx' are left out: the profile has binance") == 1


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the recorded sessions of real exchanges are not here")
@pytest.mark.parametrize(
    ("capture", "instrument"),
    [
        ("spot_btcusdt_2024-08-08.jsonl.gz", "BTC/USDT@binance"),
        ("usdm_btcusdt_2024-08-08.jsonl.gz", "BTC/USDT:USDT@binance"),
    ],
)
def test_market_making_on_what_binance_really_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], capture: str, instrument: str
) -> None:
    path = replay_profile(
        tmp_path, CAPTURES / capture, use="market_making", instrument=instrument, config=MAKER
    )
    code, summary = run_json(path, capsys, "--duration", "120s")
    assert code == ExitCode.STOPPED
    assert summary["fills"] > 10
    assert summary["undecoded"] == summary["gaps"] == 0
    assert_adds_up(summary)


@contextmanager
def started_quickstart(*options: str) -> Iterator[subprocess.Popen[str]]:
    """Start it as a terminal would; whatever happens, it does not outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hft", "run", str(PROFILES / "quickstart.yaml"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests may have been started with nohup, which is inherited, and which the command respects.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_the_quick_start_trades_on_a_simulated_exchange() -> None:
    with started_quickstart("--duration", "6s", "--json") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.STOPPED, err
    summary = json.loads(out)
    assert summary["orders_sent"] > 0
    assert summary["book_updates"] > 0
    assert summary["open_orders_left"] == summary["undecoded"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_cleanly(number: signal.Signals) -> None:
    with started_quickstart("--json") as process:
        assert process.stderr is not None
        while "started in mode dry-run: BTC/USDT@binance" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(2)  # another process's time: there is no clock here to simulate
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == ExitCode.STOPPED, err
    summary = json.loads(out)
    assert summary["orders_sent"] > 0
    assert summary["open_orders_left"] == 0
    assert not children_of(process.pid)


def test_a_run_that_never_started_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (PROFILES / "binance-mainnet.yaml").read_text()
    path = tmp_path / "unreachable.yaml"
    path.write_text(text.replace("environment: mainnet", "url: http://127.0.0.1:1"))
    code, summary = run_json(path, capsys, "--duration", "100ms")
    assert code == ExitCode.FAULT
    assert summary["faults"] == [
        "nothing was started within the duration: an exchange has not answered,"
        " or orders of an earlier run are in doubt"
    ]


def children_of(pid: int) -> list[str]:
    """Return the command lines of what a process has left behind."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "stat").read_text().rsplit(")", 1)[1].split()[1] == str(pid):
                left.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return left


def test_a_strategy_that_raises_is_stopped_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "joiner.py").write_text(JOINER + FAULT)
    path = replay_profile(
        tmp_path, PROFILES / "captures/simulated.jsonl.gz", use="./joiner.py", instrument="BTC/USDT@binance"
    )
    code, summary = run_json(path, capsys)
    assert code == ExitCode.FAULT
    assert len(summary["faults"]) == 1
    line = (JOINER + FAULT).splitlines().index('            raise RuntimeError("boom")') + 1
    assert f"'maker' raised RuntimeError: boom ({tmp_path}/joiner.py:{line})" in summary["faults"][0]
    assert summary["orders_sent"] == 2
    assert summary["open_orders_left"] == 0


def test_what_raises_before_the_first_event_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "joiner.py").write_text(JOINER + START_FAULT)
    path = replay_profile(
        tmp_path, PROFILES / "captures/simulated.jsonl.gz", use="./joiner.py", instrument="BTC/USDT@binance"
    )
    assert main(["run", str(path)]) == ExitCode.USAGE
    line = (JOINER + START_FAULT).splitlines().index('        {}["no such key"]') + 1
    assert capsys.readouterr().err == (
        f"hft: strategy 'maker' cannot start: KeyError: 'no such key' ({tmp_path}/joiner.py:{line})\n"
    )


def test_the_summary_shows_what_was_raised_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "joiner.py").write_text(JOINER + MARKUP_FAULT)
    path = replay_profile(
        tmp_path, PROFILES / "captures/simulated.jsonl.gz", use="./joiner.py", instrument="BTC/USDT@binance"
    )
    assert main(["run", str(path)]) == ExitCode.FAULT
    fault = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("fault: "))
    assert "RuntimeError: [/red] :bomb:" in fault
    assert fault.endswith("its orders are cancelled")  # in a pipe a line is not broken up


def test_a_rule_that_raises_halts_trading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "joiner.py").write_text(JOINER)
    (tmp_path / "rule.py").write_text(
        "import attrs\nfrom hft import APPROVED, RiskRule\n\n"
        "@attrs.frozen(kw_only=True)\nclass Config:\n    pass\n\n"
        "class Broken(RiskRule[Config]):\n"
        "    def check(self, order, view):\n        return 1 / 0\n"
    )
    path = replay_profile(
        tmp_path, PROFILES / "captures/simulated.jsonl.gz", use="./joiner.py", instrument="BTC/USDT@binance"
    )
    path.write_text(path.read_text() + "risk:\n  - use: ./rule.py\n")
    code, summary = run_json(path, capsys)
    assert code == ExitCode.HALTED
    assert f"ZeroDivisionError: division by zero ({tmp_path}/rule.py:10)" in summary["halted"]
    assert summary["orders_sent"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("BTC/USDT@binance", "BTC/USDD@binance"), ["no instrument 'BTC/USDD'", "did you mean 'BTC/USDT'?"]),
        (('order_size: "0.001"', 'order_size: "0.0012345678"'), ["order_size 0.0012345678", "lot size"]),
        (("mode: replay\ncaptures: [captures/simulated.jsonl.gz]", "mode: backtest"), ["'backtest'"]),
    ],
)
def test_what_cannot_run_says_why_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], words: list[str]
) -> None:
    text = (PROFILES / "capture.yaml").read_text()
    assert change[0] in text
    text = text.replace(*change).replace("captures/", f"{PROFILES}/captures/")
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    assert main(["run", str(path), "--json"]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    for word in words:
        assert word in err
