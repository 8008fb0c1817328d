"""The archival form of market data: Parquet, partitioned by exchange, instrument and day.

::

    ROOT/exchange=binance/instrument=BTC-USDT/day=2024-08-08/events.parquet

Its columns are those of the working form. What is traded, and on which grid it is counted, is JSON under the
key ``hft.instrument`` of the file's metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hft.data.columns import COLUMNS, ORDER_COLUMNS, ORDER_ID, day_folder
from hft.data.listing import Listing, decode_listing, encode_listing
from hft.data.rows import Rows
from hft.errors import DataError
from hft.instrument import Instrument, InstrumentId

__all__ = ["ParquetDay", "ParquetWriter", "find_parquet", "parquet_folder", "read_parquet"]

_FILE = "events.parquet"
_KEY = b"hft.instrument"


def parquet_folder(root: Path, instrument: InstrumentId, day: date) -> Path:
    """Return where a day of an instrument belongs."""
    exchange, symbol, when = day_folder(Path(), instrument, day).parts
    return root / f"exchange={exchange}" / f"instrument={symbol}" / f"day={when}"


def find_parquet(*roots: Path) -> list[Path]:
    """Return the folders of days at and below the roots, sorted."""
    return sorted(
        {
            path.parent
            for root in roots
            for path in root.rglob(_FILE)
            if not any(part.startswith(".") for part in path.relative_to(root).parts)
        }
    )


class ParquetWriter:
    """Writes one day of one instrument, a group of rows at each call of ``append``."""

    def __init__(
        self,
        folder: Path,
        instrument: Instrument,
        *,
        orders: bool = False,
        maker_fee: Decimal | None = None,
        taker_fee: Decimal | None = None,
    ) -> None:
        columns = ORDER_COLUMNS if orders else COLUMNS
        fields = [pa.field(name, pa.from_numpy_dtype(np.dtype(form))) for name, form in columns.items()]
        listing = encode_listing(instrument, maker_fee, taker_fee)
        self._schema = pa.schema(fields, metadata={_KEY: listing})
        self._writer = pq.ParquetWriter(folder / _FILE, self._schema, compression="zstd")

    def append(self, columns: Mapping[str, Any]) -> None:
        """Write events, sorted and of one length."""
        table = pa.table({name: columns[name] for name in self._schema.names}, schema=self._schema)
        self._writer.write_table(table)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file: before, it cannot be read."""
        self._writer.close()


@attrs.frozen(eq=False)
class ParquetDay:
    """One instrument's events of one day, read by and by."""

    folder: Path
    listing: Listing
    length: int
    has_orders: bool
    _file: pq.ParquetFile = attrs.field(repr=False)

    def __len__(self) -> int:
        return self.length

    def blocks(self, rows: int) -> Iterator[Rows]:
        """Yield all rows, at most ``rows`` at a time; raise `DataError` where the file is damaged."""
        try:
            forms = ORDER_COLUMNS if self.has_orders else COLUMNS
            for batch in self._file.iter_batches(batch_size=rows, columns=list(forms)):
                yield Rows(
                    **{
                        name: batch.column(name).to_numpy(zero_copy_only=False).astype(form, copy=False)
                        for name, form in forms.items()
                    }
                )
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{self.folder / _FILE}: damaged: {error}") from None


def read_parquet(folder: Path) -> ParquetDay:
    """Open a day; raise `DataError` for what is not of this form."""
    path = folder / _FILE
    try:
        file = pq.ParquetFile(path)
        listing = decode_listing((file.schema_arrow.metadata or {}).get(_KEY, b""))
    except (OSError, pa.ArrowException, DataError) as error:
        raise DataError(f"{path}: {error}") from None
    kinds = {field.name: field.type for field in file.schema_arrow}
    has_orders = ORDER_ID in kinds
    for name, form in (ORDER_COLUMNS if has_orders else COLUMNS).items():
        if kinds.get(name) != pa.from_numpy_dtype(np.dtype(form)):
            raise DataError(f"{path}: column {name!r} is {kinds.get(name, 'missing')}, expected {form}")
    return ParquetDay(folder, listing, file.metadata.num_rows, has_orders, file)
