"""The ring of intents: what is about to be sent, in a mapped file that a killed process leaves whole."""

from __future__ import annotations

import enum
import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs

from hft.errors import OrderError, UsageError
from hft.order import Order
from hft.types import OrderType, PositionSide, Side, TimeInForce

__all__ = ["Intent", "IntentKind", "IntentLog", "Ring", "read_intents"]

SLOTS = 4096
"""Orders that may be under way between two commits of the journal, which are a few milliseconds apart."""

_HEADER_SIZE = 4096
_SLOT_SIZE = 256
_MAGIC = b"hftintnt"

_HEADER = struct.Struct("<8sIII64s")
"""Magic, slot size, slots, run, its prefix of client ids; the checksum behind it."""

_COMMITTED = struct.Struct("<Q")
_COMMITTED_AT = (128, 192)
"""Two places, written in turn: the process may be killed within one write, not within both."""

_CRC = struct.Struct("<I")

_BODY = struct.Struct("<IIQqqqqqqqqqHBBBBBB36s36s")
"""Run, instrument, number, then times, prices and sizes, strategy, codes, flags, and both client ids."""

_WIDTH = 36
"""Longest client id of an order that an exchange takes (Binance's)."""

_NONE = -(2**63)

# By their place: new members are added behind, so that a ring can be read after an upgrade.
_SIDES = (Side.BUY, Side.SELL)
_TYPES = (OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_LIMIT, OrderType.STOP_MARKET)
_TIMES_IN_FORCE = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD)
_POSITION_SIDES = (PositionSide.BOTH, PositionSide.LONG, PositionSide.SHORT)
_SIDE_CODE = {member: code for code, member in enumerate(_SIDES)}
_TYPE_CODE = {member: code for code, member in enumerate(_TYPES)}
_TIME_IN_FORCE_CODE = {member: code for code, member in enumerate(_TIMES_IN_FORCE)}
_POSITION_SIDE_CODE = {member: code for code, member in enumerate(_POSITION_SIDES)}


class IntentKind(enum.IntEnum):
    """What is about to be sent."""

    PLACE = 1
    AMEND = 2
    CANCEL = 3


@attrs.frozen(kw_only=True)
class Intent:
    """One slot of the ring; ``instrument`` and ``strategy`` are numbers that the journal gave."""

    run: int
    number: int
    kind: IntentKind
    time_ns: int
    instrument: int
    strategy: int
    client_order_id: str
    replaces: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    post_only: bool
    reduce_only: bool
    trigger_price: int | None
    expire_ns: int
    position_side: PositionSide
    created_ns: int
    price: int | None
    size: int
    filled: int
    pending_price: int | None
    pending_size: int | None


class IntentLog:
    """A ring of fixed slots in a file mapped into memory.

    What is written there outlives the process however it ends, though not the machine's power. A slot is
    written again only after `release` of its intent; while there is none, `append` raises `OrderError`.
    """

    def __init__(self, path: Path, *, slots: int = SLOTS) -> None:
        """Open or make the file; raise `UsageError` where that cannot be."""
        size = _HEADER_SIZE + slots * _SLOT_SIZE
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # Space is taken now: a full disk would end the process at the first touch of a page.
                os.posix_fallocate(descriptor, 0, size)
                os.ftruncate(descriptor, size)
                self._map = mmap.mmap(descriptor, size)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}, mend that first") from None
        self._slots = slots
        self._run = 0
        self._written = 0
        self._released = 0
        self._turn = 0

    def begin(self, run: int, prefix: str, committed: int) -> None:
        """Start a run's intents at number 1; what other runs left here is forgotten.

        Run 0 is none: nothing is left to be seen to.
        """
        self._run, self._written, self._released = run, 0, 0
        self.commit(committed)
        self.commit(committed)
        header = _HEADER.pack(_MAGIC, _SLOT_SIZE, self._slots, run, prefix.encode())
        self._map[: len(header) + _CRC.size] = header + _CRC.pack(crc32(header))
        # So that every page is in memory before the first order; slots of other runs count for nothing.
        self._map[_HEADER_SIZE:] = bytes(len(self._map) - _HEADER_SIZE)

    def append(
        self,
        kind: int,
        order: Order,
        instrument: int,
        strategy: int,
        time_ns: int,
        pending_price: int | None,
        pending_size: int | None,
    ) -> int:
        """Write an intent and return its number; raise `OrderError` if no slot is free."""
        number = self._written + 1
        if number - self._released > self._slots:
            raise OrderError("the journal is behind, no further intent can be kept")
        client_order_id, replaces = order.client_order_id, order.replaces
        price, trigger_price = order.price, order.trigger_price
        if len(client_order_id) > _WIDTH:
            raise OrderError(f"a client id has {_WIDTH} characters at most, got {client_order_id!r}")
        body = _pack(
            self._run,
            instrument,
            number,
            time_ns,
            order.created_ns,
            _NONE if price is None else price,
            order.size,
            order.filled,
            _NONE if pending_price is None else pending_price,
            _NONE if pending_size is None else pending_size,
            _NONE if trigger_price is None else trigger_price,
            order.expire_ns,
            strategy,
            kind,
            _SIDE_CODE[order.side],
            _TYPE_CODE[order.type],
            _TIME_IN_FORCE_CODE[order.time_in_force],
            order.post_only | order.reduce_only << 1,
            _POSITION_SIDE_CODE[order.position_side],
            client_order_id.encode(),
            replaces.encode(),
        )
        at = _HEADER_SIZE + number % self._slots * _SLOT_SIZE
        self._map[at : at + _SLOT_BYTES] = body + _pack_crc(crc32(body))
        self._written = number
        return number

    def release(self, number: int) -> None:
        """Let the slots up to this intent be written again: they are in the database."""
        self._released = number

    def commit(self, seq: int) -> None:
        """Note the newest record that the database has, so that a shortened database shows."""
        body = _COMMITTED.pack(seq)
        at = _COMMITTED_AT[self._turn]
        self._map[at : at + len(body) + _CRC.size] = body + _CRC.pack(crc32(body))
        self._turn = 1 - self._turn

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()


