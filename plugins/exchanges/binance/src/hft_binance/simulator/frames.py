"""The payloads of the simulated Binance's streams, as text; pure."""

from __future__ import annotations

from collections.abc import Iterable

from hft import Side
from hft.sim import Mark, PublicTrade
from hft_binance.simulator.listing import SPOT, AggTrade, Listing

__all__ = ["agg_trade", "book_ticker", "depth_update", "mark_price", "partial_depth", "shutdown", "trade"]


def trade(listing: Listing, trade: PublicTrade, now_ms: int) -> str:
    """Write a ``trade`` event; futures have it undocumented, with the kind of order instead of ``M``."""
    tail = '"M":true' if listing.product is SPOT else '"X":"MARKET"'
    return (
        f'{{"e":"trade","E":{now_ms},"T":{trade.time_ns // 1_000_000},"s":"{listing.symbol}",'
        f'"t":{trade.trade_id},'
        f'"p":"{listing.price(trade.price)}","q":"{listing.size(trade.size)}",'
        f'"m":{_buyer_is_maker(trade)},{tail}}}'
    )


def agg_trade(listing: Listing, trade: AggTrade, now_ms: int) -> str:
    """Write an ``aggTrade`` event."""
    first, size = trade.first, listing.size(trade.size)
    # No retail orders here, so the quantity without them is the same.
    tail = '"M":true' if listing.product is SPOT else f'"nq":"{size}","st":1'
    return (
        f'{{"e":"aggTrade","E":{now_ms},"s":"{listing.symbol}","a":{trade.agg_id},'
        f'"p":"{listing.price(first.price)}","q":"{size}","f":{first.trade_id},"l":{trade.last.trade_id},'
        f'"T":{first.time_ns // 1_000_000},"m":{_buyer_is_maker(first)},{tail}}}'
    )


def book_ticker(listing: Listing, now_ms: int) -> str:
    """Write a ``bookTicker`` event; spot states neither type nor time. An empty side is all zeros."""
    (bid, bid_size), (ask, ask_size) = (
        next(iter(listing.levels(side, 1)), ("0.00000000", "0.00000000")) for side in (Side.BUY, Side.SELL)
    )
    spot = listing.product is SPOT
    head = "" if spot else f'"e":"bookTicker","E":{now_ms},"T":{now_ms},"ps":"{listing.symbol}","st":1,'
    return (
        f'{{{head}"u":{listing.update_id},"s":"{listing.symbol}",'
        f'"b":"{bid}","B":"{bid_size}","a":"{ask}","A":"{ask_size}"}}'
    )


def depth_update(
    listing: Listing,
    ids: tuple[int, int, int],
    bids: Iterable[tuple[str, str]],
    asks: Iterable[tuple[str, str]],
    now_ms: int,
) -> str:
    """Write a ``depthUpdate`` event of changed levels; ``ids`` are first, last and previous last."""
    first_id, last_id, prev_id = ids
    futures = "" if listing.product is SPOT else f'"T":{now_ms},'
    chain = "" if listing.product is SPOT else f'"pu":{prev_id},'
    return (
        f'{{"e":"depthUpdate","E":{now_ms},{futures}"s":"{listing.symbol}","U":{first_id},"u":{last_id},{chain}'
        f'"b":{_levels(bids)},"a":{_levels(asks)}}}'
    )


def partial_depth(listing: Listing, n: int, prev_id: int, now_ms: int) -> str:
    """Write the best ``n`` levels; futures dress them as a ``depthUpdate``."""
    bids, asks = listing.levels(Side.BUY, n), listing.levels(Side.SELL, n)
    if listing.product is SPOT:
        return f'{{"lastUpdateId":{listing.update_id},"bids":{_levels(bids)},"asks":{_levels(asks)}}}'
    return depth_update(listing, (prev_id + 1, listing.update_id, prev_id), bids, asks, now_ms)


def mark_price(listing: Listing, mark: Mark, now_ms: int) -> str:
    """Write a ``markPriceUpdate`` event."""
    return (
        f'{{"e":"markPriceUpdate","E":{now_ms},"s":"{listing.symbol}","p":"{mark.mark}","i":"{mark.index}",'
        f'"P":"{mark.index}","ap":"{mark.mark}","r":"{mark.funding_rate}",'
        f'"T":{mark.next_funding_ns // 1_000_000}}}'
    )


def shutdown(now_ms: int) -> str:
    """Write the notice that spot sends before it closes a socket."""
    return f'{{"e":"serverShutdown","E":{now_ms}}}'


def _buyer_is_maker(trade: PublicTrade) -> str:
    return "true" if trade.side is Side.SELL else "false"


def _levels(levels: Iterable[tuple[str, str]]) -> str:
    return "[" + ",".join(f'["{price}","{size}"]' for price, size in levels) + "]"
