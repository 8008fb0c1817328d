"""Other people's files: every row in its place, exactly, and nothing from a file that is not whole."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.data.catalog import find_partitions, read_partition
from hft.data.check import check_days
from hft.data.columns import LAST, Kind
from hft.data.imports import ImportOptions, TimeUnit, import_files
from hft.data.imports.csv_file import CsvFile, Grid
from hft.data.rows import Rows
from hft.data.store import FORMS, Store
from hft.errors import DataError
from hft.funding import FUNDING, FundingRate, read_funding
from hft.instrument import Instrument

Import = Callable[..., list[tuple[Any, ...]]]
CLEAR, LEVEL, TRADE, QUOTE = Kind.CLEAR, Kind.LEVEL, Kind.TRADE, Kind.QUOTE

MS = 1_700_000_000_000
NS = MS * 10**6


@pytest.fixture
def imported(
    tmp_path: Path, instrument: Instrument, read_all: Callable[[Path], Rows], table: Callable[[Rows], Any]
) -> Import:
    """Write files and import them: rows as tuples, with times counted from the beginning."""
    numbers = iter(range(100))

    def call(format_name: str, files: dict[str, str | bytes], **options: Any) -> list[tuple[Any, ...]]:
        paths = []
        for name, content in files.items():
            path = tmp_path / name
            data = content.encode() if isinstance(content, str) else content
            if name.endswith(".gz"):
                data = gzip.compress(data)
            if name.endswith(".zip"):
                with zipfile.ZipFile(path, "w") as archive:
                    archive.writestr(name.replace(".zip", ".csv"), data)
            else:
                path.write_bytes(data)
            paths.append(path)
        root = tmp_path / f"out-{next(numbers)}"
        with Store(root, FORMS["columns"]) as store:
            import_files(format_name, paths, ImportOptions(instrument=instrument, **options), store)
            store.finish()
        return [(*row[:5], row[5] - NS if row[5] else 0, row[6] - NS) for row in table(read_all(root))]

    return call


# -- CSV -------------------------------------------------------------------------------------------------

STEPS = st.sampled_from([Decimal("0.1"), Decimal("0.5"), Decimal("0.00000001"), Decimal(25), Decimal(1)])


@given(step=STEPS, counts=st.lists(st.integers(0, 10**15), min_size=1, max_size=20), zeros=st.integers(0, 9))
def test_decimals_are_counted_exactly(
    tmp_path_factory: pytest.TempPathFactory, step: Decimal, counts: list[int], zeros: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "exact.csv"
    texts = [f"{count * step:f}" for count in counts]
    padded = [f"{text}{'0' * zeros}" if "." in text else text for text in texts]
    path.write_text("x,price\n" + "".join(f"1,{text}\n" for text in padded))
    (block,) = CsvFile.open(path).blocks({"price": Grid(step)})
    assert block["price"].tolist() == counts


# -- Tardis ----------------------------------------------------------------------------------------------

TARDIS_BOOK = """exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount
x,BTCUSDT,1700000000000001,1700000000000010,true,bid,100.1,0.005
x,BTCUSDT,1700000000000001,1700000000000010,true,ask,100.20,1.000
x,BTCUSDT,1700000000000002,1700000000000020,false,bid,100.1,0
x,BTCUSDT,1700000000000002,1700000000000020,false,bid,100,0.25
x,BTCUSDT,1700000000000003,1700000000000030,true,ask,100.3,1
"""
TARDIS_TRADES = """exchange,symbol,timestamp,local_timestamp,id,side,price,amount
x,BTCUSDT,1700000000000002,1700000000000020,7,sell,100.1,0.005
"""
TARDIS_ROWS = [
    (CLEAR, 0, 0, 0, 0, 1_000, 10_000),
    (LEVEL, 1, 1001, 5, 0, 1_000, 10_000),
    (LEVEL, -1, 1002, 1000, LAST, 1_000, 10_000),
    (TRADE, -1, 1001, 5, LAST, 2_000, 20_000),
    (LEVEL, 1, 1001, 0, 0, 2_000, 20_000),
    (LEVEL, 1, 1000, 250, LAST, 2_000, 20_000),
    (CLEAR, 0, 0, 0, 0, 3_000, 30_000),
    (LEVEL, -1, 1003, 1000, LAST, 3_000, 30_000),
]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
@pytest.mark.parametrize("block_bytes", [8 * 2**20, 150])
def test_tardis_book_and_trades(
    suffix: str, block_bytes: int, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hft.data.imports.csv_file._BLOCK_BYTES", block_bytes)
    files = {f"book{suffix}": TARDIS_BOOK, f"trades{suffix}": TARDIS_TRADES}
    assert imported("tardis", files) == TARDIS_ROWS


def test_tardis_quotes(imported: Import) -> None:
    quotes = """exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount
