"""``hft data list``: list the days that there are."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from hft.cli.exit_codes import ExitCode
from hft.cli.table import print_table

if TYPE_CHECKING:  # numpy and pyarrow come with an extra
    from hft.data.catalog import Partition

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", nargs="+", type=Path, help="where to look, also below")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> ExitCode:
    """List every day; raise `DataError` at one that is damaged."""
    from hft.data.catalog import find_partitions, read_partition

    days = [read_partition(folder) for folder in find_partitions(args.folder)]
    days.sort(key=lambda day: (day.listing.instrument.id, day.day, day.form))
    if args.json:
        print(json.dumps({"days": [_json(day) for day in days]}))
        return ExitCode.STOPPED
    print_table(
        ("instrument", "day", "form", "rows", "MB", "tick", "lot", "folder"),
        [
            (
                str(day.listing.instrument),
                str(day.day),
                day.form,
                f"{day.rows:,}",
                f"{day.size_bytes / 1e6:,.1f}",
                f"{day.listing.instrument.tick_size:f}",
                f"{day.listing.instrument.lot_size:f}",
                str(day.folder),
            )
            for day in days
        ],
        right=("rows", "MB", "tick", "lot"),
    )
    return ExitCode.STOPPED


def _json(day: Partition) -> dict[str, object]:
    instrument = day.listing.instrument
    return {
        "instrument": str(instrument),
        "day": day.day.isoformat(),
        "form": day.form,
        "rows": day.rows,
        "bytes": day.size_bytes,
        "tick_size": f"{instrument.tick_size:f}",
        "lot_size": f"{instrument.lot_size:f}",
        "folder": str(day.folder),
    }
