"""``queue: l3``: the worked example, whole backtests, and data with which it cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")

from hft import Price, Side, Size
from hft.book import new_book
from hft.data import COLUMNS, LAST, ORDER_COLUMNS, ColumnsWriter, Kind
from hft.errors import DataError
from hft.paper import L3Queue
from hft.paper.choice import new_fill_model
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.backtest import run_backtest
from hft.run.tape import Span
from hft.types import BookState
from tests.test_backtest import INSTRUMENT, MS, START_NS, table

PROFILE = """
name: test
mode: backtest
data: [data]
exchanges:
  binance:
    use: binance
    paper: {order_latency: 0ms, response_latency: 0ms, maker_fee: "0", taker_fee: "0", queue: QUEUE}
strategies:
  two: {use: ./two.py, instruments: [BTC/USDT@binance]}
"""

TWO = f'''
"""Buy twice at 100 and log every fill."""
import attrs
from hft import Price, Side, Size, Strategy

@attrs.frozen(kw_only=True)
class Config:
    pass

class Two(Strategy[Config]):
    def on_start(self):
        (market,) = self.trading.markets
        for ms, size in ((2, 4), (4, 2)):
            self.trading.clock.call_at(
                {START_NS} + ms * {MS},
                lambda size=size: self.trading.place(market.instrument, Side.BUY, Size(size), Price(100)),
            )

    def on_fill(self, fill):
        ms = (fill.exchange_ns - {START_NS}) // {MS}
        self.trading.log(f"{{ms}} {{fill.client_order_id[-1]}} {{fill.price}} {{fill.size}}")
'''


def rows() -> list[tuple[int, ...]]:
    """Return the table's events as columns have them, all of one time as one message."""
    found = table("time | kind")
    ends = [
        row["time"] != after["time"] for row, after in zip(found, [*found[1:], {"time": ""}], strict=True)
    ]
    return [
        (
            START_NS + int(row["time"]) * MS,
            START_NS + int(row["time"]) * MS,
            Kind[row["kind"].upper()],
            {"buy": 1, "sell": -1, "": 0}[row["side"]],
            int(row["price"] or 0),
            int(row["size"] or 0),
            LAST * is_last,
            int(row["order"]),
        )
        for row, is_last in zip(found, ends, strict=True)
    ]


def write(folder: Path, rows: list[tuple[int, ...]], *, orders: bool = True) -> None:
    names = ORDER_COLUMNS if orders else COLUMNS
    with ColumnsWriter(folder, INSTRUMENT, orders=orders) as writer:
        writer.append(dict(zip(names, zip(*(row[: len(names)] for row in rows), strict=True), strict=True)))


def run(folder: Path, queue: str = "l3", span: Span | None = None) -> list[str]:
    (folder / "p.yaml").write_text(PROFILE.replace("QUEUE", queue))
    (folder / "two.py").write_text(TWO)
    lines: list[str] = []
    profile = read_profile(folder / "p.yaml", Registry())
    run_backtest(profile, span=span, console=None, write=lines.append, warn=lambda _, line: None)
    return [line.removeprefix("two: ") for line in lines]


def test_the_worked_example_step_by_step() -> None:
    book = new_book(INSTRUMENT)
    book.state = BookState.LIVE
    model = new_fill_model(book, L3Queue())
    size = {1: 4, 2: 2}
    for row, (_, _, kind, side, price, lots, _, order_id) in zip(table("time | kind"), rows(), strict=True):
        if row["time"] == "3" and not model.ahead(1):
            model.place(1, Side.BUY, Price(100), Size(4))
        if row["time"] == "5" and row["order"] == "1":
            model.place(2, Side.BUY, Price(100), Size(2))
        orders = model.orders
        if kind == Kind.ADD:
            orders.add(order_id, Side.BUY if side > 0 else Side.SELL, Price(price), lots)
        elif kind == Kind.FILL:
            for match in model.on_fill(orders.find(order_id), lots):
                size[match.order_id] -= match.size
        elif kind == Kind.CHANGE:
            order = orders.find(order_id)
            was = (order.side, order.price, order.rank)
            model.on_leave(*was, orders.change(order, Price(price), lots))
        else:
            order = orders.remove(order_id)
            model.on_leave(order.side, order.price, order.rank, order.size)
        for mine, name in ((1, "first: ahead, left"), (2, "second: ahead, left")):
            if row[name] == "filled":
                assert model.ahead(mine) is None
            elif row[name]:
                assert row[name] == f"{model.ahead(mine):g}, {size[mine]}", row


def test_the_worked_example_as_a_backtest(tmp_path: Path) -> None:
    write(tmp_path / "data", rows())
    assert run(tmp_path) == ["9 1 100 3", "10 1 100 1", "12 2 100 2"]


def test_other_queues_run_on_such_data(tmp_path: Path) -> None:
    """Levels made of the orders, and a public trade that uses up what was ahead: 4 of order 2, then ours."""
    events = rows()[:7]
    last_ns = events[-1][0]
    trade = (last_ns + MS, last_ns + MS, Kind.TRADE, -1, 100, 9, LAST, 0)
    write(tmp_path / "data", [*events, trade])
    assert run(tmp_path, "risk-averse") == ["8 1 100 3"]


def test_days_follow_each_other(tmp_path: Path) -> None:
    for day, part in (("1", rows()[:8]), ("2", rows()[8:])):
        write(tmp_path / "data" / day, part)
    assert run(tmp_path) == ["9 1 100 3", "10 1 100 1", "12 2 100 2"]


def test_a_part_of_the_time_begins_with_the_orders_as_they_were(tmp_path: Path) -> None:
    """From time 2 on: the orders of the first message are there, in their places."""
    write(tmp_path / "data", rows())
    whole = run(tmp_path)
    assert run(tmp_path, span=Span(START_NS + MS + MS // 2, START_NS + 100 * MS)) == whole


def level_beside(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [*rows, (*rows[-1][:2], Kind.LEVEL, 1, 90, 1, LAST, 0)]


def trades_alone(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    kept = [row for row in rows if row[2] != Kind.FILL]
    return [*kept, (*rows[-1][:2], Kind.TRADE, 1, 102, 1, LAST, 0)]


@pytest.mark.parametrize(
    ("change", "queue", "says"),
    [
        (level_beside, "l3", "has levels beside single orders"),
        (level_beside, "log", "has levels beside single orders"),
        (trades_alone, "l3", "does not say which orders they filled"),
    ],
)
def test_data_that_would_be_wrong_are_refused(change: Any, queue: str, says: str, tmp_path: Path) -> None:
    write(tmp_path / "data", change(rows()))
    with pytest.raises(DataError, match=says):
        run(tmp_path, queue)


def test_the_feed_that_is_measured_makes_a_book(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow comes with hft-core[data]")
    from benchmarks.backtests.orders_feed import write_orders_feed
    from hft.data.catalog import read_partition
    from hft.data.check import check_day

    found = check_day(read_partition(write_orders_feed(tmp_path, 3_000)), silent_ns=10**9)
    assert (list(found.findings), found.updates) == ([], 3_001)
    assert found.trades > 100


def test_data_without_order_ids_are_refused(tmp_path: Path) -> None:
    level = [(START_NS, START_NS, Kind.LEVEL, 1, 100, 5, LAST)]
    write(tmp_path / "data", level, orders=False)
    with pytest.raises(DataError, match="queue: l3 needs data with single orders"):
        run(tmp_path)
    assert run(tmp_path, "log") == []
