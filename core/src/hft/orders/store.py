"""Every order of the process: which are open, which have ended, and whose market each belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hft.errors import UsageError
from hft.instrument import Instrument
from hft.market import Market
from hft.order import Order
from hft.orders.desk import Desk
from hft.orders.record import Record
from hft.plugin.execution import ExecutionClient

__all__ = ["OrderStore"]

_FINISHED_KEPT = 10_000
"""Finished orders kept for fills and reports that come late."""


class OrderStore:
    """Open orders by client id, and the newest of those that have ended."""

    def __init__(self) -> None:
        self.desks: dict[Instrument, Desk] = {}
        self.open: dict[str, Record] = {}
        self.finished: dict[str, Record] = {}
        self._ring: list[Record] = []
        """The finished in their order, which begins at ``_first`` when there are as many as are kept."""
        self._first = 0
        self._clients: dict[str, ExecutionClient[Any]] = {}

    def add_exchange(self, key: str, client: ExecutionClient[Any]) -> None:
        """Send the orders of this exchange key through ``client``."""
        self._clients[key] = client

    def add_market(self, market: Market) -> None:
        """Trade this market, through the client of its exchange; raise `UsageError` if it has none."""
        key = market.instrument.exchange
        client = self._clients.get(key)
        if client is None:
            raise UsageError(f"{market.instrument}: exchange {key!r} has no execution client")
        self.desks[market.instrument] = Desk(market, client)

    def desks_of(self, exchange: str) -> Iterator[Desk]:
        """Yield the desks of one exchange key."""
        return (desk for desk in self.desks.values() if desk.instrument.exchange == exchange)

    def find(self, client_order_id: str) -> Record | None:
        """Return an order that is open or has ended not too long ago."""
        record = self.open.get(client_order_id)
        return self.finished.get(client_order_id) if record is None else record

    def add(self, record: Record) -> None:
        """Take in an order that may trade from now on."""
        client_order_id = record.order.client_order_id
        self.open[client_order_id] = record
        record.desk.records.append(record)
        record.expose()

    def finish(self, record: Record) -> None:
        """Take an order out of those that are open."""
        records = record.desk.records
        record.drop_amendment()
        del self.open[record.order.client_order_id]
        # One by one, not `records.remove(record)`: none needs to be asked whether it is equal.
        for place in range(len(records)):
            if records[place] is record:
                del records[place]
                break
        self.remember(record)

    def remember(self, record: Record) -> None:
        """Keep an order that has ended for what is told of it late."""
        ring = self._ring
        self.finished[record.order.client_order_id] = record
        if len(ring) < _FINISHED_KEPT:
            ring.append(record)
            return
        oldest = ring[self._first]
        ring[self._first] = record
        self._first = 0 if self._first + 1 == _FINISHED_KEPT else self._first + 1
        forgotten = oldest.order.client_order_id
        if self.finished.get(forgotten) is oldest:
            del self.finished[forgotten]

    def forget_finished(self) -> None:
        """Let go of what has ended: nothing more is told."""
        self.finished.clear()
        self._ring.clear()
        self._first = 0

    def select(self, strategy: str | None, instrument: Instrument | None) -> list[Record]:
        """Return the open orders of a strategy, of an instrument, or of both; None stands for all."""
        records: Iterable[Record] = self.open.values()
        if instrument is not None:
            desk = self.desks.get(instrument)
            records = () if desk is None else desk.records
        return [record for record in records if strategy is None or record.order.strategy == strategy]

    # -- for those who only look -------------------------------------------------------------------

    def open_orders(self, instrument: Instrument) -> list[Order]:
        """Return the orders of an instrument that may still trade, oldest first."""
        return [record.order for record in self.desks[instrument].records]
