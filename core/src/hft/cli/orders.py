"""``hft orders``: what is open at the exchanges of a profile."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from hft.cli.accounts import ask_accounts
from hft.cli.exit_codes import ExitCode
from hft.cli.table import print_table
from hft.plugin.execution import OrderStatus
from hft.run.operator import Operator

__all__ = ["configure", "run"]

_NUMBERS = ("price", "size", "filled")
_COLUMNS = ("order", "instrument", "side", "type", "price", "size", "filled", "whose")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile whose accounts are asked")
    parser.add_argument("--all", action="store_true", help="show orders of others as well")
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def run(args: argparse.Namespace) -> ExitCode:
    """List the open orders of the profile, whichever run placed them."""

    async def ask(operator: Operator) -> list[dict[str, Any]]:
        orders = await operator.open_orders()
        return [_row(order, operator) for order in orders if args.all or operator.owns(order)]

    rows = ask_accounts(args.profile, ask)
    if args.json:
        print(json.dumps(rows))
    elif rows:
        print_table(
            _COLUMNS,
            [[row[column] for column in _COLUMNS] for row in rows],
            right=_NUMBERS,
        )
    else:
        print("no open orders")
    return ExitCode.STOPPED


def _row(order: OrderStatus, operator: Operator) -> dict[str, Any]:
    instrument = order.instrument
    return {
        "order": order.client_order_id or order.report.exchange_order_id,
        "exchange_order_id": order.report.exchange_order_id,
        "instrument": str(instrument),
        "side": order.side.value,
        "type": order.type.value,
        "price": "" if order.price is None else instrument.format_price(order.price),
        "size": instrument.format_size(order.size),
        "filled": instrument.format_size(order.report.filled or 0),
        "whose": "ours" if operator.owns(order) else "others",
        "created_ns": order.created_ns,
    }
