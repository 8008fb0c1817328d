"""One asset of one wallet: as the exchange last stated it, and as our own trades change it since."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import attrs

from hft.events import BalanceReport
from hft.ledger.checkpoint import BalanceState
from hft.money import Amount, amount_to_decimal, to_amount

__all__ = ["Balance", "BalanceView"]

_FLOWS_KEPT = 100
"""Flows kept apart, for a report that is older than some of them; what is older still is in every report."""


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


class Balance:
    """Keeps ``total`` up to date between reports; it is None until the first one.

    A flow is in a report that is as old as it or newer, by the exchange's time; where that is not told,
    by the order in which they arrive.
    """

    __slots__ = (
        "_flows",
        "_settled",
        "asset",
        "exchange",
        "locked",
        "reported",
        "reported_ns",
        "total",
        "wallet",
    )

    def __init__(self, exchange: str, wallet: str, asset: str) -> None:
        self.exchange = exchange
        self.wallet = wallet
        self.asset = asset
        self.reported = self.locked = Amount(0)
        self.reported_ns = 0
        self.total: Amount | None = None
        self._settled = 0
        self._flows: deque[tuple[int, int]] = deque()

    def flow(self, amount: int, exchange_ns: int) -> None:
        """Add what a fill, a fee or a funding payment moved."""
        if not amount or 0 < exchange_ns <= self.reported_ns:
            return
        self._flows.append((exchange_ns, amount))
        if len(self._flows) > _FLOWS_KEPT:
            self._settled += self._flows.popleft()[1]
        if self.total is not None:
            self.total = Amount(self.total + amount)

    def report(self, report: BalanceReport) -> bool:
        """Take the exchange's word; return False for one that is older than the last."""
        stated_ns = report.exchange_ns
        if 0 < stated_ns < self.reported_ns:
            return False
        total, locked = to_amount(report.total), to_amount(report.locked)
        later = [flow for flow in self._flows if stated_ns and flow[0] > stated_ns]
        self.reported, self.locked = total, locked
        self.reported_ns = max(stated_ns, self.reported_ns)
        self._flows = deque(later)
        self._settled = 0
        self.total = Amount(total + sum(amount for _, amount in later))
        return True

    def total_at(self, exchange_ns: int) -> Amount | None:
        """Return what must have been there at this time of the exchange's; now if it is 0."""
        if self.total is None or not exchange_ns:
            return self.total
        return Amount(self.total - sum(amount for ns, amount in self._flows if ns > exchange_ns))

    def view(self) -> BalanceView | None:
        """Return the figures, None before the first report."""
        if self.total is None:
            return None
        return BalanceView(
            exchange=self.exchange,
            wallet=self.wallet,
            asset=self.asset,
            reported=amount_to_decimal(self.reported),
            total=amount_to_decimal(self.total),
            locked=amount_to_decimal(self.locked),
            reported_ns=self.reported_ns,
        )

    def dump(self) -> BalanceState:
        """Return the figures for a checkpoint."""
        return BalanceState(
            exchange=self.exchange,
            wallet=self.wallet,
            asset=self.asset,
            known=self.total is not None,
            reported=amount_to_decimal(self.reported),
            locked=amount_to_decimal(self.locked),
            reported_ns=self.reported_ns,
            settled=amount_to_decimal(self._settled),
            flows=[(ns, amount_to_decimal(amount)) for ns, amount in self._flows],
        )

    @classmethod
    def load(cls, state: BalanceState) -> Balance:
        """Return what `dump` described."""
        balance = cls(state.exchange, state.wallet, state.asset)
        balance.reported, balance.locked = to_amount(state.reported), to_amount(state.locked)
        balance.reported_ns = state.reported_ns
        balance._settled = to_amount(state.settled)
        balance._flows = deque((ns, int(to_amount(amount))) for ns, amount in state.flows)
        if state.known:
            since = balance._settled + sum(amount for _, amount in balance._flows)
            balance.total = Amount(balance.reported + since)
        return balance
