"""A recorded session of a real exchange has the same fills in mode replay and, as columns, in a backtest."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")

from hft import Channel, Market, OrderBook, Side, Trade
from hft.capture import read_capture
from hft.clock import SimulatedClock
from hft.data import COLUMNS, LAST, ColumnsWriter, Kind
from hft.plugin.feed import RecordedFeed
from hft.profile import read_profile
from hft.registry.discovery import PluginKind
from hft.registry.loader import Registry
from hft.run.backtest import run_backtest
from hft.run.recorded import run_recorded

CAPTURES = Path(__file__).parents[2] / "shared" / "captures" / "binance"
PLAYED_NS = 30_000_000_000
HOUR_NS = 3_600_000_000_000

PROFILE = """
name: test
mode: {mode}
{source}
exchanges:
  binance: {{use: binance, paper: {{order_latency: 2ms, response_latency: 2ms}}}}
strategies:
  joiner: {{use: ./joiner.py, instruments: [{instruments}]}}
"""
JOINER = '''
"""Join the best prices, and log all that is told."""
import attrs
from hft import Size, Strategy

@attrs.frozen(kw_only=True)
class Config:
    pass

class Joiner(Strategy[Config]):
    def on_book(self, book):
        size = Size(book.instrument.min_size * 20)
        if book.best_bid and book.best_ask:
            self.trading.quote(book.instrument, [(book.best_bid, size)], [(book.best_ask, size)])

    def on_fill(self, fill):
        self.trading.log(
            f"{fill.instrument} {fill.recv_ns} {fill.side} {fill.price} {fill.size} {fill.liquidity.value}"
        )
'''


class Recorder:
    """Writes down what one market shows, as rows."""

    def __init__(self, market: Market, clock: SimulatedClock) -> None:
        self.market, self.clock = market, clock
        self.rows: list[tuple[int, ...]] = []
        self.shown: dict[tuple[int, int], int] = {}
        market.listen(Channel.BOOK, self.on_book)
        market.listen(Channel.TRADE, self.on_trade)

    def on_book(self, book: OrderBook) -> None:
        levels = {(side.sign, price): size for side in Side for price, size in book.levels(side)}
        changes = dict.fromkeys(self.shown.keys() - levels.keys(), 0)
        changes |= {key: size for key, size in levels.items() if self.shown.get(key) != size}
        for (sign, price), size in changes.items():
            self.add(book.exchange_ns, Kind.LEVEL, sign, price, size, 0)
        if not changes:
            # An update that changes nothing is one all the same: quotes are stated anew.
            (sign, price), size = next(iter(levels.items()))
            self.add(book.exchange_ns, Kind.LEVEL, sign, price, size, 0)
        self.rows[-1] = (*self.rows[-1][:-1], LAST)
        self.shown = levels

    def on_trade(self, trade: Trade) -> None:
        self.add(trade.exchange_ns, Kind.TRADE, trade.side.sign, trade.price, trade.size, LAST)

    def add(self, exchange_ns: int, *rest: int) -> None:
        # What happened later than it was seen happened when it was seen: as in a replay, where the exchange
        # knows no sooner than we do. Which of two events came first is still to be seen.
        self.rows.append((exchange_ns + HOUR_NS, self.clock.now_ns(), *rest))

    def write(self, root: Path) -> None:
        folder = root / re.sub(r"\W", "-", self.market.instrument.symbol)
        with ColumnsWriter(folder, self.market.instrument) as writer:
            writer.append(dict(zip(COLUMNS, zip(*self.rows, strict=True), strict=True)))


def convert(capture: Path, symbols: list[str], root: Path, until_ns: int) -> None:
    stream_class = Registry().load(PluginKind.EXCHANGE, "binance", base=None).market_data()
    assert stream_class is not None

    def new_feed(clock: SimulatedClock) -> RecordedFeed:
        feed = RecordedFeed("binance", stream_class.environments[0], clock=clock)
        feed.stream = stream_class(stream_class.Config(), feed)
        return feed

    # The instruments first, then all of it from the start, as a run does.
    listing, clock = new_feed(SimulatedClock()), SimulatedClock()
    records = list(takewhile(lambda record: record.t <= until_ns, read_capture(capture)))
    for record in records:
        if record.dir == "http":
            listing.play(record)
    recorders = [Recorder(Market(listing.instruments[symbol]), clock) for symbol in symbols]
    feed = new_feed(clock)
    feed.stream.subscribe([recorder.market for recorder in recorders])
    for record in records:
        clock.advance_to(record.t)
        feed.play(record)
    for recorder in recorders:
        recorder.write(root)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("spot_btcusdt_2024-08-08", "BTC/USDT"), ("usdm_btcusdt_2024-08-08", "BTC/USDT:USDT")],
)
def test_replay_and_backtest_have_the_same_fills(tmp_path: Path, name: str, symbol: str) -> None:
    capture = CAPTURES / f"{name}.jsonl.gz"
    if not capture.exists():
        pytest.skip("the captures are not here")
    until_ns = next(iter(read_capture(capture))).t + PLAYED_NS
    convert(capture, [symbol], tmp_path / "data", until_ns)
    (tmp_path / "joiner.py").write_text(JOINER)
    told = []
    for mode, source in (("replay", f"captures: [{capture}]"), ("backtest", "data: [data]")):
        profile = tmp_path / f"{mode}.yaml"
        profile.write_text(PROFILE.format(mode=mode, source=source, instruments=f'"{symbol}@binance"'))
        lines: list[str] = []
        run: Callable[..., Any] = run_recorded if mode == "replay" else run_backtest
        options = {"console": None, "write": lines.append, "warn": lambda _, line: None}
        run(read_profile(profile, Registry()), duration_ns=PLAYED_NS, **options)
        told.append([line for line in lines if line.startswith("joiner:")])
    assert len(told[0]) > 10
    assert told[0] == told[1]
