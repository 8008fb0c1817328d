"""What the simulated OKX answers about markets over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from hft import Clock, Side
from hft_okx.simulator import frames
from hft_okx.simulator.errors import ApiError, parameter
from hft_okx.simulator.listing import NS_PER_MS, Listing, plain

__all__ = ["BAND", "MarketData"]

BAND = Decimal("0.05")
"""How far from the reference price limit orders may be."""

_MOST_LEVELS = 400

Query = Mapping[str, str]


class MarketData:
    """Public questions; ``answers`` are by path. ``described`` are the instruments' own words, by name."""

    def __init__(
        self, listings: Iterable[Listing], described: Mapping[str, Mapping[str, Any]], clock: Clock
    ) -> None:
        self._listings = {listing.name: listing for listing in listings}
        self._described = described
        self._clock = clock
        self.answers: dict[str, Callable[[Query], list[Any]]] = {
            "/public/time": lambda _: [{"ts": str(self._now_ms())}],
            "/public/instruments": self._instruments,
            "/public/mark-price": self._mark,
            "/public/funding-rate": self._funding,
            "/public/funding-rate-history": self._funding_history,
            "/public/price-limit": self._price_limit,
            "/market/books": self._books,
            "/market/books-full": self._books,
            "/market/ticker": self._ticker,
            "/market/tickers": self._tickers,
            "/market/trades": self._trades,
            "/system/status": lambda _: [],
        }

    def _instruments(self, query: Query) -> list[Any]:
        kind, name = query.get("instType", ""), query.get("instId", "")
        if kind not in ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"):
            raise parameter("instType")
        return [
            described
            for described in self._described.values()
            if described["instType"] == kind and name in ("", described["instId"])
        ]

    def _mark(self, query: Query) -> list[Any]:
        name, now_ms = query.get("instId", ""), self._now_ms()
        return [
            frames.mark_price(listing, listing.market.mark, now_ms)
            for listing in self._listings.values()
            if listing.market.mark is not None and name in ("", listing.name)
        ]

    def _funding(self, query: Query) -> list[Any]:
        listing = self._listing(query)
        market = listing.market
        if market.mark is None:
            raise ApiError("51001", "Instrument ID does not exist.")
        settled = market.settled[-1] if market.settled else None
        return [frames.funding(listing, market.mark, settled, self._now_ms())]

    def _funding_history(self, query: Query) -> list[Any]:
        listing = self._listing(query)
        return [
            {
                "instType": "SWAP", "instId": listing.name, "fundingRate": f"{mark.funding_rate:f}",
                "realizedRate": f"{mark.funding_rate:f}", "method": "current_period",
                "fundingTime": str(mark.next_funding_ns // NS_PER_MS),
            }
            for mark in reversed(listing.market.settled)
        ]  # fmt: skip

    def _price_limit(self, query: Query) -> list[Any]:
        listing = self._listing(query)
        market = listing.market
        reference = market.mark.mark if market.mark is not None else None
        if reference is None and market.statistics.last is not None:
            reference = market.instrument.price_to_decimal(market.statistics.last.price)
        buy, sell = (
            ("", "") if reference is None else (plain(reference * (1 + BAND)), plain(reference * (1 - BAND)))
        )
        row = {"instType": listing.type, "instId": listing.name, "buyLmt": buy, "sellLmt": sell}
        return [row | {"ts": str(self._now_ms()), "enabled": True}]

    def _books(self, query: Query) -> list[Any]:
        listing = self._listing(query)
        asked = query.get("sz", "1")
        if not asked.isdigit() or not int(asked):
            raise parameter("sz")
        depth = min(int(asked), _MOST_LEVELS)
        asks, bids = listing.levels(Side.SELL, depth), listing.levels(Side.BUY, depth)
        return [{"asks": asks, "bids": bids, "ts": str(self._now_ms()), "seqId": listing.seq_id}]

    def _ticker(self, query: Query) -> list[Any]:
        return [frames.ticker(self._listing(query), self._now_ms())]

    def _tickers(self, query: Query) -> list[Any]:
        kind = query.get("instType", "")
        return [
            frames.ticker(listing, self._now_ms())
            for listing in self._listings.values()
            if listing.type == kind
        ]

    def _trades(self, query: Query) -> list[Any]:
        listing = self._listing(query)
        limit = query.get("limit", "100")
        if not limit.isdigit():
            raise parameter("limit")
        newest = list(listing.market.trades)[::-1][: min(int(limit), 500)]
        return [frames.trade(listing, trade, trade.size, 1) for trade in newest]

    def _listing(self, query: Query) -> Listing:
        found = self._listings.get(query.get("instId", ""))
        if found is None:
            raise ApiError("51001", "Instrument ID does not exist.")
        return found

    def _now_ms(self) -> int:
        return self._clock.now_ns() // NS_PER_MS
