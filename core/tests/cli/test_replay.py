"""``hft replay`` with a one-file exchange."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main

PLUGIN = '''
"""An exchange whose frames are [symbol, first_id, last_id, bids, asks] or [symbol, "trade"]."""
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


class Rule:
    def follows(self, book_id, first_id, last_id, prev_id):
        return Step.OLD if last_id <= book_id else Step.NEXT if first_id <= book_id + 1 else Step.GAP

    def bridges(self, *ids):
        return self.follows(*ids)


class AcmeStream(MarketDataStream[Config]):
    def __init__(self, config, feed):
        super().__init__(config, feed)
        self.syncs = {}

    def instrument_requests(self, symbols):
        return []

    def subscribe(self, markets):
        for market in markets:
            name = market.instrument.native_symbol
            if name not in self.syncs or self.syncs[name].market is not market:
                self.syncs[name] = Synchroniser(
                    market, Rule(), lambda: None,
                    clock=self.feed.clock, random=self.feed.random, warn=self.feed.warn,
                )
        return []

    def on_response(self, request, body, recv_ns):
        if request.url.endswith("/instruments"):
            self.feed.publish(
                Instrument(
                    id=InstrumentId(f"{base}/USDT", self.feed.exchange), native_symbol=base,
                    kind=InstrumentKind.SPOT, base=base, quote="USDT", settle="USDT",
                    tick_size=Decimal(tick), lot_size=Decimal("0.01"),
                )
                for base, tick in json.loads(body).items()
            )
        elif "/book/" in request.url:
            try:
                update_id, bids, asks = msgspec.json.decode(body, type=tuple[int, msgspec.Raw, msgspec.Raw])
            except msgspec.DecodeError as error:
                raise DecodeError(str(error)) from None
            self.syncs[request.url.rpartition("/")[2]].on_snapshot(update_id, bids, asks, 0, recv_ns)

    def on_request_failed(self, request, reason, recv_ns):
        pass

    def on_frame(self, conn, data, recv_ns):
        try:
            base, *rest = msgspec.json.decode(data, type=list[msgspec.Raw])
            sync = self.syncs[msgspec.json.decode(base)]
        except (msgspec.DecodeError, KeyError) as error:
            raise DecodeError(f"not a frame: {error}") from None
        market = sync.market
        market.counters.frames += 1
        if bytes(rest[0]) == b'"trade"':
            market.counters.trades += 1
            return
        sync.on_delta(int(bytes(rest[0])), int(bytes(rest[1])), 0, rest[2], rest[3], 0, recv_ns)

    def on_close(self, conn, recv_ns):
        for sync in self.syncs.values():
            sync.on_disconnect()


@hookimpl
def hft_market_data():
    return AcmeStream
'''

WS = "wss://acme.example/ws"
LISTING = {"BTC": "0.5", "ETH": "0.01", "LTC": "0.01"}
BOOK = [100, [["100.0", "1"], ["99.5", "2"], ["98.0", "3"]], [["100.5", "1.50"]]]

Command = Callable[..., tuple[int, str, str]]


def http(path: str, body: Any) -> dict[str, Any]:
    return {"conn": f"https://acme.example{path}", "dir": "http", "data": json.dumps(body)}


def recv(body: Any, **changes: Any) -> dict[str, Any]:
    data = body if isinstance(body, str) else json.dumps(body)
    return {"conn": WS, "dir": "recv", "data": data} | changes


GOOD = [
    http("/instruments", LISTING),
    {"conn": WS, "dir": "open"},
    {"conn": WS, "dir": "sent", "data": "subscribe"},
    recv(["BTC", 100, 101, [["100.0", "0"]], []]),
    http("/book/BTC", BOOK),
    recv(["BTC", "trade"]),
]


@pytest.fixture(autouse=True)
def _no_log_left() -> Iterator[None]:
    yield
    logger.remove()


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Write records into files and replay them: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme.py").write_text(PLUGIN)

    def call(*captures: list[dict[str, Any]], args: tuple[str, ...] = ("--json",)) -> tuple[int, str, str]:
        files = []
        for number, records in enumerate(captures):
            lines = [json.dumps({"t": (at + 1) * 10**9, **record}) for at, record in enumerate(records)]
            files.append(str(tmp_path / f"{number}.jsonl.gz"))
            with gzip.open(files[-1], "wt") as file:
                file.writelines(f"{line}\n" for line in lines)
        code = main(["replay", *files, "--exchange", "./acme.py", *args])
        output = capsys.readouterr()
        return code, output.out, output.err

    return call


def report(result: tuple[int, str, str]) -> Any:
    code, out, _ = result
    assert code == ExitCode.STOPPED
    assert out.count("\n") == 1
    return json.loads(out)


def test_the_report(command: Command) -> None:
    assert report(command(GOOD)) == {
        "instruments": {
            "BTC/USDT@acme": {
                "frames": 2,
                "trades": 1,
                "book_updates": 1,
                "gaps": 0,
                "resyncs": 0,
                "checksums_ok": 0,
                "checksums_failed": 0,
                "state": "LIVE",
                "bids": [["99.5", "2.00"], ["98.0", "3.00"]],
                "asks": [["100.5", "1.50"]],
            }
        },
        "frames": 2,
        "undecoded": 0,
    }


def test_depth(command: Command) -> None:
    (one,) = report(command(GOOD, args=("--json", "--depth", "1")))["instruments"].values()
    assert (one["bids"], one["asks"]) == ([["99.5", "2.00"]], [["100.5", "1.50"]])
    (one,) = report(command(GOOD, args=("--json", "--depth", "0")))["instruments"].values()
    assert (one["bids"], one["asks"]) == ([], [])


def test_a_gap_and_its_resynchronisation(command: Command) -> None:
    gap = recv(["BTC", 105, 105, [], []])
    (one,) = report(command([*GOOD, gap]))["instruments"].values()
    assert (one["gaps"], one["resyncs"], one["state"]) == (1, 1, "SYNCING")
    again = [gap, recv(["BTC", 106, 106, [], []]), http("/book/BTC", [105, *BOOK[1:]])]
    (one,) = report(command([*GOOD, *again]))["instruments"].values()
    assert (one["gaps"], one["resyncs"], one["state"], one["book_updates"]) == (1, 1, "LIVE", 2)


def test_a_disconnection_leaves_the_book_stale(command: Command) -> None:
    (one,) = report(command([*GOOD, {"conn": WS, "dir": "close"}]))["instruments"].values()
    assert one["state"] == "STALE"


def test_what_is_not_understood_is_counted_shown_and_no_failure(command: Command) -> None:
    bad = [recv('["BTC",'), recv(["XRP", 1, 1, [], []]), http("/book/BTC", "nonsense")]
    result = command([*GOOD, *bad])
    assert (report(result)["frames"], report(result)["undecoded"]) == (4, 3)
    assert "not a frame" in result[2]
    binary = {"conn": WS, "dir": "recv", "data_b64": "/w=="}
    assert report(command([*GOOD, binary]))["undecoded"] == 1


def test_levels_off_the_grid_are_printed_as_stated(command: Command) -> None:
    odd = http("/book/BTC", [100, [["100.3", "1"], ["99.5", "2.005"]], []])
    (one,) = report(command([*GOOD[:4], odd]))["instruments"].values()
    assert one["bids"] == [["100.3", "1"], ["99.5", "2.005"]]


def test_other_exchanges_records_are_left_out(command: Command) -> None:
    tagged = [{**record, "exchange": "acme"} for record in GOOD]
    foreign = {**recv(["BTC", "trade"]), "exchange": "okx"}
    assert report(command([*tagged, foreign])) == report(command(GOOD))
    code, out, error = command([foreign])
    assert (code, out) == (ExitCode.USAGE, "")
    assert error == "hft: no record is of exchange 'acme', the captures have 'okx': add --key\n"
    renamed = [{**record, "exchange": "mine"} for record in GOOD]
    assert list(report(command(renamed, args=("--json", "--key", "mine")))["instruments"]) == [
        "BTC/USDT@mine"
    ]


def test_several_captures_are_merged_by_time(command: Command) -> None:
    second = [http("/instruments", LISTING), *[recv(["ETH", "trade"])] * 3]
    merged = report(command(GOOD, second))
    assert {name: one["frames"] for name, one in merged["instruments"].items()} == {
        "BTC/USDT@acme": 2,
        "ETH/USDT@acme": 3,
    }


def test_a_repeated_listing_changes_nothing_and_a_new_tick_size_starts_over(command: Command) -> None:
    again = [http("/instruments", LISTING), recv(["BTC", 102, 102, [["97.5", "1"]], []])]
    (one,) = report(command([*GOOD, *again]))["instruments"].values()
    assert (one["state"], one["book_updates"]) == ("LIVE", 2)
    finer = http("/instruments", LISTING | {"BTC": "0.25"})
    (one,) = report(command([*GOOD, finer]))["instruments"].values()
    assert (one["state"], one["bids"], one["frames"]) == ("SYNCING", [], 2)


def test_for_people(command: Command) -> None:
    code, out, _ = command(GOOD, args=())
    assert code == ExitCode.STOPPED
    assert "2 frames, 0 not understood" in out
    assert "BTC/USDT@acme" in out
    assert "LIVE" in out
    assert "99.5" in out
    assert "ETH" not in out


def test_a_capture_without_instruments_says_so(command: Command) -> None:
    result = command(GOOD[1:4])
    assert report(result) == {"instruments": {}, "frames": 1, "undecoded": 1}
    assert "lists no instruments" in result[2]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (
            ["replay", "empty.jsonl", "--exchange", "./acme.py"],
            ExitCode.FAULT,
            "empty.jsonl: holds no record",
        ),
        (
            ["replay", "absent.jsonl", "--exchange", "./acme.py"],
            ExitCode.FAULT,
            "absent.jsonl: cannot be read",
        ),
        (
            ["replay", "acme.py", "--exchange", "./acme.py"],
            ExitCode.FAULT,
            "acme.py: is not named like a capture",
        ),
        (
            ["replay", "wrong.jsonl", "--exchange", "./acme.py"],
            ExitCode.FAULT,
            "wrong.jsonl:1: not a line of a capture",
        ),
        (["replay", "empty.jsonl"], ExitCode.USAGE, "--exchange"),
        (["replay", "empty.jsonl", "--exchange", "no-such"], ExitCode.USAGE, "no-such"),
        (["replay", "empty.jsonl", "--exchange", "./acme.py", "--depth", "-1"], ExitCode.USAGE, "--depth"),
        (["replay", "empty.jsonl", "--exchange", "./acme.py", "--depth", "many"], ExitCode.USAGE, "'many'"),
    ],
)
def test_mistakes_are_one_line(
    command: Command,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    code: ExitCode,
    message: str,
) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "wrong.jsonl").write_text("hello\nworld\n")
    assert main(args) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert message in output.err
    assert output.err.count("\n") == 1
