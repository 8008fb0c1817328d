"""Bring what we know of an account in step with what its exchange says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import attrs

from hft.clock import NS_PER_S, Clock
from hft.events import BalanceReport, Fill, Funding, ReportKind
from hft.ledger import Difference, DifferenceKind, Ledger, compare
from hft.order import Order
from hft.orders.config import AccountConfig, OnDifference
from hft.orders.ids import ClientOrderIds
from hft.orders.interfaces import Owner
from hft.orders.manager import OrderManager
from hft.plugin.execution import ExecutionClient, OrderStatus
from hft.types import InstrumentKind, OrderState, Size

__all__ = ["Outcome", "Reconciler"]

OVERLAP_NS = 120 * NS_PER_S
"""Fills are asked for again this far back: more than the clocks of both sides differ, and than an
exchange takes to list what has traded."""

_SETTLED_NS = NS_PER_S
"""An order about which something was asked for within this time may be listed as it was before."""

_LOOKS = 3
"""A difference that is seen this often, with no fill in between, is one."""

_LOOK_AGAIN_NS = NS_PER_S


@attrs.define
class Outcome:
    """What one comparison found and did."""

    fills: int = 0
    """Fills of ours that were not known."""
    foreign: int = 0
    """Orders and fills of the account that are not of this profile; they are left alone."""
    adopted: int = 0
    doubted: int = 0
    differences: list[str] = attrs.Factory(list)

    @property
    def changed_something(self) -> bool:
        """Whether anything was not as we thought."""
        return bool(self.fills or self.adopted or self.doubted or self.differences)


class Reconciler:
    """Compares fills, orders, positions and balances of one exchange key, as often as it is told to.

    Fills come first: what they explain needs no further question. Whatever it finds goes the way that
    live reports go, through the order manager, so that doing it twice changes nothing. An order of ours that
    is open here and not there is asked about; one that is open there and not here was left by an earlier
    run, and is cancelled or adopted; what is not of this profile is left alone.

    ``watermark_ns`` is the time up to which every fill is known. ``owner_of`` gives the owner of an
    adopted order by its strategy's name, also for one that no longer runs. ``on_funding`` and ``on_balance``
    take payments and balances, also repeated ones, ``alert`` a line. In the first run of a profile the
    positions that the account has already are taken over, whatever the policy is.
    """

    def __init__(
        self,
        exchange: str,
        client: ExecutionClient[Any],
        manager: OrderManager,
        ledger: Ledger,
        ids: ClientOrderIds,
        config: AccountConfig,
        clock: Clock,
        *,
        watermark_ns: int,
        is_first_run: bool,
        owner_of: Callable[[str], Owner],
        on_funding: Callable[[Funding], None],
        on_balance: Callable[[BalanceReport], None],
        alert: Callable[[str], None],
    ) -> None:
        self.watermark_ns = watermark_ns
        self._exchange = exchange
        self._client = client
        self._manager = manager
        self._ledger = ledger
        self._ids = ids
        self._config = config
        self._clock = clock
        self._owner_of = owner_of
        self._on_funding = on_funding
        self._on_balance = on_balance
        self._alert = alert
        self._is_first_run = is_first_run
        self._stray: set[str] = set()

    async def compare(self) -> Outcome:
        """Compare once; raise `TransportError` where the exchange does not answer, having changed nothing
        that another attempt would not do again."""
        outcome = Outcome()
        began_ns = self._clock.now_ns()
        await self._take_fills(outcome)
        asked_ns = self._clock.now_ns()
        self._take_orders(await self._client.open_orders(), asked_ns, outcome)
        self._manager.doubt_silent()
        await self._compare_account(outcome)
        self.watermark_ns = max(self.watermark_ns, began_ns)
        self._ledger.keep_since(self._exchange, self._asked_since_ns())
        return outcome

    def _asked_since_ns(self) -> int:
        """Return how far back a fill may be told again: by the next comparison, or with an order's story."""
        orders = [record.order for record in self._manager.store.all_open()]
        made_ns = (each.created_ns for each in orders if each.instrument.exchange == self._exchange)
        return min((self.watermark_ns, *made_ns)) - OVERLAP_NS

    # -- fills -----------------------------------------------------------------------------------

    async def _take_fills(self, outcome: Outcome) -> None:
        since_ns = max(0, self.watermark_ns - OVERLAP_NS)
        known = self._manager.counters.fills
        for desk in list(self._manager.store.desks_of(self._exchange)):
            instrument = desk.instrument
            for fill in await self._client.executions(instrument, since_ns):
                self._take_fill(fill, outcome)
            if instrument.kind is InstrumentKind.PERPETUAL:
                for funding in await self._client.fundings(instrument, since_ns):
                    self._on_funding(funding)
        outcome.fills = self._manager.counters.fills - known

    def _take_fill(self, fill: Fill, outcome: Outcome) -> None:
        if fill.exchange_made or self._ids.owns_profile(fill.client_order_id):
            self._manager.on_fill(fill)
        else:
            outcome.foreign += 1

    # -- orders ----------------------------------------------------------------------------------

    def _take_orders(self, listed: Sequence[OrderStatus], asked_ns: int, outcome: Outcome) -> None:
        ours = {s.client_order_id: s for s in listed if self._ids.owns_profile(s.client_order_id)}
        outcome.foreign += len(listed) - len(ours)
        store = self._manager.store
        stray = self._stray
        self._stray = set()
        for client_order_id, status in ours.items():
            if store.find_open(client_order_id) is not None:
                self._manager.on_report(status.report)
            elif store.find_finished(client_order_id) is not None and client_order_id not in stray:
                # It ended while the list was on its way; if it is listed again it has not.
                self._stray.add(client_order_id)
            else:
                self._adopt(status)
                outcome.adopted += 1
        settled_ns = asked_ns - _SETTLED_NS
        for record in store.all_open():
            order = record.order
            if order.instrument.exchange != self._exchange or order.client_order_id in ours:
                continue
            if record.requested_ns <= settled_ns:
                self._manager.doubt(order)
                outcome.doubted += 1

    def _adopt(self, status: OrderStatus) -> None:
        report = status.report
        known = self._manager.store.find_finished(report.client_order_id)
        strategy = known.order.strategy if known else ""
        owner = self._owner_of(strategy)
        order = Order(
            client_order_id=report.client_order_id,
            strategy=owner.name,
            instrument=status.instrument,
            side=status.side,
            size=status.size,
            price=status.price,
            type=status.type,
            time_in_force=status.time_in_force,
            post_only=status.post_only,
            reduce_only=status.reduce_only,
            trigger_price=status.trigger_price,
            position_side=status.position_side,
            exchange_order_id=report.exchange_order_id,
            created_ns=status.created_ns,
            state=OrderState.NEW,
            # What has traded is what was booked: fills that are not yet explain the rest.
            filled=known.order.filled if known else Size(0),
        )
        if order.filled:
            order.state = OrderState.PARTIALLY_FILLED
        self._manager.adopt(order, owner)
        self._manager.on_report(attrs.evolve(report, kind=ReportKind.ACCEPTED))
        # Of the journal's orders the run decides (`EarlierOrders`); this one nobody remembers.
        self._manager.cancel_for_good(order)

    # -- positions and balances --------------------------------------------------------------------

    async def _compare_account(self, outcome: Outcome) -> None:
        differences: Sequence[Difference] = ()
        for look in range(_LOOKS):
            if look:
                await self._clock.sleep(_LOOK_AGAIN_NS)
                await self._take_fills(Outcome())
            fills = self._manager.counters.fills
            positions = await self._client.positions()
            balances = self._with_gone(await self._client.balances())
            if self._manager.counters.fills != fills:
                continue
            differences = compare(
                self._ledger,
                positions,
                balances,
                complete=(self._exchange,),
                tolerance=self._config.balance_tolerance,
            )
            if not differences:
                break
        else:
            if self._manager.counters.fills != fills:
                return  # too busy to tell; the next comparison may
        for difference in differences:
            outcome.differences.append(str(difference))
            self._act(difference)
        for balance in balances:
            self._on_balance(balance)
        self._is_first_run = False

    def _with_gone(self, listed: Sequence[BalanceReport]) -> list[BalanceReport]:
        """Return the balances with those that are not listed any more: of these nothing is left."""
        names = {(each.wallet, each.asset) for each in listed}
        gone = [
            BalanceReport(exchange=each.exchange, wallet=each.wallet, asset=each.asset, total=Decimal(0))
            for each in self._ledger.balances()
            if each.exchange == self._exchange and each.total and (each.wallet, each.asset) not in names
        ]
        return [*listed, *gone]

    def _act(self, difference: Difference) -> None:
        is_position = difference.kind is DifferenceKind.POSITION
        policy = self._config.positions if is_position else self._config.balances
        if is_position and (policy is OnDifference.ADOPT or self._is_first_run):
            self._adopt_position(difference)
        elif policy is OnDifference.HALT:
            self._manager.halt(f"account: {difference}")
        else:
            # A balance is taken over by being reported.
            self._alert(str(difference))

    def _adopt_position(self, difference: Difference) -> None:
        instrument, report = difference.instrument, difference.report
        assert instrument is not None
        assert not isinstance(report, BalanceReport)
        size = Size(0) if report is None else report.size
        price = self._ledger.account(instrument).mark if report is None else report.entry_price
        adjustment = self._ledger.adopt(
            instrument,
            difference.position_side,
            size,
            price or self._ledger.account(instrument).mark,
            at_ns=self._clock.now_ns(),
        )
        if adjustment is not None:
            self._alert(str(adjustment))
