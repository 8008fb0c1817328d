"""``hft cancel``: cancel open orders of a profile at its exchanges."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hft.cli.accounts import ask_accounts
from hft.cli.exit_codes import ExitCode
from hft.errors import UsageError
from hft.run.operator import Operator
from hft.spelling import did_you_mean

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile whose orders are cancelled")
    parser.add_argument("order", nargs="*", help="client id of an order, as hft orders shows it")
    parser.add_argument("--all", action="store_true", help="cancel every open order of the profile")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> ExitCode:
    """Cancel orders of this profile, whichever run placed them; nobody else's are ever touched."""
    if args.all is bool(args.order):
        raise UsageError("say which orders: their client ids, or --all")

    async def cancel(operator: Operator) -> tuple[list[str], list[str]]:
        ours = {o.client_order_id: o for o in await operator.open_orders() if operator.owns(o)}
        for name in args.order:
            if name not in ours:
                raise UsageError(f"{name!r} is no open order of this profile{did_you_mean(name, ours)}")
        chosen = [order for name, order in ours.items() if args.all or name in args.order]
        gone = await operator.cancel(chosen)
        left = {order.client_order_id for order in await operator.open_orders()}
        return gone, [order.client_order_id for order in chosen if order.client_order_id in left]

    gone, left = ask_accounts(args.profile, cancel)
    if args.json:
        print(json.dumps({"cancelled": gone, "left": left}))
    else:
        for name in gone:
            print(f"cancelled {name}")
        for name in left:
            print(f"still open {name}")
        if not gone and not left:
            print("nothing was open")
    return ExitCode.FAULT if left else ExitCode.STOPPED
