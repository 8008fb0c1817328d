"""The frames of the simulated Bybit's public topics, as text; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from hft import Side
from hft.sim import PublicTrade
from hft_bybit.endpoints import Product
from hft_bybit.simulator.listing import NS_PER_MS, Listing

__all__ = ["LevelTexts", "book", "ticker_fields", "tickers", "trades"]

LevelTexts = Iterable[tuple[str, str]]

_SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
_encode = msgspec.json.Encoder().encode


def book(
    listing: Listing,
    topic: str,
    type: str,
    bids: LevelTexts,
    asks: LevelTexts,
    *,
    update_id: int,
    seq: int,
    now_ms: int,
) -> str:
    """Write a book, or the changes of one; spot and linear differ in the order of what they state."""
    return (
        f'{{"topic":"{topic}",{_head(listing, type, now_ms)},"data":{{"s":"{listing.symbol}",'
        f'"b":{_levels(bids)},"a":{_levels(asks)},"u":{update_id},"seq":{seq}}},"cts":{now_ms}}}'
    )


def trades(listing: Listing, topic: str, found: Sequence[PublicTrade], seq: int, now_ms: int) -> str:
    """Write trades of one moment."""
    data = ",".join(
        f'{{"T":{trade.time_ns // NS_PER_MS},"s":"{listing.symbol}","S":"{_SIDES[trade.side]}",'
        f'"v":"{listing.size(trade.size)}","p":"{listing.price(trade.price)}","L":"PlusTick",'
        f'"i":"{listing.trade_id(trade.trade_id)}","BT":false,"RPI":false,"seq":{seq}}}'
        for trade in found
    )
    return f'{{"topic":"{topic}",{_head(listing, "snapshot", now_ms)},"data":[{data}]}}'


def ticker_fields(listing: Listing) -> dict[str, str]:
    """Return what a ticker states at the moment."""
    market = listing.market
    statistics, mark = market.statistics, market.mark
    last = statistics.last
    volume = market.instrument.size_to_decimal(statistics.volume)
    turnover = statistics.turnover * market.instrument.point_value
    fields = {
        "lastPrice": "" if last is None else listing.price(last.price),
        "prevPrice24h": "" if statistics.open is None else listing.price(statistics.open),
        "highPrice24h": listing.price(statistics.high),
        "lowPrice24h": listing.price(statistics.low),
        "volume24h": f"{volume:f}",
        "turnover24h": f"{turnover:f}",
        "price24hPcnt": "0",
    }
    if listing.product is Product.SPOT:
        return fields | {"usdIndexPrice": "" if last is None else listing.price(last.price)}
    for name, side in (("bid1", Side.BUY), ("ask1", Side.SELL)):
        level = next(iter(listing.levels(side, 1)), None)
        fields[f"{name}Price"] = "" if level is None else listing.price(level[0])
        fields[f"{name}Size"] = "" if level is None else listing.size(level[1])
    if mark is not None:
        fields |= {
            "markPrice": f"{mark.mark:f}",
            "indexPrice": f"{mark.index:f}",
            "fundingRate": f"{mark.funding_rate:f}",
            "nextFundingTime": str(mark.next_funding_ns // NS_PER_MS),
            "fundingIntervalHour": "8",
            "openInterest": "0",
            "openInterestValue": "0",
        }
    return fields


def tickers(listing: Listing, topic: str, type: str, fields: dict[str, str], seq: int, now_ms: int) -> str:
    """Write a ticker, or what has changed of it."""
    data = _encode({"symbol": listing.symbol, **fields}).decode()
    return f'{{"topic":"{topic}",{_head(listing, type, now_ms)},"cs":{seq},"data":{data}}}'


def _head(listing: Listing, type: str, now_ms: int) -> str:
    if listing.product is Product.SPOT:
        return f'"ts":{now_ms},"type":"{type}"'
    return f'"type":"{type}","ts":{now_ms}'


def _levels(levels: LevelTexts) -> str:
    return "[" + ",".join(f'["{price}","{size}"]' for price, size in levels) + "]"
