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
    """Every order that may still trade, and the newest of those that have ended, by client id.

    All are in one dict: whether one is open its record says, and in which order they were placed its number.
    ``kept`` is how many of those that have ended are remembered; it is changed before there are any.
    """

    def __init__(self) -> None:
        self.desks: dict[Instrument, Desk] = {}
        self.open_count = 0
        self.kept = _FINISHED_KEPT
        self._records: dict[str, Record] = {}
        self._added = 0
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
        return self._records.get(client_order_id)

    def find_open(self, client_order_id: str) -> Record | None:
        """Return an order that may still trade."""
        record = self._records.get(client_order_id)
        return record if record is not None and record.is_open else None

    def find_finished(self, client_order_id: str) -> Record | None:
        """Return an order that has ended not too long ago."""
        record = self._records.get(client_order_id)
        return None if record is None or record.is_open else record

    def add(self, record: Record) -> None:
        """Take in an order that may trade from now on."""
        self._records[record.order.client_order_id] = record
        record.desk.records.append(record)
        record.is_open = True
        self._added += 1
        record.number = self._added
        self.open_count += 1
        record.expose()

    def finish(self, record: Record) -> None:
        """Take an order out of those that are open; raise `KeyError` if it is none of them."""
        records = record.desk.records
        # One by one, not `records.remove(record)`: none needs to be asked whether it is equal.
        for place in range(len(records)):
            if records[place] is record:
                del records[place]
                break
        else:
            raise KeyError(record.order.client_order_id)
        record.drop_amendment()
        record.is_open = False
        self.open_count -= 1
        self._keep(record)

    def remember(self, record: Record) -> None:
        """Know an order that was never open here for what is told of it late."""
        if self.find_open(record.order.client_order_id) is None:
            self._records[record.order.client_order_id] = record
            self._keep(record)

    def _keep(self, record: Record) -> None:
        """Keep an order that has ended for what is told of it late, and let go of the oldest such."""
        ring, kept = self._ring, self.kept
        if len(ring) < kept:
            ring.append(record)
            return
        oldest = ring[self._first]
        ring[self._first] = record
        self._first = 0 if self._first + 1 == kept else self._first + 1
        forgotten = oldest.order.client_order_id
        known = self._records.pop(forgotten, None)
        if known is not None and known is not oldest:
            # It was taken in again meanwhile.
            self._records[forgotten] = known

    def forget_finished(self) -> None:
        """Let go of what has ended: nothing more is told."""
        self._records = self.open
        self._ring.clear()
        self._first = 0

    def select(self, strategy: str | None, instrument: Instrument | None) -> list[Record]:
        """Return the open orders of a strategy, of an instrument, or of both; None stands for all."""
        records: Iterable[Record]
        if instrument is None:
            records = self.all_open()
        else:
            desk = self.desks.get(instrument)
            records = () if desk is None else desk.records
        return [record for record in records if strategy is None or record.order.strategy == strategy]

    def all_open(self) -> list[Record]:
        """Return what may still trade, oldest first."""
        records = [record for desk in self.desks.values() for record in desk.records]
        records.sort(key=lambda record: record.number)
        return records

    # -- for those who only look -------------------------------------------------------------------

    @property
    def open(self) -> dict[str, Record]:
        """What may still trade by client id, oldest first."""
        return {record.order.client_order_id: record for record in self.all_open()}

    @property
    def finished(self) -> dict[str, Record]:
        """What is kept of that which has ended, by client id."""
        return {key: record for key, record in self._records.items() if not record.is_open}

    def open_orders(self, instrument: Instrument) -> list[Order]:
        """Return the orders of an instrument that may still trade, oldest first."""
        return [record.order for record in self.desks[instrument].records]
