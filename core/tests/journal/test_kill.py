"""A process that is killed while it writes loses nothing that it was told was done."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from hft.clock import SimulatedClock
from hft.journal import recover
from hft.types import OrderState

KILLS = 20

PROGRAM = """
import sys
import time
from pathlib import Path

from hft.errors import OrderError
from hft.testing.journal import JournalDesk
from hft.types import OrderState, Size

folder, first = Path(sys.argv[1]), int(sys.argv[2])
desk = JournalDesk(folder, commit_every_s=0.002)
desk.begin(f"run{first}")
journal, number = desk.journal, first
fills = []
print("begun", flush=True)
while True:
    number += 1
    order = desk.order(number)
    try:
        journal.intend_place(order)
    except OrderError:  # faster than the disk: not sent
        time.sleep(0.001)
        continue
    print("sent", order.client_order_id, flush=True)
    if number % 3 == 0:
        order.state, order.filled = OrderState.FILLED, Size(10)
        fill = desk.fill(order, number, 10)
        journal.fill(fill)
        journal.order(order)
        fills.append((journal.told, fill.trade_id))
    while fills and journal.done >= fills[0][0]:
        print("booked", fills.pop(0)[1], flush=True)
"""


def test_a_killed_process_loses_nothing_that_was_done(tmp_path: Path) -> None:
    """Kill at random moments, each run going on in the journal of the one before."""
    chance = random.Random(5)
    folder = tmp_path / "journal"
    sent: set[str] = set()
    booked: list[str] = []
    torn = 0
    for run in range(1, KILLS + 1):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(run * 1_000_000)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        stop = time.monotonic() + chance.uniform(0, 0.05)
        lines = []
        while time.monotonic() < stop:
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        # The last line may have been cut off by the kill.
        lines += rest.splitlines(keepends=True)
        for line in lines:
            if line.endswith("\n"):
                what, name = line.split()
                if what == "sent":
                    sent.add(name)
                else:
                    booked.append(name)
        assert process.returncode == -signal.SIGKILL
        found = recover(folder, SimulatedClock(2 * 10**18))
        if found.damage:
            # Killed in the middle of writing one, which so was not sent.
            assert "has 1 intents that cannot be read" in found.damage
            torn += 1
        assert len(found.runs) == run
        trades = [fill.trade_id for fill in found.fills]
        # Of the finished ones only the newest are kept as orders; their fills are all there.
        finished = {f"abc1{trade.removeprefix('t')}" for trade in trades}
        assert sent - finished <= set(found.orders)
        assert len(found.orders) - len(sent) <= run, "an order that was not sent"
        assert set(booked) <= set(trades)
        assert len(trades) == len(set(trades))
        states = {order.state for order in found.orders.values()}
        assert states <= {OrderState.UNKNOWN, OrderState.FILLED}
    assert sent
    assert booked
    assert torn <= KILLS // 4
