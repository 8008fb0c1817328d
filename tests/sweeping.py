"""What the tests of sweeps share: a strategy whose result is known, and a recording to run it on."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from hft import Instrument, InstrumentId, InstrumentKind
from hft.data import LAST, ColumnsWriter, Kind

__all__ = ["INSTRUMENT", "MS", "PROFILE", "START_NS", "STRATEGY", "write_sweep"]

START_NS = 1_704_067_200_000_000_000
MS = 1_000_000
EVENTS = 400

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

PROFILE = """\
name: test
mode: backtest
data: [data]
exchanges:
  binance:
    use: binance
    paper: {order_latency: 1ms, maker_fee: "0", taker_fee: "0", queue: power}
strategies:
  buyer:
    use: ./buyer.py
    instruments: [BTC/USDT@binance]
    lots: 1  # bought at once, and kept
    hold: 50ms
    mood: calm
    edge: "0.5"
"""

STRATEGY = '''
"""Buy so many lots with the first book, and sell them after a time; in a mood, do worse."""
import os
import signal
from decimal import Decimal
import attrs
from hft import Duration, Side, Size, Strategy

def _few(_, __, value):
    if value > 20:
        raise ValueError(f"must be at most 20, got {value}")

@attrs.frozen(kw_only=True)
class Config:
    lots: int = attrs.field(validator=_few)
    hold: Duration
    mood: str
    edge: Decimal

class Buyer(Strategy[Config]):
    bought = False

    def on_book(self, book):
        if self.bought:
            return
        self.bought = True
        if self.config.mood == "raising":
            raise RuntimeError("not today")
        if self.config.mood == "dying":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.config.mood == "dying once" and not os.path.exists("died"):
            open("died", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.config.mood == "waiting":
            signal.pause()
        print("words that do not belong into the result")
        (market,) = self.trading.markets
        size = Size(self.config.lots)
        self.trading.place(market.instrument, Side.BUY, size, book.best_ask)
        self.trading.clock.call_later(
            self.config.hold,
            lambda: self.trading.place(market.instrument, Side.SELL, size, market.book.best_bid),
        )
'''


def write_sweep(folder: Path, space: str) -> list[str]:
    """Write profile, strategy, data and space, and return the arguments that sweep them.

    The price rises by one tick every 10 ms: what is held longer, or more of, earns more.
    """
    (folder / "p.yaml").write_text(PROFILE)
    (folder / "buyer.py").write_text(STRATEGY)
    (folder / "space.yaml").write_text(space)
    rows: list[dict[str, int]] = []
    for number in range(EVENTS):
        bid = 1_000 + number // 10
        row: dict[str, Any] = {"exchange_ns": START_NS + number * MS, "recv_ns": START_NS + number * MS}
        if number % 10 == 0:
            rows.append(row | {"kind": Kind.LEVEL, "side": -1, "price": bid + 1, "size": 0, "flags": 0})
            rows.append(row | {"kind": Kind.LEVEL, "side": 1, "price": bid, "size": 500, "flags": 0})
        rows.append(
            row | {"kind": Kind.LEVEL, "side": -1, "price": bid + 2, "size": 100 + number, "flags": LAST}
        )
    with ColumnsWriter(folder / "data", INSTRUMENT) as writer:
        writer.append({name: [row[name] for row in rows] for name in rows[0]})
    return ["sweep", str(folder / "p.yaml"), "--space", str(folder / "space.yaml")]
