"""Record what a live run has beside a dry run: what its accounts tell, and which requests were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from hft.clock import Clock
from hft.events import BalanceReport, Fill, Funding, OrderReport
from hft.instrument import Instrument
from hft.ledger import Adjustment, Ledger
from hft.order import Order
from hft.orders import OrderManager, Owner
from hft.plugin.execution import ApprovedOrder, Capabilities, ExecutionClient
from hft.risk import Kill, KillSwitch
from hft.run.kernel import Kernel
from hft.run.session.recorder import SessionRecorder
from hft.run.session.told import Kept, Lost, NoConfig, Resized, Taken, Terms, ToldWriter, redacted
from hft.types import PositionSide, Price, Size

__all__ = ["AccountRecorder"]

_KILL = "kill"


class AccountRecorder:
    """Stands between a live run's accounts and its kernel: what they tell it is recorded first.

    `manager` and `ledger` are what accounts are to have instead of the kernel's own, `clients` what the
    kernel is to have instead of the exchanges'. So the plugins, and whoever compares accounts, are outside
    of what is replayed.
    """

    def __init__(self, recorder: SessionRecorder, kernel: Kernel) -> None:
        self._recorder = recorder
        self._kernel = kernel
        self._writer = ToldWriter()

    @property
    def manager(self) -> OrderManager:
        """The order manager, as accounts see it."""
        return cast("OrderManager", _Manager(self._kernel.manager, self))

    @property
    def ledger(self) -> Ledger:
        """The ledger, as accounts see it."""
        return cast("Ledger", _Ledger(self._kernel.ledger, self))

    def kill_switch(self, folder: Path, clock: Clock) -> KillSwitch:
        """Return a kill switch that the kernel may throw."""
        return _KillSwitch(folder, clock, self._recorder)

    def clients(
        self, clients: Mapping[str, ExecutionClient[Any]], instruments: Sequence[Instrument]
    ) -> dict[str, ExecutionClient[Any]]:
        """Return the clients that the kernel is to have, which is joined next."""
        terms = {}
        for each in instruments:
            client = clients[each.exchange]
            terms[str(each.id)] = Terms(client.capabilities_of(each), client.wallet_of(each))
        self.tell("terms", terms)
        return {key: _Client(client, self._recorder) for key, client in clients.items()}

    def tell(self, what: str, told: Any = None) -> None:
        """Record what the kernel is told next."""
        self._recorder.input("told", self._encoded(what, told), conn=what)

    def kill(self, kill: Kill) -> None:
        """Kill, as somebody has thrown the switch, or as a rule does it just now."""
        if self._recorder.asked(_KILL):
            self._recorder.answered(_KILL, self._encoded(_KILL, kill))
        else:
            self.tell(_KILL, kill)
        self._kernel.kill(kill)

    def _encoded(self, what: str, told: Any) -> bytes:
        try:
            return self._writer.encode(told)
        except Exception as error:  # nothing that a plugin tells may hold up trading
            self._recorder.lose(f"{what!r} cannot be recorded: {type(error).__name__}: {error}")
            return b""

    def told_halt(self, reason: str) -> None:
        """Record that trading is halted next."""
        self._recorder.input("halt", reason.encode())

    def restored(self) -> None:
        """Record the ledger as it was taken up from the journal."""
        self.tell("ledger", self._kernel.ledger.dump())

    def begin(self) -> None:
        """Record every request that is noted in the journal from now on, and all that a backtest needs."""
        manager = self._kernel.manager
        manager.journal = self._recorder.orders(manager.journal)
        self._kernel.want_for_backtests()

    def on_funding(self, funding: Funding) -> None:
        """Record a payment that is told next."""
        self.tell("funding", funding)

    def on_balance(self, balance: BalanceReport) -> None:
        """Record a balance that is told next."""
        self.tell("balance", balance)


class _Manager:
    """What accounts use of an order manager."""

    def __init__(self, manager: OrderManager, recorder: AccountRecorder) -> None:
        self._manager = manager
        self._tell = recorder.tell
        self._told_halt = recorder.told_halt
        self.store = manager.store
        self.counters = manager.counters
        self.refusal = manager.refusal

    def on_report(self, report: OrderReport) -> None:
        if report.reason:
            report = attrs.evolve(report, reason=redacted(report.reason))
        self._tell("report", report)
        self._manager.on_report(report)

    def on_fill(self, fill: Fill) -> None:
        self._tell("fill", fill)
        self._manager.on_fill(fill)

    def on_ready(self, exchange: str) -> None:
        self._tell("ready", exchange)
        self._manager.on_ready(exchange)

    def on_lost(self, exchange: str, reason: str) -> None:
        lost = Lost(exchange, redacted(reason))
        self._tell("lost", lost)
        self._manager.on_lost(exchange, lost.reason)

    def adopt(self, order: Order, owner: Owner) -> None:
        self._tell("adopt", _taken(order, owner))
        self._manager.adopt(order, owner)

    def remember(self, order: Order, owner: Owner) -> None:
        self._tell("remember", _taken(order, owner))
        self._manager.remember(order, owner)

    def doubt(self, order: Order) -> None:
        self._tell("doubt", order.client_order_id)
        self._manager.doubt(order)

    def doubt_silent(self) -> None:
        self._tell("doubt-silent")
        self._manager.doubt_silent()

    def cancel_for_good(self, order: Order) -> None:
        self._tell("cancel", order.client_order_id)
        self._manager.cancel_for_good(order)

    def halt(self, reason: str) -> None:
        self._told_halt(reason)
        self._manager.halt(reason)

    def cancel_all(self, *, instrument: Instrument) -> int:
        self._tell("cancel-all", instrument)
        return self._manager.cancel_all(instrument=instrument)


class _Ledger:
    """A ledger whose positions are adopted; everything else of it is looked at only."""

    def __init__(self, ledger: Ledger, recorder: AccountRecorder) -> None:
        self._ledger = ledger
        self._tell = recorder.tell

    def adopt(
        self, instrument: Instrument, position_side: PositionSide, size: Size, price: Any, *, at_ns: int = 0
    ) -> Adjustment | None:
        self._tell("position", Resized(instrument, position_side, size, price, at_ns))
        return self._ledger.adopt(instrument, position_side, size, price, at_ns=at_ns)

    def keep_since(self, exchange: str, since_ns: int) -> None:
        self._tell("keep", Kept(exchange, since_ns))
        self._ledger.keep_since(exchange, since_ns)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


class _Client(ExecutionClient[NoConfig]):
    """What the order manager sends through; what cannot be sent is recorded."""

    def __init__(self, client: ExecutionClient[Any], recorder: SessionRecorder) -> None:
        self._client = client
        self._asking = recorder.asking

    def capabilities_of(self, instrument: Instrument) -> Capabilities:
        return self._client.capabilities_of(instrument)

    def wallet_of(self, instrument: Instrument) -> str:
        return self._client.wallet_of(instrument)

    def place(self, order: ApprovedOrder) -> None:
        with self._asking(f"place {order.client_order_id}"):
            self._client.place(order)

    def place_batch(self, orders: Sequence[ApprovedOrder]) -> None:
        with self._asking(f"place {orders[0].client_order_id}"):
            self._client.place_batch(orders)

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        with self._asking(f"amend {order.client_order_id}"):
            self._client.amend(order, price, size)

    def cancel(self, order: Order) -> None:
        with self._asking(f"cancel {order.client_order_id}"):
            self._client.cancel(order)

    def query(self, order: Order) -> None:
        with self._asking(f"query {order.client_order_id}"):
            self._client.query(order)


class _KillSwitch(KillSwitch):
    """A kill switch that says when it is thrown by the kernel."""

    def __init__(self, folder: Path, clock: Clock, recorder: SessionRecorder) -> None:
        super().__init__(folder, clock)
        self._asking = recorder.asking

    def kill(self, reason: str, *, flatten: bool = False, by: str = "") -> Kill:
        with self._asking(_KILL):
            return super().kill(reason, flatten=flatten, by=by)


def _taken(order: Order, owner: Owner) -> Taken:
    return Taken(attrs.evolve(order, stamps=None), owner.name)
