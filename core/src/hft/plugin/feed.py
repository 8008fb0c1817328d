"""Join a market-data stream, which does no I/O, to what brings its frames."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hft.clock import Clock
from hft.depth_path import DepthPaths
from hft.errors import DecodeError
from hft.instrument import Instrument
from hft.latency import UNTRACED, Trace
from hft.net.spec import Request
from hft.plugin.market_data import Feed, MarketDataStream

if TYPE_CHECKING:  # reading captures takes libraries that nothing else here needs
    from hft.capture import CaptureRecord

__all__ = ["RecordedFeed", "StreamFeed"]

_SHOWN_BYTES = 200
"""How much of a frame that could not be understood is logged."""

_KEY_CHARACTERS = 60
"""Warnings that begin alike are one warning, whose rate is limited."""


def _ignore(_key: str, _line: str) -> None:
    """Say nothing."""


class StreamFeed(Feed):
    """Gives one exchange's stream its frames and answers, and keeps what it says of them.

    `on_frame` is the first step of the hot path. ``instruments`` are those published, by unified
    symbol; ``listings`` counts the publications. ``warn`` takes a key, by which it limits the rate,
    and a line.
    """

    stream: MarketDataStream[Any]

    def __init__(
        self,
        exchange: str,
        environment: str,
        url: str | None = None,
        *,
        clock: Clock,
        seed: str = "",
        trace: Trace = UNTRACED,
        warn: Callable[[str, str], None] = _ignore,
    ) -> None:
        self.exchange = exchange
        self.environment = environment
        self.url = url
        self.clock = clock
        self.random = random.Random(seed)
        self.instruments: dict[str, Instrument] = {}
        self.listings = 0
        self.frames = 0
        self.undecoded_frames = 0
        self._paths: dict[str, DepthPaths] = {}
        self._trace = trace
        self._warn = warn

    # -- what the stream calls -------------------------------------------------------------------

    def publish(self, instruments: Iterable[Instrument]) -> None:
        self.listings += 1
        self.instruments.update((instrument.symbol, instrument) for instrument in instruments)

    def use_paths(self, conn: str, paths: DepthPaths) -> None:
        self._paths[conn] = paths

    def undecoded(self, conn: str, data: bytes, reason: str) -> None:
        self.undecoded_frames += 1
        shown = data[:_SHOWN_BYTES]
        rest = f"... ({len(data)} bytes)" if len(data) > _SHOWN_BYTES else ""
        self._warn(f"undecoded {conn}", f"{self.exchange}: frame not understood: {reason}: {shown!r}{rest}")

    def warn(self, message: str) -> None:
        self._warn(f"{self.exchange} {message[:_KEY_CHARACTERS]}", f"{self.exchange}: {message}")

    # -- what brings frames calls ----------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        """Tell the stream that a connection is open."""
        self.stream.on_open(conn, recv_ns)

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        """Give the stream a frame; one that it does not understand is counted and does no harm."""
        self.frames += 1
        try:
            paths = self._paths.get(conn)
            if paths is not None and paths.take(data, recv_ns, self._trace):
                return
            self._trace.begin(recv_ns)
            self.stream.on_frame(conn, data, recv_ns)
        except DecodeError as error:
            self.undecoded(conn, data, str(error))
        except Exception as error:
            # A bug in the plugin: the books of this connection can no longer be relied on.
            self.undecoded(conn, data, f"bug in the plugin: {type(error).__name__}: {error}")
            self.stream.on_close(conn, recv_ns)
            self.stream.on_open(conn, recv_ns)
        self._trace.end()

    def on_close(self, conn: str, recv_ns: int) -> None:
        """Tell the stream that a connection broke."""
        self.stream.on_close(conn, recv_ns)

    def on_listing(self, request: Request, body: bytes, recv_ns: int) -> None:
        """Give the stream the answer to one of its requests for instruments; raise what it raises."""
        self.stream.on_response(request, body, recv_ns)

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        """Give the stream an answer; one that it does not understand is a request that failed."""
        try:
            self.stream.on_response(request, body, recv_ns)
        except Exception as error:  # a bug as well: who asked waits for an answer
            bug = "" if isinstance(error, DecodeError) else f"bug in the plugin: {type(error).__name__}: "
            self.undecoded(request.url, body, f"{bug}{error}")
            self.stream.on_request_failed(request, str(error), recv_ns)

    def on_request_failed(self, request: Request, reason: str, recv_ns: int) -> None:
        """Tell the stream that a request got no answer."""
        self.stream.on_request_failed(request, reason, recv_ns)


class RecordedFeed(StreamFeed):
    """The feed of a stream whose frames and answers come from a capture."""

    def request(self, request: Request) -> None:
        """Drop it: the answers are in the capture."""

    def send(self, conn: str, data: bytes) -> None:
        """Drop it: what was sent is in the capture."""

    def rotate(self, conn: str) -> None:
        """Drop it: what the connections did is in the capture."""

    def play(self, record: CaptureRecord) -> None:
        """Give the stream one record of its exchange."""
        match record.dir:
            case "recv":
                self.on_frame(record.conn, record.payload, record.t)
            case "http":
                self.on_response(_asked(record), record.payload, record.t)
            case "failed":
                self.on_request_failed(_asked(record), record.payload.decode(), record.t)
            case "open":
                self.on_open(record.conn, record.t)
            case "close":
                self.on_close(record.conn, record.t)


def _asked(record: CaptureRecord) -> Request:
    return Request(url=record.conn, body=(record.req or "").encode())
