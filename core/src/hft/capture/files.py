"""Capture files as streams of bytes: plain, gzip or zstd by their suffix."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from hft.errors import CaptureError

__all__ = ["CountedFile", "open_to_read", "open_to_write"]

_SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
_READ = 64 * 1024
_LEVEL = 3
"""Both compressors' level: keeps up with a busy session on a fraction of a core."""


class CountedFile(io.FileIO):
    """Tells how many bytes each read has brought."""

    def __init__(self, path: Path, on_bytes: Callable[[int], None]) -> None:
        super().__init__(path)
        self._on_bytes = on_bytes

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer) or 0
        self._on_bytes(count)
        return count


def open_to_read(path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> IO[bytes]:
    """Open a capture to read its lines; raise `CaptureError` where that cannot be.

    ``on_bytes`` is called with numbers of bytes as they are read from the file.
    """
    suffix = _suffix(path)
    try:
        file = io.BufferedReader(CountedFile(path, on_bytes), _READ)
    except OSError as error:
        raise CaptureError(f"{path}: cannot be read: {error.strerror}") from None
    if suffix == ".jsonl.gz":
        return cast("IO[bytes]", _OwningGzipFile(fileobj=file, mode="rb"))
    if suffix == ".jsonl.zst":
        return io.BufferedReader(_ZstdReader(file))
    return file


def open_to_write(path: Path, *, overwrite: bool) -> IO[bytes]:
    """Open a capture to write it; raise `CaptureError` where that cannot be."""
    suffix = _suffix(path)
    try:
        file = path.open("wb" if overwrite else "xb")
    except FileExistsError:
        raise CaptureError(f"{path}: exists already, choose another name or allow overwriting") from None
    except OSError as error:
        raise CaptureError(f"{path}: cannot be written: {error.strerror}") from None
    if suffix == ".jsonl.gz":
        return cast("IO[bytes]", _OwningGzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL))
    if suffix == ".jsonl.zst":
        writer = zstandard.ZstdCompressor(level=_LEVEL).stream_writer(file, closefd=True)
        return cast("IO[bytes]", writer)
    return file


class _OwningGzipFile(gzip.GzipFile):
    """A gzip stream that closes the file beneath, also when writing its last bytes fails."""

    def close(self) -> None:
        beneath = cast("IO[bytes] | None", self.fileobj)
        try:
            super().close()
        finally:
            if beneath is not None:
                beneath.close()


class _ZstdReader(io.RawIOBase):
    """The content of zstd frames, one or several; a frame that is cut off raises `EOFError`.

    The library's own reader ends silently there, as if the file were whole.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._content = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._content:
            data = self._frame.unused_data if self._frame.eof else self._file.read(_READ)
            if self._frame.eof:
                self._frame, self._begun = zstandard.ZstdDecompressor().decompressobj(), False
                data = data or self._file.read(_READ)
            if not data:
                if self._begun:
                    raise EOFError("zstd frame is cut off")
                return 0
            self._begun = True
            self._content = memoryview(self._frame.decompress(data))
        taken, self._content = self._content[: len(buffer)], self._content[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        self._file.close()
        super().close()


def _suffix(path: Path) -> str:
    for suffix in _SUFFIXES:
        if path.name.endswith(suffix):
            return suffix
    raise CaptureError(f"{path}: is not named like a capture, use {', '.join(_SUFFIXES)}")
