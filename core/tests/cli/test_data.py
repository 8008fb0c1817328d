"""``hft data``: from a capture to days that are listed, checked and written in the other form."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")
pytest.importorskip("pyarrow", reason="pyarrow comes with hft-core[data]")

PLUGIN = '''
"""An exchange whose frames are [first_id, last_id, bids, asks]."""
import json
from decimal import Decimal

import attrs
import msgspec

from hft import (
    DecodeError, Instrument, InstrumentId, InstrumentKind, MarketDataStream, Step, Synchroniser, hookimpl,
)

HFT_API = 1


@attrs.frozen(kw_only=True)
class Config:
    pass


FRAME = tuple[int, int, msgspec.Raw, msgspec.Raw]


class Rule:
    def follows(self, book_id, first_id, last_id, prev_id):
        return Step.OLD if last_id <= book_id else Step.NEXT if first_id <= book_id + 1 else Step.GAP

    def bridges(self, *ids):
        return self.follows(*ids)


class AcmeStream(MarketDataStream[Config]):
    sync = None

    def instrument_requests(self, symbols):
        return []

    def subscribe(self, markets):
        self.sync = Synchroniser(
            markets[0], Rule(), lambda: None,
            clock=self.feed.clock, random=self.feed.random, warn=self.feed.warn,
        )
        return []

    def on_response(self, request, body, recv_ns):
        if request.url.endswith("/instruments"):
            self.feed.publish([
                Instrument(
                    id=InstrumentId("BTC/USDT", self.feed.exchange), native_symbol="BTC",
                    kind=InstrumentKind.SPOT, base="BTC", quote="USDT", settle="USDT",
                    tick_size=Decimal("0.5"), lot_size=Decimal("0.01"),
                )
            ])
        else:
            update_id, bids, asks = msgspec.json.decode(body, type=tuple[int, msgspec.Raw, msgspec.Raw])
            self.sync.on_snapshot(update_id, bids, asks, 0, recv_ns)

    def on_frame(self, conn, data, recv_ns):
        try:
            first, last, bids, asks = msgspec.json.decode(data, type=FRAME)
        except msgspec.DecodeError as error:
            raise DecodeError(str(error)) from None
        self.sync.market.counters.frames += 1
        self.sync.on_delta(first, last, 0, bids, asks, recv_ns - 5, recv_ns)


@hookimpl
def hft_market_data():
    return AcmeStream
'''

FIRST = 20_000 * 86_400 * 10**9
WS = "wss://acme.example/ws"


def http(path: str, body: Any) -> dict[str, Any]:
    return {"conn": f"https://acme.example{path}", "dir": "http", "data": json.dumps(body)}


def recv(*frame: Any) -> dict[str, Any]:
    return {"conn": WS, "dir": "recv", "data": json.dumps(frame)}


RECORDS = [
    http("/instruments", {}),
    recv(100, 101, [["100.0", "0"]], []),
    http("/book", [100, [["100.0", "1"], ["99.5", "2"]], [["100.5", "1.50"]]]),
    recv(102, 102, [["99.0", "4"]], []),
]

Hft = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _no_log_left() -> Iterator[None]:
    yield
    logger.remove()


@pytest.fixture
def hft(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Hft:
    """Call a command of ``hft data`` where the plugin and a capture lie: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme.py").write_text(PLUGIN)
    write(tmp_path / "x.jsonl", RECORDS)

    def call(line: str) -> tuple[int, str, str]:
        code = main(["data", *line.split()])
        output = capsys.readouterr()
        return code, output.out, output.err

    return call


def write(path: Path, records: list[dict[str, Any]], step_ns: int = 10**9) -> None:
    path.write_text(
        "".join(f"{json.dumps({'t': FIRST + at * step_ns, **record})}\n" for at, record in enumerate(records))
    )


CONVERT = "convert x.jsonl --exchange ./acme.py -o out"


