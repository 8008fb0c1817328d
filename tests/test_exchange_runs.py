"""Whole runs as a user types them, on simulated exchanges in another process; their truth is what counts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.cli.exit_codes import ExitCode
from tests.exchanges import VENUES, Venue
from tests.served import served

LONG_S = 40.0
ENOUGH = 10
"""Fills of each product."""

PROFILE = """
name: busy
mode: {mode}
exchanges:
  {name}: {{use: {name}, {where}}}
strategies:
  busy:
    use: ./busy.py
    instruments: ["{spot}@{name}", "{contract}@{name}"]
    sizes: ["{sizes[0]}", "{sizes[1]}"]
"""

BUSY = '''
"""In turns trade at the market, rest at the touch, move what rests, and cancel it."""
import attrs
from hft import InstrumentKind, OrderType, Side, Strategy

@attrs.frozen(kw_only=True)
class Config:
    sizes: list[str]

class Busy(Strategy[Config]):
    def on_start(self):
        self.turn = 0
        self.trading.every(100_000_000, self.act)

    def on_book(self, book):
        """Have the books subscribed to."""

    def act(self):
        for market in self.trading.markets:
            book = market.book
            if book.best_bid is not None and book.best_ask is not None:
                self.turn_of(market.instrument, book)
        self.turn += 1

    def turn_of(self, instrument, book):
        round, step = divmod(self.turn, 5)
        size = instrument.size(self.config.sizes[instrument.kind is not InstrumentKind.SPOT])
        buys = bool(round % 2)
        price = book.best_bid - step + 1 if buys else book.best_ask + step - 1
        price = instrument.price_down(price) if buys else instrument.price_up(price)
        if step == 0:
            self.trading.place(instrument, Side.SELL if buys else Side.BUY, size, type=OrderType.MARKET)
        elif step == 1:
            self.trading.place(instrument, Side.BUY if buys else Side.SELL, size, price, post_only=True)
        for order in self.trading.open_orders(instrument):
            if step == 2:
                self.trading.amend(order, price, order.size)
            elif step == 4:
                self.trading.cancel(order)
'''


@attrs.frozen
class Exchange:
    """A simulator in a process of its own."""

    url: str
    account: dict[str, str]

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_sim/{path}", timeout=10) as answer:  # loopback
            return json.load(answer)


@contextmanager
def simulated(venue: Venue) -> Iterator[Exchange]:
    with served(venue.name, "--rate", "3", "--symbols", ",".join(venue.symbols)) as said:
        yield Exchange(said["rest"], said["accounts"][0])


def run(
    folder: Path, venue: Venue, *, mode: str, where: str, until: Callable[[], bool] | None = None
) -> dict[str, Any]:
    """Run until something is so, or for some seconds, and return the summary."""
    (folder / "busy.py").write_text(BUSY)
    profile = folder / "busy.yaml"
    profile.write_text(PROFILE.format(mode=mode, where=where, **attrs.asdict(venue)))
    command = [sys.executable, "-m", "hft", "run", str(profile), "--yes", "--json"]
    command += ["--duration", "6s" if until is None else "60s"]
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
    assert process.returncode == ExitCode.STOPPED, err
    summary: dict[str, Any] = json.loads(out)
    assert (summary["undecoded"], summary["gaps"], summary["faults"], summary["halted"]) == (0, 0, [], None)
    return summary


@pytest.mark.parametrize("entry", ["websocket", "rest"])
@pytest.mark.parametrize("venue", VENUES.values(), ids=lambda venue: venue.name)
def test_the_ledger_of_a_live_run_is_the_exchanges_truth(
    tmp_path: Path, venue: Venue, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulated(venue) as exchange:
        where = f'url: "{exchange.url}", order_entry: {entry}'
        for name in {"key", *venue.secrets}:
            monkeypatch.setenv(name.upper(), exchange.account[name])
            where += f', {name}: "${{{name.upper()}}}"'
        fills_of = f"fills?account={exchange.account['name']}"

        def enough() -> bool:
            fills = exchange.ask(fills_of)
            makers = {fill["is_maker"] for fill in fills[venue.desks[1]]}
            return makers == {True, False} and all(len(each) >= ENOUGH for each in fills.values())

        summary = run(tmp_path, venue, mode="live", where=where, until=enough)
        fills = exchange.ask(fills_of)
        truth = exchange.ask(f"truth?account={exchange.account['name']}")["accounts"]
        account = truth[exchange.account["name"]]
    assert summary["fills"] == sum(map(len, fills.values()))
    assert summary["open_orders_left"] == 0
    assert summary["amends_sent"] or venue.amending
    for symbol, desk in zip(venue.symbols, venue.desks, strict=True):
        held = summary["positions"][f"{symbol}@{venue.name}"]
        worth = Decimal(venue.worth if symbol == venue.contract else 1)
        size = cash = Decimal(0)
        fees: dict[str, Decimal] = {}
        for fill in fills[desk]:
            signed = Decimal(fill["size"]) * (1 if fill["side"] == "buy" else -1)
            size += signed
            cash -= signed * worth * Decimal(fill["price"])
            fees[fill["fee_asset"]] = fees.get(fill["fee_asset"], Decimal(0)) + Decimal(fill["fee"])
        assert (Decimal(held["size"]), Decimal(held["cash"])) == (size, cash)
        assert {asset: Decimal(fee) for asset, fee in held["fees"].items()} == fees
        orders = account[desk]["orders"]
        assert not [order for order in orders if order["state"] in ("new", "open", "partially-filled")]
        assert len({order["client_id"] for order in orders}) == len(orders)
    (position,) = [one for one in account[venue.desks[1]]["positions"] if one["symbol"] == venue.contract]
    assert Decimal(position["size"]) == Decimal(
        summary["positions"][f"{venue.contract}@{venue.name}"]["size"]
    )


@pytest.mark.parametrize("venue", VENUES.values(), ids=lambda venue: venue.name)
def test_a_dry_run_trades_by_itself_on_the_exchanges_data(tmp_path: Path, venue: Venue) -> None:
    summary = run(tmp_path, venue, mode="dry-run", where="environment: simulator")
    assert summary["book_updates"] > 2
    assert summary["fills"] > 2
