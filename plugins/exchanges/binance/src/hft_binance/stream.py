"""The public market data of Binance: which connections and subscriptions, and whose frame is whose."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from urllib.parse import parse_qs, urlsplit

import attrs
from msgspec import Raw

from hft import (
    Channel,
    ConnectionSpec,
    DecodeError,
    DepthPaths,
    Feed,
    GridError,
    Instrument,
    InstrumentKind,
    Market,
    MarketDataStream,
    Request,
    Synchroniser,
    Timer,
    new_paths,
)
from hft_binance import codec, limits
from hft_binance.config import Config
from hft_binance.endpoints import HOSTS, Product, Route, hosts_at, product_of, streams_of
from hft_binance.instruments import decode_instruments
from hft_binance.symbol import CONTINUITY, Handler, Symbol

__all__ = ["BinanceStream"]

_INFO = {Product.SPOT: ("/api/v3/exchangeInfo", 20), Product.USDM: ("/fapi/v1/exchangeInfo", 1)}
"""Path and weight."""

_DEPTH = {Product.SPOT: "/api/v3/depth", Product.USDM: "/fapi/v1/depth"}

_SETTLED_NS = 5_000_000_000
"""Within this a subscription is in force even if its answer was not seen."""

_BROKEN_STREAM = re.compile(rb'"stream"\s*:\s*"([^"]{1,80})"')
_BROKEN_EVENT = re.compile(rb'"e"\s*:\s*"(\w{1,40})".{0,60}?"s"\s*:\s*"(\w{1,40})"')
_HEAD_BYTES = 240


@attrs.define(eq=False)
class _Link:
    """One connection: how its frames are told apart, and what was subscribed to by which frame."""

    product: Product
    streams: frozenset[str]
    """What its URL subscribes to."""
    batches: dict[int, Sequence[str]] = attrs.Factory(dict)
    """What was subscribed to by frame id."""
    handlers: dict[str, Handler] = attrs.Factory(dict)
    paths: DepthPaths = attrs.Factory(lambda: new_paths(codec.PATH_HEAD))
    symbols: dict[Symbol, None] = attrs.Factory(dict)
    """An ordered set: in what order books are lost must not depend on where objects lie in memory."""
    refused: bool = False
    """Whether the exchange refused to subscribe: only an answer or an update shows then what it did."""
    timer: Timer | None = None

    def stop_timer(self) -> None:
        """Take back what was to be begun without an answer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class BinanceStream(MarketDataStream[Config]):
    """Streams spot and USD-M futures, each by its own rules.

    Books: changes by ``@depth``, a snapshot by REST once the subscription is acknowledged. Trades:
    ``@trade`` on spot, ``@aggTrade`` on futures. Best bid and ask: ``@bookTicker``. Mark price and
    funding: ``@markPrice@1s``. `subscribe` may be called again, with all markets.
    """

    environments = tuple(HOSTS)
    rate_limits = limits.RATE_LIMITS
    usage = staticmethod(limits.usage)
    refusals = staticmethod(limits.refusals)

    def __init__(self, config: Config, feed: Feed) -> None:
        super().__init__(config, feed)
        # A simulator has a URL, and whatever name for its environment.
        self._hosts = hosts_at(feed.environment, feed.url)
        self._symbols: dict[tuple[Product, str], Symbol] = {}
        self._links: dict[str, _Link] = {}

    # -- requests ------------------------------------------------------------------------------------

    def instrument_requests(self, symbols: Sequence[str] = ()) -> list[Request]:
        wanted = {Product.USDM if ":" in symbol else Product.SPOT for symbol in symbols}
        return [
            Request(url=f"{self._hosts.rest[product]}{path}", weight=weight, limit=product.value)
            for product, (path, weight) in _INFO.items()
            if not symbols or product in wanted
        ]

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        path = urlsplit(request.url).path
        product = product_of(request.url)
        if path == _INFO[product][0]:
            self.feed.publish(decode_instruments(body, product, self.feed.exchange, self.feed.warn))
        elif symbol := self._asked_for(request):
            symbol.on_snapshot(body, recv_ns)

    def on_request_failed(self, request: Request, reason: str, recv_ns: int) -> None:
        if symbol := self._asked_for(request):
            symbol.sync.on_snapshot_failed()

    def _request_snapshot(self, product: Product, native: str) -> None:
        depth = self.config.depth_of(product)
        self.feed.request(
            Request(
                url=f"{self._hosts.rest[product]}{_DEPTH[product]}?symbol={native}&limit={depth}",
                weight=limits.depth_weight(product, depth),
                limit=product.value,
            )
        )

    def _asked_for(self, request: Request) -> Symbol | None:
        """Return the symbol whose depth a request is about, or None."""
        parts = urlsplit(request.url)
        product = product_of(request.url)
        if parts.path != _DEPTH[product]:
            return None
        return self._symbols.get((product, parse_qs(parts.query).get("symbol", [""])[0]))

    # -- subscriptions -------------------------------------------------------------------------------

    def subscribe(self, markets: Sequence[Market]) -> list[ConnectionSpec]:
        self._symbols = {symbol.key: symbol for symbol in map(self._symbol, markets)}
        for link in self._links.values():
            link.stop_timer()
            link.paths.clear()
        self._links.clear()
        streams: defaultdict[Route, list[str]] = defaultdict(list)
        for symbol in self._symbols.values():
            for route, stream in self._wanted(symbol):
                streams[route].append(stream)
        return [spec for route, names in streams.items() for spec in self._connections(route, names)]

    def _symbol(self, market: Market) -> Symbol:
        key = _key(market.instrument)
        known = self._symbols.get(key)
        if known is not None and known.market is market:
            return known
        feed = self.feed
        sync = Synchroniser(
            market,
            CONTINUITY[key[0]],
            partial(self._request_snapshot, *key),
            clock=feed.clock,
            random=feed.random,
            warn=feed.warn,
        )
        return Symbol(market, key, sync)

    def _wanted(self, symbol: Symbol) -> Iterator[tuple[Route, str]]:
        product, native = symbol.key
        name = native.lower()
        spot = product is Product.SPOT
        public, market = (Route.SPOT, Route.SPOT) if spot else (Route.PUBLIC, Route.MARKET)
        channels = symbol.market.channels
        if Channel.BOOK in channels:
            yield public, f"{name}@depth{self._depth_suffix(product)}"
        if Channel.QUOTE in channels:
            yield public, f"{name}@bookTicker"
        if Channel.TRADE in channels:
            yield market, f"{name}@{'trade' if spot else 'aggTrade'}"
        if Channel.MARK in channels and not spot:
            yield market, f"{name}@markPrice@1s"

    def _depth_suffix(self, product: Product) -> str:
        speeds = {Product.SPOT: self.config.spot_depth_speed, Product.USDM: self.config.futures_depth_speed}
        speed = speeds[product].value
        # The slowest of each product is the one without a suffix.
        return "" if (product, speed) == (Product.SPOT, "1000ms") else f"@{speed}"

    def _connections(self, route: Route, streams: Sequence[str]) -> Iterator[ConnectionSpec]:
        product = Product.SPOT if route is Route.SPOT else Product.USDM
        url = f"{self._hosts.ws[product]}{route.value}"
        for number, names in enumerate(_batches(streams, limits.MAX_STREAMS[product]), 1):
            conn = url if number == 1 else f"{url}#{number}"
            batches = dict(enumerate(_batches(names, limits.STREAMS_PER_REQUEST), 1))
            link = self._add_link(conn, _Link(product, frozenset(), batches))
            for name in names:
                self._find(conn, link, name)
            yield ConnectionSpec(
                name=conn,
                url=url,
                on_open=tuple(codec.subscribe_frame(batch, number) for number, batch in batches.items()),
                messages_per_s=limits.MESSAGES_PER_S[product],
                ping=codec.PING,
                ping_ns=limits.PING_NS,
                lifetime_ns=limits.CONNECTION_LIFETIME_NS,
                silence_ns=limits.SILENCE_NS,
                limit=limits.CONNECTIONS[product],
                books=frozenset(
                    symbol.market.instrument.id for symbol in link.symbols if symbol.depth_conn == conn
                ),
            )

    # -- connections ---------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        link = self._link(conn)
        if link.streams:
            for stream in link.streams:
                with suppress(DecodeError):  # said of its frames, if there are any
                    self._find(conn, link, stream)
            self._subscribed(conn, link, link.streams)
        elif not link.refused:
            # Answers may have come before this call, even before the on_close of the socket before.
            everything = [name for batch in link.batches.values() for name in batch]
            link.timer = self.feed.clock.call_later(
                _SETTLED_NS, partial(self._subscribed, conn, link, everything)
            )

    def on_close(self, conn: str, recv_ns: int) -> None:
        link = self._link(conn)
        link.stop_timer()
        link.refused = False
        for symbol in link.symbols:
            symbol.forget_ids()
            if symbol.depth_conn == conn:
                symbol.sync.on_disconnect()

    def _subscribed(self, conn: str, link: _Link, streams: Iterable[str]) -> None:
        for stream in streams:
            found = codec.kind_of_stream(stream)
            if found is not None and found[1] is codec.Kind.DEPTH:
                symbol = self._symbols.get((link.product, found[0]))
                if symbol is not None and symbol.depth_conn in ("", conn):
                    symbol.depth_conn = conn
                    link.symbols[symbol] = None
                    symbol.sync.on_subscribed()

    def _link(self, conn: str) -> _Link:
        link = self._links.get(conn)
        if link is None:
            url = conn.partition("#")[0]
            link = self._add_link(conn, _Link(product_of(url), streams_of(url)))
        return link

    def _add_link(self, conn: str, link: _Link) -> _Link:
        self._links[conn] = link
        self.feed.use_paths(conn, link.paths)
        return link

    # -- frames --------------------------------------------------------------------------------------

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        link = self._links.get(conn) or self._link(conn)
        try:
            envelope = codec.decode_envelope(data)
        except DecodeError:
            self._on_broken(link, data)
            raise
        stream = envelope.stream
        if not stream:
            self._on_bare(conn, link, data, recv_ns)
            return
        handle = link.handlers.get(stream) or self._find(conn, link, stream)
        try:
            handle(envelope.data, recv_ns)
        except GridError as error:
            raise DecodeError(str(error)) from None

    def _find(self, conn: str, link: _Link, stream: str) -> Handler:
        """Return what takes the frames of a stream; raise `DecodeError` if nothing does."""
        found = codec.kind_of_stream(stream)
        if found is None:
            raise DecodeError(f"unknown stream {stream[:80]!r}")
        return self._handler(conn, link, stream, *found)

    def _handler(self, conn: str, link: _Link, stream: str, native: str, kind: codec.Kind) -> Handler:
        if kind is codec.Kind.SHUTDOWN:
            return partial(self._on_shutdown, conn)
        symbol = self._symbols.get((link.product, native))
        if symbol is None:
            if kind is codec.Kind.UNNEEDED:
                return _ignore
            raise DecodeError(f"unknown symbol {native[:40]!r}")
        if kind is codec.Kind.DEPTH:
            symbol.depth_conn = conn
            if "@" in stream:  # the name in an envelope
                link.paths.add(stream, symbol.depth_path(stream))
        link.symbols[symbol] = None
        handler = symbol.handler(kind)
        if kind is not codec.Kind.UNNEEDED:  # of those there is no end, and they are no hurry
            link.handlers[stream] = handler
        return handler

    def _on_bare(self, conn: str, link: _Link, data: bytes, recv_ns: int) -> None:
        """Take an event without an envelope, or the answer to a frame of ours."""
        frame = codec.decode_bare(data)
        if frame.event:
            kind = codec.kind_of_event(frame.event)
            if kind is None:
                raise DecodeError(f"unknown event {frame.event[:40]!r}")
        elif frame.symbol and bytes(frame.update_id):
            kind = codec.Kind.BOOK_TICKER  # spot's has no type
        elif bytes(frame.last_update_id):
            return  # the best levels of a book, of which the whole is told elsewhere
        else:
            self._on_answer(conn, link, frame, data)
            return
        if kind is codec.Kind.DEPTH and _shows_best_levels_only(link.streams, frame.symbol):
            kind = codec.Kind.UNNEEDED
        stream = f"{frame.event or kind.value} {frame.symbol}"  # a name that no stream has
        handle = link.handlers.get(stream) or self._handler(conn, link, stream, frame.symbol, kind)
        try:
            handle(Raw(data), recv_ns)
        except GridError as error:
            raise DecodeError(str(error)) from None

    def _on_answer(self, conn: str, link: _Link, frame: codec.BareFrame, data: bytes) -> None:
        number = bytes(frame.id)
        if bytes(frame.error) or bytes(frame.code):
            self.feed.warn(f"request refused: {data[:200].decode(errors='replace')}")
            # What could not even be parsed is refused without its number.
            if not number.isdigit() or int(number) in link.batches:
                link.refused = True
                link.stop_timer()
        elif bytes(frame.result) and number:
            if bytes(frame.result) == b"null" and number.isdigit():
                self._subscribed(conn, link, link.batches.get(int(number), ()))
        else:
            raise DecodeError("unknown frame")

    def _on_broken(self, link: _Link, data: bytes) -> None:
        """Find out by its head whose frame it was that cannot be read: the others' books are right."""
        head = data[:_HEAD_BYTES]
        found: tuple[str, codec.Kind | None] | None = None
        if match := _BROKEN_STREAM.search(head):
            found = codec.kind_of_stream(match[1].decode(errors="replace"))
        elif match := _BROKEN_EVENT.search(head):
            found = match[2].decode(errors="replace"), codec.kind_of_event(match[1].decode(errors="replace"))
        symbol = self._symbols.get((link.product, found[0])) if found else None
        if symbol is not None and found is not None:
            symbol.market.counters.frames += 1
            if found[1] is codec.Kind.DEPTH:
                symbol.on_unreadable_depth()

    def _on_shutdown(self, conn: str, data: Raw, recv_ns: int) -> None:
        self.feed.warn(f"{conn}: the exchange is about to close this connection, replacing it")
        self.feed.rotate(conn)


def _key(instrument: Instrument) -> tuple[Product, str]:
    product = Product.SPOT if instrument.kind is InstrumentKind.SPOT else Product.USDM
    return product, instrument.native_symbol


def _batches(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _shows_best_levels_only(streams: frozenset[str], native: str) -> bool:
    """Whether ``depthUpdate`` events of a bare futures connection are of ``@depth5`` and the like."""
    name = native.lower()
    depth = [stream for stream in streams if stream.startswith(f"{name}@depth")]
    return bool(depth) and all(stream[len(name) + 6 : len(name) + 7].isdigit() for stream in depth)


def _ignore(data: Raw, recv_ns: int) -> None:
    """Take a frame about nothing that is traded here."""
