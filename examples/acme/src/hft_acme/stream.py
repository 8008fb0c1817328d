"""Acme's public market data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs

from hft import (
    Channel,
    ConnectionSpec,
    DecodeError,
    Feed,
    GridError,
    Market,
    MarketDataStream,
    Request,
    Side,
    Step,
    Synchroniser,
    Trade,
)
from hft_acme import codec, limits
from hft_acme.config import Config
from hft_acme.instruments import decode_instruments

__all__ = ["AcmeStream", "Numbering"]


class Numbering:
    """How Acme numbers updates: each names the one before it."""

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        """Relate an update to the one before, or to the snapshot."""
        if prev_id == book_id:
            return Step.NEXT
        return Step.OLD if last_id <= book_id else Step.GAP

    bridges = follows


@attrs.frozen
class _Followed:
    market: Market
    sync: Synchroniser


class AcmeStream(MarketDataStream[Config]):
    """One socket for all books and trades."""

    channels = frozenset({Channel.BOOK, Channel.TRADE})
    rate_limits = limits.RATE_LIMITS

    def __init__(self, config: Config, feed: Feed) -> None:
        super().__init__(config, feed)
        self._rest = feed.url or "https://api.acme.example"
        self._ws = self._rest.replace("http", "ws", 1) + "/ws/public"
        self._followed: dict[str, _Followed] = {}

    # -- instruments -----------------------------------------------------------------------------------

    def instrument_requests(self, symbols: Sequence[str]) -> list[Request]:
        return [Request(url=f"{self._rest}/instruments", limit=limits.REQUESTS)]

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        if request.url.endswith("/instruments"):
            self.feed.publish(decode_instruments(body, self.feed.exchange))

    # -- subscriptions ---------------------------------------------------------------------------------

    def subscribe(self, markets: Sequence[Market]) -> list[ConnectionSpec]:
        frames = []
        for market in markets:
            symbol = market.instrument.native_symbol
            known = self._followed.get(symbol)
            if known is None or known.market is not market:
                self._followed[symbol] = _Followed(market, self._synchroniser(market))
            wanted = (("book", Channel.BOOK), ("trades", Channel.TRADE))
            frames += [
                codec.subscribe(name, symbol) for name, channel in wanted if channel in market.channels
            ]
        books = frozenset(market.instrument.id for market in markets)
        return [ConnectionSpec(name=self._ws, url=self._ws, on_open=tuple(frames), books=books)]

    def _synchroniser(self, market: Market) -> Synchroniser:
        again = codec.subscribe("book", market.instrument.native_symbol)
        return Synchroniser(
            market,
            Numbering(),
            partial(self.feed.send, self._ws, again),
            clock=self.feed.clock,
            random=self.feed.random,
            warn=self.feed.warn,
            snapshots_in_stream=True,
        )

    # -- the socket ------------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        for followed in self._followed.values():
            followed.sync.on_subscribed()

    def on_close(self, conn: str, recv_ns: int) -> None:
        for followed in self._followed.values():
            followed.sync.on_disconnect()

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        frame = codec.decode(data, codec.Frame)
        followed = self._followed.get(frame.symbol)
        if followed is None:
            raise DecodeError(f"no frame of a symbol that is followed: {frame.symbol[:20]!r}")
        followed.market.counters.frames += 1
        if frame.channel == "book":
            self._on_book(followed.sync, frame, recv_ns)
        elif frame.channel == "trades":
            self._on_trade(followed.market, frame, recv_ns)
        else:
            raise DecodeError(f"unknown channel {frame.channel[:20]!r}")

    def _on_book(self, sync: Synchroniser, frame: codec.Frame, recv_ns: int) -> None:
        time_ns = frame.time * 1_000_000
        if frame.type == "snapshot":
            sync.on_snapshot(frame.seq, frame.bids, frame.asks, time_ns, recv_ns)
        elif frame.type == "update":
            sync.on_delta(frame.seq, frame.seq, frame.prev, frame.bids, frame.asks, time_ns, recv_ns)
        else:
            raise DecodeError(f"unknown type {frame.type[:20]!r}")

    def _on_trade(self, market: Market, frame: codec.Frame, recv_ns: int) -> None:
        told = codec.decode(frame.data, codec.PublicTrade)
        instrument = market.instrument
        try:
            trade = Trade(
                instrument=instrument,
                trade_id=told.id,
                side=Side(told.side),
                price=instrument.price(told.price),
                size=instrument.size(told.size),
                exchange_ns=frame.time * 1_000_000,
                recv_ns=recv_ns,
            )
        except (GridError, ValueError) as error:
            raise DecodeError(str(error)) from None
        market.counters.trades += 1
        market.on_trade(trade)
