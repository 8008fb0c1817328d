"""``hft backtest``: the worked example, the same bytes twice, and what is said of data that do not do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")

from hft import Instrument, InstrumentId, InstrumentKind
from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.data import LAST, ColumnsWriter, Kind
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.backtest import run_backtest
from hft.run.backtest_report import backtest_report
from hft.run.result import BacktestResult
from hft.run.watch import BacktestWatch

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "backtest.md"
START_NS = 1_704_067_200_000_000_000
MS = 1_000_000

INSTRUMENT = Instrument(
    id=InstrumentId("BTC/USDT", "binance"),
    native_symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.5"),
    lot_size=Decimal("0.001"),
)

PROFILE = """
name: test
mode: backtest
data: [data]
exchanges:
  {key}:
    use: binance
    paper: {{order_latency: 2ms, response_latency: 1ms, maker_fee: "0.001", taker_fee: "0.002"}}
strategies:
  script: {{use: ./script.py, instruments: [BTC/USDT@{key}]}}
"""

SCRIPT = '''
"""Do at fixed times what the test says, and log every fill."""
import attrs
from hft import Price, Side, Size, Strategy

ACTIONS = {actions!r}
START_NS = {start_ns}

@attrs.frozen(kw_only=True)
class Config:
    pass

class Script(Strategy[Config]):
    def on_start(self):
        self.orders = {{}}
        for at, order, does, price, size in ACTIONS:
            self.trading.clock.call_at(
                START_NS + at * 1_000_000, lambda *args, what=(order, does, price, size): self.act(*what)
            )

    def act(self, order, does, price, size):
        if does == "cancel":
            self.trading.cancel(self.orders[order])
        else:
            (market,) = self.trading.markets
            self.orders[order] = self.trading.place(market.instrument, Side(does), Size(size), Price(price))

    def on_fill(self, fill):
        names = {{order.client_order_id: name for name, order in self.orders.items()}}
        self.trading.log(
            f"{{names[fill.client_order_id]}} {{fill.exchange_ns}} {{fill.recv_ns}} {{fill.side}}"
            f" {{fill.price}} {{fill.size}} {{fill.liquidity.value}} {{fill.fee:f}}"
        )
'''


MAKER = """
name: maker
mode: backtest
data: [data]
exchanges:
  binance:
    use: binance
    paper:
      order_latency: 1ms
      response_latency: 1ms
      latency_sigma: "0.5"
      queue: log
      funding_rate: "0.0001"
      funding_interval: 7s
strategies:
  maker:
    use: market_making
    instruments: ["BTC/USDT:USDT@binance"]
    target_spread: "0.1"
    order_size: "0.005"
    max_position: "0.1"
    refresh: 1s
risk:
  - {use: max_position, instrument: "BTC/USDT:USDT@binance", limit: "0.1"}
  - {use: drawdown, asset: USDT, limit: "1000"}
"""
TWO = """
name: two
mode: backtest
data: [data]
exchanges:
  one: {use: binance}
  other: {use: binance}
strategies:
  pair: {use: ./pair.py, instruments: [BTC/USDT@one, BTC/USDT@other]}
"""
PAIR = f'''
"""Say what is seen."""
import attrs
from hft import Strategy

@attrs.frozen(kw_only=True)
class Config:
    pass

class Pair(Strategy[Config]):
    def on_book(self, book):
        ms = (self.trading.clock.now_ns() - {START_NS}) // {MS}
        self.trading.log(f"{{ms}} {{book.instrument}} {{book.best_bid}}")
'''


def table(first: str) -> list[dict[str, str]]:
    """Return the rows of the table of the page whose head begins like this."""
    block = re.search(rf"^\| {re.escape(first)} \|.*?\n\n", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert block
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in block[0].strip().splitlines()
    ]
    return [dict(zip(head, row, strict=True)) for row in rows]


def write(folder: Path, rows: list[Mapping[str, int]], instrument: Instrument = INSTRUMENT) -> None:
    with ColumnsWriter(folder, instrument) as writer:
        writer.append({name: [row[name] for row in rows] for name in rows[0]})


def example() -> list[Mapping[str, int]]:
    rows = table("event | happens")
    return [
        {
            "exchange_ns": START_NS + int(row["happens"]) * MS,
            "recv_ns": START_NS + int(row["seen"]) * MS,
            "kind": Kind[row["what"].upper()],
            "side": 1 if row["side"] == "buy" else -1,
            "price": int(row["price"]),
            "size": int(row["size"]),
            "flags": LAST * (int(row["event"]) >= 5),
        }
        for row in rows
    ]


def actions() -> list[tuple[int, str, str, int, int]]:
    return [
        (int(row["at"]), row["order"], row["does"], int(row["price"] or 0), int(row["size"] or 0))
        for row in table("at | order")
    ]


Run = Callable[..., tuple[BacktestResult, list[str]]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Write a profile and its script, and run them on the folder ``data``."""

    def run(
        does: list[tuple[Any, ...]], key: str = "binance", watch: BacktestWatch | None = None
    ) -> tuple[BacktestResult, list[str]]:
        (tmp_path / "p.yaml").write_text(PROFILE.format(key=key))
        (tmp_path / "script.py").write_text(SCRIPT.format(actions=does, start_ns=START_NS))
        lines: list[str] = []
        profile = read_profile(tmp_path / "p.yaml", Registry())
        result = run_backtest(
            profile, console=None, write=lines.append, warn=lambda _, line: None, watch=watch
        )
        return result, lines

    return run


