"""Everything that orders ever did on a simulated exchange, for whoever checks a client against it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from os import SEEK_END
from tempfile import TemporaryFile
from typing import IO, Any

import msgspec

from hft.sim.orders import ClientOrder, Fill
from hft.sim.refusals import Reason

__all__ = ["Archive", "fill_record", "order_record"]

_IN_MEMORY = 16 * 1024 * 1024
"""Bytes of finished orders that are kept in memory; more of them are on disk."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def fill_record(fill: Fill) -> dict[str, Any]:
    """Describe a fill with exact amounts as text."""
    order = fill.order
    instrument = order.market.instrument
    return {
        "trade_id": fill.trade_id,
        "order_id": order.id,
        "client_id": order.client_id,
        "symbol": instrument.symbol,
        "side": order.side.value,
        "leg": order.leg.value,
        "price": instrument.format_price(fill.price),
        "size": instrument.format_size(fill.size),
        "fee": f"{fill.fee:f}",
        "fee_asset": fill.fee_asset,
        "is_maker": fill.is_maker,
        "realised": f"{fill.realised:f}",
        "time_ns": fill.time_ns,
    }


def order_record(order: ClientOrder, refused: Reason | None = None) -> dict[str, Any]:
    """Describe an order and its fills with exact amounts as text."""
    instrument = order.market.instrument
    turnover = Decimal(order.turnover) * instrument.point_value
    return {
        "account": order.account.id,
        "order_id": order.id,
        "client_id": order.client_id,
        "former_client_ids": order.former_ids,
        "symbol": instrument.symbol,
        "side": order.side.value,
        "leg": order.leg.value,
        "size": instrument.format_size(order.size),
        "price": None if order.price is None else instrument.format_price(order.price),
        "filled": instrument.format_size(order.filled),
        "quote_filled": f"{turnover:f}",
        "state": "rejected" if refused is not None else order.state.value,
        "refused": None if refused is None else refused.value,
        "end": None if order.end is None else order.end.value,
        "reduce_only": order.reduce_only,
        "by_exchange": order.by_exchange,
        "created_ns": order.created_ns,
        "updated_ns": order.updated_ns,
        "fills": [fill_record(fill) for fill in order.fills],
    }


class Archive:
    """The orders that are finished or were refused, as JSON in a file that no other process sees.

    What a simulator serves its clients from is bounded; this is not, so it is on disk when it is
    large. Raises `OSError` when the disk is full.
    """

    def __init__(self, in_memory: int = _IN_MEMORY) -> None:
        self.count = 0
        self._in_memory = in_memory
        self._lines: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None

    def add(self, order: ClientOrder, refused: Reason | None = None) -> None:
        """Remember an order for good."""
        line = _encode(order_record(order, refused)) + b"\n"
        self._lines.append(line)
        self._size += len(line)
        self.count += 1
        if self._size > self._in_memory:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115  # `close` closes it
            self._file.seek(0, SEEK_END)
            self._file.writelines(self._lines)
            self._lines.clear()
            self._size = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self._file is not None:
            self._file.seek(0)
            for line in self._file.readlines():
                yield _decode(line)
        for line in tuple(self._lines):
            yield _decode(line)

    def close(self) -> None:
        """Let go of the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None
