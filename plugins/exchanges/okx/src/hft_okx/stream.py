"""The public market data of OKX: which connections and subscriptions, and whose frame is whose."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

import attrs

from hft import (
    Channel,
    ConnectionSpec,
    DecodeError,
    DepthPaths,
    Feed,
    GridError,
    InstrumentKind,
    Market,
    MarketDataStream,
    Request,
    Synchroniser,
    new_paths,
)
from hft_okx import codec, limits
from hft_okx.config import Config, Trades
from hft_okx.endpoints import HOSTS, Route, hosts_at
from hft_okx.instruments import decode_instruments
from hft_okx.symbol import Handler, SequenceContinuity, Symbol

__all__ = ["OkxStream"]

_INSTRUMENTS = "/api/v5/public/instruments"
_TYPES = ("SPOT", "SWAP", "FUTURES")
_CHANNELS_PER_REQUEST = 100
"""Keeps a request far below 64 KB."""

_CHANNELS_PER_CONNECTION = 400
"""The exchange closes a connection with too many (4009) and does not say how many are: a careful guess,
which also leaves most of an hour's requests for subscribing anew."""

_HOUR_NS = 3_600_000_000_000
_BUDGET = limits.REQUESTS_PER_HOUR - 80
"""How many requests a connection makes in an hour before it is replaced by one that has made none."""

_MOVING_NS = 30_000_000_000
"""How long a connection that is to be replaced is given for it."""

_BROKEN_ARG = re.compile(rb'"channel"\s*:\s*"([\w-]{1,40})".{0,40}?"instId"\s*:\s*"([\w-]{1,60})"', re.DOTALL)
_HEAD_BYTES = 240

_Subscription = tuple[codec.Kind, str]


@attrs.define(eq=False)
class _Link:
    """One connection: how its frames are told apart, and what was asked by which request."""

    handlers: dict[tuple[str, str], Handler] = attrs.Factory(dict)
    paths: DepthPaths = attrs.Factory(lambda: new_paths(codec.PATH_HEAD))
    symbols: dict[Symbol, None] = attrs.Factory(dict)
    """An ordered set: in what order books are lost must not depend on where objects lie in memory."""
    requested_ns: deque[int] = attrs.Factory(deque)
    """When something was asked on it, within the last hour."""
    moving_until_ns: int = 0
    """Until when nothing is asked, since it is being replaced by one that brings every book."""


