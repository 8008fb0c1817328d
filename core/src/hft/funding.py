"""What perpetuals paid: rows of a CSV file, beside recorded data or written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

__all__ = ["FUNDING", "FundingRate", "read_funding", "write_funding"]

FUNDING = "funding.csv"
"""The file beside the events of a day with what was said of funding on that day, where anything was."""

_HEAD = ("time_ns", "symbol", "rate", "mark")


class FundingRate(NamedTuple):
    """One payment: when, of which instrument by its unified symbol, and what longs pay shorts.

    ``rate`` is one of what the position is worth at ``mark``, the exchange's mark price, None where nobody
    noted it.
    """

    time_ns: int
    symbol: str
    rate: Decimal
    mark: Decimal | None = None


def read_funding(path: Path) -> list[FundingRate]:
    """Read ``time_ns,symbol,rate`` or ``time_ns,symbol,rate,mark`` under such a first line.

    Raises `OSError`, and `ValueError` saying what is wrong. A mark may be empty.
    """
    lines = path.read_text().splitlines()
    names = tuple(lines[0].split(",")) if lines else ()
    if names not in (_HEAD, _HEAD[:3]):
        raise ValueError(f"the first line must be {','.join(_HEAD[:3])} or {','.join(_HEAD)}")
    return [_row(line, len(names)) for line in lines[1:]]


def _row(line: str, count: int) -> FundingRate:
    cells = line.split(",")
    if len(cells) != count:
        raise ValueError(f"{line} has {len(cells)} columns, expected {count}")
    time_ns, symbol, rate, *mark = cells
    try:
        row = FundingRate(int(time_ns), symbol, Decimal(rate), Decimal(mark[0]) if any(mark) else None)
    except InvalidOperation:
        raise ValueError(f"{line} holds what is no number") from None
    if not row.rate.is_finite():
        raise ValueError(f"{line} has no rate")
    if row.mark is not None and not (row.mark.is_finite() and row.mark > 0):
        raise ValueError(f"{line} has no mark price")
    return row


def write_funding(path: Path, rates: Iterable[FundingRate]) -> None:
    """Write rows, with the mark prices that there are."""
    lines = [",".join(_HEAD)]
    for row in rates:
        mark = "" if row.mark is None else f"{row.mark:f}"
        lines.append(f"{row.time_ns},{row.symbol},{row.rate:f},{mark}")
    path.write_text("\n".join(lines) + "\n")
