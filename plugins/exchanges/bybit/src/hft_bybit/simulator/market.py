"""What the simulated Bybit answers to public questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any

from hft import Clock, Side
from hft_bybit.endpoints import Product
from hft_bybit.simulator import frames
from hft_bybit.simulator.listing import NS_PER_MS, Listing
from hft_bybit.simulator.params import ApiError, Params
from hft_bybit.simulator.words import unknown_symbol

__all__ = ["MarketAnswers", "describe"]

_READY_STEP_NS = 20_000_000
_READY_NS = 5_000_000_000
"""How long a question for a recorded book waits for its capture to have got that far."""

_OTHERS = ("inverse", "option")
"""Categories that are asked for by clients that load everything, and have nothing in them here."""

_MAX_LEVERAGE = "100.00"


class MarketAnswers:
    """Public questions over the listings; ``described`` is what each product says of its symbols.

    ``wake`` is called by questions for market data: a playback that waits for its first client begins.
    """

    def __init__(
        self,
        listings: Iterable[Listing],
        described: Mapping[Product, Mapping[str, Mapping[str, Any]]],
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._listings = {(listing.product, listing.symbol): listing for listing in listings}
        self._described = described
        self._clock = clock
        self._wake = wake
        self._seqs = count(7_000_000_000)

    def table(self) -> dict[str, Callable[[Params], Any]]:
        """Return what answers, by path."""
        return {
            "/v5/market/time": self.time,
            "/v5/market/instruments-info": self.instruments,
            "/v5/market/orderbook": self.orderbook,
            "/v5/market/tickers": self.tickers,
            "/v5/market/recent-trade": self.recent_trades,
            "/v5/market/funding/history": self.funding_history,
        }

    async def time(self, params: Params) -> Any:
        """Tell the time."""
        now_ns = self._clock.now_ns()
        return {"timeSecond": str(now_ns // 1_000_000_000), "timeNano": str(now_ns)}

    async def instruments(self, params: Params) -> Any:
        """Describe symbols; contracts come in pages, spot at once."""
        category = self._category(params)
        if isinstance(category, str):
            return {"category": category, "list": [], "nextPageCursor": ""}
        described = self._described[category]
        name = params.text("symbol")
        found = [each for symbol, each in described.items() if name in ("", symbol)]
        if name and not found:
            raise unknown_symbol(category)
        if category is Product.SPOT:
            return {"category": category.value, "list": found}
        limit, begin = params.limit(500, 1000), _offset(params)
        cursor = f"first%3D{begin + limit}%26" if begin + limit < len(found) else ""
        return {
            "category": category.value,
            "list": found[begin : begin + limit],
            "nextPageCursor": cursor,
        }

    async def orderbook(self, params: Params) -> Any:
        """Tell the best levels of a book."""
        listing = self._listing(params)
        limit = params.limit(25, 1000)
        await self._ready(listing)
        now_ms = self._clock.now_ns() // NS_PER_MS
        sides = {
            name: [[listing.price(price), listing.size(size)] for price, size in listing.levels(side, limit)]
            for name, side in (("b", Side.BUY), ("a", Side.SELL))
        }
        # Its ids are those of the deepest stream, of which nobody may have asked for any.
        number = next(self._seqs)
        return {
            "s": listing.symbol,
            **sides,
            "ts": now_ms,
            "u": number - 6_999_999_999,
            "seq": number,
            "cts": now_ms,
        }

    async def tickers(self, params: Params) -> Any:
        """Tell prices, of one symbol or all."""
        category = self._category(params)
        if isinstance(category, str):
            return {"category": category, "list": []}
        listings = [self._listing(params)] if params.text("symbol") else self._of(category)
        self._wake()
        found = []
        for listing in listings:
            fields = {"symbol": listing.symbol, **frames.ticker_fields(listing)}
            if category is Product.SPOT:
                for name, side in (("bid1", Side.BUY), ("ask1", Side.SELL)):
                    level = next(iter(listing.levels(side, 1)), None)
                    fields[f"{name}Price"] = "" if level is None else listing.price(level[0])
                    fields[f"{name}Size"] = "" if level is None else listing.size(level[1])
            found.append(fields)
        return {"category": category.value, "list": found}

    async def recent_trades(self, params: Params) -> Any:
        """Tell the newest trades, the newest first."""
        listing = self._listing(params)
        limit = params.limit(60 if listing.product is Product.SPOT else 500, 1000)
        self._wake()
        trades = list(listing.market.trades)[-limit:]
        return {
            "category": listing.product.value,
            "list": [
                {
                    "execId": listing.trade_id(trade.trade_id),
                    "symbol": listing.symbol,
                    "price": listing.price(trade.price),
                    "size": listing.size(trade.size),
                    "side": "Buy" if trade.side is Side.BUY else "Sell",
                    "time": str(trade.time_ns // NS_PER_MS),
                    "isBlockTrade": False,
                    "isRPITrade": False,
                    "seq": str(trade.trade_id),
                }
                for trade in reversed(trades)
            ],
        }

    async def funding_history(self, params: Params) -> Any:
        """Tell the rates that were paid, the newest first."""
        listing = self._listing(params)
        limit = params.limit(200, 200)
        paid = [
            {
                "symbol": listing.symbol,
                "fundingRate": f"{mark.funding_rate:f}",
                "fundingRateTimestamp": str(mark.next_funding_ns // NS_PER_MS),
            }
            for mark in reversed(listing.market.settled)
        ]
        return {"category": listing.product.value, "list": paid[:limit]}

    # -- what they share -------------------------------------------------------------------------

    @staticmethod
    def _category(params: Params) -> Product | str:
        words: dict[str, Product | str] = {each.value: each for each in Product}
        return params.choice("category", words | {other: other for other in _OTHERS})

    def _of(self, product: Product) -> list[Listing]:
        return [listing for listing in self._listings.values() if listing.product is product]

    def _listing(self, params: Params) -> Listing:
        category = self._category(params)
        if isinstance(category, str):
            raise ApiError(10001, "params error: symbol invalid")
        listing = self._listings.get((category, params.required("symbol")))
        if listing is None:
            raise unknown_symbol(category)
        return listing

    async def _ready(self, listing: Listing) -> None:
        self._wake()
        deadline_ns = self._clock.now_ns() + _READY_NS
        while not listing.market.is_ready:
            if self._clock.now_ns() >= deadline_ns:
                raise ApiError(10016, "Server error.")
            await self._clock.sleep(_READY_STEP_NS)


def describe(listing: Listing) -> dict[str, Any]:
    """Describe a symbol of a synthetic world as ``instruments-info`` does."""
    instrument = listing.instrument
    tick, lot = f"{instrument.tick_size:f}", f"{instrument.lot_size:f}"
    value = f"{instrument.min_notional:f}"
    common = {
        "symbol": listing.symbol,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "status": "Trading",
    }
    if listing.product is Product.SPOT:
        return common | {
            "innovation": "0",
            "marginTrading": "none",
            "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": lot,
                "quotePrecision": "0.00000001",
                "minOrderQty": lot,
                "maxOrderQty": listing.size(10**9),
                "minOrderAmt": value,
                "maxOrderAmt": "8000000",
                "maxLimitOrderQty": listing.size(10**9),
                "maxMarketOrderQty": listing.size(10**7),
                "postOnlyMaxLimitOrderSize": listing.size(10**9),
            },
            "priceFilter": {"tickSize": tick},
            "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
        }
    return common | {
        "contractType": "LinearPerpetual",
        "settleCoin": instrument.settle,
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(max(0, -int(instrument.tick_size.normalize().as_tuple().exponent))),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": _MAX_LEVERAGE, "leverageStep": "0.01"},
        "priceFilter": {"minPrice": tick, "maxPrice": listing.price(10**8), "tickSize": tick},
        "lotSizeFilter": {
            "minOrderQty": lot,
            "maxOrderQty": listing.size(10**9),
            "maxMktOrderQty": listing.size(10**7),
            "postOnlyMaxOrderQty": listing.size(10**9),
            "qtyStep": lot,
            "minNotionalValue": value,
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "none",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "preListingInfo": None,
    }


def _offset(params: Params) -> int:
    digits = "".join(filter(str.isdigit, params.text("cursor").removeprefix("first%3D").partition("%")[0]))
    return int(digits or 0)
