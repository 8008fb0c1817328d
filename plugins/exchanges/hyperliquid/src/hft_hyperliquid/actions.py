"""Orders into actions, and actions into signed requests; pure.

The order of the keys is the order in which they are hashed; what is not given is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from hft import Instrument, Order, OrderError, Price, Side, Size, TimeInForce
from hft_hyperliquid.cloid import cloid_of
from hft_hyperliquid.codec import NS_PER_MS
from hft_hyperliquid.nonces import Nonces
from hft_hyperliquid.signing import Signer, encode_action

__all__ = [
    "Action",
    "Envelopes",
    "cancel_action",
    "cancel_ids_action",
    "modify_action",
    "order_action",
    "order_entry",
    "schedule_cancel_action",
    "wire_price",
    "wire_size",
]

Action = dict[str, Any]

_encode = msgspec.json.Encoder().encode

_TIMES = {TimeInForce.GTC: "Gtc", TimeInForce.IOC: "Ioc"}


def _trimmed(text: str) -> str:
    # The text is signed: the exchange strips zeros before it hashes.
    return text.rstrip("0").rstrip(".") if "." in text else text


def wire_price(instrument: Instrument, price: Price) -> str:
    """Write a price without trailing zeros."""
    return _trimmed(instrument.format_price(price))


def wire_size(instrument: Instrument, size: Size) -> str:
    """Write a size without trailing zeros."""
    return _trimmed(instrument.format_size(size))


def order_entry(order: Order, asset: int, price: Price, size: Size) -> Action:
    """Return an order as actions have it; ``price`` bounds what a market order may pay.

    Raise `OrderError` for an order that the exchange does not have.
    """
    instrument = order.instrument
    return {
        "a": asset,
        "b": order.side is Side.BUY,
        "p": wire_price(instrument, price),
        "s": wire_size(instrument, size),
        "r": order.reduce_only,
        "t": _type(order),
        "c": cloid_of(order.client_order_id),
    }


def _type(order: Order) -> Action:
    if order.trigger_price is not None:
        if order.post_only:
            raise OrderError(f"{order.instrument}: there are no stops that are post-only")
        return {
            "trigger": {
                "isMarket": not order.type.has_price,
                "triggerPx": wire_price(order.instrument, order.trigger_price),
                "tpsl": "sl",
            }
        }
    if order.post_only:
        return {"limit": {"tif": "Alo"}}
    if not order.type.has_price:
        return {"limit": {"tif": "Ioc"}}
    tif = _TIMES.get(order.time_in_force)
    if tif is None:
        raise OrderError(
            f"{order.instrument}: there are no {order.time_in_force.value} orders, use GTC or IOC"
        )
    return {"limit": {"tif": tif}}


def order_action(entries: Sequence[Action]) -> Action:
    """Place orders."""
    return {"type": "order", "orders": list(entries), "grouping": "na"}


def modify_action(client_order_id: str, entry: Action) -> Action:
    """Replace an order by another of the same client id."""
    modify = {"oid": cloid_of(client_order_id), "order": entry}
    return {"type": "batchModify", "modifies": [modify]}


def cancel_action(asset: int, client_order_ids: Iterable[str]) -> Action:
    """Cancel orders by client id."""
    cancels = [{"asset": asset, "cloid": cloid_of(each)} for each in client_order_ids]
    return {"type": "cancelByCloid", "cancels": cancels}


def cancel_ids_action(orders: Iterable[tuple[int, int]]) -> Action:
    """Cancel orders by asset and the exchange's id."""
    return {"type": "cancel", "cancels": [{"a": asset, "o": order_id} for asset, order_id in orders]}


def schedule_cancel_action(at_ms: int | None) -> Action:
    """Cancel everything at a time, or take that back."""
    return {"type": "scheduleCancel"} if at_ms is None else {"type": "scheduleCancel", "time": at_ms}


class Envelopes:
    """Signs actions and puts them into what is sent, each with a nonce of its own.

    ``vault`` is the address that is traded for, None for the signer's own account. Requests expire
    ``validity_ns`` after they were written.
    """

    def __init__(self, signer: Signer, vault: str | None, validity_ns: int) -> None:
        self._signer = signer
        self._vault = vault
        self._vault_bytes = None if vault is None else bytes.fromhex(vault[2:])
        self._validity_ms = validity_ns // NS_PER_MS
        self._nonces = Nonces()

    def rest(self, action: Action, now_ns: int) -> bytes:
        """Write the body of a request; ``now_ns`` is the exchange's time."""
        return _encode(self._payload(action, now_ns))

    def post(self, action: Action, request_id: int, now_ns: int) -> bytes:
        """Write the frame of a request over the websocket."""
        request = {"type": "action", "payload": self._payload(action, now_ns)}
        return _encode({"method": "post", "id": request_id, "request": request})

    def _payload(self, action: Action, now_ns: int) -> Action:
        now_ms = now_ns // NS_PER_MS
        nonce, expires_ms = self._nonces.next(now_ms), now_ms + self._validity_ms
        signature = self._signer.sign(encode_action(action), nonce, self._vault_bytes, expires_ms)
        return {
            "action": action,
            "nonce": nonce,
            "signature": signature.json(),
            "vaultAddress": self._vault,
            "expiresAfter": expires_ms,
        }
