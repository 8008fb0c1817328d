"""The public frames of the simulated OKX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from hft import Side
from hft.sim import Mark, PublicTrade
from hft_okx.simulator.listing import NS_PER_MS, Listing

__all__ = ["best", "book", "data", "encode", "funding", "mark_price", "merged", "ticker", "trade"]

_encode = msgspec.json.Encoder().encode

Levels = Sequence[Sequence[str]]


def encode(value: Any) -> str:
    """Write JSON."""
    return _encode(value).decode()


def data(channel: str, name: str, rows: Sequence[Any]) -> str:
    """Write a frame of a public channel."""
    return encode({"arg": {"channel": channel, "instId": name}, "data": rows})


def book(
    listing: Listing, channel: str, bids: Levels, asks: Levels, ids: tuple[int, int], now_ms: int
) -> str:
    """Write a book (``ids`` begin with -1) or its changes, with the id before and the id now."""
    prev_id, seq_id = ids
    row: dict[str, Any] = {"asks": asks, "bids": bids, "ts": str(now_ms), "checksum": 0}
    row |= {"seqId": seq_id, "prevSeqId": prev_id}
    arg = {"channel": channel, "instId": listing.name}
    return encode({"arg": arg, "action": "snapshot" if prev_id == -1 else "update", "data": [row]})


def best(listing: Listing, channel: str, depth: int, now_ms: int) -> str:
    """Write the best levels as a whole."""
    asks, bids = listing.levels(Side.SELL, depth), listing.levels(Side.BUY, depth)
    row = {"asks": asks, "bids": bids, "ts": str(now_ms), "seqId": listing.seq_id}
    if depth > 1:
        row |= {"instId": listing.name}
    return data(channel, listing.name, [row])


def trade(listing: Listing, last: PublicTrade, size: int, number: int) -> dict[str, Any]:
    """Describe trades of one order at one price: the last of them, their size, how many they were."""
    return {
        "instId": listing.name,
        "tradeId": str(last.trade_id),
        "px": listing.price(last.price),
        "sz": listing.size(size),
        "side": last.side.value,
        "ts": str(last.time_ns // NS_PER_MS),
        "count": str(number),
        "source": "0",
        "seqId": listing.seq_id,
    }


def merged(listing: Listing, trades: Iterable[PublicTrade]) -> list[dict[str, Any]]:
    """Put the trades of one order together by price."""
    rows: list[dict[str, Any]] = []
    group: list[PublicTrade] = []
    for each in trades:
        if group and group[-1].price != each.price:
            rows.append(trade(listing, group[-1], sum(one.size for one in group), len(group)))
            group = []
        group.append(each)
    if group:
        rows.append(trade(listing, group[-1], sum(one.size for one in group), len(group)))
    return rows


def ticker(listing: Listing, now_ms: int) -> dict[str, Any]:
    """Describe the last price, the best levels and what has traded."""
    market = listing.market
    statistics = market.statistics
    last, instrument = statistics.last, market.instrument
    bid, ask = market.levels(Side.BUY, 1), market.levels(Side.SELL, 1)
    price = "" if last is None else listing.price(last.price)
    volume = listing.size(statistics.volume)
    turnover = f"{statistics.turnover * instrument.point_value:f}"
    return {
        "instType": listing.type,
        "instId": listing.name,
        "last": price,
        "lastSz": "" if last is None else listing.size(last.size),
        "askPx": listing.price(ask[0][0]) if ask else "",
        "askSz": listing.size(ask[0][1]) if ask else "",
        "bidPx": listing.price(bid[0][0]) if bid else "",
        "bidSz": listing.size(bid[0][1]) if bid else "",
        "open24h": "" if statistics.open is None else listing.price(statistics.open),
        "high24h": listing.price(statistics.high),
        "low24h": listing.price(statistics.low),
        "volCcy24h": turnover,
        "vol24h": volume,
        "sodUtc0": "",
        "sodUtc8": "",
        "ts": str(now_ms),
    }


def mark_price(listing: Listing, mark: Mark, now_ms: int) -> dict[str, Any]:
    """Describe the mark price."""
    return {
        "instType": listing.type,
        "instId": listing.name,
        "markPx": f"{mark.mark:f}",
        "ts": str(now_ms),
    }


def funding(listing: Listing, mark: Mark, settled: Mark | None, now_ms: int) -> dict[str, Any]:
    """Describe the funding that is paid next, and what was paid last."""
    next_ms = mark.next_funding_ns // NS_PER_MS
    return {
        "instType": "SWAP",
        "instId": listing.name,
        "method": "current_period",
        "formulaType": "noRate",
        "fundingRate": f"{mark.funding_rate:f}",
        "fundingTime": str(next_ms),
        "nextFundingRate": "",
        "nextFundingTime": str(next_ms + 8 * 3_600_000),
        "minFundingRate": "-0.00375",
        "maxFundingRate": "0.00375",
        "settState": "settled",
        "settFundingRate": "" if settled is None else f"{settled.funding_rate:f}",
        "premium": "",
        "ts": str(now_ms),
    }
