"""The public market data of Hyperliquid: one websocket, and whose frame is whose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from hft import (
    Channel,
    ConnectionSpec,
    DecodeError,
    Feed,
    GridError,
    InstrumentKind,
    Market,
    MarketDataStream,
    Request,
    Synchroniser,
    UsageError,
    decoder,
)
from hft_hyperliquid import codec, limits
from hft_hyperliquid.coin import CONTINUITY, Coin
from hft_hyperliquid.config import BookFeed, Config
from hft_hyperliquid.endpoints import NETWORKS, network_at
from hft_hyperliquid.instruments import decode_perps, decode_spot

__all__ = ["HyperliquidStream"]

_META, _SPOT_META = b'{"type":"meta"}', b'{"type":"spotMeta"}'

_UNNEEDED = frozenset({"pong", "candle", "allMids", "activeSpotAssetCtx", "notification"})
"""Channels of which nothing is told, such as a capture made elsewhere may hold."""

_SHOWN_BYTES = 200


class _InfoBody(msgspec.Struct):
    type: str


_decode_body = decoder(_InfoBody, "request")


class HyperliquidStream(MarketDataStream[Config]):
    """Streams perpetuals and spot alike: ``l2Book``, ``trades``, ``bbo`` and ``activeAssetCtx``.

    Every message about a book is the whole book. A question is a POST whose body says what is asked, so
    the body tells what an answer is about. `subscribe` may be called again, with all markets.
    """

    environments = tuple(NETWORKS)
    rate_limits = limits.RATE_LIMITS

    def __init__(self, config: Config, feed: Feed) -> None:
        super().__init__(config, feed)
        self._network = network_at(feed.environment, feed.url)
        self._coins: dict[str, Coin] = {}
        self._handlers: dict[str, Callable[[Raw, int], None]] = {
            "l2Book": self._on_book,
            "trades": self._on_trades,
            "bbo": self._on_bbo,
            "activeAssetCtx": self._on_context,
            "subscriptionResponse": self._on_response,
            "error": self._on_error,
        }

    # -- requests ------------------------------------------------------------------------------------

    def instrument_requests(self, symbols: Sequence[str] = ()) -> list[Request]:
        kinds = {":" in symbol for symbol in symbols} or {True, False}
        return [
            Request(
                url=self._network.info, body=body, weight=limits.info_weight("meta"), limit=limits.ADDRESS
            )
            for body, perpetuals in ((_META, True), (_SPOT_META, False))
            if perpetuals in kinds
        ]

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        if not request.url.endswith("/info") or not request.body:
            return
        read = {"meta": decode_perps, "spotMeta": decode_spot}.get(_decode_body(request.body).type)
        if read is not None:
            self.feed.publish(read(body, self.feed.exchange, self.feed.warn))

    # -- subscriptions -------------------------------------------------------------------------------

    def subscribe(self, markets: Sequence[Market]) -> list[ConnectionSpec]:
        self._coins = {market.instrument.native_symbol: self._coin(market) for market in markets}
        wanted = [subscription for coin in self._coins.values() for subscription in self._subscriptions(coin)]
        if len(wanted) > limits.MAX_SUBSCRIPTIONS:
            raise UsageError(
                f"{self.feed.exchange}: {len(wanted)} subscriptions are wanted and {limits.MAX_SUBSCRIPTIONS}"
                " are allowed, take fewer instruments"
            )
        if not wanted:
            return []
        return [
            ConnectionSpec(
                name=self._network.ws,
                url=self._network.ws,
                on_open=tuple(codec.subscription_frame("subscribe", each) for each in wanted),
                messages_per_s=limits.MESSAGES_PER_S,
                ping=codec.PING,
                ping_ns=limits.PING_NS,
                silence_ns=limits.SILENCE_NS,
                limit=limits.CONNECTIONS,
                books=frozenset(
                    coin.market.instrument.id
                    for coin in self._coins.values()
                    if Channel.BOOK in coin.market.channels
                ),
            )
        ]

    def _coin(self, market: Market) -> Coin:
        name = market.instrument.native_symbol
        known = self._coins.get(name)
        if known is not None and known.market is market:
            return known
        sync = Synchroniser(
            market,
            CONTINUITY,
            partial(self._subscribe_anew, name),
            clock=self.feed.clock,
            random=self.feed.random,
            warn=self.feed.warn,
            snapshots_in_stream=True,
        )
        return Coin(market, sync)

    def _subscriptions(self, coin: Coin) -> Iterator[dict[str, Any]]:
        market = coin.market
        name = market.instrument.native_symbol
        if Channel.BOOK in market.channels:
            yield self._book_subscription(name)
        for channel, kind in ((Channel.QUOTE, "bbo"), (Channel.TRADE, "trades")):
            if channel in market.channels:
                yield {"type": kind, "coin": name}
        if Channel.MARK in market.channels and market.instrument.kind is not InstrumentKind.SPOT:
            yield {"type": "activeAssetCtx", "coin": name}

    def _book_subscription(self, name: str) -> dict[str, Any]:
        fast = {"fast": True} if self.config.book is BookFeed.FAST else {}
        return {"type": "l2Book", "coin": name, **fast}

    def _subscribe_anew(self, name: str) -> None:
        for method in ("unsubscribe", "subscribe"):
            frame = codec.subscription_frame(method, self._book_subscription(name))
            self.feed.send(self._network.ws, frame)

    # -- connections ---------------------------------------------------------------------------------

    def on_close(self, conn: str, recv_ns: int) -> None:
        for coin in self._coins.values():
            coin.on_disconnect()

    # -- frames --------------------------------------------------------------------------------------

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        envelope = codec.decode_envelope(data)
        if envelope is None:
            return
        handle = self._handlers.get(envelope.channel)
        if handle is None:
            if envelope.channel in _UNNEEDED:
                return
            raise DecodeError(f"unknown channel {envelope.channel[:40]!r}")
        try:
            handle(envelope.data, recv_ns)
        except GridError as error:
            raise DecodeError(str(error)) from None

    def _on_book(self, data: Raw, recv_ns: int) -> None:
        book = codec.decode_book(data)
        self._find(book.coin).on_book(book, recv_ns)

    def _on_trades(self, data: Raw, recv_ns: int) -> None:
        trades = codec.decode_trades(data)
        if not trades:
            return
        coin = trades[0].coin
        if any(trade.coin != coin for trade in trades):
            raise DecodeError("trades of several coins in one frame")
        self._find(coin).on_trades(trades, recv_ns)

    def _on_bbo(self, data: Raw, recv_ns: int) -> None:
        bbo = codec.decode_bbo(data)
        self._find(bbo.coin).on_bbo(bbo, recv_ns)

    def _on_context(self, data: Raw, recv_ns: int) -> None:
        context = codec.decode_asset_context(data)
        self._find(context.coin).on_context(context, recv_ns)

    def _on_response(self, data: Raw, recv_ns: int) -> None:
        response = codec.decode_response(data)
        wanted = response.subscription
        coin = self._coins.get(wanted.coin)
        if coin is not None and (response.method, wanted.type) == ("subscribe", "l2Book"):
            coin.sync.on_subscribed()

    def _on_error(self, data: Raw, recv_ns: int) -> None:
        self.feed.warn(f"request refused: {codec.decode_error(data)[:_SHOWN_BYTES]!r}")

    def _find(self, name: str) -> Coin:
        coin = self._coins.get(name)
        if coin is None:
            raise DecodeError(f"unknown coin {name[:40]!r}")
        return coin
