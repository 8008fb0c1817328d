"""``hft positions``: what the exchanges of a profile say that it holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from hft.cli.accounts import ask_accounts
from hft.cli.exit_codes import ExitCode
from hft.cli.table import print_table
from hft.events import PositionReport
from hft.run.operator import Operator

__all__ = ["configure", "run"]

_COLUMNS = ("instrument", "side", "size", "entry price")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile whose accounts are asked")
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def run(args: argparse.Namespace) -> ExitCode:
    """List the derivatives positions in the profile's instruments; what is held of spot are balances."""

    async def ask(operator: Operator) -> list[dict[str, Any]]:
        return [_row(position) for position in await operator.positions() if position.size]

    rows = ask_accounts(args.profile, ask)
    if args.json:
        print(json.dumps(rows))
    elif rows:
        print_table(
            _COLUMNS, [[row[column] for column in _COLUMNS] for row in rows], right=("size", "entry price")
        )
    else:
        print("no positions; what is held of spot is among the balances: hft balances")
    return ExitCode.STOPPED


def _row(position: PositionReport) -> dict[str, Any]:
    entry = position.entry_price
    return {
        "instrument": str(position.instrument),
        "side": position.position_side.value,
        "size": position.instrument.format_size(position.size),
        "entry price": "" if entry is None else f"{entry:f}",
    }
