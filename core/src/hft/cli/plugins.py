"""``hft plugins``: list what is installed, from the distributions' metadata alone."""

from __future__ import annotations

import argparse
import json
import sys

import attrs

from hft.cli.exit_codes import ExitCode
from hft.registry.discovery import Found, discover

__all__ = ["configure", "run"]

_COLUMNS = ("name", "kind", "distribution", "version", "source", "state")
_UNLIMITED = 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print a list of objects")


def run(args: argparse.Namespace) -> ExitCode:
    """List the plugins; one that cannot be loaded is listed with the reason as its state."""
    found = discover()
    if args.json:
        print(json.dumps([_row(each) for each in found]))
    elif found:
        _print_table(found)
    else:
        print("no plugin is installed: pip install hft-plugin-binance hft-plugin-market-making")
    return ExitCode.STOPPED


def _row(found: Found) -> dict[str, str]:
    return attrs.asdict(found) | {"kind": found.kind.singular}


def _print_table(found: list[Found]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*_COLUMNS, box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for each in found:
        row = _row(each)
        style = "" if each.ok else "red"
        table.add_row(*(Text(row[column]) for column in _COLUMNS), style=style)
    # Piped into another program, a row is a line, however long.
    Console(width=None if sys.stdout.isatty() else _UNLIMITED).print(table)
