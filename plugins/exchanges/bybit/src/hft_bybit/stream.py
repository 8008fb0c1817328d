"""The public market data of Bybit: which connections and subscriptions, and whose frame is whose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from urllib.parse import urlencode, urlsplit

import attrs

from hft import (
    Backoff,
    Channel,
    ConnectionSpec,
    DecodeError,
    DepthPaths,
    Feed,
    GridError,
    Market,
    MarketDataStream,
    Request,
    Synchroniser,
    Timer,
    new_paths,
)
from hft_bybit import codec, limits
from hft_bybit.codec import Kind, Topic
from hft_bybit.config import Config
from hft_bybit.endpoints import HOSTS, PUBLIC_PATHS, Product, hosts_at, product_of, product_traded
from hft_bybit.instruments import decode_instruments
from hft_bybit.symbol import CONTINUITY, Handler, Symbol

__all__ = ["BybitStream"]

_INFO = "/v5/market/instruments-info"
_PAGE = 1000

_INITIAL_NS, _MAXIMUM_NS = 1_000_000_000, 60_000_000_000
"""When a refused subscription is asked for again."""

_ALREADY = "already subscribed"

_BROKEN_TOPIC = re.compile(rb'"topic"\s*:\s*"([^"]{1,80})"')
_HEAD_BYTES = 240


@attrs.define(eq=False)
class _Link:
    """One connection: how its frames are told apart, and what was asked for by which frame."""

    product: Product
    backoff: Backoff
    asked: dict[str, Sequence[str]] = attrs.Factory(dict)
    """Topics by the id of the frame that subscribes to them."""
    handlers: dict[str, Handler] = attrs.Factory(dict)
    paths: DepthPaths = attrs.Factory(lambda: new_paths(codec.PATH_HEAD))
    symbols: dict[Symbol, None] = attrs.Factory(dict)
    """An ordered set: in what order books are lost must not depend on where objects lie in memory."""
    refused: dict[str, None] = attrs.Factory(dict)
    """Topics that are asked for again, one by one, when the timer is due."""
    timer: Timer | None = None
    number: int = 0

    def request_id(self) -> str:
        """Return an id for a frame."""
        self.number += 1
        return str(self.number)

    def forget_refusals(self) -> None:
        """Ask for nothing again: the connection is gone, and a new one asks for everything."""
        self.refused.clear()
        self.backoff.reset()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class BybitStream(MarketDataStream[Config]):
    """Streams spot and linear contracts, a connection for each.

    Books: ``orderbook.N``, whose first message is the snapshot; to get another the topic is subscribed to
    again. Trades: ``publicTrade``. Best bid and ask: ``orderbook.1``. Mark price and funding: ``tickers``.
    `subscribe` may be called again, with all markets.
    """

    environments = tuple(HOSTS)
    rate_limits = limits.RATE_LIMITS
    usage = staticmethod(limits.usage)

    def __init__(self, config: Config, feed: Feed) -> None:
        super().__init__(config, feed)
        # A simulator has a URL, and whatever name for its environment.
        self._hosts = hosts_at(feed.environment, feed.url)
        self._symbols: dict[tuple[Product, str], Symbol] = {}
        self._links: dict[str, _Link] = {}

    # -- requests ------------------------------------------------------------------------------------

    def instrument_requests(self, symbols: Sequence[str] = ()) -> list[Request]:
        wanted = {Product.LINEAR if ":" in symbol else Product.SPOT for symbol in symbols}
        return [self._info_request(product) for product in Product if not symbols or product in wanted]

    def _info_request(self, product: Product, cursor: str = "") -> Request:
        page = {} if product is Product.SPOT else {"limit": _PAGE}
        query = {"category": product.value, **page, **({"cursor": cursor} if cursor else {})}
        return Request(url=f"{self._hosts.rest}{_INFO}?{urlencode(query)}", limit=limits.REST)

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        parts = urlsplit(request.url)
        if parts.path != _INFO:
            return
        product = Product.SPOT if "category=spot" in parts.query.split("&") else Product.LINEAR
        page = decode_instruments(body, product, self.feed.exchange, self.feed.warn)
        self.feed.publish(page.instruments)
        if page.cursor and page.instruments:
            self.feed.request(self._info_request(product, page.cursor))

    # -- subscriptions -------------------------------------------------------------------------------

    def subscribe(self, markets: Sequence[Market]) -> list[ConnectionSpec]:
        self._symbols = {symbol.key: symbol for symbol in map(self._symbol, markets)}
        for link in self._links.values():
            link.forget_refusals()
            link.paths.clear()
        self._links.clear()
        topics: dict[Product, list[str]] = {}
        for symbol in self._symbols.values():
            topics.setdefault(symbol.key[0], []).extend(self._wanted(symbol))
        return [
            spec for product, names in topics.items() if names for spec in self._connections(product, names)
        ]

    def _symbol(self, market: Market) -> Symbol:
        key = product_traded(market.instrument), market.instrument.native_symbol
        known = self._symbols.get(key)
        if known is not None and known.market is market:
            return known
        feed = self.feed
        sync = Synchroniser(
            market,
            CONTINUITY,
            partial(self._subscribe_again, key),
            clock=feed.clock,
            random=feed.random,
            warn=feed.warn,
            snapshots_in_stream=True,
        )
        return Symbol(market, key, sync)

    def _wanted(self, symbol: Symbol) -> Iterator[str]:
        product, native = symbol.key
        channels = symbol.market.channels
        if Channel.BOOK in channels:
            yield f"orderbook.{self.config.depth}.{native}"
        if Channel.QUOTE in channels and not (Channel.BOOK in channels and self.config.depth == 1):
            yield f"orderbook.1.{native}"
        if Channel.TRADE in channels:
            yield f"publicTrade.{native}"
        if Channel.MARK in channels and product is Product.LINEAR:
            yield f"tickers.{native}"

    def _connections(self, product: Product, topics: Sequence[str]) -> Iterator[ConnectionSpec]:
        url = f"{self._hosts.public}{PUBLIC_PATHS[product]}"
        for number, names in enumerate(_parts(topics, limits.MAX_TOPIC_CHARS), 1):
            conn = url if number == 1 else f"{url}#{number}"
            link = self._add_link(conn, product)
            for name in names:
                self._find(conn, link, name)
            yield ConnectionSpec(
                name=conn,
                url=url,
                on_open=tuple(self._subscription(link, batch) for batch in _batches(names)),
                messages_per_s=limits.MESSAGES_PER_S,
                ping=codec.PING,
                ping_ns=limits.PING_NS,
                silence_ns=limits.SILENCE_NS,
                limit=limits.CONNECTIONS,
                books=frozenset(
                    symbol.market.instrument.id for symbol in link.symbols if symbol.conn == conn
                ),
            )

    @staticmethod
    def _subscription(link: _Link, topics: Sequence[str]) -> bytes:
        request_id = link.request_id()
        link.asked[request_id] = topics
        return codec.request_frame("subscribe", topics, request_id)

    def _subscribe_again(self, key: tuple[Product, str]) -> None:
        """Ask for a snapshot: it is the first message of a subscription."""
        symbol = self._symbols.get(key)
        link = self._links.get(symbol.conn) if symbol is not None else None
        if symbol is None or link is None or not symbol.book_topic:
            return
        topics = [symbol.book_topic]
        self.feed.send(symbol.conn, codec.request_frame("unsubscribe", topics, link.request_id()))
        self.feed.send(symbol.conn, self._subscription(link, topics))

    # -- connections ---------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        for symbol in self._books_of(conn):
            symbol.sync.on_subscribed()

    def on_close(self, conn: str, recv_ns: int) -> None:
        link = self._link(conn)
        link.forget_refusals()
        for symbol in link.symbols:
            symbol.forget()
            if symbol.conn == conn:
                symbol.sync.on_disconnect()

    def _books_of(self, conn: str) -> Iterable[Symbol]:
        return [symbol for symbol in self._link(conn).symbols if symbol.conn == conn]

    def _link(self, conn: str) -> _Link:
        return self._links.get(conn) or self._add_link(conn, product_of(conn.partition("#")[0]))

    def _add_link(self, conn: str, product: Product) -> _Link:
        backoff = Backoff(self.feed.random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)
        backoff.next_ns()
        link = self._links[conn] = _Link(product, backoff)
        self.feed.use_paths(conn, link.paths)
        return link

    # -- frames --------------------------------------------------------------------------------------

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        link = self._links.get(conn) or self._link(conn)
        try:
            frame = codec.decode_frame(data)
        except DecodeError:
            self._on_broken(conn, link, data)
            raise
        topic = frame.topic
        if not topic:
            self._on_answer(conn, link, frame, data)
            return
        handle = link.handlers.get(topic) or self._find(conn, link, topic)
        try:
            handle(frame, recv_ns)
        except GridError as error:
            raise DecodeError(str(error)) from None

    def _find(self, conn: str, link: _Link, name: str) -> Handler:
        """Return what takes the frames of a topic; raise `DecodeError` if nothing does."""
        topic = codec.topic_of(name)
        if topic is None:
            raise DecodeError(f"unknown topic {name[:80]!r}")
        symbol = self._symbols.get((link.product, topic.symbol))
        if symbol is None:
            if topic.kind is Kind.UNNEEDED:
                return _ignore
            raise DecodeError(f"unknown symbol {topic.symbol[:40]!r}")
        link.symbols[symbol] = None
        handler = self._handler(conn, link, symbol, name, topic)
        if topic.kind is not Kind.UNNEEDED:  # of those there is no end, and they are no hurry
            link.handlers[name] = handler
        return handler

    def _handler(self, conn: str, link: _Link, symbol: Symbol, name: str, topic: Topic) -> Handler:
        if topic.kind is Kind.TRADES:
            return symbol.on_trades
        if topic.kind is Kind.TICKER:
            return symbol.on_ticker if link.product is Product.LINEAR else symbol.on_unneeded
        if topic.kind is Kind.UNNEEDED:
            return symbol.on_unneeded
        if topic.depth == 1 and self.config.depth != 1:
            return symbol.on_top
        if symbol.book_topic not in ("", name):
            if symbol.market.book.update_id:
                return symbol.on_unneeded
            # A recording has the depths that it has: the first of them that comes is the market's book.
            link.handlers[symbol.book_topic] = symbol.on_unneeded
            link.paths.add(symbol.book_topic, None)
        symbol.conn, symbol.book_topic = conn, name
        if topic.depth == 1:
            return symbol.on_book_and_top
        link.paths.add(name, symbol.depth_path(name))
        return symbol.on_book

    def _on_answer(self, conn: str, link: _Link, frame: codec.Frame, data: bytes) -> None:
        """Take the answer to a frame of ours."""
        if frame.op not in ("subscribe", "unsubscribe", "ping", "pong") or frame.success is None:
            raise DecodeError("unknown frame")
        topics = link.asked.get(frame.request_id, ())
        if frame.success:
            for topic in topics:
                link.refused.pop(topic, None)
            return
        self.feed.warn(f"request refused: {data[:200].decode(errors='replace')}")
        if frame.op != "subscribe" or _ALREADY in frame.message.lower():
            return
        # One bad topic may have taken the others with it: each is asked for by itself.
        link.refused.update(dict.fromkeys(topics))
        if link.timer is None and link.refused:
            link.timer = self.feed.clock.call_later(
                link.backoff.next_ns(), partial(self._ask_refused, conn, link)
            )

    def _ask_refused(self, conn: str, link: _Link) -> None:
        link.timer = None
        for topic in link.refused:
            self.feed.send(conn, self._subscription(link, [topic]))

    def _on_broken(self, conn: str, link: _Link, data: bytes) -> None:
        """Find out by its head whose frame it was that cannot be read: the others' books are right."""
        match = _BROKEN_TOPIC.search(data[:_HEAD_BYTES])
        if match is None:
            return
        name = match[1].decode(errors="replace")
        topic = codec.topic_of(name)
        symbol = None if topic is None else self._symbols.get((link.product, topic.symbol))
        if symbol is not None:
            symbol.market.counters.frames += 1
            if name == symbol.book_topic and conn == symbol.conn:
                symbol.on_unreadable_book()


def _parts(topics: Sequence[str], most: int) -> Iterator[list[str]]:
    """Cut a list where its names together become too long."""
    part: list[str] = []
    length = 0
    for topic in topics:
        if part and length + len(topic) > most:
            yield part
            part, length = [], 0
        part.append(topic)
        length += len(topic)
    yield part


def _batches(topics: Sequence[str]) -> Iterator[Sequence[str]]:
    size = limits.TOPICS_PER_REQUEST
    return (topics[start : start + size] for start in range(0, len(topics), size))


def _ignore(frame: codec.Frame, recv_ns: int) -> None:
    """Take a frame about nothing that is traded here."""
