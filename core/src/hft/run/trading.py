"""What mode live has beside a dry run: clients, accounts, the journal, and the way back after a crash."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

from hft.clock import NS_PER_S, Clock
from hft.errors import TradingHalted
from hft.events import BalanceReport, Funding
from hft.instrument import Instrument
from hft.journal import Journal, NoteKind, RunRecord, open_journal
from hft.order import Order
from hft.orders import Flattener, Owner
from hft.orders.config import EarlierOrders
from hft.orders.reconciler import Outcome, Reconciler
from hft.plugin.execution import ExecutionClient
from hft.profile import Profile
from hft.risk import KillSwitch
from hft.run.accounts import Account, Accounts
from hft.run.exchange import ExchangeSession
from hft.run.kernel import Kernel
from hft.run.recovery import open_instruments, owner_of, restore_ledger, restore_orders, watermark_ns
from hft.run.session import AccountRecorder
from hft.types import OrderState

__all__ = ["LiveTrading", "begin_journal"]

_SETTLE_NS = 30 * NS_PER_S
"""How long a start waits for the orders of earlier runs to be cleared up; it goes on with what is left of
them, whose exposure counts."""

_LOOK_NS = 20_000_000


def begin_journal(
    journal: Journal, kernel: Kernel, instruments: Iterable[Instrument], halt: Callable[[str], None]
) -> None:
    """Begin a run in the journal, and let the kernel's orders be written there; it may have to ``halt``."""
    profile, ids = kernel.profile, kernel.ids
    journal.begin(
        RunRecord(
            name=profile.name,
            profile_prefix=ids.profile_prefix,
            prefix=ids.prefix,
            mode=profile.mode.value,
            version=version("hft-core"),
            pid=os.getpid(),
            # A person's orders have no strategy; the flattener's may bear a strategy's name as well.
            strategies=tuple(dict.fromkeys(("", Flattener.name, *profile.strategies))),
        ),
        on_fault=lambda reason: halt(f"journal: {reason}"),
    )
    journal.add(instruments)
    kernel.manager.journal = journal
    kernel.note = journal.note


