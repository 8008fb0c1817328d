"""Market data as columns: what backtests read."""

from __future__ import annotations

from hft.data.columns import (
    COLUMNS,
    LAST,
    ORDER_COLUMNS,
    ColumnsWriter,
    Day,
    Kind,
    day_folder,
    find_days,
    read_day,
)

__all__ = [
    "COLUMNS",
    "LAST",
    "ORDER_COLUMNS",
    "ColumnsWriter",
    "Day",
    "Kind",
    "day_folder",
    "find_days",
    "read_day",
]
