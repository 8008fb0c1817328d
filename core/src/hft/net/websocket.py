"""Websockets on the ``websockets`` library's sans-I/O protocol, without a task hop per frame.

``asyncio`` calls `WebsocketTransport.data_received` with what it read; every message in it is handed
on before that returns. Sending writes to the socket before it returns. Messages that are one plain frame
are read and written past the library, see `hft.net.messages`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import cache
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

from hft.capture.redact import redact_text, redact_url
from hft.clock import NS_PER_S, Clock, Timer
from hft.errors import TransportError
from hft.net.messages import MessageReader, masking_keys, plain_frame
from hft.net.status import StatusError, retry_after_ns
from hft.net.transport import TransportOptions

__all__ = ["WebsocketTransport", "connect"]

_SHOWN_BYTES = 200
_DEFAULTS = TransportOptions()

# At DEBUG the library logs every frame, and a login frame holds a secret.
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.WARNING)

# Attributes of an enum are looked up through its metaclass; the hot path compares with globals.
_PONG, _CLOSE = Opcode.PONG, Opcode.CLOSE
_OPEN = State.OPEN

_END_OF_HEADERS = b"\r\n\r\n"


async def connect(
    url: str,
    *,
    on_frame: Callable[[bytes, int], None],
    on_lost: Callable[[str], None],
    clock: Clock,
    options: TransportOptions = _DEFAULTS,
) -> WebsocketTransport:
    """Open a websocket; see `hft.net.transport.Connect`.

    Redirects are not followed, compression is not offered: inflating costs more than the bytes.
    """
    shown = redact_url(url)
    try:
        uri = parse_uri(url)
    except (InvalidURI, ValueError):
        raise TransportError(f"{shown!r} is not the URL of a websocket, write wss://host/path") from None
    transport = WebsocketTransport(uri, on_frame=on_frame, on_lost=on_lost, clock=clock, options=options)
    context = (options.ssl or _default_context()) if uri.secure else None
    is_ours = False
    try:
        async with asyncio.timeout(options.handshake_timeout_ns / NS_PER_S):
            await asyncio.get_running_loop().create_connection(
                lambda: transport,
                uri.host,
                uri.port,
                ssl=context,
                server_hostname=uri.host if uri.secure else None,
            )
            is_ours = True
            await transport.opened
    except BaseException as error:  # whatever ends it, being cancelled as well, must leave no socket behind
        transport.opened.cancel()
        transport.abort()
        if is_ours:
            await transport.wait_closed()
        # Otherwise the event loop has closed it, and uvloop does not tell protocols of that.
        if isinstance(error, TimeoutError):
            seconds = options.handshake_timeout_ns / NS_PER_S
            raise TransportError(f"{shown}: no answer to the handshake within {seconds:g} s") from None
        if isinstance(error, (OSError, ValueError, InvalidStatus)):
            raise _refusal(shown, error, clock) from None
        raise
    return transport


class WebsocketTransport(asyncio.Protocol):
    """One websocket; see `hft.net.transport.Transport`."""

    def __init__(
        self,
        uri: WebSocketURI,
        *,
        on_frame: Callable[[bytes, int], None],
        on_lost: Callable[[str], None],
        clock: Clock,
        options: TransportOptions,
    ) -> None:
        self.rtt_ns: int | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._clock = clock
        self._now_ns = clock.now_ns
        self._options = options
        self._protocol = ClientProtocol(uri, max_size=options.max_message_bytes, logger=_logger)
        self._socket: asyncio.Transport | None = None
        self._closed = asyncio.Event()
        self._closed.set()
        self._reader = MessageReader(self._protocol, options.max_message_bytes, self._on_control)
        self._keys = masking_keys()
        self._headers = b""
        self._upgraded = False
        self._reason = ""
        self._pinged_ns = 0
        self._cut: Timer | None = None

    # -- what the connection manager calls ---------------------------------------------------------

    def send(self, data: bytes, *, text: bool = True) -> bool:
        # The state as well: a close frame may stand behind the message that is being handled.
        if self._reason or self._protocol.state is not _OPEN:
            return False
        assert self._socket is not None, "it was open"
        self._socket.write(plain_frame(data, next(self._keys), text=text))
        return not self._reason

    def ping(self) -> None:
        if self._reason or self._protocol.state is not _OPEN:
            return
        self._pinged_ns = self._now_ns()
        self._protocol.send_ping(self._pinged_ns.to_bytes(8))
        self._flush()

    def close(self) -> None:
        if self._reason or self._protocol.state is not _OPEN:
            return
        self._reason = "closed by us"
        self._protocol.send_close(1000)
        self._flush()
        self._cut = self._clock.call_later(self._options.close_timeout_ns, self.abort)

    def abort(self) -> None:
        self._reason = self._reason or "cut by us"
        if self._socket is not None:
            self._socket.abort()

    async def wait_closed(self) -> None:
        await self._closed.wait()

    # -- what asyncio calls ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = socket = cast("asyncio.Transport", transport)
        self._closed.clear()
        socket.set_write_buffer_limits(high=self._options.max_unsent_bytes)
        request = self._protocol.connect()
        request.headers.update({"User-Agent": "hft", **self._options.headers})
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        recv_ns = self._now_ns()
        if not self._upgraded:
            data = self._shake_hands(data)
        # Control frames are answered before the first message is handed on: its handler may take its time.
        messages = self._reader.feed(data) if self._upgraded else ()
        for message in messages:
            self._on_frame(message, recv_ns)
        if self._protocol.parser_exc is not None:
            self._flush()
            self._finish(f"the exchange broke the protocol: {self._protocol.parser_exc}")

    def eof_received(self) -> None:
        self._protocol.receive_eof()

    def pause_writing(self) -> None:
        # From within send(): the loss is told later, by connection_lost.
        limit = self._options.max_unsent_bytes
        self._reason = self._reason or f"more than {limit} bytes could not be sent"
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cut is not None:
            self._cut.cancel()
        self._protocol.receive_eof()
        self._reason = self._reason or (str(exc) if exc else "the socket was closed without a word")
        if self.opened.done():
            if not self.opened.cancelled() and self.opened.exception() is None:
                self._on_lost(self._reason)
        else:
            self.opened.set_exception(exc or self._handshake_error())
        self._closed.set()

    # -- frames ------------------------------------------------------------------------------------

    def _shake_hands(self, data: bytes) -> bytes:
        """Let the library read the answer to the handshake; return the bytes behind it."""
        protocol = self._protocol
        before = len(self._headers)
        self._headers += data
        end = self._headers.find(_END_OF_HEADERS, max(0, before - len(_END_OF_HEADERS)))
        cut = len(data) if end < 0 else end + len(_END_OF_HEADERS) - before
        protocol.receive_data(data[:cut])
        self._upgraded = end >= 0 and protocol.state is _OPEN
        if not self._upgraded:
            protocol.receive_data(data[cut:])
        self._flush()
        for event in protocol.events_received():
            assert isinstance(event, Response), "there are no frames in a handshake"
        if self.opened.done():
            pass  # nobody waits any more
        elif self._upgraded:
            self.opened.set_result(None)
        elif protocol.handshake_exc is not None:
            self.opened.set_exception(self._handshake_error())
        return data[cut:]

    def _on_control(self, frame: Frame) -> None:
        self._flush()
        if frame.opcode is _PONG:
            if frame.data == self._pinged_ns.to_bytes(8):
                self.rtt_ns = self._now_ns() - self._pinged_ns
        elif frame.opcode is _CLOSE:
            close = self._protocol.close_rcvd
            self._finish("closed by the exchange" + (f": {close.code} {close.reason!r}" if close else ""))

    def _finish(self, reason: str) -> None:
        """Close the socket once what was written is sent, and soon in any case."""
        self._reason = self._reason or reason
        if self._socket is not None:
            self._socket.close()
        if self._cut is None:
            self._cut = self._clock.call_later(self._options.close_timeout_ns, self.abort)

    def _handshake_error(self) -> Exception:
        error = self._protocol.handshake_exc
        if isinstance(error, InvalidStatus):
            return error
        # Which other exceptions these are differs from one version of the library to the next.
        cause = error.__cause__ if error is not None else None
        return ConnectionError(
            f"no websocket answers: {error or self._reason}" + (f": {cause}" if cause else "")
        )

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and self._socket is not None:
                self._socket.write(data)


@cache
def _default_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _refusal(shown: str, error: Exception, clock: Clock) -> TransportError:
    if not isinstance(error, InvalidStatus):
        return TransportError(f"{shown}: {redact_text(str(error))}")
    response = error.response
    status = response.status_code
    header = next(iter(response.headers.get_all("Retry-After")), None)
    if 300 <= status < 400:
        target = redact_url(next(iter(response.headers.get_all("Location")), ""))
        message = f"{shown}: redirected to {target!r}, which is not followed; use that URL"
    else:
        message = f"{shown}: refused with status {status}: {bytes(response.body[:_SHOWN_BYTES])!r}"
    return StatusError(message, status=status, retry_after_ns=retry_after_ns(header, clock.now_ns()))
