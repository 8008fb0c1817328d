"""Play a recorded Hyperliquid session back: its frames to subscribers, its books to REST."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from hft import Channel, Clock, InstrumentKind, Market, MarkPrice, RecordedFeed, Trade, UsageError
from hft.capture import CaptureRecord
from hft.sim import Hub, Mark, PublicTrade, RecordedMarket
from hft_hyperliquid.config import Config
from hft_hyperliquid.simulator.listing import Listing
from hft_hyperliquid.stream import HyperliquidStream

__all__ = ["RecordedExchange"]

_SPOT_ASSETS = 10_000


class _Coin(msgspec.Struct):
    coin: str = ""


class _Frame(msgspec.Struct):
    channel: str
    data: msgspec.Raw = msgspec.Raw()


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_coin = msgspec.json.Decoder(_Coin | list[_Coin]).decode


class RecordedExchange:
    """The listings of a capture, and what happens to them as its records are played.

    Each frame goes to the subscribers of its coin as it was recorded, and through the plugin's own codec
    and synchroniser, whose books answer REST. A book is sent to those who want it fast as to those who want
    it whole.
    """

    def __init__(self, head: Iterable[CaptureRecord], exchange: str, clock: Clock, hub: Hub) -> None:
        self._hub = hub
        self._feed = RecordedFeed(exchange, HyperliquidStream.environments[0], clock=clock)
        self._feed.stream = HyperliquidStream(Config(), self._feed)
        for record in head:
            self._feed.play(record)
        if not self._feed.instruments:
            raise UsageError("capture: has no meta before its first frame, record it with 'hft record'")
        markets = [Market(instrument) for instrument in self._feed.instruments.values()]
        self.listings = [self._list(place, market, clock) for place, market in enumerate(markets)]
        self._feed.stream.subscribe(markets)

    def play(self, record: CaptureRecord) -> None:
        """Let one record happen."""
        self._feed.play(record)
        if record.dir == "recv":
            self._publish(record.payload)

    def _publish(self, payload: bytes) -> None:
        try:
            recorded = _decode_frame(payload)
            told: Any = _decode_coin(recorded.data)
        except msgspec.MsgspecError:
            return  # nothing about a market
        coin = (told[0] if told else _Coin()).coin if isinstance(told, list) else told.coin
        topic = f"{recorded.channel}/{coin}"
        for each in (topic, f"{topic}/fast") if recorded.channel == "l2Book" else (topic,):
            if self._hub.is_wanted(each):
                self._hub.publish(each, payload.decode())

    def _list(self, place: int, market: Market, clock: Clock) -> Listing:
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
        market.listen(Channel.MARK, on_mark)
        instrument = market.instrument
        asset = place
        if instrument.kind is InstrumentKind.SPOT:
            index = instrument.native_symbol.removeprefix("@")
            asset = _SPOT_ASSETS + (int(index) if index.isdecimal() else 0)
        return Listing(recorded, instrument.native_symbol, asset)