def test_the_worked_example(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "data", example())
    result, lines = run(actions())
    told = [
        f"script: {row['order']} {START_NS + int(row['at']) * MS} {START_NS + int(row['told at']) * MS}"
        f" {row['side']} {row['price']} {row['size']} {row['as']} {row['fee']}"
        for row in table("order | at")
    ]
    assert lines == told
    (profit,) = re.findall(r"\*\*(\S+) USDT\*\*", PAGE.read_text())
    assert result.summary.totals.net == Decimal(profit)
    figures = result.instruments["BTC/USDT@binance"]
    assert (figures.orders_accepted, figures.fill_ratio) == (3, 1.0)
    assert (figures.maker_fills, figures.taker_fills) == (5, 1)
    assert figures.turnover == (609 + 408) * Decimal("0.0005")
    # Both sides wait from 8, when B arrives, to 18, when it is filled, of the 28 from 1 to 29.
    assert figures.time_at_quote == pytest.approx(10 / 28)
    # A joins behind 7 and B behind 8 and C behind none; filled after 6, 7 and 2 ms.
    assert figures.queue_ahead == pytest.approx(0.005)
    assert figures.queue_wait_ms == pytest.approx(5)
    assert figures.inventory_max == Decimal("0.002")
    assert result.events == 20


def test_days_follow_each_other_and_one_exchange_may_have_another_key(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "data" / "1", example()[:9])
    write(tmp_path / "data" / "2", example()[9:])
    result, lines = run(actions(), key="mine")
    assert len(lines) == len(table("order | at"))
    assert result.summary.positions["BTC/USDT@mine"].size == "0.002"


def test_the_same_input_gives_the_same_bytes(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "elsewhere", example())
    write(tmp_path / "data", example()[:5])
    run(actions())
    outputs = []
    for _ in range(2):
        command = ["backtest", str(tmp_path / "p.yaml"), "--json", "--data", str(tmp_path / "elsewhere")]
        assert main(command) == ExitCode.STOPPED
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    result = json.loads(outputs[0])
    assert result["net_pnl"] == "0.0008885"
    assert result["performance"]["USDT"]["samples"] == 1
    assert result["instruments"]["BTC/USDT@binance"]["turnover"] == "0.5085"
    assert main(command[:2]) == ExitCode.STOPPED
    assert "time with a bid and an ask waiting" in capsys.readouterr().out