x,BTCUSDT,1700000000000001,1700000000000010,2,100.2,100.1,1
x,BTCUSDT,1700000000000002,1700000000000010,0,0,100.1,1
x,BTCUSDT,1700000000000003,1700000000000010,2,100.2,0,0
"""
    assert imported("tardis", {"quotes.csv": quotes}) == [
        (QUOTE, 1, 1001, 1000, 0, 1_000, 10_000),
        (QUOTE, -1, 1002, 2000, LAST, 1_000, 10_000),
        (QUOTE, 1, 1001, 1000, LAST, 2_000, 10_000),
        (QUOTE, -1, 1002, 2000, LAST, 3_000, 10_000),
    ]


def test_a_side_of_a_quote_may_be_empty(imported: Import) -> None:
    quotes = """exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount
x,BTCUSDT,1700000000000001,1700000000000010,,,100.1,1
x,BTCUSDT,1700000000000003,1700000000000010,2,100.2,,
"""
    rows = [(QUOTE, 1, 1001, 1000, LAST, 1_000, 10_000), (QUOTE, -1, 1002, 2000, LAST, 3_000, 10_000)]
    assert imported("tardis", {"quotes.csv": quotes}) == rows
    back = quotes.replace("1700000000000010,2", "1700000000000009,2")
    with pytest.raises(DataError, match="time goes backwards"):
        imported("tardis", {"quotes.csv": back}, quotes_as_book=True)


@pytest.mark.parametrize("block_bytes", [8 * 2**20, 150])
def test_changes_before_the_first_snapshot_are_left_out(
    block_bytes: int, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hft.data.imports.csv_file._BLOCK_BYTES", block_bytes)
    head, rows = TARDIS_BOOK.split("\n", 1)
    early = "x,BTCUSDT,1700000000000000,1700000000000005,false,bid,99.1,1\n" * 4
    expected = [row for row in TARDIS_ROWS if row[0] != TRADE]
    assert imported("tardis", {"a.csv": f"{head}\n{early}{rows}"}) == expected
    with pytest.raises(DataError, match="has no snapshot"):
        imported("tardis", {"a.csv": f"{head}\n{early}"})


def test_the_best_levels_alone_are_no_book(imported: Import) -> None:
    head = (
        "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount"
    )
    with pytest.raises(DataError, match="take incremental_book_L2"):
        imported("tardis", {"a.csv": f"{head}\nx,BTCUSDT,1,2,100.2,1,100.1,1\n"})


def test_one_symbol_of_several(imported: Import) -> None:
    other = TARDIS_BOOK + TARDIS_BOOK.partition("\n")[2].replace("BTCUSDT", "ETHUSDT")
    with pytest.raises(DataError, match="is about BTCUSDT and ETHUSDT, choose one with --symbol"):
        imported("tardis", {"a.csv": other})
    rows = [row for row in TARDIS_ROWS if row[0] != TRADE]
    assert imported("tardis", {"a.csv": other}, symbol="ETHUSDT") == rows


def test_trades_without_an_aggressor_are_left_out_aloud(imported: Import) -> None:
    told: list[str] = []
    trades = TARDIS_TRADES + "x,BTCUSDT,1700000000000002,1700000000000020,8,unknown,100.1,0.005\n"
    assert len(imported("tardis", {"t.csv": trades}, warn=told.append)) == 1
    assert "left out" in told[0]


# -- Binance ---------------------------------------------------------------------------------------------

AGG_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
AGG = f"1,100.10,0.005,5,6,{MS + 1},true\n2,100.2,0.006,7,7,{MS + 2},false\n"
TRADE_ROWS = [
    (TRADE, -1, 1001, 5, LAST, 10**6, 10**6),
    (TRADE, 1, 1002, 6, LAST, 2 * 10**6, 2 * 10**6),
]
TICKER_HEADER = (
    "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
)
PLAIN = f"1,100.1,0.005,1,{MS + 1},true\n2,100.2,0.006,2,{MS + 2},false\n"
IN_US = AGG.replace(f"{MS + 1}", f"{MS + 1}000").replace(f"{MS + 2}", f"{MS + 2}000")
SPOT_AGG = AGG.replace("true", "True,True").replace("false", "False,True")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("BTCUSDT-aggTrades-2023-11-14.csv", AGG_HEADER + AGG, None),
        ("BTCUSDT-aggTrades-2023-11-14.zip", AGG, None),
        ("BTCUSDT-aggTrades-2023-11-14.csv", SPOT_AGG, None),
        ("x.csv", IN_US, "aggTrades"),
        ("BTCUSDT-trades-2023-11-14.csv", PLAIN.replace("true", "True,True").replace("se", "se,True"), None),
        ("x.csv", f"id,price,qty,quote_qty,time,is_buyer_maker\n{PLAIN}", None),
        ("x.csv", f"id,price,qty,base_qty,time,is_buyer_maker\n{PLAIN}", None),
    ],
)
def test_binance_trades(name: str, content: str, kind: str | None, imported: Import) -> None:
    assert imported("binance", {name: content}, kind=kind) == TRADE_ROWS


def test_binance_times(imported: Import) -> None:
    rows = imported("binance", {"x-aggTrades.csv": AGG}, latency_ns=5_000)
    assert [row[5:] for row in rows] == [(10**6, 10**6 + 5_000), (2 * 10**6, 2 * 10**6 + 5_000)]
    nanoseconds = AGG.replace(f"{MS + 1}", f"{NS + 1}").replace(f"{MS + 2}", f"{NS + 2}")
    rows = imported("binance", {"y-aggTrades.csv": nanoseconds}, time_unit=TimeUnit.NS)
    assert [row[5] for row in rows] == [1, 2]


TICKERS = f"""1,100.1,1,100.3,2,{MS + 1},{MS + 9}
2,100.1,1,100.2,3,{MS + 2},{MS + 9}
3,100.2,4,100.3,5,{MS + 3},{MS + 9}
"""


def test_binance_tickers_are_sorted(imported: Import) -> None:
    first, second, third = TICKERS.splitlines()
    rows = imported("binance", {"x-bookTicker.csv": f"{TICKER_HEADER}{third}\n{first}\n{second}\n"})
    assert [row[:5] for row in rows] == [
        (QUOTE, 1, 1001, 1000, 0),
        (QUOTE, -1, 1003, 2000, LAST),
        (QUOTE, 1, 1001, 1000, 0),
        (QUOTE, -1, 1002, 3000, LAST),
        (QUOTE, 1, 1002, 4000, 0),
        (QUOTE, -1, 1003, 5000, LAST),
    ]


@pytest.mark.parametrize("block_bytes", [8 * 2**20, 130])
def test_tickers_can_stand_for_a_book(
    block_bytes: int, imported: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hft.data.imports.csv_file._BLOCK_BYTES", block_bytes)
    rows = imported("binance", {"x-bookTicker.csv": TICKER_HEADER + TICKERS}, quotes_as_book=True)
    assert [row[:5] for row in rows] == [
        (CLEAR, 0, 0, 0, 0),
        (LEVEL, 1, 1001, 1000, 0),
        (LEVEL, -1, 1003, 2000, LAST),
        (LEVEL, -1, 1003, 0, 0),
        (LEVEL, 1, 1001, 1000, 0),
        (LEVEL, -1, 1002, 3000, LAST),
        (LEVEL, 1, 1001, 0, 0),
        (LEVEL, -1, 1002, 0, 0),
        (LEVEL, 1, 1002, 4000, 0),
        (LEVEL, -1, 1003, 5000, LAST),
    ]
    assert not any(each.findings for each in check_days(find_partitions([tmp_path]), silent_ns=10**9))
    # Some files have two stretches of time, line by line in turn.
    first, second, third = TICKERS.splitlines()
    told: list[str] = []
    mixed = {"y-bookTicker.csv": f"{TICKER_HEADER}{third}\n{first}\n{second}\n"}
    assert imported("binance", mixed, quotes_as_book=True, warn=told.append) == rows
    assert "out of order" in told[0]


DEPTH_HEADER = "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n"
SNAP = f"BTCUSDT,{MS + 1},1,5,b,snap,100.1,1,0\nBTCUSDT,{MS + 1},1,5,a,snap,100.2,2,0\n"
UPDATES = f"""BTCUSDT,{MS + 1},6,7,b,set,100.1,3,5
BTCUSDT,{MS + 1},8,9,a,set,100.3,0.000,7
BTCUSDT,{MS + 1},8,9,a,delete,100.2,2,7
BTCUSDT,{MS + 2},10,11,b,set,100.0,1,9
"""
DEPTH_ROWS = [
    (CLEAR, 0, 0, 0, 0, 10**6, 10**6),
    (LEVEL, 1, 1001, 1000, 0, 10**6, 10**6),
    (LEVEL, -1, 1002, 2000, LAST, 10**6, 10**6),
    (LEVEL, 1, 1001, 3000, LAST, 10**6, 10**6),
    (LEVEL, -1, 1003, 0, 0, 10**6, 10**6),
    (LEVEL, -1, 1002, 0, LAST, 10**6, 10**6),
    (LEVEL, 1, 1000, 1000, LAST, 2 * 10**6, 2 * 10**6),
]


@pytest.mark.parametrize("block_bytes", [8 * 2**20, 130])
def test_binance_depth(block_bytes: int, imported: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hft.data.imports.csv_file._BLOCK_BYTES", block_bytes)
    files = {"depth_update.csv": DEPTH_HEADER + UPDATES, "depth_snap.csv": DEPTH_HEADER + SNAP}
    assert imported("binance", files) == DEPTH_ROWS
    headless = "".join(
        f"{symbol},{time},{first},{first},{last},{side},{how},{price},{qty}\n"
        for symbol, time, first, last, side, how, price, qty, _ in (
            line.split(",") for line in (SNAP + UPDATES).splitlines()
        )
    )
    assert imported("binance", {"depth.csv": headless}) == DEPTH_ROWS


def test_book_depth_is_refused(imported: Import) -> None:
    with pytest.raises(DataError, match="no book"):
        imported("binance", {"x.csv": "timestamp,percentage,depth,notional\n2023-01-01,-5,1,1\n"})


# -- funding ---------------------------------------------------------------------------------------------

FUNDED = """exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,\
open_interest,last_price,index_price,mark_price
binance-futures,BTCUSDT,1700000000000000,1700000000000001,,,,1.5,100.1,,
binance-futures,BTCUSDT,1700000000000000,1700000000000002,1700006400000000,0.0001,,1.5,100.1,100.2,100.15
binance-futures,BTCUSDT,1700000000000000,1700000000000003,1700006400000000,-0.00012,,1.5,100.1,100.2,100.123
binance-futures,BTCUSDT,1700000000000000,1700006400000001,1700035200000000,0.0003,,1.5,100.1,100.2,
"""


def fundings(
    format_name: str, files: dict[str, str], tmp_path: Path, instrument: Instrument, **options: Any
) -> list[FundingRate]:
    """Import files with a trade, for there is no day without events."""
    paths = []
    for name, content in files.items():
        paths.append(tmp_path / name)
        paths[-1].write_text(content)
    with Store(tmp_path / "out", FORMS["columns"]) as store:
        import_files(format_name, paths, ImportOptions(instrument=instrument, **options), store)
        store.finish()
    return [
        row
        for folder in find_partitions([tmp_path / "out"])
        if (folder / FUNDING).exists()
        for row in read_funding(folder / FUNDING)
    ]


def test_tardis_tickers_say_what_is_paid(tmp_path: Path, instrument: Instrument) -> None:
    trades = (
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "binance-futures,BTCUSDT,1700000000000000,1700000000000000,1,buy,100.1,0.001\n"
        "binance-futures,BTCUSDT,1700006400000000,1700006400000000,1,buy,100.1,0.001\n"
    )
    found = fundings("tardis", {"t.csv": trades, "d.csv": FUNDED}, tmp_path, instrument)
    # Both payments are due on the next day; the first was said on the day before it.
    assert found == [
        FundingRate(1700006400 * 10**9, instrument.symbol, Decimal("-0.00012"), Decimal("100.123")),
        FundingRate(1700035200 * 10**9, instrument.symbol, Decimal("0.0003")),
    ]


@pytest.mark.parametrize("header", ["calc_time,funding_interval_hours,last_funding_rate\n", ""])
def test_binance_archive_of_funding(header: str, tmp_path: Path, instrument: Instrument) -> None:
    files = {
        "BTCUSDT-aggTrades-2023-11-15.csv": "1,100.1,0.001,1,1,1700006400000,true\n",
        "BTCUSDT-fundingRate-2023-11.csv": f"{header}1700006400004,8,0.00010000\n1700035200000,8,-0.0002\n",
    }
    assert fundings("binance", files, tmp_path, instrument) == [
        FundingRate(1700006400004 * 10**6, instrument.symbol, Decimal("0.00010000")),
        FundingRate(1700035200000 * 10**6, instrument.symbol, Decimal("-0.0002")),
    ]


def test_what_is_no_rate_is_named(tmp_path: Path, instrument: Instrument) -> None:
    with pytest.raises(DataError, match="funding rate 'x'"):
        fundings("tardis", {"d.csv": FUNDED.replace("0.0003", "x")}, tmp_path, instrument)


# -- hftbacktest -----------------------------------------------------------------------------------------

EVENT = np.dtype(
    [
        ("ev", "u8"),
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("px", "f8"),
        ("qty", "f8"),
        ("order_id", "u8"),
        ("ival", "i8"),
        ("fval", "f8"),
    ],
    align=True,
)
EXCH, LOCAL, BUY, SELL = 1 << 31, 1 << 30, 1 << 29, 1 << 28
BOTH = EXCH | LOCAL


def npz(path: Path, events: list[tuple[Any, ...]], dtype: Any = EVENT, **arrays: Any) -> bytes:
    data = np.array([(*event, 0, 0, 0.0) for event in events], dtype)
    np.savez_compressed(path, **(arrays or {"data": data}))
    return path.read_bytes()


@pytest.mark.parametrize("block_rows", [1 << 16, 1, 2, 3])
def test_hftbacktest_events(
    block_rows: int, imported: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hft.data.imports.hftbacktest._BLOCK_ROWS", block_rows)
    snapshot = [
        (4 | BOTH | BUY, 0, 0, 100.1, 1.0),
        (4 | BOTH | BUY, 0, 0, 100.0, 2.0),
        (4 | BOTH | SELL, 0, 0, 100.2, 3.0),
    ]
    events = [
        (1 | BOTH | BUY, NS + 1, NS + 10, 100.1, 0.005),
        (1 | EXCH | SELL, NS + 2, NS + 30, 100.2, 1.0),
        (2 | BOTH | SELL, NS + 3, NS + 20, 100.1, 0.005),
        (2 | BOTH | SELL, NS + 3, NS + 20, 100.1, 0.002),
        (1 | LOCAL | SELL, NS + 2, NS + 30, 100.2, 1.0),
        (3 | BOTH | BUY, NS + 4, NS + 40, 100.1, 0.0),
        (4 | BOTH | BUY, NS + 4, NS + 40, 100.2 - 0.1, 7.0),
        (3 | BOTH, NS + 5, NS + 50, float("nan"), 0.0),
    ]
    files = {"eod.npz": npz(tmp_path / "a.npz", snapshot), "day.npz": npz(tmp_path / "b.npz", events)}
    assert imported("hftbacktest", files) == [
        (CLEAR, 0, 0, 0, 0, 0, 10),
        (LEVEL, 1, 1001, 1000, 0, 0, 10),
        (LEVEL, 1, 1000, 2000, 0, 0, 10),
        (LEVEL, -1, 1002, 3000, LAST, 0, 10),
        (LEVEL, 1, 1001, 5, LAST, 1, 10),
        (TRADE, -1, 1001, 5, LAST, 3, 20),
        (TRADE, -1, 1001, 2, LAST, 3, 20),
        (LEVEL, -1, 1002, 1000, LAST, 2, 30),
        (LEVEL, 1, 1001, 0, 0, 4, 40),
        (LEVEL, 1, 1001, 7000, LAST, 4, 40),
        (CLEAR, 0, 0, 0, LAST, 5, 50),
    ]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ((1 | BOTH | BUY, NS, NS, 100.15, 1.0), "price 100.15 is not a multiple"),
        ((1 | BOTH | BUY, NS, NS, 100.1, 0.0005), "size 0.0005 is not a multiple"),
        ((1 | BOTH | BUY, NS, NS, -0.1, 1.0), "is not a multiple"),
        ((1 | BOTH | BUY, NS, NS, float("nan"), 1.0), "is not a multiple"),
        ((10 | BOTH, NS, NS, 100.1, 1.0), "no side"),
        ((1 | BOTH, NS, NS, 100.1, 1.0), "no side"),
        ((1 | BOTH | BUY, 0, 0, 100.1, 1.0), "without a time"),
    ],
)
def test_events_that_cannot_be_rows_are_named(
    event: tuple[Any, ...], says: str, imported: Import, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=says):
        imported("hftbacktest", {"x.npz": npz(tmp_path / "a.npz", [event])})


# -- damage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format_name", "name", "content", "says"),
    [
        ("tardis", "x.csv", "", "is empty"),
        ("tardis", "x.csv", "a,b\n1,2\n", "not those of Tardis"),
        ("tardis", "x.csv", TARDIS_BOOK[:-8], "Expected 8 columns"),
        ("tardis", "x.csv", TARDIS_BOOK.replace("100.20", "100.25"), "give a finer one"),
        ("tardis", "x.csv", TARDIS_BOOK.replace("100.20", "-100.2"), "is not a multiple"),
        ("tardis", "x.csv", TARDIS_BOOK.replace("100.20", "1" + "0" * 30), "is not a multiple"),
        ("tardis", "x.csv", TARDIS_BOOK.replace("100.20", ""), "'price' is missing"),
        ("tardis", "x.csv", TARDIS_BOOK.replace("100.20", "abc"), "Row #3"),
        ("tardis", "x.csv", TARDIS_BOOK.replace("ask", "up"), "side 'up'"),
        ("tardis", "gone.csv", None, "cannot be read"),
        ("binance", "x_T_DEPTH.tar.gz", b"", "unpack it"),
        ("tardis", "x.csv.gz", b"noise", "x.csv.gz"),
        ("binance", "x.csv", AGG, "choose one with --kind"),
        ("binance", "x-aggTrades.csv", AGG.replace("true", "perhaps"), "perhaps"),
        ("binance", "x-aggTrades.csv", AGG.replace("true", "true,true,true"), "has 9 columns"),
        ("binance", "depth.csv", DEPTH_HEADER + UPDATES.replace(",a,", ",z,"), "side 'z'"),
        ("binance", "x.zip", b"noise", "x.zip"),
        ("hftbacktest", "x.npz", b"noise", "damaged"),
        ("hftbacktest", "gone.npz", None, "damaged"),
    ],
)
def test_damage_is_named_and_nothing_is_written(
    format_name: str, name: str, content: Any, says: str, tmp_path: Path, instrument: Instrument
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    root = tmp_path / "out"
    with Store(root, FORMS["columns"]) as store, pytest.raises(DataError, match=says) as raised:
        import_files(format_name, [path], ImportOptions(instrument=instrument), store)
    assert name in str(raised.value)
    assert list(root.iterdir()) == []


def test_a_gzip_file_that_is_cut_off_is_named(tmp_path: Path, instrument: Instrument) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress((TARDIS_BOOK + TARDIS_BOOK.partition("\n")[2] * 500).encode())[:-12])
    with Store(tmp_path, FORMS["columns"]) as store, pytest.raises(DataError, match=r"x\.csv\.gz"):
        import_files("tardis", [path], ImportOptions(instrument=instrument), store)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"other": np.zeros(3)}, "has no array 'data'"),
        ({"data": np.zeros((3, 6))}, "holds no events of hftbacktest 2"),
        ({"data": np.zeros(3, [("ev", "i8"), ("exch_ts", "i8")])}, "holds no events of hftbacktest 2"),
    ],
)
def test_other_arrays_are_refused(
    arrays: dict[str, Any], says: str, imported: Import, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=says):
        imported("hftbacktest", {"x.npz": npz(tmp_path / "a.npz", [], **arrays)})


def test_a_coarser_unit_is_counted(tmp_path: Path, instrument: Instrument) -> None:
    path = tmp_path / "x-aggTrades.csv"
    path.write_text(AGG.replace("100.10", "100.05"))
    fine = attrs.evolve(instrument, tick_size=Decimal("0.05"))
    with Store(tmp_path / "out", FORMS["columns"]) as store:
        import_files("binance", [path], ImportOptions(instrument=fine), store)
        store.finish()
    (rows,) = read_partition(find_partitions([tmp_path / "out"])[0]).blocks(9)
    assert rows.price.tolist() == [2001, 2004]
