"""``hft journal``: what the runs of a profile did, from its journal."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hft.cli.exit_codes import ExitCode
from hft.clock import NS_PER_S
from hft.errors import UsageError
from hft.events import Fill
from hft.journal import JournalReader, Note, OrderLife, RunSummary, Step, Traded, totals
from hft.profile import Mode, journal_folder
from hft.types import Price

__all__ = ["configure", "run"]

_UNLIMITED = 10_000
_MODES = (Mode.LIVE.value, Mode.DRY_RUN.value)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="the profile, or the folder of a journal")
    parser.add_argument("--mode", choices=_MODES, help="whose journal, by default that of the profile's mode")
    parser.add_argument(
        "--run", dest="which", type=_which, metavar="N", help="a run's number, 'latest' or 'all'"
    )
    parser.add_argument("--orders", action="store_true", help="show orders and what they became")
    parser.add_argument("--fills", action="store_true", help="show fills")
    parser.add_argument("--notes", action="store_true", help="show halts, reconciliations, funding and more")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> ExitCode:
    """Show all runs, or what is asked for of one, by default the latest."""
    details = args.orders or args.fills or args.notes
    which: int | str = args.which or ("latest" if details else "all")
    with JournalReader(_folder(args.profile, args.mode)) as reader:
        if isinstance(which, int):
            runs = [reader.run(which)]
        else:
            runs = reader.runs() if which == "all" else [reader.run()]
        if args.json:
            print(json.dumps({"runs": [_run_json(each, reader, args) for each in runs]}))
        else:
            _show(runs, reader, args)
    return ExitCode.STOPPED


def _which(text: str) -> int | str:
    if text in ("latest", "all"):
        return text
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"must be a number, 'latest' or 'all', got {text!r}")
    return int(text)


def _folder(profile: Path, mode: str | None) -> Path:
    if profile.is_dir():
        if mode is not None:
            raise UsageError(f"--mode is for a profile, {str(profile)!r} is the folder of a journal already")
        return profile
    return journal_folder(profile, None if mode is None else Mode(mode), environ=os.environ)


# -- for people ----------------------------------------------------------------------------------


def _show(runs: list[RunSummary], reader: JournalReader, args: argparse.Namespace) -> None:
    _print_table(
        ("run", "started", "last record", "mode", "version", "orders", "fills", "ended"),
        [
            (
                str(each.record.run),
                _utc(each.record.time_ns),
                _utc(each.last_ns),
                each.record.mode,
                each.record.version,
                f"{each.orders:,}",
                f"{each.fills:,}",
                each.ended,
            )
            for each in runs
        ],
        right=("run", "orders", "fills"),
    )
    for each in runs:
        number = each.record.run
        if args.orders:
            _print_orders(number, reader.orders(number))
        if args.fills:
            _print_fills(number, list(reader.fills(number)))
        if args.notes:
            _print_notes(number, reader.notes(number))


def _print_orders(run: int, orders: Iterable[OrderLife]) -> None:
    _print_table(
        ("made", "order", "instrument", "side", "type", "price", "size", "filled", "state", "life"),
        [
            (
                _utc(life.order.created_ns),
                life.order.client_order_id,
                str(life.order.instrument),
                life.order.side.value,
                life.order.type.value,
                _price(life, life.order.price),
                life.order.instrument.format_size(life.order.size),
                life.order.instrument.format_size(life.order.filled),
                life.order.state.value,
                _life(life),
            )
            for life in orders
        ],
        title=f"orders of run {run}",
        right=("price", "size", "filled"),
    )


def _print_fills(run: int, fills: list[Fill]) -> None:
    _print_table(
        ("time", "trade", "order", "instrument", "side", "price", "size", "liquidity", "fee"),
        [
            (
                _utc(fill.exchange_ns or fill.recv_ns),
                fill.trade_id,
                fill.client_order_id,
                str(fill.instrument),
                fill.side.value,
                fill.instrument.format_price(fill.price),
                fill.instrument.format_size(fill.size),
                fill.liquidity.value,
                f"{fill.fee:f} {fill.fee_asset}",
            )
            for fill in fills
        ],
        title=f"fills of run {run}",
        right=("price", "size", "fee"),
    )
    _print_table(
        ("instrument", "fills", "bought", "sold", "fees"),
        [
            (
                str(instrument),
                f"{traded.fills:,}",
                f"{traded.bought:f}",
                f"{traded.sold:f}",
                ", ".join(f"{fee:f} {asset}" for asset, fee in traded.fees.items()),
            )
            for instrument, traded in totals(fills).items()
        ],
        title=f"traded in run {run}",
        right=("fills", "bought", "sold", "fees"),
    )


def _print_notes(run: int, notes: Iterable[Note]) -> None:
    _print_table(
        ("time", "what", "facts"),
        [
            (
                _utc(note.time_ns),
                note.kind.value,
                ", ".join(f"{key} {_text(value)}" for key, value in note.facts.items()),
            )
            for note in notes
        ],
        title=f"notes of run {run}",
    )


def _print_table(
    columns: tuple[str, ...], rows: list[tuple[str, ...]], *, title: str = "", right: tuple[str, ...] = ()
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        print(f"no {title}")
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title=title or None, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    # Piped into another program, a row is a line, however long.
    Console(width=None if sys.stdout.isatty() else _UNLIMITED).print(table)


def _life(life: OrderLife) -> str:
    """Write down what became of an order: when, after it was made."""
    return ", ".join(
        f"{_step(step)} +{(step.time_ns - life.order.created_ns) / NS_PER_S:.6f}s" for step in life.steps
    )


def _step(step: Step) -> str:
    return step.event or step.state.value


def _price(life: OrderLife, price: Price | None) -> str:
    return "" if price is None else life.order.instrument.format_price(price)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _utc(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d}"


# -- for machines --------------------------------------------------------------------------------


def _run_json(summary: RunSummary, reader: JournalReader, args: argparse.Namespace) -> dict[str, Any]:
    record = summary.record
    shown: dict[str, Any] = {
        "run": record.run,
        "name": record.name,
        "mode": record.mode,
        "version": record.version,
        "pid": record.pid,
        "prefix": record.prefix,
        "started_ns": record.time_ns,
        "last_ns": summary.last_ns,
        "orders": summary.orders,
        "fills": summary.fills,
        "ended": summary.ended,
    }
    if args.orders:
        shown["order_list"] = [_order_json(life) for life in reader.orders(record.run)]
    if args.fills:
        fills = list(reader.fills(record.run))
        shown["fill_list"] = [_fill_json(fill) for fill in fills]
        shown["traded"] = {str(key): _traded_json(traded) for key, traded in totals(fills).items()}
    if args.notes:
        shown["note_list"] = [
            {"time_ns": note.time_ns, "kind": note.kind.value, "facts": dict(note.facts)}
            for note in reader.notes(record.run)
        ]
    return shown


def _order_json(life: OrderLife) -> dict[str, Any]:
    order = life.order
    return {
        "client_order_id": order.client_order_id,
        "exchange_order_id": order.exchange_order_id,
        "strategy": order.strategy,
        "instrument": str(order.instrument),
        "side": order.side.value,
        "type": order.type.value,
        "time_in_force": order.time_in_force.value,
        "post_only": order.post_only,
        "reduce_only": order.reduce_only,
        "price": _price(life, order.price) or None,
        "trigger_price": _price(life, order.trigger_price) or None,
        "size": order.instrument.format_size(order.size),
        "filled": order.instrument.format_size(order.filled),
        "state": order.state.value,
        "reason": order.reason,
        "created_ns": order.created_ns,
        "steps": [
            {"time_ns": step.time_ns, "event": step.event, "state": step.state.value} for step in life.steps
        ],
    }


def _fill_json(fill: Fill) -> dict[str, Any]:
    return {
        "client_order_id": fill.client_order_id,
        "trade_id": fill.trade_id,
        "instrument": str(fill.instrument),
        "side": fill.side.value,
        "price": fill.instrument.format_price(fill.price),
        "size": fill.instrument.format_size(fill.size),
        "liquidity": fill.liquidity.value,
        "fee": f"{fill.fee:f}",
        "fee_asset": fill.fee_asset,
        "realized": None if fill.realized is None else f"{fill.realized:f}",
        "exchange_ns": fill.exchange_ns,
        "recv_ns": fill.recv_ns,
    }


def _traded_json(traded: Traded) -> dict[str, Any]:
    return {
        "fills": traded.fills,
        "bought": f"{traded.bought:f}",
        "sold": f"{traded.sold:f}",
        "fees": {asset: f"{fee:f}" for asset, fee in traded.fees.items()},
    }