def test_instruments_of_several_exchanges_are_merged_by_time(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(TWO)
    (tmp_path / "pair.py").write_text(PAIR)
    fields = {"native_symbol", "kind", "base", "quote", "settle", "tick_size", "lot_size"}
    for key, shift_ms, price in (("one", 0, 100), ("other", 1, 200)):
        instrument = Instrument(
            id=InstrumentId("BTC/USDT", key), **{name: getattr(INSTRUMENT, name) for name in fields}
        )
        rows = [
            {"exchange_ns": START_NS + (shift_ms + 2 * i) * MS, "recv_ns": START_NS + (shift_ms + 2 * i) * MS}
            | {"kind": Kind.LEVEL, "side": 1, "price": price + i, "size": 1, "flags": LAST}
            for i in range(3)
        ]
        write(tmp_path / "data" / key, rows, instrument)
    lines: list[str] = []
    profile = read_profile(tmp_path / "p.yaml", Registry())
    result = run_backtest(profile, console=None, write=lines.append, warn=lambda _, line: None)
    assert lines == [
        f"pair: {ms} BTC/USDT@{key} {price}"
        for i in range(3)
        for ms, key, price in [(2 * i, "one", 100 + i), (2 * i + 1, "other", 200 + i)]
    ]
    assert set(result.instruments) == {"BTC/USDT@one", "BTC/USDT@other"}


def funded(folder: Path, paper: str) -> str:
    """Run a maker over 60 s of a feed with funding beside it; return what it came to."""
    (folder / "p.yaml").write_text(
        MAKER.replace('funding_rate: "0.0001"', paper).replace("      funding_interval: 7s\n", "")
    )
    profile = read_profile(folder / "p.yaml", Registry())
    result = run_backtest(profile, console=None, write=lambda line: None, warn=lambda _, line: None)
    return str(result.summary.currencies["USDT"].funding)


def test_funding_that_lies_with_the_data_is_paid_unless_the_profile_says_what_is(tmp_path: Path) -> None:
    from benchmarks.backtests.feed import START_NS as FEED_NS
    from benchmarks.backtests.feed import write_feed
    from hft.errors import DataError
    from hft.funding import FUNDING, FundingRate, write_funding

    day = write_feed(tmp_path / "data", 20_000)
    assert funded(tmp_path, "queue_power: '3'") == "0"
    rows = [FundingRate(FEED_NS + 30 * 10**9, "BTC/USDT:USDT", Decimal("0.001"))]
    write_funding(day / FUNDING, rows)
    recorded = funded(tmp_path, "queue_power: '3'")
    assert recorded != "0"
    assert funded(tmp_path, 'funding_rate: "0"') == "0"
    write_funding(tmp_path / "f.csv", rows)
    assert funded(tmp_path, "funding_rates: f.csv") == recorded
    # At twice the price it is twice as much.
    twice = [row._replace(mark=Decimal(120_000)) for row in rows]
    write_funding(day / FUNDING, twice)
    assert 1.9 < float(funded(tmp_path, "queue_power: '3'")) / float(recorded) < 2.1
    (day / FUNDING).write_text("nothing")
    with pytest.raises(DataError, match=r"funding\.csv: the first line must be"):
        funded(tmp_path, "queue_power: '3'")


def test_native_and_pure_give_the_same_bytes(tmp_path: Path) -> None:
    from benchmarks.backtests.feed import write_feed

    write_feed(tmp_path / "data", 20_000)
    (tmp_path / "p.yaml").write_text(MAKER)
    outputs = []
    for pure in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-m", "hft", "backtest", str(tmp_path / "p.yaml"), "--json"],
            env=os.environ | {"HFT_PURE_PYTHON": pure},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    result = json.loads(outputs[0])
    assert result["fills"] > 10
    assert result["currencies"]["USDT"]["funding"] != "0"


def test_a_duration_ends_it(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data", example())
    run([])
    assert main(["backtest", str(tmp_path / "p.yaml"), "--json", "--duration", "13ms"]) == ExitCode.STOPPED
    assert json.loads(capsys.readouterr().out)["events"] == 11


def test_a_lost_book_is_lost_for_us(tmp_path: Path, run: Run) -> None:
    lost = [
        {"exchange_ns": START_NS + ms * MS, "recv_ns": START_NS + ms * MS, "kind": kind, "side": side}
        | {"price": price, "size": 5, "flags": LAST}
        for ms, kind, side, price in [
            (30, Kind.CLEAR, 1, 1),
            (40, Kind.LEVEL, 1, 100),
            (41, Kind.LEVEL, -1, 102),
            (50, Kind.LEVEL, 1, 103),
            (60, Kind.LEVEL, 1, 99),
        ]
    ]
    write(tmp_path / "data", example() + lost)
    # While it is lost, and while it is crossed, nothing may be sent; the kernel refuses.
    result, _ = run([(35, "D", "buy", 90, 1), (45, "E", "buy", 91, 1), (55, "F", "buy", 92, 1)])
    assert result.summary.refused == {"book": 2}
    assert result.instruments["BTC/USDT@binance"].orders_accepted == 1


@pytest.mark.parametrize("pure", ["0", "1"])
@pytest.mark.parametrize(
    ("change", "says"),
    [({"kind": 9}, "event 7 is of unknown kind 9"), ({"kind": 1, "price": 0}, "level 0 x 6")],
)
def test_an_event_that_is_none_ends_it(tmp_path: Path, change: dict[str, int], says: str, pure: str) -> None:
    rows = example()
    rows[7] = {**rows[7], **change, "size": 6}
    write(tmp_path / "data", rows)
    profile = tmp_path / "p.yaml"
    profile.write_text(PROFILE.format(key="binance"))
    (tmp_path / "script.py").write_text(SCRIPT.format(actions=[], start_ns=START_NS))
    done = subprocess.run(
        [sys.executable, "-m", "hft", "backtest", str(profile)],
        env=os.environ | {"HFT_PURE_PYTHON": pure},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.FAULT
    assert says in done.stderr


@pytest.mark.parametrize(
    ("key", "change", "says"),
    [
        ("binance", {"id": InstrumentId("ETH/USDT", "binance")}, "no data of BTC/USDT@binance"),
        ("binance", {"tick_size": Decimal("0.1")}, "tick of 0.1"),
        ("binance", {}, "begins before"),
    ],
)
def test_data_that_do_not_fit_are_named(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], key: str, change: Any, says: str
) -> None:
    fields = {"native_symbol", "kind", "base", "quote", "settle", "id", "tick_size", "lot_size"}
    other = Instrument(**({name: getattr(INSTRUMENT, name) for name in fields} | change))
    write(tmp_path / "data", example())
    run([])
    if "id" not in change:
        write(tmp_path / "more" / "a", example())
    write(tmp_path / "more" / "b", example(), other)
    assert main(["backtest", str(tmp_path / "p.yaml"), "--data", str(tmp_path / "more")]) != ExitCode.STOPPED
    assert says in capsys.readouterr().err


def test_only_profiles_of_its_mode(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data", example())
    run([])
    profile = tmp_path / "p.yaml"
    assert main(["run", str(profile)]) == ExitCode.USAGE
    assert "hft backtest" in capsys.readouterr().err
    text = profile.read_text()
    profile.write_text(text.replace("data: [data]\n", ""))
    assert main(["backtest", str(profile)]) == ExitCode.USAGE
    assert "--data" in capsys.readouterr().err
    profile.write_text(text.replace("data: [data]", "data: [nowhere]"))
    assert main(["backtest", str(profile)]) == ExitCode.USAGE
    assert "is not a folder" in capsys.readouterr().err
    profile.write_text(text.replace("backtest", "dry-run").replace("data: [data]\n", ""))
    assert main(["backtest", str(profile)]) == ExitCode.USAGE
    assert "mode: backtest" in capsys.readouterr().err


# -- the report ------------------------------------------------------------------------------------------


def test_a_watch_changes_nothing_and_sees_where_profit_comes_from(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "data", example())
    watch = BacktestWatch()
    result, lines = run(actions(), watch=watch)
    assert (result.to_json(), lines) == (lambda other: (other[0].to_json(), other[1]))(run(actions()))
    (money,) = watch.currencies
    # Better than the middle by 2, 1.5, 0, 2, -2 and -1 ticks times lots; the rest is the position's.
    assert money.spread[-1] == pytest.approx(2.5 * 0.0005)
    assert money.inventory[-1] == pytest.approx((3 - 2.5) * 0.0005)
    assert money.fees[-1] == pytest.approx(-0.0006115)
    assert money.net[-1] == pytest.approx(float(result.summary.totals.net))
    for parts in zip(money.net, money.spread, money.inventory, money.fees, money.funding, strict=True):
        assert parts[0] == pytest.approx(sum(parts[1:]))
    (one,) = watch.instruments
    assert (one.name, one.unit, one.currency, one.fill_count) == ("BTC/USDT@binance", "BTC", "USDT", 6)
    assert [(fill.time_ns, fill.side, fill.price, fill.size, fill.is_maker) for fill in one.fills] == [
        (
            START_NS + int(row["at"]) * MS,
            1 if row["side"] == "buy" else -1,
            int(row["price"]) / 2,
            pytest.approx(int(row["size"]) / 1000),
            row["as"] == "maker",
        )
        for row in table("order | at")
    ]
    assert len({len(each) for each in (watch.times_ns, one.mid, one.position, one.feed_latency_ms)}) == 1
    assert watch.times_ns == sorted(set(watch.times_ns))
    at = {time_ns: number for number, time_ns in enumerate(watch.times_ns)}
    for after, position in ((9, 0), (14, 2), (17, 1), (20, -2), (24, -1), (27, 1), (29, 2)):
        assert one.position[at[START_NS + after * MS]] == pytest.approx(position / 1000)
    assert one.mid[at[START_NS + 17 * MS]] == 101 / 2
    assert one.feed_latency_ms[at[START_NS + 20 * MS]] == pytest.approx(1)


def test_a_report_is_written_and_is_the_same_each_time(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "data", example())
    run(actions())
    page = tmp_path / "out.html"
    command = ["backtest", str(tmp_path / "p.yaml"), "--json", "--report", str(page)]
    assert main(command) == ExitCode.STOPPED
    first, printed = page.read_bytes(), capsys.readouterr().out
    assert main(command) == ExitCode.STOPPED
    assert page.read_bytes() == first
    assert capsys.readouterr().out == printed
    assert "0.0008885" in first.decode()
    assert main([*command[:-1], str(tmp_path / "nowhere" / "out.html")]) == ExitCode.USAGE
    assert "there is no folder" in capsys.readouterr().err


def test_a_run_without_a_trade_has_a_report(tmp_path: Path, run: Run) -> None:
    write(tmp_path / "data", example())
    watch = BacktestWatch()
    result, _ = run([], watch=watch)
    report = backtest_report(result, watch)
    assert report.instruments[0].fills == []
    assert set(report.currencies[0].net) == {0.0}
