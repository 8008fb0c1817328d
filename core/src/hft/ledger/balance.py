"""One asset of one wallet: as the exchange last stated it, and as our own trades change it since."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft.events import BalanceReport
from hft.ledger.checkpoint import BalanceState
from hft.ledger.wide import Wide
from hft.money import Amount, amount_to_decimal, to_amount

__all__ = ["Balance", "BalanceView", "Flow"]

_FLOWS_KEPT = 100
"""At least so many flows are kept apart, for a report that is older than some of them; what is older still is
in every report."""

_TIES_KEPT = 5
"""Flows at the time of the last report that are kept apart; of more, the older ones are in it for sure."""


@attrs.frozen(kw_only=True)
class BalanceView:
    """One asset of one wallet of an account.

    ``reported`` is the exchange's last word, ``total`` what must be there now. They differ by our own fills,
    fees and funding since. ``locked`` is as reported.
    """

    exchange: str
    wallet: str
    asset: str
    reported: Decimal
    total: Decimal
    locked: Decimal
    reported_ns: int


class Flow:
    """What a fill, a fee or a funding payment moved, and when, by the exchange's time.

    That is an amount ``count`` times: few flows are ever asked for what that makes.
    """

    __slots__ = ("amount", "count", "exchange_ns")

    def __init__(self) -> None:
        self.amount = Wide()
        self.count = 1
        self.exchange_ns = 0

    def moved(self) -> int:
        """Return what it moved."""
        return self.amount.get() * self.count


class Balance:
    """Keeps `total` up to date between reports; it is None until the first one.

    A flow is in a report that is as old as it or newer, by the exchange's time; where that is not told,
    by the order in which they arrive. Of flows that bear the very time of the report nobody knows it for
    sure, since exchanges tell time in milliseconds: they count as being in it until the next one.
    """

    __slots__ = (
        "_flows",
        "_kept",
        "_next",
        "_ties",
        "_total",
        "asset",
        "exchange",
        "locked",
        "reported",
        "reported_ns",
        "wallet",
    )

    def __init__(self, exchange: str, wallet: str, asset: str) -> None:
        self.exchange = exchange
        self.wallet = wallet
        self.asset = asset
        self.reported = self.locked = 0
        self.reported_ns = 0
        self._total: Wide | None = None
        self._flows: list[Flow] = []
        """A ring of twice as many as are kept: to make one takes longer than to use it again."""
        self._next = self._kept = 0
        """Where the next flow goes, and how many before it count."""
        self._ties: list[int] = []

    @property
    def total(self) -> int | None:
        """What must be there now."""
        return None if self._total is None else self._total.get()

    def flow(self, amount: Wide, count: int, exchange_ns: int) -> None:
        """Add an amount, a count of times, that a fill, a fee or a funding payment moved."""
        total = self._total
        if total is not None:
            if 0 < exchange_ns <= self.reported_ns:
                if exchange_ns == self.reported_ns:
                    self._tie([amount.get() * count])
                return
            if not total.add_times(amount, count):
                total.put(total.get() + amount.get() * count)
        flows, at = self._flows, self._next
        if at == len(flows):
            flows.append(Flow())
        flow = flows[at]
        flow.amount.take(amount)
        flow.count = count
        flow.exchange_ns = exchange_ns
        self._next = at + 1 if at + 1 < 2 * _FLOWS_KEPT else 0
        self._kept += 1
        if self._kept == 2 * _FLOWS_KEPT:
            self._kept = _FLOWS_KEPT

    def report(self, report: BalanceReport) -> bool:
        """Take the exchange's word; return False for one that is older than the last."""
        stated_ns = report.exchange_ns
        if 0 < stated_ns < self.reported_ns:
            return False
        total, locked = to_amount(report.total), to_amount(report.locked)
        flows = self._newest()
        later = [flow for flow in flows if stated_ns and flow.exchange_ns > stated_ns]
        if stated_ns == 0 or stated_ns > self.reported_ns:
            self._ties.clear()
        self._tie([flow.moved() for flow in flows if flow.exchange_ns == stated_ns != 0])
        self.reported, self.locked = total, locked
        self.reported_ns = max(stated_ns, self.reported_ns)
        self._flows, self._next, self._kept = later, len(later), len(later)
        self._total = Wide(total + sum(flow.moved() for flow in later))
        return True

    def totals_at(self, exchange_ns: int) -> list[Amount]:
        """Return what must have been there at this time of the exchange's; now if it is 0.

        None before the first report. More than one, the likeliest first, where the last report may or may
        not have flows that bear its time.
        """
        if self._total is None:
            return []
        total = self._total.get()
        if exchange_ns:
            total -= sum(flow.moved() for flow in self._newest() if flow.exchange_ns > exchange_ns)
        totals = [total]
        for tie in self._ties:
            totals += [each + tie for each in totals]
        return [Amount(each) for each in totals]

    def _newest(self) -> list[Flow]:
        """Return the flows that count, the oldest first."""
        flows, begin = self._flows, self._next - self._kept
        return flows[begin : self._next] if begin >= 0 else flows[begin:] + flows[: self._next]

    def _tie(self, amounts: list[int]) -> None:
        self._ties = (self._ties + amounts)[-_TIES_KEPT:]

    def view(self) -> BalanceView | None:
        """Return the figures, None before the first report."""
        total = self.total
        if total is None:
            return None
        return BalanceView(
            exchange=self.exchange,
            wallet=self.wallet,
            asset=self.asset,
            reported=amount_to_decimal(self.reported),
            total=amount_to_decimal(total),
            locked=amount_to_decimal(self.locked),
            reported_ns=self.reported_ns,
        )

    def dump(self) -> BalanceState:
        """Return the figures for a checkpoint."""
        # What is no longer kept apart; before the first report nothing is made of it.
        flows = self._newest()
        since = sum(flow.moved() for flow in flows)
        settled = 0 if self._total is None else self._total.get() - self.reported - since
        return BalanceState(
            exchange=self.exchange,
            wallet=self.wallet,
            asset=self.asset,
            known=self._total is not None,
            reported=amount_to_decimal(self.reported),
            locked=amount_to_decimal(self.locked),
            reported_ns=self.reported_ns,
            settled=amount_to_decimal(settled),
            flows=[(flow.exchange_ns, amount_to_decimal(flow.moved())) for flow in flows],
            ties=[amount_to_decimal(amount) for amount in self._ties],
        )

    @classmethod
    def load(cls, state: BalanceState) -> Balance:
        """Return what `dump` described."""
        balance = Balance(state.exchange, state.wallet, state.asset)
        balance.reported, balance.locked = to_amount(state.reported), to_amount(state.locked)
        balance.reported_ns = state.reported_ns
        amounts = [(exchange_ns, to_amount(amount)) for exchange_ns, amount in state.flows]
        balance._ties = [to_amount(amount) for amount in state.ties]
        if state.known:
            since = sum(amount for _, amount in amounts)
            balance._total = Wide(balance.reported + to_amount(state.settled) + since)
        for exchange_ns, amount in amounts[1 - 2 * _FLOWS_KEPT :]:
            flow = Flow()
            flow.amount.put(amount)
            flow.exchange_ns = exchange_ns
            balance._flows.append(flow)
        balance._next = balance._kept = len(balance._flows)
        return balance
