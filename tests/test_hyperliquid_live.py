"""Whole runs against a simulated Hyperliquid in another process; its truth is what counts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

PERP, SPOT = "ETH/USDC:USDC@hyperliquid", "HYPE/USDC@hyperliquid"

LONG_S = 40.0
ENOUGH = 12
"""Fills of each product."""

PROFILE = """
name: hyper
mode: {mode}
exchanges:
  hyperliquid: {{use: hyperliquid, {where}}}
strategies:
  busy: {{use: ./busy.py, instruments: ["{perp}", "{spot}"]}}
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
            size = instrument.size("0.02" if instrument.symbol.startswith("ETH") else "3")
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
    arguments = ["sim", "hyperliquid", "--json", "--until-stdin-closes", "--rate", "3"]
    with subprocess.Popen(
        [sys.executable, "-m", "hft", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Exchange(said["rest"], said["accounts"][0])
        assert process.stdin is not None
        process.stdin.close()


def run(folder: Path, *, mode: str, where: str, until: Callable[[], bool] | None = None) -> dict[str, Any]:
    """Run until something is so, or for some seconds, and return the summary."""
    (folder / "busy.py").write_text(BUSY)
    profile = folder / "hyper.yaml"
    profile.write_text(PROFILE.format(mode=mode, where=where, perp=PERP, spot=SPOT))
    command = [sys.executable, "-m", "hft", "run", str(profile), "--yes", "--json"]
    command += ["--duration", "10s" if until is None else "60s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            if until is not None:
                give_up = time.monotonic() + LONG_S
                while not until():
                    assert time.monotonic() < give_up, "it does not come to that"
                    time.sleep(0.1)
                process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=LONG_S)
        finally:
            process.kill()
    assert process.returncode == 0, err
    summary: dict[str, Any] = json.loads(out)
    assert (summary["undecoded"], summary["gaps"], summary["faults"], summary["halted"]) == (0, 0, [], None)
    return summary


def test_the_ledger_of_a_live_run_is_the_exchanges_truth(
    tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", exchange.account["key"])
    monkeypatch.setenv("SECRET", exchange.account["secret"])
    where = f'url: "{exchange.url}", key: "${{KEY}}", secret: "${{SECRET}}"'
    name = exchange.account["name"]

    def enough() -> bool:
        return all(len(each) >= ENOUGH for each in exchange.ask(f"fills?account={name}").values())

    summary = run(tmp_path, mode="live", where=where, until=enough)
    fills = exchange.ask(f"fills?account={name}")
    assert summary["fills"] == sum(map(len, fills.values()))
    assert {fill["is_maker"] for fill in fills["perps"]} == {True, False}
    assert summary["open_orders_left"] == 0
    truth = exchange.ask(f"truth?account={name}")["accounts"][name]
    assert not [
        order for desk in ("spot", "perps") for order in truth[desk]["orders"] if order["state"] == "new"
    ]
    for instrument, desk in ((PERP, "perps"), (SPOT, "spot")):
        held = summary["positions"][instrument]
        size = cash = Decimal(0)
        fees: dict[str, Decimal] = {}
        for fill in fills[desk]:
            sign = 1 if fill["side"] == "buy" else -1
            size += sign * Decimal(fill["size"])
            cash -= sign * Decimal(fill["size"]) * Decimal(fill["price"])
            fees[fill["fee_asset"]] = fees.get(fill["fee_asset"], Decimal(0)) + Decimal(fill["fee"])
        assert len(fills[desk]) >= ENOUGH
        assert Decimal(held["size"]) == size
        assert Decimal(held["cash"]) == cash
        assert {asset: Decimal(fee) for asset, fee in held["fees"].items()} == fees
    (position,) = [one for one in truth["perps"]["positions"] if one["symbol"] == "ETH/USDC:USDC"]
    assert Decimal(position["size"]) == Decimal(summary["positions"][PERP]["size"])


def test_a_dry_run_trades_by_itself_on_the_exchanges_data(tmp_path: Path) -> None:
    summary = run(tmp_path, mode="dry-run", where="environment: simulator")
    assert summary["book_updates"] > 2
    assert summary["fills"] > 2
