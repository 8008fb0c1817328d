"""What the commands that write the data of backtests share: where to, in which form, and what was written."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hft.cli.table import print_table

if TYPE_CHECKING:  # numpy and pyarrow come with an extra
    from hft.data.store import Store, Written

__all__ = ["add_output", "decimal", "open_store", "print_written"]


def add_output(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write days below")
    parser.add_argument(
        "--form",
        choices=("columns", "parquet"),
        default="columns",
        help="columns to be mapped (default), or Parquet",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace days that are there already")
    parser.add_argument("--maker-fee", type=decimal, metavar="RATE", help="written beside the data")
    parser.add_argument("--taker-fee", type=decimal, metavar="RATE", help="written beside the data")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def decimal(text: str) -> Decimal:
    """Read a decimal of the command line."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise argparse.ArgumentTypeError(f"must be a decimal number, got {text!r}")
    return value


def open_store(args: argparse.Namespace) -> Store:
    """Make the store that the options ask for."""
    from hft.data.store import FORMS, Store

    return Store(
        args.output,
        FORMS[args.form],
        overwrite=args.overwrite,
        maker_fee=args.maker_fee,
        taker_fee=args.taker_fee,
    )


def print_written(args: argparse.Namespace, written: Sequence[Written], more: Mapping[str, Any]) -> None:
    """Print the days that were written; ``more`` is for machines."""
    if args.json:
        days = [
            {
                "instrument": str(each.instrument),
                "day": each.day.isoformat(),
                "rows": each.rows,
                "folder": str(each.folder),
            }
            for each in written
        ]
        print(json.dumps({"days": days, **more}))
        return
    print_table(
        ("instrument", "day", "rows", "folder"),
        [(str(each.instrument), str(each.day), f"{each.rows:,}", str(each.folder)) for each in written],
        right=("rows",),
    )
