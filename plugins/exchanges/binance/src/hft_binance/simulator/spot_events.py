"""The user data events of the simulated spot exchange."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from hft import Clock
from hft.sim import ClientOrder, EventQueue, Fill, OrderEvent, SpotAccount
from hft_binance.simulator.listing import NS_PER_MS
from hft_binance.simulator.native import native, status
from hft_binance.simulator.spot_bodies import amount as written
from hft_binance.simulator.spot_bodies import turnover

__all__ = ["SPOT_EVENTS", "SpotEvents"]

SPOT_EVENTS = ("executionReport", "outboundAccountPosition", "balanceUpdate", "eventStreamTerminated")

_KINDS = {
    OrderEvent.NEW: "NEW",
    OrderEvent.TRIGGERED: "NEW",
    OrderEvent.FILL: "TRADE",
    OrderEvent.AMENDED: "REPLACED",
    OrderEvent.PREVENTED: "TRADE_PREVENTION",
    OrderEvent.CANCELED: "CANCELED",
    OrderEvent.EXPIRED: "EXPIRED",
}
_ZERO = "0.00000000"

_encode = msgspec.json.Encoder().encode


class SpotEvents:
    """Publishes what happens to spot accounts under ``user/ACCOUNT/EVENT``."""

    def __init__(self, queue: EventQueue, clock: Clock) -> None:
        self.last_execution_id = 0
        self._queue = queue
        self._clock = clock
        self._execution_ids = count(1)

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Report an event of an order, and the balances that it changed."""
        self.last_execution_id = next(self._execution_ids)
        account = order.account
        assert isinstance(account, SpotAccount)
        self.publish(account.id, "executionReport", self._report(order, event, fill))
        if event is not OrderEvent.TRIGGERED:
            instrument = order.market.instrument
            assets = {instrument.base, instrument.quote} | ({fill.fee_asset} if fill is not None else set())
            self.position(account, sorted(assets), order.updated_ns)

    def position(self, account: SpotAccount, assets: list[str], time_ns: int) -> None:
        """Tell the balances of some assets."""
        wallet = account.wallet
        balances = [
            {"a": asset, "f": written(wallet.free(asset)), "l": written(wallet.locked(asset))}
            for asset in assets
        ]
        body = {"u": time_ns // NS_PER_MS, "B": balances}
        self.publish(account.id, "outboundAccountPosition", body)

    def on_transfer(self, account: SpotAccount, asset: str, amount: Decimal) -> None:
        """Tell of a deposit or a withdrawal."""
        now_ns = self._clock.now_ns()
        self.position(account, [asset], now_ns)
        self.publish(
            account.id, "balanceUpdate", {"a": asset, "d": written(amount), "T": now_ns // NS_PER_MS}
        )

    def publish(self, account: str, kind: str, body: dict[str, Any]) -> None:
        """Publish an event, if somebody listens."""
        topic = f"user/{account}/{kind}"
        if self._queue.is_wanted(topic):
            event = {"e": kind, "E": self._clock.now_ns() // NS_PER_MS} | body
            self._queue.publish(topic, _encode(event).decode())

    def _report(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> dict[str, Any]:
        words = native(order)
        listing = words.listing
        canceled = event is OrderEvent.CANCELED
        amended = event is OrderEvent.AMENDED
        body = {
            "s": listing.symbol,
            "c": words.cancel_id if canceled else order.client_id,
            "S": order.side.name,
            "o": words.type,
            "f": words.time_in_force,
            "q": listing.size(order.size),
            "p": _ZERO if order.price is None else listing.price(order.price),
            "P": words.stop_price or _ZERO,
            "F": _ZERO,
            "g": -1,
            "C": order.client_id
            if canceled
            else order.former_ids[-1]
            if amended and order.former_ids
            else "",
            "x": "TRADE_PREVENTION" if status(order) == "EXPIRED_IN_MATCH" else _KINDS[event],
            "X": status(order),
            "r": "NONE",
            "i": order.id,
            "l": _ZERO if fill is None else listing.size(fill.size),
            "z": listing.size(order.filled),
            "L": _ZERO if fill is None else listing.price(fill.price),
            "n": "0" if fill is None else written(fill.fee),
            "N": None if fill is None else fill.fee_asset,
            "T": order.updated_ns // NS_PER_MS,
            "t": -1 if fill is None else fill.trade_id,
            "I": self.last_execution_id,
            "w": order.is_open and order.working_ns > 0,
            "m": fill is not None and fill.is_maker,
            "M": fill is not None,
            "O": order.created_ns // NS_PER_MS,
            "Z": turnover(order),
            "Y": _ZERO if fill is None else _quote(fill),
            "Q": words.quote_quantity,
        }
        if order.working_ns:
            body["W"] = order.working_ns // NS_PER_MS
        body["V"] = words.self_trade
        return body


def _quote(fill: Fill) -> str:
    return written(fill.price * fill.size * fill.order.market.instrument.point_value)
