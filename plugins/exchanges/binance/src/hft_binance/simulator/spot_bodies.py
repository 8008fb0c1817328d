"""How the simulated spot exchange writes orders, fills and accounts; pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hft import Side
from hft.sim import ClientOrder, Fill, SpotAccount
from hft_binance.simulator.listing import NS_PER_MS
from hft_binance.simulator.native import native, status

__all__ = [
    "account_body",
    "ack",
    "amended",
    "amount",
    "canceled",
    "fill_in_answer",
    "full",
    "my_trade",
    "queried",
    "result",
]

Body = dict[str, Any]
_ZERO = "0.00000000"


def amount(value: Decimal) -> str:
    """Write an amount of an asset."""
    return f"{value:.8f}"


def turnover(order: ClientOrder) -> str:
    """Write what an order has traded in quote currency."""
    return amount(order.turnover * order.market.instrument.point_value)


def _price(order: ClientOrder) -> str:
    return _ZERO if order.price is None else native(order).listing.price(order.price)


def ack(order: ClientOrder) -> Body:
    """Acknowledge an order."""
    return {
        "symbol": order.market.instrument.native_symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.created_ns // NS_PER_MS,
    }


def _terms(order: ClientOrder) -> Body:
    words = native(order)
    return {
        "price": _price(order),
        "origQty": words.listing.size(order.size),
        "executedQty": words.listing.size(order.filled),
        "origQuoteOrderQty": words.quote_quantity,
        "cummulativeQuoteQty": turnover(order),
        "status": status(order),
        "timeInForce": words.time_in_force,
        "type": words.type,
        "side": order.side.name,
    }


def _extras(order: ClientOrder) -> Body:
    words = native(order)
    body: Body = {}
    if words.stop_price:
        body["stopPrice"] = words.stop_price
    if order.working_ns:
        body["workingTime"] = order.working_ns // NS_PER_MS
    return body | {"selfTradePreventionMode": words.self_trade}


def result(order: ClientOrder) -> Body:
    """Answer a placed order without its fills."""
    return ack(order) | _terms(order) | _extras(order)


def fill_in_answer(fill: Fill) -> Body:
    """Write a fill as it stands in the answer to its order."""
    listing = native(fill.order).listing
    return {
        "price": listing.price(fill.price),
        "qty": listing.size(fill.size),
        "commission": amount(fill.fee),
        "commissionAsset": fill.fee_asset,
        "tradeId": fill.trade_id,
    }


def full(order: ClientOrder) -> Body:
    """Answer a placed order with its fills."""
    return result(order) | {"fills": [fill_in_answer(fill) for fill in order.fills]}


def queried(order: ClientOrder) -> Body:
    """Answer a query of an order."""
    words = native(order)
    body = ack(order)
    del body["transactTime"]
    return (
        body
        | _terms(order)
        | {
            "stopPrice": words.stop_price or _ZERO,
            "icebergQty": _ZERO,
            "time": order.created_ns // NS_PER_MS,
            "updateTime": order.updated_ns // NS_PER_MS,
            "isWorking": order.working_ns > 0,
            "workingTime": order.working_ns // NS_PER_MS if order.working_ns else -1,
            "selfTradePreventionMode": words.self_trade,
        }
    )


def canceled(order: ClientOrder) -> Body:
    """Answer the cancellation of an order."""
    words = native(order)
    body = {
        "symbol": order.market.instrument.native_symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": words.cancel_id,
        "transactTime": order.updated_ns // NS_PER_MS,
    }
    extras = _extras(order)
    extras.pop("workingTime", None)
    return body | _terms(order) | extras


def amended(order: ClientOrder, former_id: str, execution_id: int) -> Body:
    """Answer an amendment that kept the order's place."""
    words = native(order)
    return {
        "transactTime": order.updated_ns // NS_PER_MS,
        "executionId": execution_id,
        "amendedOrder": {
            "symbol": order.market.instrument.native_symbol,
            "orderId": order.id,
            "orderListId": -1,
            "origClientOrderId": former_id,
            "clientOrderId": order.client_id,
            "price": _price(order),
            "qty": words.listing.size(order.size),
            "executedQty": words.listing.size(order.filled),
            "preventedQty": words.listing.size(order.prevented),
            "quoteOrderQty": words.quote_quantity,
            "cumulativeQuoteQty": turnover(order),
            "status": status(order),
            "timeInForce": words.time_in_force,
            "type": words.type,
            "side": order.side.name,
            "workingTime": order.working_ns // NS_PER_MS,
            "selfTradePreventionMode": words.self_trade,
        },
    }


def my_trade(fill: Fill) -> Body:
    """Write one of the account's trades."""
    order, listing = fill.order, native(fill.order).listing
    return {
        "symbol": listing.symbol,
        "id": fill.trade_id,
        "orderId": order.id,
        "orderListId": -1,
        "price": listing.price(fill.price),
        "qty": listing.size(fill.size),
        "quoteQty": amount(fill.price * fill.size * order.market.instrument.point_value),
        "commission": amount(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ns // NS_PER_MS,
        "isBuyer": order.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def account_body(account: SpotAccount, *, omit_zero: bool, can_trade: bool, can_withdraw: bool) -> Body:
    """Write an account with its balances."""
    fees, wallet = account.fees, account.wallet
    balances = [
        {"asset": asset, "free": amount(wallet.free(asset)), "locked": amount(wallet.locked(asset))}
        for asset in wallet.assets()
        if not omit_zero or wallet.free(asset) or wallet.locked(asset)
    ]
    return {
        "makerCommission": int(fees.maker * 10_000),
        "takerCommission": int(fees.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": amount(fees.maker),
            "taker": amount(fees.taker),
            "buyer": _ZERO,
            "seller": _ZERO,
        },
        "canTrade": can_trade,
        "canWithdraw": can_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": account.updated_ns // NS_PER_MS,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": 100_000_000 + sum(account.id.encode()),
    }
