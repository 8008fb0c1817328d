"""The transport against a real websocket server, and against raw sockets that misbehave."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import shutil
import socket as sockets
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from hft.clock import NS_PER_S, SystemClock
from hft.errors import TransportError
from hft.net.status import StatusError
from hft.net.transport import TransportOptions
from hft.net.websocket import WebsocketTransport, connect

SOON_S = 5


class Peer:
    """What the transport under test told us."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()
        self.times: list[int] = []
        self.losses: list[str] = []
        self.clock = SystemClock()
        self.on_frame: Callable[[bytes, int], None] = self._keep
        self.transport: WebsocketTransport

    def _keep(self, data: bytes, recv_ns: int) -> None:
        self.frames.put_nowait(data)
        self.times.append(recv_ns)

    async def open(self, url: str, **options: Any) -> WebsocketTransport:
        self.transport = await connect(
            url,
            on_frame=lambda data, recv_ns: self.on_frame(data, recv_ns),
            on_lost=self.losses.append,
            clock=self.clock,
            options=TransportOptions(**{"close_timeout_ns": NS_PER_S // 5, **options}),
        )
        return self.transport

    async def frame(self) -> bytes:
        async with asyncio.timeout(SOON_S):
            return await self.frames.get()

    async def lost(self) -> str:
        async with asyncio.timeout(SOON_S):
            await self.transport.wait_closed()
        (reason,) = self.losses
        return reason


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    yield peer
    if hasattr(peer, "transport"):
        peer.transport.abort()
        await peer.transport.wait_closed()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@contextlib.asynccontextmanager
async def server(
    handler: Callable[[ServerConnection], Awaitable[None]], **options: Any
) -> AsyncIterator[str]:
    options = {"close_timeout": 0.2, **options}
    async with serve(handler, "127.0.0.1", 0, **options) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        yield f"{'wss' if 'ssl' in options else 'ws'}://127.0.0.1:{port}/ws"


@contextlib.asynccontextmanager
async def raw_server(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    handshake: bool = True,
) -> AsyncIterator[str]:
    """Serve bytes as they are, behind a valid handshake if wanted."""
    done: list[asyncio.Event] = []

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.Event()
        done.append(ended)
        with contextlib.suppress(ConnectionError):
            request = await reader.readuntil(b"\r\n\r\n")
            if handshake:
                writer.write(accept(request))
            await handler(reader, writer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    running = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/ws"
    finally:
        running.close()
        async with asyncio.timeout(SOON_S):
            for ended in done:
                await ended.wait()
        await running.wait_closed()
        await asyncio.sleep(0)


def accept(request: bytes) -> bytes:
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    digest = base64.b64encode(hashlib.sha1(key.split(b":")[1].strip() + guid).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n"
    )


def frame(opcode: int, data: bytes, *, fin: bool = True) -> bytes:
    head = (0x80 if fin else 0) | opcode
    if len(data) < 126:
        return struct.pack("!BB", head, len(data)) + data
    return struct.pack("!BBH", head, 126, len(data)) + data


TEXT, CONT, CLOSE, PING, PONG = 1, 0, 8, 9, 10


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def until_eof(reader: asyncio.StreamReader) -> bytes:
    return await reader.read()


# -- messages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 200, 65_535, 65_536, 3_000_000])
async def test_messages_of_every_length_go_there_and_back(peer: Peer, size: int) -> None:
    async with server(echo, max_size=None) as url:
        transport = await peer.open(url, max_unsent_bytes=8 * 1024 * 1024)
        message = bytes(97 + number % 26 for number in range(size))
        assert transport.send(message)
        received = await peer.frame()
        assert received == message
        assert type(received) is bytes


async def test_binary_messages_are_sent_as_such(peer: Peer) -> None:
    kinds: list[type] = []

    async def note(connection: ServerConnection) -> None:
        async for message in connection:
            kinds.append(type(message))
            await connection.send(message)

    async with server(note) as url:
        transport = await peer.open(url)
        transport.send(b"\xff\x00", text=False)
        assert await peer.frame() == b"\xff\x00"
        transport.send("ä".encode())
        assert await peer.frame() == "ä".encode()
    assert kinds == [bytes, str]


async def test_fragments_are_joined_also_around_a_ping(peer: Peer) -> None:
    async def fragments(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in (
            frame(TEXT, b"one ", fin=False),
            frame(PING, b"?"),
            frame(CONT, b"two ", fin=False),
            frame(CONT, b"three"),
            frame(TEXT, b"whole"),
        ):
            for byte in piece:
                writer.write(bytes([byte]))
        await until_eof(reader)

    async with raw_server(fragments) as url:
        await peer.open(url)
        assert await peer.frame() == b"one two three"
        assert await peer.frame() == b"whole"
        peer.transport.abort()


async def test_every_frame_of_one_read_has_its_time_and_comes_before_the_read_returns(peer: Peer) -> None:
    frames: list[bytes] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until_eof(reader)

    async with raw_server(silent) as url:
        transport = await peer.open(url)
        peer.on_frame = lambda data, recv_ns: (frames.append(data), peer.times.append(recv_ns))[0]
        transport.data_received(frame(TEXT, b"a") + frame(TEXT, b"b") + frame(TEXT, b"c")[:2])
        assert frames == [b"a", b"b"]
        transport.data_received(b"c")
        assert frames == [b"a", b"b", b"c"]
        assert peer.times[0] == peer.times[1] < peer.times[2]
        transport.abort()


async def test_frames_right_behind_the_handshake_are_not_lost(peer: Peer) -> None:
    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(TEXT, b"first"))
        await until_eof(reader)

    async with raw_server(eager) as url:
        await peer.open(url)
        assert await peer.frame() == b"first"
        peer.transport.abort()


async def test_a_ping_is_answered_with_its_payload_before_the_handler_runs(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.append(await reader.readexactly(2 + 4 + 5))

    async with raw_server(take) as url:
        transport = await peer.open(url)
        order: list[str] = []
        socket = transport._socket
        assert socket is not None
        write = socket.write

        class Noting:
            def write(self, data: bytes) -> None:
                order.append("pong")
                write(data)

        monkeypatch.setattr(transport, "_socket", Noting())
        peer.on_frame = lambda data, recv_ns: order.append("handler")
        transport.data_received(frame(TEXT, b"work") + frame(PING, b"hello"))
        assert order == ["pong", "handler"]
        monkeypatch.undo()
        await peer.lost()
    head, mask, masked = answers[0][:2], answers[0][2:6], answers[0][6:]
    assert head == bytes([0x80 | PONG, 0x80 | 5])
    assert bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked)) == b"hello"


async def test_our_ping_measures_the_round_trip(peer: Peer) -> None:
    async with server(echo) as url:
        transport = await peer.open(url)
        assert transport.rtt_ns is None
        transport.ping()
        transport.send(b"x")
        await peer.frame()
        assert transport.rtt_ns is not None
        assert 0 < transport.rtt_ns < SOON_S * NS_PER_S


# -- handshakes ------------------------------------------------------------------------------------


def answer(status: int, headers: dict[str, str], body: bytes = b"") -> Callable[..., Response]:
    def process(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(status, body.decode())
        response.headers.update(headers)
        return response

    return process


async def test_redirects_are_not_followed(peer: Peer) -> None:
    redirect = answer(302, {"Location": "wss://elsewhere.test/x?signature=abc"})
    async with server(echo, process_request=redirect) as url:
        with pytest.raises(StatusError, match="redirected to 'wss://elsewhere") as caught:
            await peer.open(url)
    assert caught.value.status == 302
    assert "abc" not in str(caught.value)


async def test_a_refusal_says_status_body_and_when_to_come_back(peer: Peer) -> None:
    refusal = answer(429, {"Retry-After": "17"}, b"slow down")
    async with server(echo, process_request=refusal) as url:
        with pytest.raises(StatusError, match="refused with status 429: b'slow down'") as caught:
            await peer.open(f"{url}?listenKey=hush")
    assert caught.value.retry_after_ns == 17 * NS_PER_S
    assert "hush" not in str(caught.value)


async def test_no_answer_to_the_handshake(peer: Peer) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until_eof(reader)

    async with raw_server(silent, handshake=False) as url:
        with pytest.raises(TransportError, match=r"no answer to the handshake within 0\.05 s"):
            await peer.open(url, handshake_timeout_ns=NS_PER_S // 20)


@pytest.mark.parametrize(
    "reply", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 101 Ok\r\n\r\n", b"x" * 100_000 + b"\r\n"]
)
async def test_something_else_answers(peer: Peer, reply: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)

    async with raw_server(other, handshake=False) as url:
        with pytest.raises(TransportError, match=r"ws://127\.0\.0\.1:\d+/ws: no websocket answers: \S"):
            await peer.open(url)


async def test_nobody_listens(peer: Peer) -> None:
    with sockets.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with pytest.raises(TransportError, match=r"ws://127\.0\.0\.1:.*Connect call failed"):
            await peer.open(f"ws://127.0.0.1:{port}/?listenKey=hush")


@pytest.mark.parametrize("url", ["http://x/", "wss://", "nonsense", "ws://x:port/", "ws://x/#2"])
async def test_what_is_no_url(peer: Peer, url: str) -> None:
    with pytest.raises(TransportError, match="is not the URL of a websocket"):
        await peer.open(url)


async def test_cancelling_the_handshake_leaves_nothing(peer: Peer) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await until_eof(reader) == b""

    async with raw_server(silent, handshake=False) as url:
        opening = asyncio.ensure_future(peer.open(url))
        await asyncio.sleep(0.02)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert peer.losses == []


async def test_headers_are_sent(peer: Peer) -> None:
    seen: list[str] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.extend(connection.request.headers[name] for name in ("User-Agent", "X-Test"))
        assert "Sec-WebSocket-Extensions" not in connection.request.headers

    async with server(note) as url:
        await peer.open(url, headers={"X-Test": "yes"})
        await peer.lost()
    assert seen == ["hft", "yes"]


# -- TLS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is needed to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=test",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder


async def test_tls_is_verified(peer: Peer, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    async with server(echo, ssl=context) as url:
        with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"):
            await peer.open(url)
        trusting = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
        transport = await peer.open(url, ssl=trusting)
        transport.send(b"secret")
        assert await peer.frame() == b"secret"
        transport.close()
        assert await peer.lost() == "closed by us"


# -- ends ------------------------------------------------------------------------------------------


async def test_we_close(peer: Peer) -> None:
    codes: list[int | None] = []

    async def note(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.append(connection.protocol.close_code)

    async with server(note) as url:
        transport = await peer.open(url)
        transport.close()
        assert not transport.send(b"too late")
        assert peer.losses == [], "the loss is told by the loop, never from within a call"
        assert await peer.lost() == "closed by us"
    assert codes == [1000]


@pytest.mark.parametrize(
    ("code", "reason"), [(1001, "maintenance"), (1008, "too many\nrequests"), (4000, "")]
)
async def test_the_exchange_closes(peer: Peer, code: int, reason: str) -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    async with server(close) as url:
        await peer.open(url)
        assert await peer.lost() == f"closed by the exchange: {code} {reason!r}"
        assert not peer.transport.send(b"x")


async def test_a_reply_to_the_message_in_front_of_a_close_is_refused_not_raised(peer: Peer) -> None:
    sent: list[bool] = []
    peer.on_frame = lambda data, recv_ns: sent.append(peer.transport.send(b"reply"))

    async def last_words(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(6)
        writer.write(frame(TEXT, b"bye") + frame(CLOSE, struct.pack("!H", 1001)))
        await until_eof(reader)

    async with raw_server(last_words) as url:
        transport = await peer.open(url)
        transport.ping()
        await peer.lost()
    assert sent == [False]


async def test_the_exchange_resets(peer: Peer) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(6)
        raw = writer.get_extra_info("socket")
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with raw_server(reset) as url:
        transport = await peer.open(url)
        transport.ping()
        assert "reset by peer" in await peer.lost()


async def test_the_socket_ends_without_a_close_frame(peer: Peer) -> None:
    async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(TEXT, b"half of a frame")[:7])

    async with raw_server(vanish) as url:
        await peer.open(url)
        assert await peer.lost() == "the socket was closed without a word"
    assert peer.frames.empty()


async def test_an_exchange_that_ignores_our_close_is_cut(peer: Peer) -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until_eof(reader)

    async with raw_server(ignore) as url:
        transport = await peer.open(url, close_timeout_ns=NS_PER_S // 50)
        transport.close()
        assert await peer.lost() == "closed by us"


@pytest.mark.parametrize(
    ("faulty", "why"),
    [
        (frame(3, b""), "invalid opcode"),
        (frame(CONT, b"x"), "unexpected continuation"),
        (bytes([0xC1, 0]), "reserved bits"),
        (bytes([0x81, 0x80, 1, 2, 3, 4]), "incorrect masking"),
        (struct.pack("!BBQ", 0x81, 127, 1025), "frame with 1025 bytes"),
        (frame(TEXT, b"x" * 600, fin=False) + frame(CONT, b"x" * 600), "exceeds limit"),
    ],
)
async def test_frames_that_break_the_protocol_end_the_connection(peer: Peer, faulty: bytes, why: str) -> None:
    async def break_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(TEXT, b"good") + faulty)
        await until_eof(reader)

    async with raw_server(break_it) as url:
        await peer.open(url, max_message_bytes=1024)
        reason = await peer.lost()
    assert reason.startswith("the exchange broke the protocol")
    assert why in reason
    assert [peer.frames.get_nowait()] == [b"good"]
    assert peer.frames.empty()


async def test_an_exchange_that_does_not_read_is_left(peer: Peer) -> None:
    hold = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await hold.wait()
        writer.transport.abort()

    async with raw_server(deaf) as url:
        transport = await peer.open(url, max_unsent_bytes=1_000_000)
        assert transport._socket is not None
        sent, waiting = 0, 0
        while transport.send(b"x" * 10_000):
            sent, waiting = sent + 1, transport._socket.get_write_buffer_size()
            assert sent < 10_000, "the buffer must be bounded"
        assert 980_000 < waiting <= 1_000_000
        assert peer.losses == [], "the loss is told by the loop, never from within a call"
        assert await peer.lost() == "more than 1000000 bytes could not be sent"
        hold.set()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("steps", range(6))
def test_opening_a_socket_can_be_given_up_at_any_moment(loop: str, steps: int) -> None:
    async def give_up() -> None:
        unretrieved: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: unretrieved.append(str(what)))
        async with serve(echo, "127.0.0.1", 0) as listening:
            url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
            opening = asyncio.ensure_future(
                connect(url, on_frame=lambda *_: None, on_lost=lambda _: None, clock=SystemClock())
            )
            for _ in range(steps):
                await asyncio.sleep(0)
            opening.cancel()
            done, _ = await asyncio.wait([opening], timeout=2)
            assert done, "it hangs"
            del opening, done
            await asyncio.sleep(0.01)
            gc.collect()
        assert not unretrieved

    factory = None if loop == "asyncio" else pytest.importorskip("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(give_up())