class LiveTrading:
    """Trades for a kernel, from `start` to `stop`.

    ``journal`` is open, and its lock held, from the beginning: two processes never trade one profile. Raises
    `TradingHalted` while the kill switch is latched, unless this is to ``clean_up`` behind it.
    """

    def __init__(
        self,
        profile: Profile,
        kernel: Kernel,
        clock: Clock,
        *,
        clean_up: bool,
        alert: Callable[[str], None],
        recorder: AccountRecorder | None = None,
    ) -> None:
        self._profile = profile
        self._kernel = kernel
        self._clock = clock
        self._alert = alert
        self._recorder = recorder
        self._manager = kernel.manager if recorder is None else recorder.manager
        self._ledger = kernel.ledger if recorder is None else recorder.ledger
        make_kill_switch = KillSwitch if recorder is None else recorder.kill_switch
        kernel.kill_switch = self._kill_switch = make_kill_switch(profile.state / profile.name, clock)
        kill = self._kill_switch.state
        if kill is not None and not clean_up:
            raise TradingHalted(
                f"{profile.name}: {kill}; when that is settled: hft kill {profile.path} --reset"
            )
        self.journal = open_journal(profile.state / profile.name / "live", clock)
        if self.journal.recovered.damage:
            alert(f"journal: {self.journal.recovered.damage}")
        self.more = [
            instrument
            for instrument in open_instruments(self.journal.recovered, profile.exchanges)
            if instrument not in kernel.wanted
        ]
        kernel.wanted += self.more
        self._events = Accounts(self._manager, self)
        self._clients: dict[str, ExecutionClient[Any]] = {}
        if not clean_up:
            # From here on: an exchange that does not answer keeps a start waiting for ever.
            self._kill_switch.watch(kernel.kill if recorder is None else recorder.kill)

    def clients(
        self, sessions: Mapping[str, ExchangeSession], instruments: Sequence[Instrument]
    ) -> dict[str, ExecutionClient[Any]]:
        """Make the client of every exchange of the profile, to trade these instruments."""
        halt = self._manager.halt
        self._clients = {key: session.trade(self._events, halt) for key, session in sessions.items()}
        return self._clients if self._recorder is None else self._recorder.clients(self._clients, instruments)

    async def start(self) -> None:
        """Take up where the last run left off; return once every account is as we think it is."""
        kernel, manager = self._kernel, self._manager
        recovered = self.journal.recovered
        instruments = {market.instrument.id: market.instrument for market in kernel.markets.values()}
        for key in self._clients:
            # How far back fills are told again is known once the account was compared.
            self._ledger.keep_since(key, 0)
        restore_ledger(kernel.ledger, recovered, instruments)
        if self._kill_switch.last_reset_ns() > max((run.time_ns for run in recovered.runs), default=0):
            # Who resets the switch accepts the losses until then.
            kernel.ledger.reset_peaks()
        if self._recorder is not None:
            self._recorder.restored()
        begin_journal(self.journal, kernel, instruments.values(), manager.halt)
        if self._recorder is not None:
            self._recorder.begin()
        left = restore_orders(manager, recovered, instruments, self._owner_of)
        now_ns = self._clock.now_ns()
        for key, client in self._clients.items():
            manager.on_lost(key, "its account has not been compared yet")
            self._events.accounts[key] = self._account(key, client, now_ns)
        for key, client in self._clients.items():
            await client.start([each for each in instruments.values() if each.exchange == key])
        for account in self._events.accounts.values():
            account.start()
        for account in self._events.accounts.values():
            await account.first_compared.wait()
        await self._clear(left)

    async def stop(self) -> None:
        """Follow no account any more, and leave the journal as the next run is to find it."""
        self._kill_switch.stop()
        for account in self._events.accounts.values():
            await account.stop()
        for client in self._clients.values():
            await client.stop()
        self.checkpoint()
        self.journal.note(NoteKind.STOPPED, open_orders=self._kernel.manager.open_count)

    def close(self) -> None:
        """Close the journal and let another process have it."""
        self.journal.close()

    def checkpoint(self) -> None:
        """Write the ledger as it is, from where the next run goes on."""
        self.journal.checkpoint(self._kernel.ledger.dump())

    # -- what accounts say -------------------------------------------------------------------------

    def on_funding(self, funding: Funding) -> None:
        """Book a funding payment, once."""
        if self._recorder is not None:
            self._recorder.on_funding(funding)
        if self._kernel.ledger.on_funding(funding):
            self.journal.note(
                NoteKind.FUNDING,
                instrument=str(funding.instrument),
                payment_id=funding.payment_id,
                amount=funding.amount,
                asset=funding.asset,
                exchange_ns=funding.exchange_ns,
            )
            self.checkpoint()
            self._kernel.review_account()

    def on_balance(self, balance: BalanceReport) -> None:
        """Learn a balance."""
        if self._recorder is not None:
            self._recorder.on_balance(balance)
        if self._kernel.ledger.on_balance(balance):
            self._kernel.review_account()

    def _on_compared(self, account: str, outcome: Outcome) -> None:
        watermarks = {key: each.reconciler.watermark_ns for key, each in self._events.accounts.items()}
        self.journal.note(
            NoteKind.RECONCILIATION,
            exchange=account,
            watermarks=watermarks,
            fills=outcome.fills,
            foreign=outcome.foreign,
            adopted=outcome.adopted,
            doubted=outcome.doubted,
            differences=outcome.differences,
        )
        if outcome.differences:
            self.checkpoint()

    # -- what was left -----------------------------------------------------------------------------

    def _account(self, key: str, client: ExecutionClient[Any], now_ns: int) -> Account:
        kernel, config = self._kernel, self._profile.exchanges[key].account
        reconciler = Reconciler(
            key,
            client,
            self._manager,
            self._ledger,
            kernel.ids,
            config,
            self._clock,
            watermark_ns=watermark_ns(self.journal.recovered, key, now_ns),
            owner_of=self._owner_of,
            is_first_run=not self.journal.recovered.runs,
            on_funding=self.on_funding,
            on_balance=self.on_balance,
            alert=self._alert,
        )
        return Account(
            key,
            client,
            reconciler,
            self._manager,
            config,
            self._clock,
            random.Random(f"{self._profile.seed}:{key}:account"),
            compared=partial(self._on_compared, key),
            warn=self._alert,
        )

    def _owner_of(self, strategy: str) -> Owner:
        return owner_of(self._kernel.strategies, strategy)

    async def _clear(self, left: list[Order]) -> None:
        """Cancel what is to go of the earlier runs' orders, and wait until nobody doubts any of them."""
        manager = self._manager
        until_ns = self._clock.now_ns() + _SETTLE_NS
        for order in left:
            if not self._is_adopted(order):
                manager.cancel_for_good(order)
        while self._clock.now_ns() < until_ns:
            if all(
                self._is_adopted(each) and each.state is not OrderState.UNKNOWN
                for each in left
                if each.is_open
            ):
                return
            await self._clock.sleep(_LOOK_NS)
        open_left = [order.client_order_id for order in left if order.is_open]
        self._alert(f"orders of earlier runs are not cleared up yet, their exposure counts: {open_left}")

    def _is_adopted(self, order: Order) -> bool:
        config = self._profile.exchanges[order.instrument.exchange].account
        has_owner = any(each.name == order.strategy for each in self._kernel.strategies)
        return config.earlier_orders is EarlierOrders.ADOPT and has_owner
