"""Play a recorded Binance session back: its frames to subscribers, its books to REST."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hft import (
    Channel,
    Clock,
    InstrumentKind,
    Market,
    MarkPrice,
    RecordedFeed,
    Trade,
    UsageError,
)
from hft.capture import CaptureRecord
from hft.sim import Hub, Mark, PublicTrade, RecordedMarket
from hft_binance.config import Config
from hft_binance.endpoints import Product, product_of
from hft_binance.simulator.listing import SPOT, USDM, Listing, ProductRules
from hft_binance.simulator.publisher import MARKET, PUBLIC
from hft_binance.stream import BinanceStream

__all__ = ["RecordedExchange"]

_PUBLIC_KINDS = re.compile(r"depth|bookTicker|trade|rpiDepth")
_DEPTH = re.compile(r"(?P<base>[a-z0-9_]+@depth)(?:@\w+)?")
_RULES = {Product.SPOT: SPOT, Product.USDM: USDM}
_SPEEDS = {SPOT: ("", "@1000ms", "@100ms"), USDM: ("", "@500ms", "@250ms", "@100ms", "@0ms")}


class _Envelope(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class _Trade(msgspec.Struct):
    E: int
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_trade = msgspec.json.Decoder(_Trade).decode


class RecordedExchange:
    """The listings of a capture, and what happens to them as its records are played.

    Each frame goes to the subscribers of its stream as it was recorded, and through the plugin's own
    codec and synchroniser, whose books answer REST. A depth stream that was recorded at one speed is
    sent at every speed that is asked for, and where only single trades were recorded, ``aggTrade``
    is made of them.
    """

    def __init__(self, head: Iterable[CaptureRecord], exchange: str, clock: Clock, hub: Hub) -> None:
        self.described: dict[ProductRules, dict[str, Mapping[str, Any]]] = {SPOT: {}, USDM: {}}
        self._hub = hub
        self._feed = RecordedFeed(exchange, BinanceStream.environments[0], clock=clock)
        self._feed.stream = BinanceStream(Config(), self._feed)
        self._recorded: set[str] = set()
        self._futures_ids = Listing.new_futures_ids()
        for record in head:
            if "/exchangeInfo" in record.conn:
                self._describe(record)
            self._feed.play(record)
        if not self._feed.instruments:
            raise UsageError(
                "capture: has no exchangeInfo before its first frame, record it with 'hft record'"
            )
        markets = [Market(instrument) for instrument in self._feed.instruments.values()]
        self.listings = [self._list(market, clock) for market in markets]
        self._feed.stream.subscribe(markets)

    @property
    def undecoded_frames(self) -> int:
        """Frames that the plugin's codec did not understand; subscribers got them all the same."""
        return self._feed.undecoded_frames

    def play(self, record: CaptureRecord) -> None:
        """Let one record happen."""
        self._feed.play(record)
        if record.dir == "recv":
            self._publish(record)

    def _describe(self, record: CaptureRecord) -> None:
        product = _RULES[product_of(record.conn)]
        for symbol in msgspec.json.decode(record.payload)["symbols"]:
            self.described[product][symbol["symbol"]] = symbol

    def _list(self, market: Market, clock: Clock) -> Listing:
        recorded = RecordedMarket(market.book, clock.now_ns())

        def on_trade(trade: Trade) -> None:
            recorded.record(
                PublicTrade(int(trade.trade_id), trade.side, trade.price, trade.size, trade.exchange_ns)
            )

        def on_mark(mark: MarkPrice) -> None:
            if mark.index is not None and mark.funding_rate is not None:
                recorded.mark = Mark(mark.mark, mark.index, mark.funding_rate, mark.next_funding_ns)

        market.listen(Channel.BOOK, lambda _: None)
        market.listen(Channel.TRADE, on_trade)
        if market.instrument.kind is not InstrumentKind.SPOT:
            market.listen(Channel.MARK, on_mark)
        return Listing(recorded, self._futures_ids)

    # -- streams ---------------------------------------------------------------------------------

    def _publish(self, record: CaptureRecord) -> None:
        try:
            envelope = _decode_envelope(record.payload)
        except msgspec.DecodeError:
            return  # an acknowledgement, or a frame of a connection for a single stream
        stream, payload = envelope.stream, bytes(envelope.data).decode()
        product = _RULES[product_of(record.conn)]
        self._recorded.add(f"{product.name}/{stream}")
        self._hub.publish(f"{_route(product, stream)}/{stream}", payload)
        depth = _DEPTH.fullmatch(stream)
        if depth is not None:
            for speed in _SPEEDS[product]:
                other = depth["base"] + speed
                if f"{product.name}/{other}" not in self._recorded:
                    self._hub.publish(f"{_route(product, other)}/{other}", payload)
        elif stream.endswith("@trade"):
            other = stream.removesuffix("trade") + "aggTrade"
            topic = f"{_route(product, other)}/{other}"
            if f"{product.name}/{other}" not in self._recorded and self._hub.is_wanted(topic):
                self._hub.publish(topic, _aggregate(envelope.data))


def _route(product: ProductRules, stream: str) -> str:
    if product is SPOT:
        return "spot"
    kind = stream.rpartition("!")[2] if stream.startswith("!") else stream.partition("@")[2]
    return PUBLIC if _PUBLIC_KINDS.match(kind) else MARKET


def _aggregate(data: msgspec.Raw) -> str:
    trade = _decode_trade(data)
    body = {"e": "aggTrade", "E": trade.E, "s": trade.s, "a": trade.t, "p": trade.p, "q": trade.q}
    body |= {"f": trade.t, "l": trade.t, "T": trade.T, "m": trade.m}
    return msgspec.json.encode(body).decode()
