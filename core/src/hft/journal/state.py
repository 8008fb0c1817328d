"""What the records of a journal come to: kept while it is written, rebuilt when it is read."""

from __future__ import annotations

from typing import Any

import msgspec

from hft.journal.schema import FILLS, INSTRUMENTS, NOTES, ORDERS, RUNS, STATES, Row, Table
from hft.recent import Recent
from hft.types import OrderState

__all__ = ["State"]

FINISHED_KEPT = 10_000
"""Finished orders kept for fills that come late, as many as the order manager keeps."""

_CLIENT_ORDER_ID = 3
_STATE = 6
_INTENT = 5


class State:
    """Orders, the newest fill of each instrument and note of each kind, and what these refer to, as rows.

    A function of the rows alone: applying those behind a checkpoint to the state in it gives what applying
    all of them gives, but for finished orders.
    """

    def __init__(self) -> None:
        self.orders: dict[str, Row] = {}
        self.states: dict[str, Row] = {}
        self.finished: Recent[str, tuple[Row, Row]] = Recent(FINISHED_KEPT)
        self.last_fills: dict[int, Row] = {}
        self.last_notes: dict[str, Row] = {}
        self.instruments: dict[int, Row] = {}
        self.run: Row | None = None
        self.intent = (0, 0)
        """Run and number of the newest intent among the rows."""

    def apply(self, table: Table, row: Row) -> None:
        """Take one row into account; rows come by ``seq``."""
        if table is STATES:
            self._apply_state(row)
        elif table is ORDERS:
            self.orders[row[_CLIENT_ORDER_ID]] = row
        elif table is FILLS:
            self.last_fills[row[4]] = row
        elif table is NOTES:
            self.last_notes[row[3]] = row
        elif table is INSTRUMENTS:
            self.instruments[row[0]] = row
        elif table is RUNS:
            self.run = row

    def knows(self, client_order_id: str) -> bool:
        """Say whether the order's own row is there."""
        return client_order_id in self.orders or client_order_id in self.finished

    def says(self, row: Row) -> bool:
        """Say whether an order is known to be what this row says of it, aside from when."""
        before = self.states.get(row[_CLIENT_ORDER_ID])
        return before is not None and before[_STATE:-1] == row[_STATE:-1]

    def _apply_state(self, row: Row) -> None:
        client_order_id = row[_CLIENT_ORDER_ID]
        if row[_INTENT]:
            self.intent = max(self.intent, (row[1], row[_INTENT]))
        order = self.orders.get(client_order_id)
        if order is None:
            finished = self.finished.pop(client_order_id, None)
            if finished is None:
                return  # its own row was lost to damage
            order = self.orders[client_order_id] = finished[0]
        if OrderState(row[_STATE]).is_final:
            self.orders.pop(client_order_id)
            self.states.pop(client_order_id, None)
            self.finished[client_order_id] = (order, row)
        else:
            self.states[client_order_id] = row

    # -- as part of a checkpoint -----------------------------------------------------------------

    def to_json(self) -> str:
        """Write it down, without the finished orders."""
        content = {
            "orders": list(self.orders.values()),
            "states": list(self.states.values()),
            "last_fills": list(self.last_fills.values()),
            "last_notes": list(self.last_notes.values()),
            "instruments": list(self.instruments.values()),
            "run": self.run,
            "intent": self.intent,
        }
        return msgspec.json.encode(content).decode()

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read what `to_json` wrote."""
        content: dict[str, Any] = msgspec.json.decode(text)
        state = cls()
        state.orders = {row[_CLIENT_ORDER_ID]: tuple(row) for row in content["orders"]}
        state.states = {row[_CLIENT_ORDER_ID]: tuple(row) for row in content["states"]}
        state.last_fills = {row[4]: tuple(row) for row in content["last_fills"]}
        state.last_notes = {row[3]: tuple(row) for row in content["last_notes"]}
        state.instruments = {row[0]: tuple(row) for row in content["instruments"]}
        state.run = None if content["run"] is None else tuple(content["run"])
        run, number = content["intent"]
        state.intent = (run, number)
        return state
