"""A conditional order of the simulated futures, and how it is written."""

from __future__ import annotations

import enum
from typing import Any

import attrs

from hft import Price, Side, Size
from hft.sim import ClientOrder, Leg, MarginAccount, Trigger
from hft_binance.simulator.listing import NS_PER_MS, Listing
from hft_binance.simulator.usdm_bodies import average_price
from hft_binance.simulator.usdm_events import LEGS

__all__ = ["ALGO_TYPES", "AlgoOrder", "AlgoState", "algo_body", "algo_event"]

ALGO_TYPES = {
    "STOP": "LIMIT",
    "STOP_MARKET": "MARKET",
    "TAKE_PROFIT": "LIMIT",
    "TAKE_PROFIT_MARKET": "MARKET",
}
"""What becomes of each type when its price comes."""


class AlgoState(enum.Enum):
    """Where a conditional order is in its life."""

    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


@attrs.define(eq=False, kw_only=True)
class AlgoOrder:
    """A conditional order; ``order`` is what it became."""

    id: int
    client_id: str
    account: MarginAccount
    listing: Listing
    type: str
    side: Side
    leg: Leg
    size: Size | None
    """None closes the whole position."""
    price: Price | None
    time_in_force: str
    trigger: Trigger
    working_type: str
    reduce_only: bool
    self_trade: str
    created_ns: int
    updated_ns: int = 0
    triggered_ns: int = 0
    state: AlgoState = AlgoState.NEW
    order: ClientOrder | None = None
    why: str = ""


def _quantity(algo: AlgoOrder) -> str:
    return "0" if algo.size is None else algo.listing.size(algo.size)


def _price(algo: AlgoOrder) -> str:
    return "0" if algo.price is None else algo.listing.price(algo.price)


def algo_body(algo: AlgoOrder) -> dict[str, Any]:
    """Describe a conditional order."""
    return {
        "algoId": algo.id,
        "clientAlgoId": algo.client_id,
        "algoType": "CONDITIONAL",
        "orderType": algo.type,
        "symbol": algo.listing.symbol,
        "side": algo.side.name,
        "positionSide": LEGS[algo.leg],
        "timeInForce": algo.time_in_force,
        "quantity": _quantity(algo),
        "algoStatus": algo.state.value,
        "actualOrderId": "" if algo.order is None else str(algo.order.id),
        "actualPrice": "0" if algo.order is None else average_price(algo.order),
        "triggerPrice": f"{algo.trigger.price:f}",
        "price": _price(algo),
        "icebergQuantity": None,
        "selfTradePreventionMode": algo.self_trade,
        "workingType": algo.working_type,
        "priceMatch": "NONE",
        "closePosition": algo.size is None,
        "priceProtect": False,
        "reduceOnly": algo.reduce_only,
        "createTime": algo.created_ns // NS_PER_MS,
        "updateTime": algo.updated_ns // NS_PER_MS,
        "triggerTime": algo.triggered_ns // NS_PER_MS,
        "goodTillDate": 0,
    }


def algo_event(algo: AlgoOrder) -> dict[str, Any]:
    """Write what an ``ALGO_UPDATE`` says of it."""
    order = algo.order
    body: dict[str, Any] = {
        "caid": algo.client_id,
        "aid": algo.id,
        "at": "CONDITIONAL",
        "o": algo.type,
        "s": algo.listing.symbol,
        "S": algo.side.name,
        "ps": LEGS[algo.leg],
        "f": algo.time_in_force,
        "q": _quantity(algo),
        "X": algo.state.value,
        "ai": "" if order is None or not order.id else str(order.id),
    }
    if order is not None and order.id:
        body |= {
            "ap": average_price(order) if order.filled else "0",
            "aq": algo.listing.size(order.filled) if order.filled else "0",
            "act": ALGO_TYPES[algo.type],
        }
    body |= {
        "tp": f"{algo.trigger.price:f}",
        "p": _price(algo),
        "V": algo.self_trade,
        "wt": algo.working_type,
        "pm": "NONE",
        "cp": algo.size is None,
        "pP": False,
        "R": algo.reduce_only,
        "tt": algo.triggered_ns // NS_PER_MS,
        "gtd": 0,
    }
    return body | {"rm": algo.why} if algo.why else body
