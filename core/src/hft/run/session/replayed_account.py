"""The clients and accounts of a live session that is run again: a recording stands in for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hft.clock import Clock
from hft.instrument import Instrument
from hft.order import Order
from hft.orders import Owner
from hft.orders.interfaces import NoJournal
from hft.plugin.execution import ApprovedOrder, Capabilities, ExecutionClient
from hft.risk import Kill, KillSwitch
from hft.run.kernel import Kernel
from hft.run.recovery import owner_of
from hft.run.session.outcomes import Outcomes
from hft.run.session.told import Kept, Lost, NoConfig, Resized, Taken, Terms, ToldReader
from hft.types import Price, Size

__all__ = ["ReplayedAccounts", "ReplayedJournal"]


class ReplayedAccounts:
    """Tells a kernel what accounts told it then, and answers its requests as they were answered.

    Nothing is connected to, no plugin sends anything, and neither journal nor kill switch is on disk.
    """

    def __init__(self, kernel: Kernel, outcomes: Outcomes, clock: Clock) -> None:
        self._kernel = kernel
        self._outcomes = outcomes
        self._instruments: dict[str, Instrument] = {}
        self._reader = ToldReader(self._instruments)
        kernel.kill_switch = _KillSwitch(self._on_kill, clock)

    def clients(self, terms: bytes, instruments: Sequence[Instrument]) -> dict[str, ExecutionClient[Any]]:
        """Return what the kernel is to have for clients, which is joined next."""
        self._instruments.update((str(each.id), each) for each in instruments)
        said: dict[str, Terms] = self._reader.decode("terms", terms)
        return {key: _Client(said, self._outcomes) for key in self._kernel.profile.exchanges}

    def tell(self, what: str, data: bytes) -> None:
        """Tell the kernel; raise what it raises, and `CaptureError` where the recording is damaged."""
        kernel, manager, told = self._kernel, self._kernel.manager, self._reader.decode(what, data)
        match what, told:
            case "report", _:
                manager.on_report(told)
            case "fill", _:
                manager.on_fill(told)
            case "funding", _:
                if kernel.ledger.on_funding(told):
                    kernel.review_account()
            case "balance", _:
                if kernel.ledger.on_balance(told):
                    kernel.review_account()
            case "ready", _:
                manager.on_ready(told)
            case _, Lost():
                manager.on_lost(told.exchange, told.reason)
            case "adopt", Taken():
                manager.adopt(told.order, self._owner_of(told.owner))
            case _, Taken():
                manager.remember(told.order, self._owner_of(told.owner))
            case "doubt", _:
                self._with_order(told, manager.doubt)
            case "doubt-silent", _:
                manager.doubt_silent()
            case "cancel", _:
                self._with_order(told, manager.cancel_for_good)
            case "cancel-all", _:
                manager.cancel_all(instrument=told)
            case _, Resized():
                kernel.ledger.adopt(
                    told.instrument, told.position_side, told.size, told.price, at_ns=told.at_ns
                )
            case _, Kept():
                kernel.ledger.keep_since(told.exchange, told.since_ns)
            case "ledger", _:
                kernel.ledger.load(told, self._instruments.values())
            case _, Kill():
                kernel.kill(told)

    def _owner_of(self, strategy: str) -> Owner:
        return owner_of(self._kernel.strategies, strategy)

    def _with_order(self, client_order_id: str, act: Callable[[Order], None]) -> None:
        record = self._kernel.manager.store.find_open(client_order_id)
        if record is not None:
            act(record.order)

    def _on_kill(self) -> None:
        data = self._outcomes.take("kill")
        if data is not None:
            self._kernel.kill(self._reader.decode("kill", data))


class ReplayedJournal(NoJournal):
    """Keeps nothing, and refuses what the journal refused then."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes

    def intend_place(self, order: Order) -> None:
        self._outcomes.answer(f"note place {order.client_order_id}")

    def intend_amend(self, order: Order, price: Price, size: Size) -> None:
        self._outcomes.answer(f"note amend {order.client_order_id}")


class _Client(ExecutionClient[NoConfig]):
    """Sends nothing, and raises what the client raised then."""

    def __init__(self, terms: dict[str, Terms], outcomes: Outcomes) -> None:
        self._terms = terms
        self._answer = outcomes.answer

    def capabilities_of(self, instrument: Instrument) -> Capabilities:
        return self._terms[str(instrument.id)].capabilities

    def wallet_of(self, instrument: Instrument) -> str:
        return self._terms[str(instrument.id)].wallet

    def place(self, order: ApprovedOrder) -> None:
        self._answer(f"place {order.client_order_id}")

    def place_batch(self, orders: Sequence[ApprovedOrder]) -> None:
        self._answer(f"place {orders[0].client_order_id}")

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        self._answer(f"amend {order.client_order_id}")

    def cancel(self, order: Order) -> None:
        self._answer(f"cancel {order.client_order_id}")

    def query(self, order: Order) -> None:
        self._answer(f"query {order.client_order_id}")


class _KillSwitch(KillSwitch):
    """A kill switch in memory; ``on_kill`` is called where it is thrown."""

    def __init__(self, on_kill: Callable[[], None], clock: Clock) -> None:
        super().__init__(Path(), clock)
        self._thrown = on_kill

    def kill(self, reason: str, *, flatten: bool = False, by: str = "") -> Kill:
        self._thrown()
        return Kill(reason=reason, flatten=flatten, by=by)