def test_a_capture_becomes_days(hft: Hft, tmp_path: Path) -> None:
    code, out, _ = hft(f"{CONVERT} --json")
    folder = "out/acme/BTC-USDT/2024-10-04"
    assert code == ExitCode.STOPPED
    assert json.loads(out) == {
        "days": [{"instrument": "BTC/USDT@acme", "day": "2024-10-04", "rows": 4, "folder": folder}],
        "frames": 2,
        "undecoded": 0,
        "skipped": [],
    }
    code, out, _ = hft("list out --json")
    assert code == ExitCode.STOPPED
    (day,) = json.loads(out)["days"]
    assert (day["instrument"], day["form"], day["rows"], day["tick_size"]) == (
        "BTC/USDT@acme",
        "columns",
        4,
        "0.5",
    )
    assert day["bytes"] == sum(path.stat().st_size for path in (tmp_path / folder).iterdir())
    code, out, _ = hft("check out --json")
    assert code == ExitCode.STOPPED
    report = json.loads(out)
    assert (report["ok"], report["days"][0]["updates"], report["days"][0]["findings"]) == (True, 2, [])
    assert hft("list out")[1].split()[:8] == [
        "instrument",
        "day",
        "form",
        "rows",
        "MB",
        "tick",
        "lot",
        "folder",
    ]
    assert "BTC/USDT@acme" in hft("check out")[1]


def test_days_are_written_in_the_other_form(hft: Hft) -> None:
    hft(f"{CONVERT} --maker-fee 0.001")
    code, out, _ = hft("convert out -o parquet --form parquet --json")
    assert code == ExitCode.STOPPED
    assert json.loads(out)["days"][0]["folder"] == "parquet/exchange=acme/instrument=BTC-USDT/day=2024-10-04"
    code, _, err = hft("convert parquet -o parquet --form parquet")
    assert code == ExitCode.USAGE
    assert "already" in err
    assert hft("convert parquet -o back")[0] == ExitCode.STOPPED
    listings = [Path(f"{root}/acme/BTC-USDT/2024-10-04/instrument.json") for root in ("out", "back")]
    assert listings[0].read_text() == listings[1].read_text()
    assert json.loads(listings[0].read_text())["maker_fee"] == "0.001"


def test_what_is_wrong_with_a_day_is_the_exit_code(hft: Hft) -> None:
    hft(CONVERT)
    code, out, _ = hft("check out --silent 1ns --strict")
    assert code == ExitCode.FAULT
    assert "nothing came for longer than is normal" in out
    assert hft("check out --silent 1ns")[0] == ExitCode.STOPPED
    size = Path("out/acme/BTC-USDT/2024-10-04/size.npy")
    size.write_bytes(size.read_bytes()[:-1])
    code, out, _ = hft("check out --json")
    assert code == ExitCode.FAULT
    report = json.loads(out)
    assert not report["ok"]
    assert report["days"][0]["findings"][0]["problem"] == "damaged"
    assert "cut short" in report["days"][0]["findings"][0]["reason"]
    code, _, err = hft("list out")
    assert code == ExitCode.FAULT
    assert "cut short" in err


def test_a_capture_that_is_damaged_leaves_nothing(hft: Hft, tmp_path: Path) -> None:
    text = (tmp_path / "x.jsonl").read_text()
    (tmp_path / "x.jsonl").write_text(text + "noise\n" + text)
    code, _, err = hft(CONVERT)
    assert code == ExitCode.FAULT
    assert "x.jsonl:5: not a line of a capture" in err
    assert list((tmp_path / "out").iterdir()) == []


