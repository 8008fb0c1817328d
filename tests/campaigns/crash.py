"""Kill a trader at random moments, again and again, and look whether anything was lost or done twice.

    python -m tests.campaigns.crash --kills 200

A simulated Binance runs all the time and trades with what it has. A trader quotes on it, spot and futures,
and is killed without warning, while it starts, recovers, quotes or is filled. After every kill the way of
a restart is gone, without trading: the journal is recovered, the account compared, what was left cancelled.
Then every order that the exchange ever took must be known, none twice, none open, and the ledger must equal
the exchange's own fills to the last digit. Of some kills the restart is a trader that is killed as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from hft.errors import HftError
from hft.journal import JournalReader
from hft.profile import Profile, read_profile
from hft.registry.loader import Registry
from hft.run.kernel import Kernel
from hft.run.live import Errand, run_live
from hft.sim.child import Child, start_child
from hft.testing.truth import compare_ledger, compare_orders, fetch_truth

__all__ = ["Campaign", "main"]

_SYMBOLS = ("BTC/USDT", "ETH/USDT", "BTC/USDT:USDT")

_PROFILE = """
name: crash
mode: live
live: true
exchanges:
  binance:
    use: binance
    url: {url}
    environment: mainnet
    key: ${{CRASH_KEY}}
    secret: ${{CRASH_SECRET}}
    recv_window: 1s
    account: {{interval: 2s, positions: halt}}
strategies:
  spot:
    use: market_making
    instruments: [BTC/USDT@binance]
    target_spread: "0.2"
    order_size: "0.001"
    max_position: "0.2"
    levels: 3
    refresh: 50ms
  ether:
    use: market_making
    instruments: [ETH/USDT@binance]
    target_spread: "0.02"
    order_size: "0.02"
    max_position: "2"
    levels: 3
    refresh: 50ms
  perpetual:
    use: market_making
    instruments: ["BTC/USDT:USDT@binance"]
    target_spread: "0.2"
    order_size: "0.002"
    max_position: "0.2"
    levels: 3
    refresh: 50ms
risk:
  - use: max_position
    instrument: BTC/USDT@binance
    limit: "0.5"
