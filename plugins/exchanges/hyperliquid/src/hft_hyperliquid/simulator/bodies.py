"""What the simulated Hyperliquid says of orders, fills and accounts, as JSON values; pure."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import attrs

from hft import Side
from hft.money import difference, product, total
from hft.sim import ClientOrder, Fill, Leg, MarginAccount, Mark, SpotAccount
from hft_hyperliquid.simulator.listing import NS_PER_MS, Listing, number
from hft_hyperliquid.simulator.words import status_of

__all__ = [
    "NativeOrder",
    "asset_context",
    "clearinghouse_state",
    "fill_body",
    "long_order",
    "order_update",
    "short_order",
    "spot_state",
    "trade_id",
]

_NO_HASH = "0x" + "0" * 64


@attrs.frozen(kw_only=True)
class NativeOrder:
    """The words in which an order was given; ``cloid`` is None where it had none."""

    listing: Listing
    cloid: str | None
    tif: str | None
    limit: str
    trigger: str | None = None
    is_market: bool = False
    tpsl: str = ""


def _letter(side: Side) -> str:
    return "B" if side is Side.BUY else "A"


def _native(order: ClientOrder) -> NativeOrder:
    native = order.native
    assert isinstance(native, NativeOrder)
    return native


def short_order(order: ClientOrder) -> dict[str, Any]:
    """Write an order as feeds have it; ``sz`` is what is left."""
    native = _native(order)
    body: dict[str, Any] = {
        "coin": native.listing.coin,
        "side": _letter(order.side),
        "limitPx": native.limit,
        "sz": native.listing.size(order.remaining),
        "oid": order.id,
        "timestamp": order.created_ns // NS_PER_MS,
        "origSz": native.listing.size(order.size),
    }
    if order.reduce_only:
        body["reduceOnly"] = True
    return body if native.cloid is None else {**body, "cloid": native.cloid}


def long_order(order: ClientOrder) -> dict[str, Any]:
    """Write an order as it is listed with all that is known of it."""
    native = _native(order)
    if native.trigger is None:
        kind, condition = ("Market" if order.by_exchange else "Limit"), "N/A"
    else:
        kind = (
            f"{'Stop' if native.tpsl == 'sl' else 'Take Profit'} {'Market' if native.is_market else 'Limit'}"
        )
        rising = order.trigger is not None and order.trigger.rising
        condition = f"Price {'above' if rising else 'below'} {native.trigger}"
    return {
        **short_order(order),
        "triggerCondition": condition,
        "isTrigger": native.trigger is not None,
        "triggerPx": native.trigger or "0.0",
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": order.reduce_only,
        "orderType": kind,
        "tif": native.tif,
        "cloid": native.cloid,
    }


def order_update(order: ClientOrder, *, long: bool = False) -> dict[str, Any]:
    """Write an order and how it stands."""
    return {
        "order": long_order(order) if long else short_order(order),
        "status": status_of(order),
        "statusTimestamp": order.updated_ns // NS_PER_MS,
    }


def trade_id(listing: Listing, number: int) -> int:
    """Return what the exchange calls a trade: 50 bits that say nothing."""
    digest = hashlib.blake2b(f"{listing.coin} {number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 14


def fill_body(fill: Fill, address: str) -> dict[str, Any]:
    """Write a trade of an account, right after it was settled."""
    order = fill.order
    native = _native(order)
    listing = native.listing
    signed = order.side.sign * fill.size
    before = after = 0
    if isinstance(order.account, MarginAccount):
        after = order.account.position(order.market, order.leg).size
        before = after - signed
    body: dict[str, Any] = {
        "coin": listing.coin,
        "px": listing.price(fill.price),
        "sz": listing.size(fill.size),
        "side": _letter(order.side),
        "time": fill.time_ns // NS_PER_MS,
        "startPosition": listing.size(before),
        "dir": _direction(listing, order.side, before, after),
        "closedPnl": number(fill.realised),
        "hash": _NO_HASH,
        "oid": order.id,
        "crossed": not fill.is_maker,
        "fee": number(fill.fee),
        "tid": trade_id(listing, fill.trade_id),
        "feeToken": fill.fee_asset,
        "twapId": None,
    }
    if native.cloid is not None:
        body["cloid"] = native.cloid
    if order.by_exchange:
        mark = order.market.mark
        mark_price = listing.price(fill.price) if mark is None else number(mark.mark)
        body["liquidation"] = {"liquidatedUser": address, "markPx": mark_price, "method": "market"}
    return body


def _direction(listing: Listing, side: Side, before: int, after: int) -> str:
    if listing.is_spot:
        return "Buy" if side is Side.BUY else "Sell"
    if before * after < 0:
        return "Long > Short" if before > 0 else "Short > Long"
    if abs(after) > abs(before):
        return "Open Long" if after > 0 else "Open Short"
    return "Close Long" if before > 0 else "Close Short"


# -- accounts ----------------------------------------------------------------------------------------------


def clearinghouse_state(account: MarginAccount, listings: dict[Any, Listing], now_ms: int) -> dict[str, Any]:
    """Write an account of perpetuals."""
    wallet, unrealised = account.wallets.get("USDC", Decimal(0)), account.unrealised("USDC")
    value = total((wallet, unrealised))
    positions, worth, used = [], Decimal(0), Decimal(0)
    signed_worth = Decimal(0)
    for market, _, position in account.legs("USDC"):
        if not position.size:
            continue
        listing, instrument = listings[market], market.instrument
        assert market.mark is not None
        now = position.value(market.mark.mark, instrument.tick_size)
        profit = position.unrealised(market.mark.mark, instrument.tick_size)
        margin = account.position_margin(market, Leg.NET)
        worth, used = total((worth, abs(now))), total((used, margin))
        signed_worth = total((signed_worth, now))
        leverage = account.leverage(market)
        kind = "isolated" if market in account.isolated else "cross"
        positions.append(
            {
                "type": "oneWay",
                "position": {
                    "coin": listing.coin,
                    "szi": listing.size(position.size),
                    "leverage": {"type": kind, "value": leverage},
                    "entryPx": number(round(position.entry(instrument.tick_size), 8)),
                    "positionValue": number(abs(now)),
                    "unrealizedPnl": number(profit),
                    "returnOnEquity": number(round(profit / margin, 8) if margin else 0),
                    "liquidationPx": None,
                    "marginUsed": number(margin),
                    "maxLeverage": listing.leverage,
                    "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
                },
            }
        )
    summary = {
        "accountValue": number(value),
        "totalNtlPos": number(worth),
        "totalRawUsd": number(difference(value, signed_worth)),
        "totalMarginUsed": number(used),
    }
    return {
        "marginSummary": summary,
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": number(used / 2),
        "withdrawable": number(max(Decimal(0), account.available("USDC"))),
        "assetPositions": positions,
        "time": now_ms,
    }


def spot_state(account: SpotAccount, tokens: dict[str, int]) -> dict[str, Any]:
    """Write an account of spot."""
    wallet = account.wallet
    return {
        "balances": [
            {
                "coin": asset,
                "token": tokens.get(asset, 0),
                "total": number(total((wallet.free(asset), wallet.locked(asset)))),
                "hold": number(wallet.locked(asset)),
                "entryNtl": "0.0",
            }
            for asset in wallet.assets()
        ]
    }


def asset_context(listing: Listing) -> dict[str, Any]:
    """Write what is known of a market besides its book."""
    market, mid = listing.market, listing.mid()
    statistics, instrument = market.statistics, market.instrument
    shown = None if mid is None else number(mid)
    context: dict[str, Any] = {
        "prevDayPx": shown if statistics.open is None else listing.price(statistics.open),
        "dayNtlVlm": number(product(statistics.turnover, instrument.point_value)),
        "dayBaseVlm": listing.size(statistics.volume),
        "midPx": shown,
        "markPx": shown or "0.0",
    }
    if listing.is_spot:
        supply = {"circulatingSupply": "1000000.0", "totalSupply": "1000000.0"}
        return {**context, "coin": listing.coin, **supply}
    mark: Mark | None = market.mark
    best = [next((listing.price(price) for price, _ in market.levels(side, 1)), None) for side in Side]
    premium = None
    if mark is not None:
        premium = number(round(mark.mark / mark.index - 1, 10))
        context["markPx"] = number(mark.mark)
    return {
        "funding": "0.0" if mark is None else number(mark.funding_rate),
        "openInterest": "1000.0",
        "premium": premium,
        "oraclePx": context["markPx"] if mark is None else number(mark.index),
        "impactPxs": None if None in best else best,
        **context,
    }
