"""An account at a simulated exchange: its orders and fills, as far as they are still served."""

from __future__ import annotations

from collections import OrderedDict, deque

from hft.sim.fees import FeeRates
from hft.sim.market import SyntheticMarket
from hft.sim.orders import ClientOrder, Fill

__all__ = ["DeskAccount"]

KEPT = 10_000
"""Finished orders and fills of one account that can still be asked for."""


class DeskAccount:
    """What every kind of account has; a desk derives its own with balances."""

    def __init__(self, id: str, fees: FeeRates, *, kept: int = KEPT) -> None:
        self.id = id
        self.fees = fees
        self.fills: deque[Fill] = deque(maxlen=kept)
        self.updated_ns = 0
        self._kept = kept
        self._open_ids: dict[str, ClientOrder] = {}
        self._open: dict[SyntheticMarket, dict[int, ClientOrder]] = {}
        self._known: OrderedDict[int, ClientOrder] = OrderedDict()
        self._known_ids: dict[tuple[SyntheticMarket, str], ClientOrder] = {}
        self._finished = 0

    def orders(self) -> list[ClientOrder]:
        """Return the orders that are still served, oldest first."""
        return list(self._known.values())

    def open_orders(self, market: SyntheticMarket | None = None) -> list[ClientOrder]:
        """Return the open orders of a market, or of all."""
        if market is not None:
            return list(self._open.get(market, {}).values())
        return [order for orders in self._open.values() for order in orders.values()]

    def open_count(self, market: SyntheticMarket) -> int:
        """Return how many orders of a market are open."""
        return len(self._open.get(market, {}))

    def is_open_id(self, client_id: str) -> bool:
        """Whether an open order has this id of the client's."""
        return client_id in self._open_ids

    def find(
        self, market: SyntheticMarket, *, order_id: int | None = None, client_id: str | None = None
    ) -> ClientOrder | None:
        """Return an order of a market by either id; of several with one client id the newest."""
        if order_id is None:
            return None if client_id is None else self._known_ids.get((market, client_id))
        order = self._known.get(order_id)
        return order if order is not None and order.market is market else None

    # -- for the desk ----------------------------------------------------------------------------

    def enter(self, order: ClientOrder) -> None:
        """Take in an order that was accepted."""
        self._known[order.id] = order
        self._known_ids[order.market, order.client_id] = order
        self._open_ids[order.client_id] = order
        self._open.setdefault(order.market, {})[order.id] = order

    def rename(self, order: ClientOrder, client_id: str) -> None:
        """Give an order another id of the client's; it is still found by the former ones."""
        del self._open_ids[order.client_id]
        order.former_ids.append(order.client_id)
        order.client_id = client_id
        self._open_ids[client_id] = self._known_ids[order.market, client_id] = order

    def leave(self, order: ClientOrder) -> None:
        """Note that an order is finished; the oldest finished one is forgotten where there are many."""
        del self._open_ids[order.client_id], self._open[order.market][order.id]
        self._finished += 1
        while self._finished > self._kept:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        # Orders finish in about the order in which they came: few that are open stand before it.
        oldest = next(order for order in self._known.values() if not order.is_open)
        del self._known[oldest.id]
        for client_id in (*oldest.former_ids, oldest.client_id):
            key = oldest.market, client_id
            if self._known_ids.get(key) is oldest:
                del self._known_ids[key]
        self._finished -= 1
