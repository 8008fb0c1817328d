"""Records of a damaged database: whatever page holds one whose checksum is right, it is true.

The format of pages, cells and records is SQLite's published one (https://www.sqlite.org/fileformat2.html).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import attrs

from hft.journal.database import PAGE_SIZE
from hft.journal.schema import FILLS, FILLS_1, TABLES, Row, Table, fill_of_version_1

__all__ = ["whole_rows"]

_LEAF = 0x0D
"""The first byte of a page of table rows."""

_LEAF_HEADER = 8
_WAL_HEADER = 32
_FRAME_HEADER = 24
_LARGEST_LOCAL = PAGE_SIZE - 35
_SMALLEST_LOCAL = (PAGE_SIZE - 12) * 32 // 255 - 23
_PER_OVERFLOW_PAGE = PAGE_SIZE - 4
_LONGEST = 1 << 30

_BY_WIDTH: dict[int, list[Table]] = {}
for _table in (*TABLES, FILLS_1):
    _BY_WIDTH.setdefault(_table.width, []).append(_table)


class _Unreadable(Exception):
    """Bytes that are no record."""


@attrs.frozen
class _Image:
    """Where one state of a page stands."""

    path: Path
    offset: int

    def read(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(PAGE_SIZE)


def whole_rows(database: Path, wal: Path) -> Iterator[tuple[Table, Row]]:
    """Find every record that is whole, in no order and some more than once."""
    images: dict[int, list[_Image]] = {}
    for number, image in (*_database_pages(database), *_wal_pages(wal)):
        images.setdefault(number, []).append(image)
    for states in images.values():
        for image in states:
            yield from _rows_of_page(image.read(), images)


def _database_pages(path: Path) -> Iterator[tuple[int, _Image]]:
    size = path.stat().st_size if path.exists() else 0
    for number, offset in enumerate(range(0, size, PAGE_SIZE), 1):
        yield number, _Image(path, offset)


def _wal_pages(path: Path) -> Iterator[tuple[int, _Image]]:
    if not path.exists():
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        for offset in range(_WAL_HEADER, size, _FRAME_HEADER + PAGE_SIZE):
            file.seek(offset)
            header = file.read(4)
            if len(header) == 4:
                yield int.from_bytes(header, "big"), _Image(path, offset + _FRAME_HEADER)


def _rows_of_page(page: bytes, images: dict[int, list[_Image]]) -> Iterator[tuple[Table, Row]]:
    if len(page) < _LEAF_HEADER or page[0] != _LEAF:
        return
    count = int.from_bytes(page[3:5], "big")
    end = min(_LEAF_HEADER + 2 * count, len(page) - 1)
    for at in range(_LEAF_HEADER, end, 2):
        try:
            yield from _rows_of_cell(page, int.from_bytes(page[at : at + 2], "big"), images)
        except _Unreadable:
            continue


def _rows_of_cell(page: bytes, at: int, images: dict[int, list[_Image]]) -> Iterator[tuple[Table, Row]]:
    size, at = _varint(page, at)
    seq, at = _varint(page, at)
    if not 0 <= size <= _LONGEST:
        raise _Unreadable
    local = size
    if size > _LARGEST_LOCAL:
        local = _SMALLEST_LOCAL + (size - _SMALLEST_LOCAL) % _PER_OVERFLOW_PAGE
        local = local if local <= _LARGEST_LOCAL else _SMALLEST_LOCAL
    payload = page[at : at + local]
    if len(payload) < local:
        raise _Unreadable
    if local < size:
        first = int.from_bytes(page[at + local : at + local + 4], "big")
        # A page that a row runs over into is written once: the newest state of it, or the oldest.
        payloads = [payload + _overflow(first, size - local, images, which) for which in (-1, 0)]
    else:
        payloads = [payload]
    for payload in payloads:
        values = _values(payload)
        row = (seq, *values[1:])
        table = next((table for table in _BY_WIDTH.get(len(row), ()) if table.is_whole(row)), None)
        if table is not None:
            yield (FILLS, fill_of_version_1(row)) if table is FILLS_1 else (table, row)
            return


def _overflow(number: int, size: int, images: dict[int, list[_Image]], which: int) -> bytes:
    parts = []
    while size > 0:
        if number not in images:
            raise _Unreadable
        page = images[number][which].read()
        part = page[4 : 4 + min(size, _PER_OVERFLOW_PAGE)]
        if not part:
            raise _Unreadable
        parts.append(part)
        size -= len(part)
        number = int.from_bytes(page[:4], "big")
    return b"".join(parts)


def _values(payload: bytes) -> list[int | float | str | bytes | None]:
    end, at = _varint(payload, 0)
    codes = []
    while at < end:
        code, at = _varint(payload, at)
        codes.append(code)
    values: list[int | float | str | bytes | None] = []
    for code in codes:
        value, at = _value(payload, at, code)
        values.append(value)
    return values


_INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8)


def _value(payload: bytes, at: int, code: int) -> tuple[int | float | str | bytes | None, int]:
    if code < 0:  # no type: nine bytes of garbage
        raise _Unreadable
    if code == 0:
        return None, at
    if code in (8, 9):
        return code - 8, at
    if code <= 6:
        size = _INTEGER_SIZES[code]
    elif code == 7:
        size = 8
    elif code >= 12:
        size = (code - 12) // 2
    else:
        raise _Unreadable
    data = payload[at : at + size]
    if len(data) < size:
        raise _Unreadable
    at += size
    if code <= 6:
        return int.from_bytes(data, "big", signed=True), at
    if code == 7:
        return struct.unpack(">d", data)[0], at
    if code % 2:
        try:
            return data.decode(), at
        except UnicodeDecodeError:
            raise _Unreadable from None
    return data, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(at, at + 8):
        if index >= len(data):
            raise _Unreadable
        byte = data[index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index + 1
    if at + 8 >= len(data):
        raise _Unreadable
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >= 1 << 63 else value, at + 9