class OkxStream(MarketDataStream[Config]):
    """Streams spot, perpetual swaps and dated futures, which speak alike.

    Books: ``books`` (400 levels, every 100 ms), whose snapshots come in the stream. Trades: ``trades``, or
    ``trades-all`` on a connection of its own. Best bid and ask: ``bbo-tbt``. Mark price and funding:
    ``mark-price`` and ``funding-rate``. `subscribe` may be called again, with all markets.
    """

    environments = tuple(HOSTS)
    rate_limits = limits.RATE_LIMITS
    refusals = staticmethod(limits.refusals)

    def __init__(self, config: Config, feed: Feed) -> None:
        super().__init__(config, feed)
        # A simulator has a URL, and whatever name for its environment.
        self._hosts = hosts_at(feed.environment, feed.url)
        self._symbols: dict[str, Symbol] = {}
        self._links: dict[str, _Link] = {}
        self._number = 0

    # -- requests ------------------------------------------------------------------------------------

    def instrument_requests(self, symbols: Sequence[str] = ()) -> list[Request]:
        wanted = {_type_of(symbol) for symbol in symbols}
        return [
            Request(url=f"{self._hosts.rest}{_INSTRUMENTS}?instType={name}", limit=limits.INSTRUMENTS)
            for name in _TYPES
            if name in wanted or not wanted
        ]

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        if urlsplit(request.url).path == _INSTRUMENTS:
            self.feed.publish(decode_instruments(body, self.feed.exchange, self.feed.warn))

    # -- subscriptions -------------------------------------------------------------------------------

    def subscribe(self, markets: Sequence[Market]) -> list[ConnectionSpec]:
        self._symbols = {symbol.native: symbol for symbol in map(self._symbol, markets)}
        for link in self._links.values():
            link.paths.clear()
        self._links.clear()
        wanted: dict[Route, list[_Subscription]] = {}
        for symbol in self._symbols.values():
            for route, kind in self._wanted(symbol):
                wanted.setdefault(route, []).append((kind, symbol.native))
        return [spec for route, listed in wanted.items() for spec in self._connections(route, listed)]

    def _symbol(self, market: Market) -> Symbol:
        known = self._symbols.get(market.instrument.native_symbol)
        return known if known is not None and known.market is market else Symbol(market, self._sync)

    def _sync(self, market: Market, continuity: SequenceContinuity) -> Synchroniser:
        feed = self.feed
        return Synchroniser(
            market,
            continuity,
            partial(self._resubscribe, market.instrument.native_symbol),
            clock=feed.clock,
            random=feed.random,
            warn=feed.warn,
            snapshots_in_stream=True,
        )

    def _wanted(self, symbol: Symbol) -> Iterator[tuple[Route, codec.Kind]]:
        channels, kind = symbol.market.channels, symbol.market.instrument.kind
        if Channel.BOOK in channels:
            yield Route.PUBLIC, codec.Kind.BOOK
        if Channel.QUOTE in channels:
            yield Route.PUBLIC, codec.Kind.BEST
        if Channel.TRADE in channels and self.config.trades is Trades.AGGREGATED:
            yield Route.PUBLIC, codec.Kind.TRADE
        elif Channel.TRADE in channels:
            yield Route.BUSINESS, codec.Kind.TRADE_ALL
        if Channel.MARK in channels and kind is not InstrumentKind.SPOT:
            yield Route.PUBLIC, codec.Kind.MARK
            if kind is InstrumentKind.PERPETUAL:
                yield Route.PUBLIC, codec.Kind.FUNDING

    def _connections(self, route: Route, listed: Sequence[_Subscription]) -> Iterator[ConnectionSpec]:
        url = f"{self._hosts.ws}{route.value}"
        for number, part in enumerate(_batches(listed, _CHANNELS_PER_CONNECTION), 1):
            conn = url if number == 1 else f"{url}#{number}"
            link = self._add_link(conn)
            for kind, native in part:
                self._handler(conn, link, kind.value, native)
            yield ConnectionSpec(
                name=conn,
                url=url,
                on_open=tuple(
                    codec.request_frame("subscribe", [_arg(*one) for one in batch], self._next_id())
                    for batch in _batches(part, _CHANNELS_PER_REQUEST)
                ),
                messages_per_s=limits.MESSAGES_PER_S,
                ping=codec.PING,
                ping_ns=limits.PING_NS,
                silence_ns=limits.SILENCE_NS,
                limit=limits.CONNECTIONS,
                books=frozenset(
                    symbol.market.instrument.id for symbol in link.symbols if symbol.depth_conn == conn
                ),
            )

    def _resubscribe(self, native: str) -> None:
        """Ask for a snapshot, which comes with a new subscription and only then.

        A connection that has asked for nearly as much as it may in an hour is replaced by a new one.
        """
        symbol = self._symbols[native]
        link = self._links.get(symbol.depth_conn)
        if link is None:
            return  # a replay: the snapshots are in the capture
        now_ns, asked = self.feed.clock.now_ns(), link.requested_ns
        if now_ns < link.moving_until_ns:
            return
        while asked and asked[0] < now_ns - _HOUR_NS:
            asked.popleft()
        if len(asked) >= _BUDGET:
            self.feed.warn(f"{symbol.depth_conn}: {len(asked)} requests within an hour, replacing it")
            asked.clear()
            link.moving_until_ns = now_ns + _MOVING_NS
            self.feed.rotate(symbol.depth_conn)
            return
        for op in ("unsubscribe", "subscribe"):
            asked.append(now_ns)
            frame = codec.request_frame(op, [_arg(codec.Kind.BOOK, native)], self._next_id())
            self.feed.send(symbol.depth_conn, frame)

    def _next_id(self) -> str:
        self._number += 1
        return str(self._number)

    # -- connections ---------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        link = self._link(conn)
        link.requested_ns.clear()
        for symbol in link.symbols:
            if symbol.depth_conn == conn:
                symbol.sync.on_subscribed()

    def on_close(self, conn: str, recv_ns: int) -> None:
        for symbol in self._link(conn).symbols:
            symbol.forget_ids()
            if symbol.depth_conn == conn:
                symbol.on_disconnect()

    def _link(self, conn: str) -> _Link:
        return self._links.get(conn) or self._add_link(conn)

    def _add_link(self, conn: str) -> _Link:
        link = self._links[conn] = _Link()
        self.feed.use_paths(conn, link.paths)
        return link

    # -- frames --------------------------------------------------------------------------------------

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        if data == codec.PONG:
            return
        link = self._links.get(conn) or self._add_link(conn)
        try:
            frame = codec.decode_envelope(data)
        except DecodeError:
            self._on_broken(data)
            raise
        arg = frame.arg
        if frame.event or arg is None:
            self._on_event(conn, frame, data)
            return
        handle = link.handlers.get((arg.channel, arg.inst_id))
        if handle is None:
            handle = self._handler(conn, link, arg.channel, arg.inst_id)
        try:
            handle(frame, recv_ns)
        except GridError as error:
            raise DecodeError(str(error)) from None

    def _handler(self, conn: str, link: _Link, channel: str, native: str) -> Handler:
        """Return what takes the frames of a channel; raise `DecodeError` if nothing does."""
        kind = codec.kind_of_channel(channel)
        if kind is None:
            raise DecodeError(f"unknown channel {channel[:40]!r}")
        symbol = self._symbols.get(native)
        if symbol is None:
            if kind is codec.Kind.UNNEEDED:
                return _ignore
            raise DecodeError(f"unknown instrument {native[:40]!r}")
        if kind is codec.Kind.BOOK:
            symbol.depth_conn = conn
            link.paths.add(native, symbol.depth_path())
        link.symbols[symbol] = None
        handler = link.handlers[channel, native] = symbol.handler(kind)
        return handler

    def _on_event(self, conn: str, frame: codec.Envelope, data: bytes) -> None:
        match frame.event:
            case "subscribe" | "unsubscribe" | "channel-conn-count":
                return
            case "notice":
                self.feed.warn(f"{conn}: {frame.code} {frame.msg[:200]!r}, replacing it")
                self.feed.rotate(conn)
            case "error" | "channel-conn-count-error":
                self.feed.warn(f"{conn}: request refused: {data[:200].decode(errors='replace')}")
            case _:
                raise DecodeError("unknown frame")

    def _on_broken(self, data: bytes) -> None:
        """Find out by its head whose frame it was that cannot be read: the others' books are right."""
        match = _BROKEN_ARG.search(data[:_HEAD_BYTES])
        symbol = self._symbols.get(match[2].decode()) if match else None
        if match and symbol is not None:
            symbol.market.counters.frames += 1
            if match[1].decode() == codec.Kind.BOOK.value:
                symbol.on_unreadable_book()


def _type_of(symbol: str) -> str:
    """Return the exchange's type of a unified symbol."""
    _, colon, settle = symbol.partition(":")
    if not colon:
        return "SPOT"
    return "FUTURES" if "-" in settle else "SWAP"


def _arg(kind: codec.Kind, native: str) -> dict[str, str]:
    return {"channel": kind.value, "instId": native}


def _batches(items: Sequence[_Subscription], size: int) -> list[Sequence[_Subscription]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _ignore(frame: codec.Envelope, recv_ns: int) -> None:
    """Take a frame about nothing that is traded here."""
