"""The quick way through a websocket's frames, held equal to the library that it goes past."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri
from websockets.utils import accept_key

from hft.net.messages import MessageReader, masking_keys, plain_frame

MAXIMUM = 70_000


def opened(maximum: int = MAXIMUM) -> ClientProtocol:
    """Return the library's protocol behind its handshake."""
    protocol = ClientProtocol(parse_uri("ws://test/"), max_size=maximum)
    protocol.send_request(protocol.connect())
    protocol.receive_data(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(protocol.key).encode() + b"\r\n\r\n"
    )
    protocol.events_received()
    protocol.data_to_send()
    assert protocol.state is State.OPEN
    return protocol


@pytest.fixture(scope="module", autouse=True)
def keys() -> Iterator[None]:
    """Let the library mask with zeros, so that what it sends can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("websockets.frames.secrets.token_bytes", bytes)
        yield


def frame(head: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((head, size)) + data
    if size < 1 << 16:
        return struct.pack("!BBH", head, 126, size) + data
    return struct.pack("!BBQ", head, 127, size) + data


payloads = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([125, 126, 127, 300, 65_535, 65_536, MAXIMUM]).map(lambda size: b"x" * size),
)
messages = st.builds(frame, st.sampled_from([0x81, 0x82]), payloads)
controls = st.builds(frame, st.sampled_from([0x89, 0x8A]), st.binary(max_size=125))
fragmented = st.builds(
    lambda first, between, last: frame(0x01, first) + between + frame(0x80, last),
    payloads,
    st.one_of(st.just(b""), controls, st.builds(frame, st.just(0x00), payloads), messages),
    payloads,
)
closes = st.sampled_from([b"\x88\x00", frame(0x88, struct.pack("!H", 1001) + b"bye"), frame(0x88, b"?")])
faults = st.one_of(
    st.builds(frame, st.integers(0, 255), payloads),
    st.just(bytes((0x81, 0x80, 1, 2, 3, 4))),  # masked
    st.just(struct.pack("!BBQ", 0x81, 127, MAXIMUM + 1)),
    st.just(struct.pack("!BBQ", 0x81, 127, 2**64 - 1)),
    st.just(struct.pack("!BBH", 0x81, 126, 3) + b"abc"),  # a size longer written than it must be
    st.just(struct.pack("!BBQ", 0x82, 127, 3) + b"abc"),
    st.just(frame(0x89, b"x" * 126)),
    st.just(bytes((0x83, 50))),  # an opcode that there is not, which the first byte tells
    st.just(frame(0x01, b"x" * (MAXIMUM - 10)) + bytes((0x80, 11))),  # the size tells that it is too much
    st.binary(max_size=30),
)
streams = st.lists(
    st.one_of(messages, messages, messages, controls, fragmented, closes, faults), max_size=8
).map(b"".join)
cuts = st.lists(st.integers(0, 200_000), max_size=12)


def chop(stream: bytes, at: list[int]) -> list[bytes]:
    points = sorted({0, len(stream), *(point % (len(stream) + 1) for point in at)})
    return [stream[start:stop] for start, stop in itertools.pairwise(points)]


def by_library(stream: bytes) -> tuple[list[bytes], list[Frame], ClientProtocol]:
    protocol = opened()
    protocol.receive_data(stream)
    whole: list[bytes] = []
    control: list[Frame] = []
    for event in protocol.events_received():
        assert isinstance(event, Frame)
        if event.opcode in (Opcode.TEXT, Opcode.BINARY):
            whole.append(bytes(event.data))
        elif event.opcode is Opcode.CONT:
            whole[-1] += event.data
        else:
            control.append(event)
    if protocol.current_size is not None:  # a message that did not end is none
        whole.pop()
    return whole, control, protocol


@given(streams, cuts)
@example(frame(0x01, b"a") + frame(0x88, b"") + frame(0x81, b"b"), [1, 2, 3, 4, 5, 6, 7, 8])
@example(frame(0x01, b"a") + frame(0x81, b"b") + frame(0x80, b"c"), [])
def test_any_chopping_of_a_stream_gives_what_the_library_gives_of_the_whole(
    stream: bytes, at: list[int]
) -> None:
    expected, expected_control, library = by_library(stream)
    protocol, control = opened(), list[Frame]()
    reader = MessageReader(protocol, MAXIMUM, control.append)
    received = [message for piece in chop(stream, at) for message in reader.feed(piece)]
    assert received == expected
    assert {type(message) for message in received} <= {bytes}
    assert [(one.opcode, bytes(one.data)) for one in control] == [
        (one.opcode, bytes(one.data)) for one in expected_control
    ]
    assert repr(protocol.parser_exc) == repr(library.parser_exc)
    assert (protocol.state, protocol.close_rcvd) == (library.state, library.close_rcvd)
    assert protocol.data_to_send() == library.data_to_send()


def test_byte_by_byte() -> None:
    stream = (
        frame(0x81, b"a" * 130) + frame(0x89, b"?") + frame(0x82, b"") + frame(0x01, b"b") + frame(0x80, b"c")
    )
    control: list[Frame] = []
    reader = MessageReader(opened(), MAXIMUM, control.append)
    found = [
        (number, message)
        for number in range(len(stream))
        for message in reader.feed(stream[number : number + 1])
    ]
    assert found == [(133, b"a" * 130), (138, b""), (144, b"bc")]
    assert [one.data for one in control] == [b"?"]


def test_messages_never_touch_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = opened()
    monkeypatch.setattr(protocol, "receive_data", None)
    reader = MessageReader(protocol, MAXIMUM, lambda _: None)
    assert reader.feed(frame(0x81, b"a") + frame(0x82, b"b" * 70_000) + frame(0x81, b"c")[:2]) == [
        b"a",
        b"b" * 70_000,
    ]
    assert reader.feed(b"c") == [b"c"]


def test_a_large_message_in_many_reads_is_put_together_once() -> None:
    size = 10_000_000
    stream = frame(0x81, b"x" * size)
    reader = MessageReader(opened(size), size, lambda _: None)
    received = [one for at in range(0, len(stream), 1000) for one in reader.feed(stream[at : at + 1000])]
    assert [len(one) for one in received] == [size]  # joined with every read it would take minutes


@given(payloads, st.binary(min_size=4, max_size=4), st.booleans())
def test_a_message_is_written_as_the_library_writes_it(data: bytes, key: bytes, text: bool) -> None:
    opcode = Opcode.TEXT if text else Opcode.BINARY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("websockets.frames.secrets.token_bytes", lambda _: key)
        assert plain_frame(data, key, text=text) == Frame(opcode, data).serialize(mask=True)


def test_no_key_is_used_twice() -> None:
    keys = list(itertools.islice(masking_keys(), 3000))
    assert {len(key) for key in keys} == {4}
    assert len(set(keys)) > 2990  # of four billion, so few meet
