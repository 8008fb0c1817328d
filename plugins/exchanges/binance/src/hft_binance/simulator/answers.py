"""The bodies of the simulated Binance's REST answers; pure, except for reading the world."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hft import Price, Side, Size
from hft.sim import Mark, PublicTrade
from hft_binance.simulator.listing import NS_PER_MS, SPOT, AggTrade, Listing, ProductRules

__all__ = [
    "Body",
    "agg_trade",
    "average_price",
    "book_ticker",
    "day_ticker",
    "depth",
    "exchange_info",
    "funding",
    "premium_index",
    "price_ticker",
    "symbol_info",
    "trade",
]

Body = dict[str, Any]

_DAY_MS = 86_400_000
_AVERAGE_MINUTES = 5


def symbol_info(listing: Listing) -> Body:
    """Describe a synthetic symbol as ``exchangeInfo`` does."""
    instrument = listing.market.instrument
    tick, lot = listing.price(Price(1)), listing.size(Size(1))
    common: Body = {
        "symbol": listing.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
    }
    # Round numbers far outside of what the flow does.
    prices = {
        "filterType": "PRICE_FILTER",
        "minPrice": tick,
        "maxPrice": listing.price(Price(10**8)),
        "tickSize": tick,
    }
    lots = {"minQty": lot, "maxQty": listing.size(Size(10**9)), "stepSize": lot}
    market_lots = {"filterType": "MARKET_LOT_SIZE", **lots, "maxQty": listing.size(Size(10**7))}
    notional = f"{instrument.min_notional:f}"
    if listing.product is SPOT:
        return common | {
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": [
                "LIMIT",
                "LIMIT_MAKER",
                "MARKET",
                "STOP_LOSS",
                "STOP_LOSS_LIMIT",
                "TAKE_PROFIT",
                "TAKE_PROFIT_LIMIT",
            ],
            "icebergAllowed": False,
            "ocoAllowed": False,
            "otoAllowed": False,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": False,
            "cancelReplaceAllowed": True,
            "amendAllowed": True,
            "pegInstructionsAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": [
                prices,
                {"filterType": "LOT_SIZE", **lots},
                market_lots,
                {
                    "filterType": "NOTIONAL",
                    "minNotional": notional,
                    "applyMinToMarket": True,
                    "maxNotional": "9000000.00000000",
                    "applyMaxToMarket": False,
                    "avgPriceMins": _AVERAGE_MINUTES,
                },
                {
                    "filterType": "PERCENT_PRICE_BY_SIDE",
                    "bidMultiplierUp": "5",
                    "bidMultiplierDown": "0.2",
                    "askMultiplierUp": "5",
                    "askMultiplierDown": "0.2",
                    "avgPriceMins": _AVERAGE_MINUTES,
                },
                {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
                {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
                {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
            ],
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": [
                "NONE",
                "EXPIRE_TAKER",
                "EXPIRE_MAKER",
                "EXPIRE_BOTH",
                "DECREMENT",
            ],
        }
    return common | {
        "pair": listing.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "marginAsset": instrument.settle,
        # Digits of the display, one more than the grid has, so that nobody takes them for the grid.
        "pricePrecision": len(tick.partition(".")[2]) + 1,
        "quantityPrecision": len(lot.partition(".")[2]),
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": [
            prices,
            {"filterType": "LOT_SIZE", **lots},
            market_lots,
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": notional},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": "1.0500",
                "multiplierDown": "0.9500",
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def exchange_info(product: ProductRules, symbols: list[Mapping[str, Any]], now_ms: int) -> Body:
    """Put descriptions of symbols into an ``exchangeInfo``."""
    limits: list[Body] = [
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": product.weight_per_min,
        }
    ]
    for interval, number, limit in product.order_limits:
        limits.append(
            {"rateLimitType": "ORDERS", "interval": interval, "intervalNum": number, "limit": limit}
        )
    body: Body = {"timezone": "UTC", "serverTime": now_ms, "rateLimits": limits, "exchangeFilters": []}
    if product is not SPOT:
        margin_assets = sorted({str(symbol["marginAsset"]) for symbol in symbols})
        body |= {
            "futuresType": "U_MARGINED",
            "assets": [
                {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
                for asset in margin_assets
            ],
        }
    return body | {"symbols": symbols}


def depth(listing: Listing, limit: int, now_ms: int) -> Body:
    """List the best levels with the id of the last change they contain."""
    times = {} if listing.product is SPOT else {"E": now_ms, "T": now_ms}
    return {
        "lastUpdateId": listing.update_id,
        **times,
        "bids": listing.levels(Side.BUY, limit),
        "asks": listing.levels(Side.SELL, limit),
    }


def trade(listing: Listing, trade: PublicTrade) -> Body:
    """Write one of the recent trades."""
    body: Body = {
        "id": trade.trade_id,
        "price": listing.price(trade.price),
        "qty": listing.size(trade.size),
        "quoteQty": _quote(listing, trade.price * trade.size),
        "time": trade.time_ns // NS_PER_MS,
        "isBuyerMaker": trade.side is Side.SELL,
    }
    return body | {"isBestMatch": True} if listing.product is SPOT else body


def agg_trade(listing: Listing, trade: AggTrade) -> Body:
    """Write one of the recent aggregated trades."""
    body: Body = {
        "a": trade.agg_id,
        "p": listing.price(trade.first.price),
        "q": listing.size(trade.size),
        "f": trade.first.trade_id,
        "l": trade.last.trade_id,
        "T": trade.first.time_ns // NS_PER_MS,
        "m": trade.first.side is Side.SELL,
    }
    return body | {"M": True} if listing.product is SPOT else body


def price_ticker(listing: Listing, now_ms: int) -> Body:
    """State the last price."""
    body: Body = {"symbol": listing.symbol, "price": listing.price(_last_price(listing))}
    return body if listing.product is SPOT else body | {"time": now_ms}


def book_ticker(listing: Listing, now_ms: int) -> Body:
    """State best bid and ask."""
    body: Body = {"symbol": listing.symbol, **_touch(listing)}
    if listing.product is SPOT:
        return body
    return body | {"time": now_ms, "lastUpdateId": listing.update_id}


def day_ticker(listing: Listing, now_ms: int) -> Body:
    """State what happened within 24 hours: since the simulator began."""
    statistics = listing.market.statistics
    last = _last_price(listing)
    opened = statistics.open if statistics.open is not None else last
    mean = Price(round(statistics.turnover / statistics.volume)) if statistics.volume else last
    instrument = listing.market.instrument
    percent = Decimal(100 * (last - opened)) / Decimal(opened) if opened else Decimal(0)
    change = instrument.price_to_decimal(last - opened)
    body: Body = {
        "symbol": listing.symbol,
        "priceChange": f"{change:f}",
        "priceChangePercent": f"{percent:.3f}",
        "weightedAvgPrice": listing.price(mean),
        "lastPrice": listing.price(last),
        "lastQty": listing.size(statistics.last.size if statistics.last else Size(0)),
        "openPrice": listing.price(opened),
        "highPrice": listing.price(statistics.high or last),
        "lowPrice": listing.price(statistics.low or last),
        "volume": listing.size(Size(statistics.volume)),
        "quoteVolume": _quote(listing, statistics.turnover),
        "openTime": now_ms - _DAY_MS,
        "closeTime": now_ms,
        "firstId": statistics.first_trade_id if statistics.trades else -1,
        "lastId": statistics.last.trade_id if statistics.last else -1,
        "count": statistics.trades,
    }
    return (
        body | {"prevClosePrice": listing.price(opened), **_touch(listing)}
        if listing.product is SPOT
        else body
    )


def average_price(listing: Listing, now_ms: int) -> Body:
    """State the mean price of the last five minutes' trades that are still known."""
    since_ns = (now_ms - _AVERAGE_MINUTES * 60_000) * NS_PER_MS
    trades = [trade for trade in listing.market.trades if trade.time_ns >= since_ns]
    volume = sum(trade.size for trade in trades)
    turnover = sum(trade.price * trade.size for trade in trades)
    price = Price(round(turnover / volume)) if volume else _last_price(listing)
    closed_ms = trades[-1].time_ns // NS_PER_MS if trades else now_ms
    return {"mins": _AVERAGE_MINUTES, "price": listing.price(price), "closeTime": closed_ms}


