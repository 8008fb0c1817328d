"""Read captures, one or several merged by time, without holding them in memory."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import IO

import msgspec
import zstandard
from loguru import logger

from hft.capture.files import open_to_read
from hft.capture.record import CaptureRecord
from hft.errors import CaptureError

__all__ = ["read_capture"]

_MAX_LINE = 256 * 1024 * 1024
"""No frame is that long: what is, is no capture, and must not fill the memory."""

_decode = msgspec.json.Decoder(CaptureRecord).decode


def read_capture(
    *paths: Path | str,
    warn: Callable[[str], None] | None = None,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Iterator[CaptureRecord]:
    """Yield the records of capture files in the order of their time.

    Records of one file keep the order in which they were written. A file that ends in the middle of
    a line, or of its compressed stream, as a killed writer leaves it, is read up to there and told
    to ``warn``. A line in the middle that is not a record raises `CaptureError` with file and line.
    ``on_bytes`` is called with numbers of bytes as they are read from the files.
    """
    warn = warn or logger.warning
    files = [_read(Path(path), warn, on_bytes) for path in paths]
    return files[0] if len(files) == 1 else heapq.merge(*files, key=attrgetter("t"))


def _read(
    path: Path, warn: Callable[[str], None], on_bytes: Callable[[int], None]
) -> Iterator[CaptureRecord]:
    with open_to_read(path, on_bytes) as file:
        for number, line in _lines(path, file, warn):
            try:
                yield _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if line.endswith(b"\n"):
                    raise CaptureError(f"{path}:{number}: not a line of a capture: {error}") from None
                warn(f"{path}:{number}: ends in the middle of a line, left that line out")


def _lines(path: Path, file: IO[bytes], warn: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        for line in iter(partial(file.readline, _MAX_LINE), b""):
            number += 1
            if len(line) == _MAX_LINE:
                raise CaptureError(f"{path}:{number}: longer than {_MAX_LINE} bytes, not a line of a capture")
            if not line.isspace():
                yield number, line
    except EOFError:
        warn(f"{path}: compressed data ends early, as after a crash; read the {number} lines before that")
    except (OSError, zlib.error, zstandard.ZstdError) as error:
        raise CaptureError(f"{path}: damaged after line {number}: {error}") from None
