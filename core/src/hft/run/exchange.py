"""One exchange of a profile while a session lasts: its stream, its connections, its requests."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from hft.capture import Tap
from hft.capture.redact import redact_url
from hft.clock import Clock
from hft.errors import DataError, TransportError, UsageError
from hft.instrument import Instrument, InstrumentId
from hft.latency import Trace
from hft.market import Market
from hft.net import Connection, ConnectionHandler, RateLimiter, RestClient
from hft.net.backoff import Backoff
from hft.net.spec import ConnectionSpec, Request
from hft.plugin.execution import ExecutionClient, ExecutionEvents
from hft.plugin.market_data import MarketDataStream
from hft.profile import ExchangeEntry
from hft.run.kernel import pick_instrument
from hft.run.link import LiveLink
from hft.run.live_feed import LiveFeed
from hft.secret import Secret
from hft.sim.arguments import config_arguments
from hft.sim.child import Child, start_child

__all__ = ["Budgets", "ExchangeSession"]


Budgets: TypeAlias = dict[tuple[str, str, str | None], RateLimiter]
"""The first limiter for each exchange, environment and URL of a run: what counts by address is shared."""


class ExchangeSession:
    """Holds what one exchange key of a profile needs from the network, from `open` to `close`.

    ``budgets`` is one for all sessions of a run, empty at first. ``make_feed`` makes the feed of the stream.
    """

    def __init__(
        self,
        entry: ExchangeEntry,
        *,
        base: Path,
        seed: int,
        clock: Clock,
        trace: Trace,
        tap: Tap | None,
        budgets: Budgets,
        warn: Callable[[str, str], None],
        make_feed: Callable[..., LiveFeed] = LiveFeed,
    ) -> None:
        self.entry = entry
        self._base = base
        self._seed = seed
        self._clock = clock
        self._trace = trace
        self._tap = tap
        self._warn = warn
        self._budgets = budgets
        self._make_feed = make_feed
        self._config = entry.config
        self._child: Child | None = None
        self._limiter: RateLimiter
        self._rest: RestClient
        self._feed: LiveFeed | None = None
        self._link: LiveLink | None = None
        self._stream: MarketDataStream[Any]

    @property
    def url(self) -> str | None:
        """Where every endpoint lives instead of the exchange's own place; known once this is open."""
        return self._opened.url

    @property
    def frames(self) -> int:
        """Frames received so far."""
        link = self._link.frames if self._link else 0
        return link + (self._feed.frames if self._feed else 0)

    @property
    def undecoded_frames(self) -> int:
        """Frames received so far that the plugin did not understand."""
        link = self._link.undecoded_frames if self._link else 0
        return link + (self._feed.undecoded_frames if self._feed else 0)

    async def open(self) -> None:
        """Start the simulator if the profile asks for one, and make the stream."""
        entry, url = self.entry, self.entry.url
        stream_class = entry.plugin.market_data()
        if stream_class is None:
            raise UsageError(f"exchange plugin {entry.use!r} offers no market data")
        if entry.environment == "simulator":
            self._child = await start_child(entry.use, config_arguments(entry.simulator, base=self._base))
            url = self._child.rest
            self._config = _with_account(entry.config, self._child)
        client_class = entry.plugin.execution()
        limits = {limit.name: limit for limit in stream_class.rate_limits}
        if client_class is not None:
            limits |= {limit.name: limit for limit in client_class.rate_limits}
        where = (entry.use, entry.environment, url)
        self._limiter = RateLimiter(
            limits.values(), clock=self._clock, warn=self._warn_line, shared=self._budgets.get(where)
        )
        self._budgets.setdefault(where, self._limiter)
        self._rest = RestClient(
            self._limiter,
            clock=self._clock,
            tap=self._tap,
            warn=self._warn_line,
            usage=stream_class.usage,
            refusals=stream_class.refusals,
        )
        self._feed = self._make_feed(
            entry.key,
            entry.environment,
            url,
            clock=self._clock,
            seed=f"{self._seed}:{entry.key}",
            rest=self._rest,
            trace=self._trace,
            warn=self._warn,
        )
        self._stream = self._feed.stream = stream_class(self._config, self._feed)

    async def load_instruments(self, wanted: Sequence[InstrumentId]) -> list[Instrument]:
        """Ask for the instruments until the exchange describes them, and return those that are wanted."""
        feed = self._opened
        for request in self._stream.instrument_requests([instrument.symbol for instrument in wanted]):
            await self._ask(request)
        return [pick_instrument(feed.instruments, instrument) for instrument in wanted]

    def trade(self, events: ExecutionEvents, trouble: Callable[[str], None]) -> ExecutionClient[Any]:
        """Make the client that trades; ``trouble`` is told of a bug in it."""
        entry = self.entry
        client_class = entry.plugin.execution()
        if client_class is None:
            raise UsageError(f"exchange plugin {entry.use!r} cannot trade, use mode: dry-run")
        self._link = LiveLink(
            entry.key,
            entry.environment,
            self._opened.url,
            clock=self._clock,
            seed=f"{self._seed}:{entry.key}:trading",
            limiter=self._limiter,
            rest=self._rest,
            trace=self._trace,
            open_connection=self._connection,
            trouble=trouble,
            warn=self._warn,
        )
        self._link.client = client_class(self._config, events, self._link)
        return self._link.client

    def subscribe(self, markets: Sequence[Market]) -> None:
        """Open the connections that bring these markets."""
        feed = self._opened
        for market in markets:
            for channel in sorted(market.channels - self._stream.channels, key=lambda each: each.value):
                self._warn_line(f"{market.instrument.id}: {self.entry.use} brings no {channel.value} data")
        feed.connect(self._stream.subscribe(markets), lambda spec: self._connection(spec, feed))

    def replace(self, market: Market) -> None:
        """Subscribe a market anew whose book stays silent."""
        self._opened.replace(market.instrument.id)

    async def close(self) -> None:
        """Close everything that `open` and `subscribe` opened."""
        if self._link is not None:
            await self._link.close()
        if self._feed is not None:
            await self._feed.close()
            await self._rest.close()
        if self._child is not None:
            await self._child.stop()

    async def _ask(self, request: Request) -> None:
        backoff = Backoff(self._random(request.url), initial_ns=500_000_000, maximum_ns=30_000_000_000)
        while True:
            await self._clock.sleep(backoff.next_ns())
            try:
                body = await self._rest.get(request)
                self._opened.on_listing(request, body, self._clock.now_ns())
            except TransportError as error:
                self._warn_line(str(error))
            except DataError as error:
                # Under maintenance an exchange answers with whatever its front page says.
                self._warn_line(f"{redact_url(request.url)}: {error}")
            else:
                return

    def _connection(self, spec: ConnectionSpec, handler: ConnectionHandler) -> Connection:
        return Connection(
            spec,
            handler,
            clock=self._clock,
            random=self._random(spec.name),
            tap=self._tap,
            limiter=self._limiter,
            warn=self._warn_line,
        )

    @property
    def _opened(self) -> LiveFeed:
        assert self._feed is not None, "open() comes first"
        return self._feed

    def _random(self, purpose: str) -> random.Random:
        return random.Random(f"{self._seed}:{self.entry.key}:{purpose}")

    def _warn_line(self, message: str) -> None:
        self._warn(f"{self.entry.key} {message[:40]}", f"{self.entry.key}: {message}")


def _with_account(config: Any, child: Child) -> Any:
    """Log in with the simulator's own account where the profile names none."""
    names = {field.name for field in attrs.fields(type(config))}
    if not child.accounts or not {"key", "secret"} <= names or config.key is not None:
        return config
    account = child.accounts[0]
    shown = {name: Secret(account[name]) for name in ("key", "secret", "passphrase") if name in names}
    return attrs.evolve(config, **shown)