_pack = _BODY.pack
_pack_crc = _CRC.pack
_SLOT_BYTES = _BODY.size + _CRC.size
assert _SLOT_BYTES <= _SLOT_SIZE


@attrs.frozen(kw_only=True)
class Ring:
    """What an intents file holds.

    ``run`` is 0 where nothing was left to be seen to. ``committed`` is the newest record that the database
    had, 0 where that cannot be read. ``fault`` is empty, or says what is wrong with the file as a whole.
    ``torn`` says that the slot behind the newest intent is neither empty nor whole: the process was killed
    while writing it, or it was whole and is no longer.
    """

    run: int
    slots: int
    committed: int
    intents: Mapping[int, Intent]
    fault: str
    torn: bool

    @property
    def newest(self) -> int:
        """The number of the newest intent that can be read, 0 if there is none."""
        return max(self.intents, default=0)

    def lacks(self, number: int) -> bool:
        """Say whether an intent should be here, and is not: no later one stands in its slot."""
        return number not in self.intents and self.newest - self.slots < number

    def unreadable(self, known: int) -> int:
        """Count the intents behind ``known``, the newest in the database, that were there and are not now."""
        return sum(number not in self.intents for number in range(known + 1, self.newest)) + self.torn


def read_intents(path: Path) -> Ring:
    """Read an intents file whatever its state; one that is not there is empty."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Ring(run=0, slots=SLOTS, committed=0, intents={}, fault="is missing", torn=False)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}, mend that first") from None
    fault, slots, run = "", SLOTS, 0
    header = content[: _HEADER.size]
    if len(content) < _HEADER_SIZE:
        fault = "is cut off"
    elif not _is_sealed(content, 0, _HEADER.size) or header[: len(_MAGIC)] != _MAGIC:
        fault = "has a header that is not as it was written"
    else:
        _, _, slots, run, _ = _HEADER.unpack(header)
        if len(content) < _HEADER_SIZE + slots * _SLOT_SIZE:
            fault = "is cut off"
    found = list(_whole_slots(content))
    if fault and not run:
        run = max((intent.run for intent in found), default=0)
    intents = {intent.number: intent for intent in found if intent.run == run}
    behind = _HEADER_SIZE + (max(intents, default=0) + 1) % slots * _SLOT_SIZE
    torn = any(content[behind : behind + _SLOT_BYTES]) and not _is_sealed(content, behind, _BODY.size)
    return Ring(run=run, slots=slots, committed=_committed(content), intents=intents, fault=fault, torn=torn)


def _committed(content: bytes) -> int:
    places = [at for at in _COMMITTED_AT if _is_sealed(content, at, _COMMITTED.size)]
    return max((_COMMITTED.unpack_from(content, at)[0] for at in places), default=0)


def _is_sealed(content: bytes, at: int, size: int) -> bool:
    sealed = content[at : at + size + _CRC.size]
    return len(sealed) == size + _CRC.size and _CRC.pack(crc32(sealed[:size])) == sealed[size:]


def _whole_slots(content: bytes) -> Iterator[Intent]:
    for at in range(_HEADER_SIZE, len(content) - _SLOT_BYTES + 1, _SLOT_SIZE):
        if _is_sealed(content, at, _BODY.size):
            body = _BODY.unpack_from(content, at)
            if body[2]:  # an empty slot's checksum is that of zeros
                yield _intent(body)


def _intent(body: tuple[Any, ...]) -> Intent:
    run, instrument, number, time_ns, created_ns = body[:5]
    price, size, filled, pending_price, pending_size, trigger_price, expire_ns = body[5:12]
    strategy, kind, side, type_, time_in_force, flags, position_side, client_order_id, replaces = body[12:]
    return Intent(
        run=run,
        number=number,
        kind=IntentKind(kind),
        time_ns=time_ns,
        instrument=instrument,
        strategy=strategy,
        client_order_id=client_order_id.rstrip(b"\0").decode(),
        replaces=replaces.rstrip(b"\0").decode(),
        side=_SIDES[side],
        type=_TYPES[type_],
        time_in_force=_TIMES_IN_FORCE[time_in_force],
        post_only=bool(flags & 1),
        reduce_only=bool(flags & 2),
        trigger_price=_count(trigger_price),
        expire_ns=expire_ns,
        position_side=_POSITION_SIDES[position_side],
        created_ns=created_ns,
        price=_count(price),
        size=size,
        filled=filled,
        pending_price=_count(pending_price),
        pending_size=_count(pending_size),
    )


def _count(stored: int) -> int | None:
    return None if stored == _NONE else stored
