"""The accounts of a live run: what clients tell goes where it belongs, and is compared with the exchange."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Protocol

from hft.clock import NS_PER_S, Clock, Timer
from hft.errors import TransportError
from hft.events import BalanceReport, Fill, Funding, OrderReport, PositionReport
from hft.net.backoff import Backoff
from hft.order import Order
from hft.orders import OrderManager
from hft.orders.config import AccountConfig, OnDisconnect
from hft.orders.reconciler import Outcome, Reconciler
from hft.plugin.execution import ExecutionClient, ExecutionEvents

__all__ = ["Account", "AccountBooks", "Accounts"]

_DEAD_MAN_SHARE = 3
"""The exchange's switch is told again after a third of its time: two signs of life may be lost."""


class AccountBooks(Protocol):
    """What takes down what an exchange says of an account beside orders and fills."""

    def on_funding(self, funding: Funding) -> None:
        """Book a funding payment, once."""
        ...

    def on_balance(self, balance: BalanceReport) -> None:
        """Learn a balance."""
        ...


class Account:
    """One exchange key of a live run: compared when it can be, and traded on when that went well.

    Orders are sent from the first comparison after each (re)connection on, and not before: what was missed
    meanwhile would be missing in every limit. ``compared(outcome)`` is called after each.
    """

    def __init__(
        self,
        exchange: str,
        client: ExecutionClient[Any],
        reconciler: Reconciler,
        manager: OrderManager,
        config: AccountConfig,
        clock: Clock,
        rng: random.Random,
        *,
        compared: Callable[[Outcome], None],
        warn: Callable[[str], None],
    ) -> None:
        self.exchange = exchange
        self.client = client
        self.reconciler = reconciler
        self.first_compared = asyncio.Event()
        self._manager = manager
        self._config = config
        self._clock = clock
        self._backoff = Backoff(rng, initial_ns=NS_PER_S, maximum_ns=30 * NS_PER_S)
        self._compared = compared
        self._warn = warn
        self._is_ready = False
        self._is_over = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._dead_man: Timer | None = None

    def start(self) -> None:
        """Begin to compare, as soon as the client is ready."""
        self._task = asyncio.get_running_loop().create_task(self._follow(), name=f"account {self.exchange}")

    async def stop(self) -> None:
        """Compare no more, and take no notice of what ends now."""
        self._is_over = True
        if self._dead_man is not None:
            self._dead_man.cancel()
            self.client.arm_dead_man(0)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def compare_soon(self) -> None:
        """Compare as soon as possible: something may have been missed."""
        self._wake.set()

    def on_ready(self) -> None:
        """Compare, and let orders be sent after it."""
        self._is_ready = True
        self._wake.set()
        if self._config.dead_man and self._dead_man is None:
            self._arm_dead_man()

    def on_lost(self, reason: str) -> None:
        """Send nothing until the client is ready again and what happened meanwhile is known."""
        if self._is_over:
            return
        self._is_ready = False
        self._manager.on_lost(self.exchange, reason)
        self._warn(f"{self.exchange}: no orders are sent: {reason}")
        if self._config.on_disconnect is OnDisconnect.CANCEL:
            for desk in self._manager.store.desks_of(self.exchange):
                self._manager.cancel_all(instrument=desk.instrument)

    async def _follow(self) -> None:
        while True:
            timer = self._clock.call_later(self._config.interval, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()
            self._wake.clear()
            if self._is_ready:
                await self._compare()

    async def _compare(self) -> None:
        try:
            outcome = await self.reconciler.compare()
        except TransportError as error:
            self._warn(f"{self.exchange}: account cannot be compared: {error}, trying again")
            await self._clock.sleep(self._backoff.next_ns() or self._backoff.next_ns())
            self._wake.set()
            return
        except Exception as error:
            # What is not compared is not known; and a bug does not go away by trying again.
            self._manager.halt(f"{self.exchange}: bug in comparing the account: {error!r}")
            return
        self._backoff.reset()
        self._compared(outcome)
        if self._is_ready and not self._wake.is_set():
            self._manager.on_ready(self.exchange)
            self.first_compared.set()

    def _arm_dead_man(self) -> None:
        self.client.arm_dead_man(self._config.dead_man)
        self._dead_man = self._clock.call_later(self._config.dead_man // _DEAD_MAN_SHARE, self._arm_dead_man)


class Accounts(ExecutionEvents):
    """Where the clients of a live run tell what they see; ``accounts`` holds one for each exchange key."""

    def __init__(self, manager: OrderManager, books: AccountBooks) -> None:
        self.accounts: dict[str, Account] = {}
        self._refusal = manager.refusal
        self._on_report = manager.on_report
        self._on_fill = manager.on_fill
        self._books = books

    def refusal(self, order: Order) -> str:
        return self._refusal(order)

    def on_report(self, report: OrderReport) -> None:
        self._on_report(report)

    def on_fill(self, fill: Fill) -> None:
        self._on_fill(fill)

    def on_funding(self, funding: Funding) -> None:
        self._books.on_funding(funding)

    def on_balance(self, balance: BalanceReport) -> None:
        self._books.on_balance(balance)

    def on_position(self, position: PositionReport) -> None:
        """Nothing: positions follow from fills, and are compared with what is asked for."""

    def on_ready(self, exchange: str) -> None:
        self.accounts[exchange].on_ready()

    def on_lost(self, exchange: str, reason: str) -> None:
        self.accounts[exchange].on_lost(reason)
