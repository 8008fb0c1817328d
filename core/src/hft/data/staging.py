"""Put folders in their place whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from hft.errors import DataError

__all__ = ["Staging"]

_PREFIX = ".partial-"


class Staging:
    """A hidden folder below ``root`` in which folders are made, to be moved to their places together.

    It is removed at the end, whatever happens. What a killed process leaves of it begins with a dot, and
    is no data to anybody.
    """

    def __init__(self, root: Path, *, overwrite: bool) -> None:
        self.root = root
        self.folder = root
        """Where to put what is needed on the way."""
        self._overwrite = overwrite
        self._staged: list[tuple[Path, Path]] = []

    def __enter__(self) -> Self:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.root))
        except OSError as error:
            raise DataError(f"{self.root}: cannot be written: {error.strerror}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def stage(self, place: Path) -> Path:
        """Return an empty folder to fill for that place; raise `DataError` if it is taken."""
        if place.exists() and not self._overwrite:
            raise DataError(f"{place}: is there already, allow overwriting to replace the whole day")
        beside = self.folder / f"{len(self._staged)}"
        beside.mkdir()
        self._staged.append((beside, place))
        return beside

    def publish(self) -> None:
        """Move every folder to its place; what was there before goes away last."""
        for beside, place in self._staged:
            for path in beside.iterdir():
                _sync(path)
            _sync(beside)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                place.rename(self.folder / f"{beside.name}.old")
            beside.rename(place)
            _sync(place.parent)
        self._staged.clear()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
