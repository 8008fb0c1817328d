"""What tests of market data share: an instrument, and a book that is built from rows by itself."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")
pytest.importorskip("pyarrow", reason="pyarrow comes with hft-core[data]")

from hft.data.catalog import find_partitions, read_partition  # noqa: E402
from hft.data.rows import Rows  # noqa: E402
from hft.instrument import Instrument, InstrumentId  # noqa: E402
from hft.types import InstrumentKind  # noqa: E402


@pytest.fixture(scope="session")
def instrument() -> Instrument:
    """Return one with a tick of 0.1 and a lot of 0.001."""
    return Instrument(
        id=InstrumentId("BTC/USDT:USDT", "acme"),
        native_symbol="BTCUSDT",
        kind=InstrumentKind.PERPETUAL,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
    )


@pytest.fixture
def read_all() -> Callable[..., Rows]:
    """Return a function that reads all days below a folder, one behind the other."""

    def read(root: Path) -> Rows:
        days = [read_partition(folder) for folder in find_partitions([root])]
        return Rows.concat([block for day in days for block in day.blocks(7)])

    return read


Table = list[tuple[Any, ...]]


@pytest.fixture(scope="session")
def table() -> Callable[[Rows], Table]:
    """Return a function that makes tuples of rows: kind, side, price, size, flags, exchange_ns, recv_ns."""

    def make(rows: Rows) -> Table:
        columns = rows.columns()
        names = ("kind", "side", "price", "size", "flags", "exchange_ns", "recv_ns")
        return list(zip(*(columns[name].tolist() for name in names), strict=True))

    return make
