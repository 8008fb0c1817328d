"""Play a recorded Bybit session back: trades and tickers as they came, books at any depth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hft import Channel, Clock, InstrumentKind, Market, MarkPrice, RecordedFeed, Trade, UsageError
from hft.capture import CaptureRecord
from hft.sim import Hub, Mark, PublicTrade, RecordedMarket
from hft_bybit.codec import Kind, topic_of
from hft_bybit.config import Config
from hft_bybit.endpoints import Product, product_of
from hft_bybit.simulator.listing import Listing
from hft_bybit.stream import BybitStream

__all__ = ["RecordedExchange"]

_INFO = "/v5/market/instruments-info"


class _Frame(msgspec.Struct):
    topic: str = ""


class _Info(msgspec.Struct):
    result: dict[str, Any]


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_info = msgspec.json.Decoder(_Info).decode


class RecordedExchange:
    """The listings of a capture, and what happens to them as its records are played.

    Frames of trades go to the subscribers of their topic as they were recorded. Everything goes through the
    plugin's own codec and synchroniser, from whose books and marks other topics are made.
    """

    def __init__(self, head: Iterable[CaptureRecord], exchange: str, clock: Clock, hub: Hub) -> None:
        self.described: dict[Product, dict[str, Mapping[str, Any]]] = {product: {} for product in Product}
        self._hub = hub
        self._trades = 0
        self._feed = RecordedFeed(exchange, BybitStream.environments[0], clock=clock)
        self._feed.stream = BybitStream(Config(), self._feed)
        for record in head:
            if _INFO in record.conn:
                self._describe(record)
            self._feed.play(record)
        if not self._feed.instruments:
            raise UsageError(
                "capture: has no instruments-info before its first frame, record it with 'hft record'"
            )
        markets = [Market(instrument) for instrument in self._feed.instruments.values()]
        self.listings = [self._list(market, clock, number) for number, market in enumerate(markets)]
        self._feed.stream.subscribe(markets)

    def play(self, record: CaptureRecord) -> None:
        """Let one record happen."""
        self._feed.play(record)
        if record.dir == "recv":
            self._publish(record)

    def _describe(self, record: CaptureRecord) -> None:
        product = Product.SPOT if "category=spot" in record.conn else Product.LINEAR
        for symbol in _decode_info(record.payload).result.get("list", []):
            self.described[product][symbol["symbol"]] = symbol

    def _list(self, market: Market, clock: Clock, number: int) -> Listing:
        recorded = RecordedMarket(market.book, clock.now_ns())

        def on_trade(trade: Trade) -> None:
            # The numbers of trades are the exchange's own; here they only have to differ.
            self._trades += 1
            recorded.record(PublicTrade(self._trades, trade.side, trade.price, trade.size, trade.exchange_ns))

        def on_mark(mark: MarkPrice) -> None:
            if mark.index is not None and mark.funding_rate is not None:
                recorded.mark = Mark(mark.mark, mark.index, mark.funding_rate, mark.next_funding_ns)

        market.listen(Channel.BOOK, lambda _: None)
        market.listen(Channel.TRADE, on_trade)
        if market.instrument.kind is not InstrumentKind.SPOT:
            market.listen(Channel.MARK, on_mark)
        return Listing(recorded, number)

    def _publish(self, record: CaptureRecord) -> None:
        try:
            name = _decode_frame(record.payload).topic
        except msgspec.DecodeError:
            return
        topic = topic_of(name)
        if topic is not None and topic.kind is Kind.TRADES:
            product = product_of(record.conn.partition("#")[0])
            self._hub.publish(f"{product.value}/{name}", record.payload.decode())
