"""A dry run that was recorded, run again: the same orders, or the first one that is not, with its cause."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from hft.capture import CaptureWriter
from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.clock import NS_PER_S
from hft.errors import CaptureError
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.live import run_live
from hft.run.summary import Summary
from hft.sim import World, serve
from hft.sim.fault import Fault, FaultKind
from hft.testing.virtual_time import VirtualClock, run
from hft_binance.simulator import BinanceSimulator, BinanceSimulatorConfig

PROFILES = Path(__file__).parents[1] / "profiles"

SYMBOLS = ("BTC/USDT", "BTC/USDT:USDT")

PROFILE = """
name: session
mode: dry-run
seed: {seed}
exchanges:
  binance:
    use: binance
    url: http://127.0.0.1:{port}
    paper: {{order_latency: 3ms, response_latency: 2ms, taker_fee: "0.0005"}}
strategies:
  maker:
    use: market_making
    instruments: [BTC/USDT@binance]
    target_spread: "0.5"
    order_size: "0.002"
    max_position: "0.1"
    levels: 3
    refresh: 700ms
  drawer: {{use: ./drawer.py, instruments: ["BTC/USDT:USDT@binance"]}}
risk:
  - {{use: max_position, instrument: "BTC/USDT@binance", limit: "0.01"}}
"""

DRAWER = '''
"""Place, amend and cancel by timers, chance and the time of the day, as nothing sensible does."""
import attrs
from hft import OrderType, Price, Side, Size, Strategy

@attrs.frozen(kw_only=True)
class Config:
    pass

class Drawer(Strategy[Config]):
    def on_start(self):
        self.trading.every(37_000_000, self.draw)

    def on_trade(self, trade):
        if self.trading.clock.now_ns() // 1_000 % 5 == 0:
            self.draw()

    def draw(self):
        book = self.trading.markets[0].book
        if book.best_bid is None or book.best_ask is None:
            return
        instrument, rng = book.instrument, self.trading.random
        orders = self.trading.open_orders(instrument)
        size = Size(instrument.min_size * rng.randint(5, 9))
        match rng.randrange(6):
            case 0:
                self.trading.place(instrument, rng.choice(list(Side)), size, type=OrderType.MARKET)
            case 1 if orders:
                self.trading.amend(rng.choice(orders), Price(book.best_bid - rng.randrange(20)), size)
            case 2 | 3 if orders:
                self.trading.cancel(rng.choice(orders))
            case _ if len(orders) < 10:
                self.trading.place(instrument, Side.BUY, size, Price(book.best_bid - rng.randrange(3)))
'''


class UnevenClock(VirtualClock):
    """A clock that no two readings find where it was, as the system's is."""

    def __init__(self) -> None:
        super().__init__()
        self._rng = random.Random(1)
        self._last_ns = 0

    def now_ns(self) -> int:
        self._last_ns = max(self._last_ns + 1, super().now_ns() + self._rng.randrange(200_000))
        return self._last_ns


async def session(folder: Path, seed: int, record: Path, fault: Fault | None) -> Summary:
    """Trade for some seconds on a simulated exchange of this loop, and record it."""
    clock = VirtualClock()
    world = World.synthetic(clock, SYMBOLS, "binance", seed=seed, rate=3.0)
    simulator = BinanceSimulator(BinanceSimulatorConfig(symbols=SYMBOLS, seed=seed), world)
    async with serve(simulator) as port:
        path = write_profile(folder, PROFILE.format(seed=seed, port=port))
        with patch("hft.run.live.SystemClock", UnevenClock):
            trading = asyncio.ensure_future(
                run_live(
                    read_profile(path, Registry()),
                    duration_ns=12 * NS_PER_S,
                    console=None,
                    write=lambda line: None,
                    warn=lambda key, line: None,
                    record=record,
                )
            )
            if fault is not None:
                await clock.sleep(4 * NS_PER_S)
                simulator.faults.inject(fault)
            summary = await trading
        world.stop()
        await clock.sleep(20 * NS_PER_S)
    return summary


def write_profile(folder: Path, text: str) -> Path:
    (folder / "drawer.py").write_text(DRAWER)
    path = folder / "profile.yaml"
    path.write_text(text)
    return path


def recorded(folder: Path, seed: int = 1, fault: Fault | None = None) -> tuple[Path, Summary]:
    """Return the profile that replays a session, and what the session came to."""
    record = folder / "session.jsonl"
    main_coroutine: Coroutine[Any, Any, Summary] = session(folder, seed, record, fault)
    summary = run(main_coroutine)
    path = folder / "replay.yaml"
    text = (folder / "profile.yaml").read_text()
    path.write_text(text.replace("mode: dry-run", f"mode: replay\ncaptures: [{record}]"))
    return path, summary


def replayed(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["run", str(path), "--json"])
    out, err = capsys.readouterr()
    assert out, err
    return code, json.loads(out)


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "session.jsonl").read_text().splitlines()]


FAULTS = [None, Fault(kind=FaultKind.CLOSE, count=2), Fault(kind=FaultKind.DROP, count=3)]


@pytest.mark.parametrize(("seed", "fault"), list(enumerate(FAULTS, 1)))
def test_a_session_run_again_makes_the_same_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int, fault: Fault | None
) -> None:
    path, then = recorded(tmp_path, seed, fault)
    assert then.fills > 10
    assert then.orders_sent > 50
    assert then.amends_sent > 10
    assert then.cancels_sent > 10
    assert then.refused["risk"] if "risk" in then.refused else sum(then.refused.values())
    code, now = replayed(path, capsys)
    assert now["session"]["difference"] is None
    assert now["session"] == {
        "equal": True,
        "inputs": now["session"]["inputs"],
        "effects": then.orders_sent + then.amends_sent + then.cancels_sent + then.fills,
        "incomplete": None,
        "difference": None,
        "changed": [],
    }
    assert code == ExitCode.STOPPED
    before = then.to_json()
    for key in ("orders_sent", "fills", "refused", "currencies", "positions", "book_updates", "gaps", "resyncs"):
        assert now[key] == before[key], key
