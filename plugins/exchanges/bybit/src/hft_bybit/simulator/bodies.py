"""How the simulated Bybit writes orders, executions, positions and wallets; pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hft import Side
from hft.sim import ClientOrder, Fill, Income, Leg, LinearDesk, MarginAccount, SpotAccount, SyntheticMarket
from hft_bybit.endpoints import Product
from hft_bybit.simulator.listing import NS_PER_MS, Listing
from hft_bybit.simulator.native import cancel_type, link_id, native, reject_reason, status

__all__ = [
    "LEGS",
    "Body",
    "coins",
    "execution",
    "fast_execution",
    "funding",
    "order_body",
    "plain",
    "position",
    "wallet",
]

Body = dict[str, Any]

LEGS = {Leg.NET: 0, Leg.LONG: 1, Leg.SHORT: 2}

_SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}


def plain(value: Decimal) -> str:
    """Write a number without trailing zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def order_body(order: ClientOrder) -> Body:
    """Describe an order."""
    words = native(order)
    listing = words.listing
    instrument = listing.instrument
    value = order.turnover * instrument.point_value
    fee = sum((fill.fee for fill in order.fills), Decimal(0))
    left = order.remaining if order.is_open else 0
    average = value / instrument.base_per_lot / order.filled if order.filled else None
    return {
        "category": listing.product.value,
        "symbol": listing.symbol,
        "orderId": listing.order_id(order.id),
        "orderLinkId": link_id(order),
        "blockTradeId": "",
        "side": _SIDES[order.side],
        "orderType": words.type,
        "price": words.cap if order.price is None else listing.price(order.price),
        "qty": listing.size(order.size),
        "timeInForce": words.time_in_force,
        "orderStatus": status(order),
        "cancelType": cancel_type(order),
        "rejectReason": reject_reason(order),
        "avgPrice": "" if average is None else plain(round(average, 10)),
        "leavesQty": listing.size(left),
        "leavesValue": plain(left * (order.price or 0) * instrument.point_value),
        "cumExecQty": listing.size(order.filled),
        "cumExecValue": plain(value),
        "cumExecFee": plain(fee),
        "cumFeeDetail": {},
        "feeCurrency": "",
        "isLeverage": "0" if listing.product is Product.SPOT else "",
        "positionIdx": words.position_idx,
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": False,
        "stopOrderType": "Stop" if order.trigger is not None else "UNKNOWN",
        "triggerPrice": words.trigger_price,
        "triggerDirection": words.trigger_direction,
        "triggerBy": words.trigger_by,
        "takeProfit": "",
        "stopLoss": "",
        # Clients tell orders of contracts from those of spot by this.
        **({} if listing.product is Product.SPOT else {"tpslMode": ""}),
        "smpType": words.smp,
        "smpGroup": 0,
        "smpOrderId": "",
        "marketUnit": words.market_unit,
        "createdTime": str(order.created_ns // NS_PER_MS),
        "updatedTime": str(order.updated_ns // NS_PER_MS),
    }


def execution(fill: Fill) -> Body:
    """Describe one trade of an order."""
    order = fill.order
    words = native(order)
    listing = words.listing
    instrument = listing.instrument
    value = fill.price * fill.size * instrument.point_value
    closed = _closed(fill)
    return {
        "category": listing.product.value,
        "symbol": listing.symbol,
        "orderId": listing.order_id(order.id),
        "orderLinkId": link_id(order),
        "side": _SIDES[order.side],
        "orderPrice": words.cap if order.price is None else listing.price(order.price),
        "orderQty": listing.size(order.size),
        "leavesQty": listing.size(max(0, order.size - _filled_until(fill))),
        "createType": "CreateByUser",
        "orderType": words.type,
        "stopOrderType": "UNKNOWN",
        "execFee": plain(fill.fee),
        "execId": listing.execution_id(fill.trade_id, is_maker=fill.is_maker),
        "execPrice": listing.price(fill.price),
        "execQty": listing.size(fill.size),
        "execType": "BustTrade" if order.by_exchange else "Trade",
        "execValue": plain(value),
        "execTime": str(fill.time_ns // NS_PER_MS),
        "feeCurrency": fill.fee_asset if listing.product is Product.SPOT else "",
        "isMaker": fill.is_maker,
        "feeRate": plain(abs(fill.fee) / value) if value else "0",
        "markPrice": "",
        "indexPrice": "",
        "closedSize": closed,
        "execPnl": plain(fill.realised),
        "extraFees": "",
        "seq": fill.trade_id,
    }


def _closed(fill: Fill) -> str:
    """Write how much of a position a trade closed: what realises a profit, or in hedge mode could."""
    order = fill.order
    if native(order).listing.product is Product.SPOT:
        return ""
    closes = order.leg is not Leg.NET and (order.leg is Leg.LONG) is (order.side is Side.SELL)
    return native(order).listing.size(fill.size if closes or fill.realised else 0)


def _filled_until(fill: Fill) -> int:
    filled = 0
    for each in fill.order.fills:
        filled += each.size
        if each is fill:
            break
    return filled


def fast_execution(fill: Fill) -> Body:
    """Describe one trade in few words: neither its fee nor, for who rested, the client's id."""
    whole = execution(fill)
    names = ("category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker", "side", "execTime")
    link = "" if fill.is_maker else whole["orderLinkId"]
    return {name: whole[name] for name in names} | {"orderLinkId": link, "seq": fill.trade_id}


def funding(listing: Listing, income: Income) -> Body:
    """Describe a payment of funding, which stands among the executions; what was paid is a fee."""
    return {
        "category": listing.product.value,
        "symbol": listing.symbol,
        "orderId": listing.funding_id(income.id),
        "orderLinkId": "",
        "side": "Buy" if income.amount < 0 else "Sell",
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "createType": "",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "execFee": plain(-income.amount),
        "execId": listing.funding_id(income.id),
        "execPrice": "0",
        "execQty": "0",
        "execType": "Funding",
        "execValue": "0",
        "execTime": str(income.time_ns // NS_PER_MS),
        "feeCurrency": "",
        "isMaker": False,
        "feeRate": "0",
        "closedSize": "",
        "extraFees": "",
        "seq": income.id,
    }


def position(desk: LinearDesk, account: MarginAccount, listing: Listing, leg: Leg) -> Body:
    """Describe a position, which may be flat: the stream calls its price by another name than the list."""
    market = listing.synthetic()
    held, instrument = account.position(market, leg), listing.instrument
    assert market.mark is not None
    mark, tick = market.mark.mark, instrument.tick_size
    side = "" if not held.size else "Buy" if held.size > 0 else "Sell"
    entry = plain(round(held.entry(tick), 8))
    return {
        "category": listing.product.value,
        "positionIdx": LEGS[leg],
        "symbol": listing.symbol,
        "side": side,
        "size": listing.size(abs(held.size)) if held.size else "0",
        "entryPrice": entry,
        "avgPrice": entry,
        "leverage": str(account.leverage(market)),
        "positionValue": plain(abs(held.value(mark, tick))),
        "positionBalance": "0",
        "markPrice": f"{mark:f}",
        "positionIM": plain(account.position_margin(market, leg)),
        "positionMM": plain(account.maintenance(market, leg, desk.maintenance_rate)),
        "liqPrice": plain(desk.liquidation_price(account, market, leg)) if held.size else "",
        "bustPrice": "",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "unrealisedPnl": plain(held.unrealised(mark, tick)) if held.size else "0",
        "curRealisedPnl": plain(held.realised),
        "cumRealisedPnl": plain(held.realised),
        "sessionAvgPrice": "",
        "riskId": 1,
        "riskLimitValue": "2000000",
        "tradeMode": 1 if market in account.isolated else 0,
        "tpslMode": "Full",
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2 if held.size else 0,
        "isReduceOnly": False,
        "createdTime": str(held.updated_ns // NS_PER_MS),
        "updatedTime": str(held.updated_ns // NS_PER_MS),
        "seq": held.updated_ns // NS_PER_MS,
    }


def wallet(spot: SpotAccount, margin: MarginAccount, assets: Iterable[str]) -> Body:
    """Describe the one wallet of a unified account."""
    found = [coins(spot, margin, asset) for asset in assets]
    total = sum((Decimal(coin["equity"]) for coin in found if "USD" in coin["coin"]), Decimal(0))
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": "0",
        "accountMMRate": "0",
        "totalEquity": plain(total),
        "totalWalletBalance": plain(total),
        "totalMarginBalance": plain(total),
        "totalAvailableBalance": plain(total),
        "totalPerpUPL": "0",
        "totalInitialMargin": "0",
        "totalMaintenanceMargin": "0",
        "coin": found,
    }


def coins(spot: SpotAccount, margin: MarginAccount, asset: str) -> Body:
    """Describe what an account has of one asset: what trades on spot and what stands behind contracts."""
    locked = spot.wallet.locked(asset)
    amount = spot.wallet.free(asset) + locked + margin.wallets.get(asset, Decimal(0))
    unrealised = margin.unrealised(asset)
    orders = sum((margin.order_margin(market) for market in _markets(margin, asset)), Decimal(0))
    held = sum((margin.position_margin(market, leg) for market, leg, _ in margin.legs(asset)), Decimal(0))
    return {
        "coin": asset,
        "equity": plain(amount + unrealised),
        "usdValue": plain(amount),
        "walletBalance": plain(amount),
        "locked": plain(locked),
        "availableToWithdraw": plain(amount - locked),
        "availableToBorrow": "",
        "borrowAmount": "0",
        "spotBorrow": "0",
        "accruedInterest": "0",
        "totalOrderIM": plain(orders),
        "totalPositionIM": plain(held),
        "totalPositionMM": "0",
        "unrealisedPnl": plain(unrealised),
        "cumRealisedPnl": "0",
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
        "spotHedgingQty": "0",
    }


def _markets(margin: MarginAccount, asset: str) -> list[SyntheticMarket]:
    markets = dict.fromkeys(market for market, _, _ in margin.pending)
    return [market for market in markets if market.instrument.settle == asset]