def test_frames_that_are_not_understood_are_told(hft: Hft, tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", [*RECORDS, recv("noise")])
    code, out, err = hft(f"{CONVERT} --json")
    assert code == ExitCode.STOPPED
    assert json.loads(out)["undecoded"] == 1
    assert "1 of 3 frames were not understood" in err


def test_a_book_that_is_lost_is_cleared(hft: Hft, tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", [*RECORDS, recv(150, 150, [], [])])
    hft(CONVERT)
    _, out, _ = hft("check out --json")
    (finding,) = json.loads(out)["days"][0]["findings"]
    assert (finding["problem"], finding["fault"], finding["first_ns"]) == ("lost", False, FIRST + 4 * 10**9)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("convert x.jsonl -o out", "add --exchange"),
        ("convert x.jsonl . -o out --exchange ./acme.py", "in one go"),
        ("convert . -o out --exchange ./acme.py", "leave these options out"),
        (f"{CONVERT} --maker-fee much", "must be a decimal number"),
        ("import tardis x.csv -o out --instrument BTC/USDT@x", "give --tick-size and --lot-size"),
        ("import tardis x.csv -o out --instrument BTCUSDT", "is not an instrument"),
        ("import tardis x.csv -o out --instrument BTC/USDT:@x --tick-size 1 --lot-size 1", "is not a symbol"),
        ("import tardis x.csv -o out --instrument BTC/USDT@x --listing gone.json", "gone.json"),
        ("", "required"),
        ("lost", "invalid choice"),
    ],
)
def test_what_cannot_be_done_is_said(line: str, says: str, hft: Hft) -> None:
    code, _, err = hft(line)
    assert code == ExitCode.USAGE
    assert says in err


def test_nothing_to_convert_is_said(hft: Hft, tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", RECORDS[:1])
    code, _, err = hft(CONVERT)
    assert code == ExitCode.USAGE
    assert "no book and no trade" in err


def test_another_exchange_is_said(hft: Hft, tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", [{**record, "exchange": "other"} for record in RECORDS])
    code, _, err = hft(CONVERT)
    assert code == ExitCode.USAGE
    assert "'other': add --key" in err
    assert hft(f"{CONVERT} --key other")[0] == ExitCode.STOPPED


TRADES = "id,price,qty,quote_qty,time,is_buyer_maker\n1,100.5,0.25,25,1700000000000,true\n"


def test_an_archive_is_imported(hft: Hft, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TRADES)
    line = "import binance t.csv -o out --instrument BTC/USDT:USDT@binance --latency 5ms --json"
    code, out, _ = hft(f"{line} --tick-size 0.5 --lot-size 0.01")
    assert code == ExitCode.STOPPED
    (day,) = json.loads(out)["days"]
    assert (day["day"], day["rows"]) == ("2023-11-14", 1)
    described = json.loads((Path(day["folder"]) / "instrument.json").read_text())
    assert (described["kind"], described["settle"], described["lot_size"]) == ("perpetual", "USDT", "0.01")
    listing = f"--listing {day['folder']}/instrument.json"
    assert hft(f"{line} {listing}")[0] == ExitCode.FAULT
    code, out, _ = hft(f"{line} {listing} --overwrite")
    assert code == ExitCode.STOPPED
    assert json.loads((Path(day["folder"]) / "instrument.json").read_text()) == described
    code, _, err = hft(f"{line.replace('BTC/', 'ETH/')} {listing}")
    assert code == ExitCode.USAGE
    assert "is of BTC/USDT:USDT, not of ETH/USDT:USDT" in err
    code, _, err = hft(f"{line} --tick-size 1 --lot-size 0.01 --overwrite")
    assert code == ExitCode.FAULT
    assert "give a finer one" in err


def test_funding_alone_is_no_data(hft: Hft, tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-fundingRate-2023-11.csv").write_text("1700006400004,8,0.0001\n")
    line = "import binance BTCUSDT-fundingRate-2023-11.csv -o out --instrument BTC/USDT:USDT@binance"
    code, _, err = hft(f"{line} --tick-size 0.5 --lot-size 0.01")
    assert code == ExitCode.USAGE
    assert "import both together" in err


@pytest.mark.parametrize("library", ["numpy", "pyarrow"])
def test_a_missing_library_is_named(library: str, hft: Hft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    code, _, err = hft("list out")
    assert code == ExitCode.USAGE
    assert "pip install 'hft-core[data]'" in err
