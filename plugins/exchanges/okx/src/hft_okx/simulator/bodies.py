"""Orders, fills, bills, positions and balances as the simulated OKX describes them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from hft.money import product, total
from hft.sim import ClientOrder, Fill, Leg, LinearDesk, MarginAccount, SpotAccount, SyntheticMarket
from hft_okx.simulator.listing import NS_PER_MS, Listing, plain
from hft_okx.simulator.native import POSITION_SIDES, cancel_source, kind, native, state

__all__ = ["Bill", "Body", "Holder", "average_price", "fill_row", "order_row"]

Body = dict[str, Any]

_NOTHING = Decimal(0)
_POSITION_NUMBERS = {Leg.NET: 0, Leg.LONG: 1, Leg.SHORT: 2}


@attrs.frozen
class Bill:
    """A numbered booking: a fill, or money that came or went for another reason."""

    number: int
    time_ns: int
    fill: Fill | None = None
    asset: str = ""
    amount: Decimal = _NOTHING
    listing: Listing | None = None
    type: str = ""
    sub_type: str = ""


def order_row(order: ClientOrder, fill: Fill | None = None, *, leverage: str = "") -> Body:
    """Describe an order; with ``fill``, what has just traded of it, otherwise what traded last."""
    words = native(order)
    listing = words.listing
    last = fill or (order.fills[-1] if order.fills else None)
    asset = last.fee_asset if last is not None else order.market.instrument.settle
    paid = total(one.fee for one in order.fills if one.fee_asset == asset)
    size = order.filled if words.is_shrunk else order.size
    return {
        "instType": kind(order),
        "instId": listing.name,
        "ordId": str(order.id),
        "clOrdId": words.client_id,
        "tag": words.tag,
        "px": "" if order.price is None else listing.price(order.price),
        "sz": listing.size(size),
        "ordType": words.type,
        "side": order.side.value,
        "posSide": POSITION_SIDES[order.leg] if listing.is_swap else "net",
        "tdMode": words.trade_mode,
        "ccy": "",
        "tgtCcy": words.target,
        "state": state(order),
        "accFillSz": listing.size(order.filled) if order.filled else "0",
        "avgPx": average_price(order),
        "fillPx": "" if last is None else listing.price(last.price),
        "fillSz": "0" if last is None else listing.size(last.size),
        "fillTime": "" if last is None else str(last.time_ns // NS_PER_MS),
        "tradeId": "" if last is None else str(last.trade_id),
        "fee": plain(-paid) if paid else "0",
        "feeCcy": asset,
        "rebate": "0",
        "rebateCcy": asset,
        "pnl": plain(total(one.realised for one in order.fills)) if order.fills else "0",
        "lever": leverage,
        "reduceOnly": "true" if order.reduce_only else "false",
        "stpMode": words.stp_mode,
        "stpId": "",
        "source": "",
        "category": words.category,
        "cancelSource": cancel_source(order),
        "cancelSourceReason": "",
        "algoId": "",
        "algoClOrdId": "",
        "attachAlgoOrds": [],
        "cTime": str(order.created_ns // NS_PER_MS),
        "uTime": str(order.updated_ns // NS_PER_MS),
    }


def average_price(order: ClientOrder) -> str:
    """Return the mean price at which an order has traded, empty where it has not."""
    if not order.filled:
        return ""
    ticks = Decimal(order.turnover) / order.filled
    return plain(round(ticks * order.market.instrument.tick_size, 8))


def fill_row(bill: Bill) -> Body:
    """Describe a fill as it is listed."""
    fill = bill.fill
    assert fill is not None
    order = fill.order
    words = native(order)
    listing = words.listing
    return {
        "instType": kind(order),
        "instId": listing.name,
        "tradeId": str(fill.trade_id),
        "ordId": str(order.id),
        "clOrdId": words.client_id,
        "billId": str(bill.number),
        "subType": "104" if order.by_exchange else "1",
        "tag": words.tag,
        "fillPx": listing.price(fill.price),
        "fillSz": listing.size(fill.size),
        "fillPnl": plain(fill.realised),
        "side": order.side.value,
        "posSide": POSITION_SIDES[order.leg] if listing.is_swap else "net",
        "execType": "M" if fill.is_maker else "T",
        "feeCcy": fill.fee_asset,
        "fee": plain(-fill.fee) if fill.fee else "0",
        "fillTime": str(fill.time_ns // NS_PER_MS),
        "ts": str(fill.time_ns // NS_PER_MS),
    }


@attrs.frozen
class Holder:
    """One account: what it has on both desks, described as the one account that it is."""

    spot: SpotAccount
    margin: MarginAccount
    desk: LinearDesk
    listings: Mapping[SyntheticMarket, Listing]

    def balance(self, now_ms: int, wanted: str = "") -> Body:
        """Describe what it has of every asset, or of those named."""
        wallet = self.spot.wallet
        assets = sorted({*wallet.assets(), *self.margin.wallets})
        names = set(wanted.split(",")) if wanted else set(assets)
        details = [self._detail(asset, now_ms) for asset in assets if asset in names]
        equity = total(Decimal(each["eq"]) for each in details if "USD" in each["ccy"])
        untold = dict.fromkeys(("adjEq", "imr", "mmr", "isoEq", "mgnRatio", "notionalUsd", "ordFroz"), "")
        return {"uTime": str(now_ms), "totalEq": plain(equity), **untold, "details": details}

    def _detail(self, asset: str, now_ms: int) -> Body:
        wallet, margin = self.spot.wallet, self.margin
        free, locked = wallet.free(asset), wallet.locked(asset)
        cash = margin.wallets.get(asset, _NOTHING)
        profit = margin.unrealised(asset)
        available = max(_NOTHING, margin.available(asset)) if asset in margin.wallets else _NOTHING
        in_orders = total(
            margin.order_margin(market)
            for market in self.listings
            if self.listings[market].is_swap and market.instrument.settle == asset
        )
        everything = total((free, locked, cash))
        usable = total((free, available))
        return {
            "ccy": asset,
            "cashBal": plain(everything),
            "eq": plain(total((everything, profit))),
            "availBal": plain(usable),
            "availEq": plain(usable),
            "frozenBal": plain(max(_NOTHING, everything - usable)),
            "ordFrozen": plain(total((locked, in_orders))),
            "upl": plain(profit),
            "liab": "",
            "uTime": str(max(self.spot.updated_ns, margin.updated_ns) // NS_PER_MS or now_ms),
        }

    def positions(self, *, flat: bool = False) -> list[Body]:
        """Describe its positions; those that are ``flat`` only where asked for."""
        return [
            self.position(market, leg)
            for market, leg, position in self.margin.legs()
            if position.size or flat
        ]

    def position(self, market: SyntheticMarket, leg: Leg) -> Body:
        """Describe one position."""
        position, listing = self.margin.position(market, leg), self.listings[market]
        instrument = market.instrument
        assert market.mark is not None
        isolated = market in self.margin.isolated
        size = abs(position.size) if leg is not Leg.NET else position.size
        margin = self.margin.position_margin(market, leg)
        liquidation = self.desk.liquidation_price(self.margin, market, leg)
        worth = abs(product(position.size, instrument.point_value, market.mark.mark)) / instrument.tick_size
        return {
            "instType": "SWAP",
            "instId": listing.name,
            "posId": f"{listing.code}{_POSITION_NUMBERS[leg]}",
            "posSide": POSITION_SIDES[leg],
            "pos": ("-" if size < 0 else "") + listing.size(abs(size)) if size else "0",
            "availPos": "",
            "avgPx": plain(round(position.entry(instrument.tick_size), 8)) if position.size else "",
            "upl": plain(position.unrealised(market.mark.mark, instrument.tick_size)),
            "realizedPnl": plain(position.realised),
            "lever": str(self.margin.leverage(market)),
            "liqPx": plain(liquidation) if liquidation else "",
            "markPx": plain(market.mark.mark),
            "mgnMode": "isolated" if isolated else "cross",
            "margin": plain(position.isolated) if isolated else "",
            "imr": plain(margin),
            "mmr": plain(self.margin.maintenance(market, leg, self.desk.maintenance_rate)),
            "notionalUsd": plain(round(worth, 8)),
            "ccy": instrument.settle,
            "tradeId": "",
            "cTime": str(position.updated_ns // NS_PER_MS),
            "uTime": str(position.updated_ns // NS_PER_MS),
        }
