"""What writes a journal in tests: a run that trades one instrument, and kills that lose what a kill loses."""

from __future__ import annotations

import os
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

from hft.clock import SimulatedClock
from hft.events import Fill
from hft.instrument import Instrument
from hft.journal import Journal, Recovered, RunRecord, open_journal, recover
from hft.order import Order
from hft.testing.trading import make_instrument
from hft.types import Liquidity, Price, Side, Size

__all__ = ["JournalDesk"]

START_NS = 1_700_000_000_000_000_000
_NEVER = 3600.0
"""Seconds after which the journal writes by itself: a test says when."""


class JournalDesk:
    """What writes a journal: a run, an instrument, and orders and fills that differ by a number.

    ``faults`` are the reasons that the journal gave up for.
    """

    def __init__(
        self, folder: Path, instrument: Instrument | None = None, *, commit_every_s: float = _NEVER
    ) -> None:
        self.folder = folder
        self.clock = SimulatedClock(START_NS)
        self.instrument = instrument or make_instrument()
        self.faults: list[str] = []
        self.journal: Journal = open_journal(folder, self.clock, commit_every_s=commit_every_s)

    def begin(self, prefix: str = "abc1") -> int:
        """Begin a run that trades the instrument."""
        record = RunRecord(
            name="maker",
            profile_prefix="abc",
            prefix=prefix,
            mode="live",
            version="0.1.0",
            pid=os.getpid(),
            strategies=("maker",),
        )
        run = self.journal.begin(
            record, on_fault=self.faults.append, call_soon=lambda call, reason: call(reason)
        )
        self.journal.add([self.instrument])
        return run

    def order(self, number: int, **changes: Any) -> Order:
        """Make an order."""
        self.clock.advance(1000)
        values: dict[str, Any] = {
            "client_order_id": f"abc1{number}",
            "strategy": "maker",
            "instrument": self.instrument,
            "side": Side.BUY,
            "size": Size(10),
            "price": Price(1000 + number),
            "created_ns": self.clock.now_ns(),
        }
        return Order(**values | changes)

    def fill(self, order: Order, number: int, size: int = 1) -> Fill:
        """Make a fill of an order."""
        self.clock.advance(1000)
        return Fill(
            client_order_id=order.client_order_id,
            instrument=self.instrument,
            trade_id=f"t{number}",
            side=order.side,
            price=order.price or Price(1),
            size=Size(size),
            liquidity=Liquidity.MAKER,
            fee=Decimal("0.010"),
            fee_asset="USDT",
            exchange_ns=self.clock.now_ns(),
            recv_ns=self.clock.now_ns() + 1,
        )

    def killed(self, folder: Path) -> Path:
        """Copy the files as they are now: what a kill at this moment would leave."""
        folder.mkdir()
        for file in self.folder.iterdir():
            if file.name.partition("-")[2] != "shm":
                shutil.copy(file, folder / file.name)
        return folder

    def recover(self, folder: Path) -> Recovered:
        """Recover another folder, at a later time."""
        return recover(folder, SimulatedClock(self.clock.now_ns() + 10**9))
