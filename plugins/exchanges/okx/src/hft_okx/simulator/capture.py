"""Play a recorded OKX session back: its frames to subscribers, its books to REST."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

import msgspec

from hft import Channel, Clock, InstrumentKind, Market, MarkPrice, RecordedFeed, Side, Trade, UsageError
from hft.capture import CaptureRecord
from hft.sim import Hub, Mark, PublicTrade, RecordedMarket, Subscriber
from hft_okx.config import Config
from hft_okx.simulator import frames
from hft_okx.simulator.listing import NS_PER_MS, Listing
from hft_okx.stream import OkxStream

__all__ = ["RecordedExchange"]

_DEPTH = 400


class _Arg(msgspec.Struct, rename="camel"):
    channel: str
    inst_id: str = ""


class _Frame(msgspec.Struct):
    arg: _Arg
    data: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Frame).decode


class RecordedExchange:
    """The listings of a capture, and what happens to them as its records are played.

    Each frame goes to the subscribers of its channel as it was recorded, and through the plugin's own codec
    and synchroniser, whose books answer REST and late subscribers.
    """

    def __init__(self, head: Iterable[CaptureRecord], exchange: str, clock: Clock, hub: Hub) -> None:
        self.described: dict[str, Mapping[str, Any]] = {}
        self._hub = hub
        self._clock = clock
        self._feed = RecordedFeed(exchange, OkxStream.environments[0], clock=clock)
        self._feed.stream = OkxStream(Config(), self._feed)
        for record in head:
            if "/public/instruments" in record.conn:
                for row in msgspec.json.decode(record.payload)["data"]:
                    self.described[row["instId"]] = row
            self._feed.play(record)
        if not self._feed.instruments:
            raise UsageError(
                "capture: has no instruments before its first frame, record it with 'hft record'"
            )
        markets = [Market(instrument) for instrument in self._feed.instruments.values()]
        codes = count(1)
        self.listings = [Listing(self._list(market, clock), next(codes)) for market in markets]
        self._by_name = {listing.name: listing for listing in self.listings}
        self._feed.stream.subscribe(markets)

    @property
    def undecoded_frames(self) -> int:
        """Frames that the plugin's codec did not understand; subscribers got them all the same."""
        return self._feed.undecoded_frames

    def play(self, record: CaptureRecord) -> None:
        """Let one record happen."""
        self._feed.play(record)
        if record.dir == "recv":
            try:
                frame = _decode(record.payload)
            except msgspec.DecodeError:
                return  # an acknowledgement of what the recorder asked
            if bytes(frame.data):
                topic = f"{frame.arg.channel}/{frame.arg.inst_id}"
                self._hub.publish(topic, record.payload.decode())

    def subscribed(self, subscriber: Subscriber, channel: str, name: str) -> None:
        """Tell a new subscriber the book as it is, where the playback has got that far."""
        listing = self._by_name.get(name)
        if channel != "books" or listing is None or not listing.market.is_ready:
            return
        bids, asks = listing.levels(Side.BUY, _DEPTH), listing.levels(Side.SELL, _DEPTH)
        now_ms = self._clock.now_ns() // NS_PER_MS
        payload = frames.book(listing, channel, bids, asks, (-1, listing.seq_id), now_ms)
        self._hub.publish_to(subscriber, f"{channel}/{name}", payload)

    @staticmethod
    def _list(market: Market, clock: Clock) -> RecordedMarket:
        recorded = RecordedMarket(market.book, clock.now_ns())

        def on_trade(trade: Trade) -> None:
            recorded.record(
                PublicTrade(int(trade.trade_id), trade.side, trade.price, trade.size, trade.exchange_ns)
            )

        def on_mark(mark: MarkPrice) -> None:
            if mark.funding_rate is not None:
                recorded.mark = Mark(mark.mark, mark.mark, mark.funding_rate, mark.next_funding_ns)

        market.listen(Channel.BOOK, lambda _: None)
        market.listen(Channel.TRADE, on_trade)
        if market.instrument.kind is not InstrumentKind.SPOT:
            market.listen(Channel.MARK, on_mark)
        return recorded
