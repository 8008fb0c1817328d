"""Read CSV files as arrays, exactly: plain, gzip or zip, with a header or without."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, cast

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc

from hft.capture.files import CountedFile
from hft.errors import DataError
from hft.instrument import MAX_COUNT

__all__ = ["BOOL", "INT", "TEXT", "Columns", "CsvFile", "Grid"]

_BLOCK_BYTES = 8 * 1024 * 1024
_DAMAGED = (pa.ArrowException, OSError, EOFError, zlib.error, zipfile.BadZipFile)

INT, BOOL = pa.int64(), pa.bool_()
TEXT = pa.dictionary(pa.int32(), pa.string())
"""Words of which there are few, like sides: each is made once, and not for every line."""

Columns = Mapping[str, npt.NDArray[Any]]


@attrs.frozen
class Grid:
    """The type of a column of decimals counted in whole steps; an ``optional`` one may be empty, for 0."""

    step: Decimal
    optional: bool = False

    @property
    def decimals(self) -> int:
        """Digits of the step behind the point."""
        exponent = self.step.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        return max(0, -exponent)


@attrs.frozen
class CsvFile:
    """A file and the first line of it; ``on_bytes`` is called with numbers of bytes as they are read."""

    path: Path
    first: Sequence[str]
    on_bytes: Callable[[int], None]

    @classmethod
    def open(cls, path: Path, on_bytes: Callable[[int], None] = lambda count: None) -> CsvFile:
        """Look at the first line; raise `DataError` if there is none."""
        if path.name.endswith((".tar.gz", ".tgz", ".tar")):
            raise DataError(f"{path}: is an archive of files, unpack it and name these")
        try:
            with _open(path, lambda count: None) as file:
                line = file.readline(65_536).decode()
        except (*_DAMAGED, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from None
        if not line.strip():
            raise DataError(f"{path}: is empty")
        return cls(path, [each.strip() for each in line.strip().split(",")], on_bytes)

    @property
    def has_header(self) -> bool:
        """Whether the first line names the columns."""
        return not any(each.lstrip("-").replace(".", "", 1).isdigit() for each in self.first)

    def blocks(
        self, types: Mapping[str, pa.DataType | Grid], names: Sequence[str] | None = None
    ) -> Iterator[Columns]:
        """Yield the columns of ``types``, some megabytes at a time.

        ``names`` are those of all columns where the file has no header. A `Grid` comes as its counts. What
        is not of its type, missing, or off its grid raises `DataError` with the line or what stands there.
        """
        arrow = {
            name: pa.decimal128(38, kind.decimals) if isinstance(kind, Grid) else kind
            for name, kind in types.items()
        }
        read = pc.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, column_names=names)
        convert = pc.ConvertOptions(
            column_types=arrow, include_columns=list(types), strings_can_be_null=False, null_values=[""]
        )
        try:
            with _open(self.path, self.on_bytes) as file:
                for batch in pc.open_csv(file, read_options=read, convert_options=convert):
                    yield {name: self._array(batch.column(name), name, kind) for name, kind in types.items()}
        except _DAMAGED as error:
            raise DataError(f"{self.path}: {_clear(error)}") from None

    def _array(self, column: Any, name: str, kind: pa.DataType | Grid) -> npt.NDArray[Any]:
        if column.null_count and isinstance(kind, Grid) and kind.optional:
            column = column.fill_null(Decimal(0))
        if column.null_count:
            raise DataError(f"{self.path}: {name!r} is missing in a line")
        if kind is TEXT:
            words = np.array(column.dictionary.to_pylist() or [""])
            return cast("npt.NDArray[Any]", words[column.indices.to_numpy()])
        if not isinstance(kind, Grid):
            return cast("npt.NDArray[Any]", column.to_numpy(zero_copy_only=False))
        halves = np.frombuffer(column.buffers()[1], "<i8").reshape(-1, 2)[column.offset :][: len(column)]
        low, high = halves[:, 0], halves[:, 1]
        unit = int(kind.step.scaleb(kind.decimals))
        wrong = np.flatnonzero((high != 0) | (low < 0) | (low % unit != 0) | (low // unit >= MAX_COUNT))
        if len(wrong):
            value = column[int(wrong[0])].as_py()
            raise DataError(
                f"{self.path}: {name} {value} is not a multiple of {kind.step:f} within range,"
                " give the step it has"
            )
        return low // unit


def _clear(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text.replace(
        "Rescaling Decimal value would cause data loss",
        "more digits than the tick or lot has, give a finer one",
    )


@contextmanager
def _open(path: Path, on_bytes: Callable[[int], None]) -> Iterator[IO[bytes]]:
    with ExitStack() as opened:
        raw = opened.enter_context(io.BufferedReader(CountedFile(path, on_bytes)))
        if path.suffix == ".gz":
            yield cast("IO[bytes]", opened.enter_context(gzip.GzipFile(fileobj=raw)))
        elif path.suffix == ".zip":
            archive = opened.enter_context(zipfile.ZipFile(raw))
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if len(names) != 1:
                raise DataError(f"{path}: holds {len(names)} CSV files, expected one")
            yield opened.enter_context(archive.open(names[0]))
        else:
            yield raw
