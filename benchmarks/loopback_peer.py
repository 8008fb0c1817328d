"""The exchange's end of the loopback measurement: a process of its own with a blocking socket.

``python -m benchmarks.loopback_peer`` prints its port, then for each connection one line of JSON: the
nanoseconds from before a depth frame is written until the whole order has been read. The first path
component of a connection's URL is how many frames it gets.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import time

from benchmarks.inputs import depth_input

__all__ = ["main"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_PAUSE_S = 0.0003
"""Between an order and the next frame: the client takes the answers to the order in this time."""


def main() -> None:
    """Serve connections, one at a time, until this process is ended."""
    frames = [_text(frame) for frame in depth_input(1_000).frames]
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                count = _shake_hands(connection)
                print(json.dumps(_measure(connection, frames[:count])), flush=True)


def _measure(connection: socket.socket, frames: list[bytes]) -> list[int]:
    taken = []
    _read_frame(connection)  # the client is ready
    for frame in frames:
        time.sleep(_PAUSE_S)
        begin_ns = time.perf_counter_ns()
        connection.sendall(frame)
        _read_frame(connection)
        taken.append(time.perf_counter_ns() - begin_ns)
    connection.sendall(b"\x88\x00")
    return taken


def _shake_hands(connection: socket.socket) -> int:
    """Answer the handshake; return how many frames are wanted."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    key = re.search(rb"sec-websocket-key: *(\S+)", request, re.IGNORECASE)
    wanted = re.match(rb"GET /(\d+)", request)
    assert key is not None
    assert wanted is not None
    accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    return int(wanted[1])


def _text(payload: bytes) -> bytes:
    assert 126 <= len(payload) < 2**16
    return b"\x81\x7e" + len(payload).to_bytes(2) + payload


def _read_frame(connection: socket.socket) -> None:
    """Read one masked frame with a length of 16 bits, which is what an order's is."""
    received = connection.recv(4096)
    while len(received) < 4 or len(received) < 8 + int.from_bytes(received[2:4]):
        part = connection.recv(4096)
        assert part, "the client went away"
        received += part
    assert received[1] == 0x80 | 126


if __name__ == "__main__":
    main()
