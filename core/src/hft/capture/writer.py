"""Write a capture so that a process that dies loses at most its last seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from types import TracebackType

import msgspec

from hft.capture.files import open_to_write
from hft.capture.record import CaptureRecord
from hft.errors import CaptureError

__all__ = ["CaptureWriter"]

_CHUNK = 50
"""Records encoded in one go. Compressing and writing let other threads run, encoding does not: a
thread that encoded a whole batch at once would hold up the trading thread for milliseconds."""


class CaptureWriter:
    """Appends records to a new file, compressed as its suffix says (``.jsonl``, ``.gz``, ``.zst``).

    `write` hands a batch to the operating system before it returns: a process that is killed
    afterwards has lost none of it. An existing file is refused unless ``overwrite``. When the disk
    is full or fails, `CaptureError` is raised once; what is written after that is dropped, and
    everything before stays readable. Calls may come from any thread.
    """

    def __init__(self, path: Path | str, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self._file = open_to_write(self.path, overwrite=overwrite)
        self._encoder = msgspec.json.Encoder()
        self._failed = False
        self._lock = threading.Lock()

    def write(self, records: Iterable[CaptureRecord]) -> None:
        """Append a batch; a second's frames together compress far better than one by one."""
        records = iter(records)
        with self._lock:
            if self._failed:
                return
            try:
                while chunk := list(islice(records, _CHUNK)):
                    self._file.write(self._encoder.encode_lines(chunk))
                self._file.flush()
            except OSError as error:
                raise self._failure(error) from None

    def close(self) -> None:
        """Finish the compressed stream and close the file; again is harmless."""
        with self._lock:
            try:
                self._file.close()
            except OSError as error:
                # What was reported when it could not be written is not reported again.
                if not self._failed:
                    raise self._failure(error) from None

    def __enter__(self) -> CaptureWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _failure(self, error: OSError) -> CaptureError:
        self._failed = True
        return CaptureError(f"{self.path}: recording stopped: {error.strerror or error}")