def premium_index(listing: Listing, mark: Mark, now_ms: int) -> Body:
    """State mark and index price and the funding rate."""
    return {
        "symbol": listing.symbol,
        "markPrice": f"{mark.mark}",
        "indexPrice": f"{mark.index}",
        "estimatedSettlePrice": f"{mark.index}",
        "lastFundingRate": f"{mark.funding_rate:f}",
        "interestRate": "0.00010000",
        "nextFundingTime": mark.next_funding_ns // NS_PER_MS,
        "time": now_ms,
    }


def funding(listing: Listing, mark: Mark) -> Body:
    """State a funding that was paid."""
    return {
        "symbol": listing.symbol,
        "fundingRate": f"{mark.funding_rate:f}",
        "fundingTime": mark.next_funding_ns // NS_PER_MS,
        "markPrice": f"{mark.mark}",
    }


def _quote(listing: Listing, ticks_times_lots: int) -> str:
    return f"{ticks_times_lots * listing.market.instrument.point_value:.8f}"


def _touch(listing: Listing) -> Body:
    empty = (listing.price(Price(0)), listing.size(Size(0)))
    (bid, bid_size), (ask, ask_size) = (
        next(iter(listing.levels(side, 1)), empty) for side in (Side.BUY, Side.SELL)
    )
    return {"bidPrice": bid, "bidQty": bid_size, "askPrice": ask, "askQty": ask_size}


def _last_price(listing: Listing) -> Price:
    """Return the last price that traded; before the first trade the best bid stands in."""
    last = listing.market.statistics.last
    if last is not None:
        return last.price
    return next((price for price, _ in listing.market.levels(Side.BUY, 1)), Price(0))
