"""Messages of a websocket into bytes and back: plain frames here, everything else in the library."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

try:
    from websockets.speedups import apply_mask
except ImportError:  # the library comes without it where it could not be compiled
    from websockets.utils import apply_mask

__all__ = ["MessageReader", "masking_keys", "plain_frame"]

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)

# First bytes of frames (RFC 6455, section 5.2): FIN, three reserved bits, opcode.
_WHOLE_TEXT, _WHOLE_BINARY = _WHOLE = 0x81, 0x82
_OTHERS = frozenset({0x00, 0x01, 0x02, 0x80, 0x88, 0x89, 0x8A})
"""Fragments and control frames; what is not among them is for the library to refuse."""

# Second bytes: the size, or where it stands.
_SIZE_IN_2, _SIZE_IN_8 = 126, 127
_MASKED = 0x80

_KEY_BYTES = 4
_ENTROPY_BYTES = 4096
"""Keys are drawn from the system in blocks: a system call for each would take a third of a send's time."""


def masking_keys() -> Iterator[bytes]:
    """Yield keys that nobody can foretell, each once, as RFC 6455 (section 5.3) asks of a client."""
    while True:
        entropy = os.urandom(_ENTROPY_BYTES)
        for at in range(0, _ENTROPY_BYTES, _KEY_BYTES):
            yield entropy[at : at + _KEY_BYTES]


def plain_frame(data: bytes, key: bytes, *, text: bool) -> bytes:
    """Return a client's message as one frame, masked with ``key``."""
    head = _WHOLE_TEXT if text else _WHOLE_BINARY
    size = len(data)
    if size < _SIZE_IN_2:
        header = bytes((head, _MASKED | size))
    elif size < 1 << 16:
        header = bytes((head, _MASKED | _SIZE_IN_2)) + size.to_bytes(2)
    else:
        header = bytes((head, _MASKED | _SIZE_IN_8)) + size.to_bytes(8)
    return header + key + apply_mask(data, key)


class MessageReader:
    """Cuts bytes into messages, and gives ``protocol`` the frames that are no message by themselves.

    A whole frame without reserved bits is a message, and cutting it out takes a fraction of the library's
    time. Fragments, pings, pongs and closes go to the library, each frame once it is complete. Behind what
    breaks the protocol, or ends it, it gets every byte as it comes, and decides alone. ``on_control``
    takes its control frames. What it wants sent, and the fault if there is one, stays in ``protocol``.
    """

    __slots__ = (
        "_fragments",
        "_given_up",
        "_have",
        "_maximum",
        "_missing",
        "_on_control",
        "_parts",
        "_protocol",
        "_room",
    )

    def __init__(
        self, protocol: ClientProtocol, max_message_bytes: int, on_control: Callable[[Frame], None]
    ) -> None:
        self._protocol = protocol
        self._maximum = max_message_bytes
        self._room = max_message_bytes  # what the fragments of a message have left of it
        self._on_control = on_control
        self._parts: list[bytes] = []
        self._have = 0
        self._missing = 0
        self._fragments: list[bytes | bytearray | memoryview] = []
        self._given_up = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that these bytes complete, in their order."""
        messages: list[bytes] = []
        if self._given_up:
            self._give(data, messages)
            return messages
        if self._missing:
            # Joined once and not again with every read: a snapshot may take hundreds of them.
            self._parts.append(data)
            self._have += len(data)
            if self._have < self._missing:
                return messages
            data = b"".join(self._parts)
            self._parts.clear()
            self._missing = 0
        at, end = 0, len(data)
        while at < end:
            start = at + 2
            if start > end:
                return self._wait(data, at, start, messages)
            head, size = data[at], data[at + 1]
            if size == _SIZE_IN_2:
                start = at + 4
                if start > end:
                    return self._wait(data, at, start, messages)
                size = data[at + 2] << 8 | data[at + 3]
            elif size == _SIZE_IN_8:
                start = at + 10
                if start > end:
                    return self._wait(data, at, start, messages)
                size = int.from_bytes(data[at + 2 : start])
            elif size > _SIZE_IN_8:  # masked, which only clients do
                break
            stop = start + size
            plain = head in _WHOLE
            if size > self._room or not (plain or head in _OTHERS):
                break
            if stop > end:
                return self._wait(data, at, stop, messages)
            if plain and not self._fragments:
                messages.append(data[start:stop])
            elif not self._give(data[at:stop], messages):
                at = stop
                break
            at = stop
        if at < end:
            self._given_up = True
            self._give(data[at:], messages)
        return messages

    def _wait(self, data: bytes, at: int, until: int, messages: list[bytes]) -> list[bytes]:
        """Keep what there is of a frame, of which the bytes up to ``until`` are needed next."""
        self._parts.append(data[at:])
        self._have = len(data) - at
        self._missing = until - at
        return messages

    def _give(self, data: bytes, messages: list[bytes]) -> bool:
        """Let the library read; say whether the connection is still open."""
        protocol = self._protocol
        protocol.receive_data(data)
        for frame in protocol.events_received():
            assert isinstance(frame, Frame), "the handshake is over"
            if frame.opcode not in _DATA:
                self._on_control(frame)
                continue
            self._fragments.append(frame.data)
            self._room -= len(frame.data)
            if frame.fin:
                messages.append(b"".join(self._fragments))
                self._fragments.clear()
                self._room = self._maximum
        if protocol.state is not State.OPEN:
            self._given_up = True
        return not self._given_up
