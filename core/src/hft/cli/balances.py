"""``hft balances``: what the accounts of a profile have."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from hft.cli.accounts import ask_accounts
from hft.cli.exit_codes import ExitCode
from hft.cli.table import print_table
from hft.events import BalanceReport
from hft.run.operator import Operator

__all__ = ["configure", "run"]

_COLUMNS = ("exchange", "wallet", "asset", "total", "locked")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile whose accounts are asked")
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def run(args: argparse.Namespace) -> ExitCode:
    """List every balance that is not 0."""

    async def ask(operator: Operator) -> list[dict[str, Any]]:
        return [_row(balance) for balance in await operator.balances() if balance.total]

    rows = ask_accounts(args.profile, ask)
    if args.json:
        print(json.dumps(rows))
    elif rows:
        print_table(_COLUMNS, [[row[column] for column in _COLUMNS] for row in rows], right=_COLUMNS[3:])
    else:
        print("the accounts have nothing")
    return ExitCode.STOPPED


def _row(balance: BalanceReport) -> dict[str, Any]:
    return {
        "exchange": balance.exchange,
        "wallet": balance.wallet,
        "asset": balance.asset,
        "total": f"{balance.total:f}",
        "locked": f"{balance.locked:f}",
    }