"""

_EARLY = 0.3
"""How often it is killed while it starts, or has hardly started."""

_LONGEST_START_S, _LONGEST_LIFE_S = 3.0, 4.0
_PATIENCE_S = 60.0

_AGAIN = 0.3
"""How often a kill is followed by another one instead of by a look."""


@attrs.define
class Campaign:
    """What a campaign counts, and what it found wrong."""

    kills: int = 0
    checks: int = 0
    recoveries_s: list[float] = attrs.Factory(list)
    orders: int = 0
    fills: int = 0
    wrong: list[str] = attrs.Factory(list)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON has them."""
        recoveries = sorted(self.recoveries_s) or [0.0]
        return {
            "kills": self.kills,
            "checks": self.checks,
            "orders": self.orders,
            "fills": self.fills,
            "recovery_p50_s": round(recoveries[len(recoveries) // 2], 3),
            "recovery_p99_s": round(recoveries[min(len(recoveries) - 1, len(recoveries) * 99 // 100)], 3),
            "wrong": self.wrong,
        }


async def run_campaign(kills: int, seed: int, folder: Path, *, progress: bool) -> Campaign:
    """Kill a trader so many times, and look after each what is left of it."""
    rng = random.Random(seed)
    campaign = Campaign()
    arguments = ["--set", f"symbols={','.join(_SYMBOLS)}", "--set", f"seed={seed}", "--set", "rate=8"]
    arguments += ["--set", "limits=20"]
    exchange = await start_child("binance", arguments)
    try:
        path, environ = _write_profile(folder, exchange)
        os.environ.update(environ)
        profile = read_profile(path, Registry())
        while campaign.kills < kills and not campaign.wrong:
            await _live_and_die(path, rng, campaign)
            if rng.random() < _AGAIN and campaign.kills < kills:
                continue
            await _look(profile, exchange, campaign)
            if progress:
                print(f"\r{campaign.kills} of {kills} kills, {campaign.fills} fills", end="", flush=True)
    finally:
        await exchange.stop()
    if progress:
        print()
    return campaign


def _write_profile(folder: Path, exchange: Child) -> tuple[Path, dict[str, str]]:
    path = folder / "crash.yaml"
    path.write_text(_PROFILE.format(url=exchange.rest))
    account = exchange.accounts[0]
    return path, {"CRASH_KEY": account["key"], "CRASH_SECRET": account["secret"]}


async def _live_and_die(path: Path, rng: random.Random, campaign: Campaign) -> None:
    """Start a trader, let it live for a while, and kill it: while it starts, or while it trades."""
    trader = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hft", "run", str(path), "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    started = asyncio.Event()
    reading = asyncio.create_task(_read_log(trader, path.parent / "trader.log", started))
    if rng.random() < _EARLY:
        life_s = rng.uniform(0.0, _LONGEST_START_S)
    else:
        waiting = [asyncio.create_task(started.wait()), asyncio.create_task(trader.wait())]
        await asyncio.wait(waiting, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        if not started.is_set():
            campaign.wrong.append(f"the trader has not started within {_PATIENCE_S:g} s: see trader.log")
        life_s = rng.uniform(0.0, _LONGEST_LIFE_S)
    try:
        await asyncio.wait_for(trader.wait(), life_s)
    except TimeoutError:
        trader.send_signal(signal.SIGKILL)
        await trader.wait()
        campaign.kills += 1
    else:
        campaign.wrong.append(f"the trader ended by itself, exit code {trader.returncode}: see trader.log")
    await reading


async def _read_log(trader: asyncio.subprocess.Process, log: Path, started: asyncio.Event) -> None:
    assert trader.stderr is not None
    with log.open("ab") as file:
        while line := await trader.stderr.readline():
            file.write(line)
            if b": started in mode live" in line:
                started.set()


async def _look(profile: Profile, exchange: Child, campaign: Campaign) -> None:
    """Go the way of a restart, without trading, and compare with the truth."""

    async def compare(kernel: Kernel) -> None:
        campaign.recoveries_s.append(time.monotonic() - began_s)
        if kernel.manager.open_count:
            left = list(kernel.manager.store.open)
            campaign.wrong.append(f"orders of the run before are not cleared up: {left}")
        truth = await asyncio.to_thread(fetch_truth, exchange.rest)
        instruments = [market.instrument for market in kernel.markets.values()]
        campaign.wrong += compare_ledger(truth, kernel.ledger, instruments)
        with JournalReader(profile.state / profile.name / "live") as reader:
            known = {
                life.order.client_order_id: life.order.state.value
                for run in reader.runs()
                for life in reader.orders(run.record.run)
            }
        ours = [o for o in truth.orders() if o["client_id"].startswith(kernel.ids.profile_prefix)]
        campaign.orders = len(ours)
        campaign.fills = sum(len(order["fills"]) for order in ours)
        campaign.wrong += compare_orders(truth, kernel.ids.profile_prefix, known)
        campaign.checks += 1

    warnings: list[str] = []
    began_s = time.monotonic()
    try:
        summary = await run_live(
            profile,
            duration_ns=None,
            console=None,
            write=lambda line: None,
            warn=lambda key, line: warnings.append(line),
            errand=Errand(work=compare),
        )
    except HftError as error:
        campaign.wrong.append(f"the restart failed: {error}")
        return
    if summary.halted:
        campaign.wrong.append(f"the restart halted: {summary.halted}")
    if campaign.wrong:
        campaign.wrong += warnings


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign from the command line; 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(description="Kill a trader again and again, and look what is lost.")
    parser.add_argument("--kills", type=int, default=200, help="how often it is killed")
    parser.add_argument("--seed", type=int, default=1, help="seed of the moments and of the market")
    parser.add_argument("--folder", type=Path, help="where profile, journal and log are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        campaign = asyncio.run(run_campaign(args.kills, args.seed, folder, progress=not args.json))
    figures = campaign.to_json()
    if args.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            if name != "wrong":
                print(f"{name.replace('_', ' ')}: {value}")
        for line in campaign.wrong:
            print(f"WRONG: {line}")
    return 1 if campaign.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
