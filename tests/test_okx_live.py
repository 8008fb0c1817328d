"""OKX as a user types it, against a simulated one in another process; its truth is what counts."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hft.cli.exit_codes import ExitCode

SYMBOLS = ("BTC/USDT", "BTC/USDT:USDT")

TAKER = '''
"""Buy and sell a little at the market in turn, with an order that rests and is moved besides."""
import attrs
from hft import OrderType, Price, Side, Size, Strategy, TimeInForce

@attrs.frozen(kw_only=True)
class Config:
    pass

class Taker(Strategy[Config]):
    def on_start(self):
        self.turns, self.resting = {}, {}

    def on_book(self, book):
        instrument = book.instrument
        if book.best_bid is None or book.best_ask is None:
            return
        turn = self.turns[instrument] = self.turns.get(instrument, 0) + 1
        size = Size(instrument.min_size * 10)
        if turn % 10 == 5 and turn < 60:
            if turn % 20 == 5:
                self.trading.place(instrument, Side.BUY, size, type=OrderType.MARKET)
            else:
                low = Price(book.best_bid - 50)
                self.trading.place(instrument, Side.SELL, size, low, time_in_force=TimeInForce.IOC)
        price, resting = Price(book.best_bid * 97 // 100 + turn), self.resting.get(instrument)
        if resting is None:
            self.resting[instrument] = self.trading.place(instrument, Side.BUY, size, price, post_only=True)
        elif turn % 10 == 0 and resting.is_open:
            self.trading.amend(resting, price, size)
'''

PROFILE = """
name: okx-test
mode: {mode}
{live}
exchanges:
  okx: {{use: okx, {where}}}
strategies:
  taker: {{use: ./taker.py, instruments: ["BTC/USDT@okx", "BTC/USDT:USDT@okx"]}}
"""


@pytest.fixture
def ready() -> Iterator[dict[str, Any]]:
    arguments = ["sim", "okx", "--json", "--until-stdin-closes", "--symbols", ",".join(SYMBOLS)]
    with subprocess.Popen(
        [sys.executable, "-m", "hft", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        assert process.stdin is not None
        process.stdin.close()


def run(folder: Path, profile: str, *arguments: str) -> dict[str, Any]:
    (folder / "taker.py").write_text(TAKER)
    path = folder / "profile.yaml"
    path.write_text(profile)
    done = subprocess.run(
        [sys.executable, "-m", "hft", "run", str(path), "--json", "--duration", "6s", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == ExitCode.STOPPED, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def truth_of(ready: dict[str, Any]) -> dict[str, Any]:
    with urllib.request.urlopen(f"{ready['rest']}/_sim/truth", timeout=10) as answer:  # loopback
        account: dict[str, Any] = json.load(answer)["accounts"]["account1"]
    return account


@pytest.mark.parametrize("order_entry", ["websocket", "rest"])
def test_a_live_run_knows_to_the_last_digit_what_it_did(
    tmp_path: Path, ready: dict[str, Any], order_entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = f'url: "{ready["rest"]}", order_entry: {order_entry}'
    for name in ("key", "secret", "passphrase"):
        monkeypatch.setenv(f"OKX_{name.upper()}", ready["accounts"][0][name])
        where += f', {name}: "${{OKX_{name.upper()}}}"'
    summary = run(tmp_path, PROFILE.format(mode="live", live="live: true", where=where))
    assert (summary["undecoded"], summary["gaps"], summary["refused"]) == (0, 0, {})
    truth = truth_of(ready)
    for desk, symbol in (("spot", "BTC/USDT"), ("swap", "BTC/USDT:USDT")):
        ours = summary["positions"][f"{symbol}@okx"]
        orders = truth[desk]["orders"]
        fills = [fill for order in orders for fill in order["fills"]]
        assert len(fills) >= 4
        signs = {"buy": 1, "sell": -1}
        size = sum(signs[fill["side"]] * Decimal(fill["size"]) for fill in fills)
        worth = Decimal(1) if desk == "spot" else Decimal("0.01")
        cash = -sum(
            signs[fill["side"]] * Decimal(fill["size"]) * Decimal(fill["price"]) * worth for fill in fills
        )
        fees: Counter[str] = Counter()
        for fill in fills:
            fees[fill["fee_asset"]] += Decimal(fill["fee"])  # type: ignore[assignment]
        assert (Decimal(ours["size"]), Decimal(ours["cash"])) == (size, cash)
        assert {asset: Decimal(fee) for asset, fee in ours["fees"].items()} == fees
        assert not [order for order in orders if order["state"] in ("new", "partially-filled")]
        assert len({order["client_id"] for order in orders}) == len(orders)
    assert summary["fills"] == sum(
        len(order["fills"]) for desk in ("spot", "swap") for order in truth[desk]["orders"]
    )
    assert summary["amends_sent"] > 4


def test_a_dry_run_on_a_simulator_of_its_own(tmp_path: Path) -> None:
    summary = run(tmp_path, PROFILE.format(mode="dry-run", live="", where="environment: simulator"))
    assert (summary["undecoded"], summary["gaps"]) == (0, 0)
    assert summary["fills"] >= 4
    assert summary["book_updates"] > 20
