"""Whole runs against a simulated Bybit in another process; its truth is what counts."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

FUTURE, SPOT = "BTC/USDT:USDT@bybit", "BTC/USDT@bybit"

PROFILE = """
name: bybit
mode: {mode}
exchanges:
  bybit: {{use: bybit, {where}}}
strategies:
  busy: {{use: ./busy.py, instruments: ["{future}", "{spot}"]}}
"""

BUSY = '''
"""Rest at the touch, and take the other side at the market, in turns."""
import attrs
from hft import OrderType, Side, Size, Strategy

@attrs.frozen(kw_only=True)
class Config:
    pass

class Busy(Strategy[Config]):
    def on_start(self):
        self.turn = 0
        self.trading.every(250_000_000, self.act)

    def on_book(self, book):
        """Have the books subscribed to."""

    def act(self):
        for market in self.trading.markets:
            book, instrument = market.book, market.instrument
            if book.best_bid is None or book.best_ask is None:
                continue
            side = Side.BUY if self.turn % 2 else Side.SELL
            size = instrument.size("0.01")
            self.trading.place(instrument, side, size, type=OrderType.MARKET)
            for order in self.trading.open_orders(instrument):
                self.trading.cancel(order)
            touch = book.best_bid if side is Side.BUY else book.best_ask
            self.trading.place(instrument, side, Size(size * 2), touch, post_only=True)
        self.turn += 1
'''


@attrs.frozen
class Exchange:
    url: str
    account: dict[str, str]

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_sim/{path}", timeout=10) as answer:
            return json.load(answer)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    arguments = ["sim", "bybit", "--json", "--until-stdin-closes", "--rate", "3"]
    with subprocess.Popen(
        [sys.executable, "-m", "hft", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Exchange(said["rest"], said["accounts"][0])
        assert process.stdin is not None
        process.stdin.close()


def run(folder: Path, *, mode: str, where: str, duration: str) -> dict[str, Any]:
    (folder / "busy.py").write_text(BUSY)
    profile = folder / "bybit.yaml"
    profile.write_text(PROFILE.format(mode=mode, where=where, future=FUTURE, spot=SPOT))
    command = [sys.executable, "-m", "hft", "run", str(profile), "--yes", "--json", "--duration", duration]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    assert (summary["undecoded"], summary["gaps"], summary["faults"], summary["halted"]) == (0, 0, [], None)
    return summary


def test_the_ledger_of_a_live_run_is_the_exchanges_truth(
    tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", exchange.account["key"])
    monkeypatch.setenv("SECRET", exchange.account["secret"])
    where = f'url: "{exchange.url}", key: "${{KEY}}", secret: "${{SECRET}}"'
    summary = run(tmp_path, mode="live", where=where, duration="8s")
    name = exchange.account["name"]
    fills = exchange.ask(f"fills?account={name}")
    assert summary["fills"] == sum(map(len, fills.values()))
    assert {fill["is_maker"] for fill in fills["linear"]} == {True, False}
    assert summary["open_orders_left"] == 0
    truth = exchange.ask(f"truth?account={name}")["accounts"][name]
    assert not [
        order for desk in ("spot", "linear") for order in truth[desk]["orders"] if order["state"] == "new"
    ]
    for instrument, desk in ((FUTURE, "linear"), (SPOT, "spot")):
        held = summary["positions"][instrument]
        size = cash = Decimal(0)
        fees: dict[str, Decimal] = {}
        for fill in fills[desk]:
            sign = 1 if fill["side"] == "buy" else -1
            size += sign * Decimal(fill["size"])
            cash -= sign * Decimal(fill["size"]) * Decimal(fill["price"])
            fees[fill["fee_asset"]] = fees.get(fill["fee_asset"], Decimal(0)) + Decimal(fill["fee"])
        assert len(fills[desk]) >= 10
        assert Decimal(held["size"]) == size
        assert Decimal(held["cash"]) == cash
        assert {asset: Decimal(fee) for asset, fee in held["fees"].items()} == fees
    (position,) = [one for one in truth["linear"]["positions"] if one["symbol"] == "BTC/USDT:USDT"]
    assert Decimal(position["size"]) == Decimal(summary["positions"][FUTURE]["size"])


def test_a_dry_run_trades_by_itself_on_the_exchanges_data(tmp_path: Path) -> None:
    summary = run(tmp_path, mode="dry-run", where="environment: simulator", duration="10s")
    assert summary["book_updates"] > 2
    assert summary["fills"] > 2
