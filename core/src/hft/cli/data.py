"""``hft data``: make, list and check the data of backtests."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module

from hft.cli import data_check, data_convert, data_import, data_list
from hft.cli.exit_codes import ExitCode
from hft.errors import UsageError

__all__ = ["configure", "run"]

_COMMANDS = {
    "convert": (data_convert, "make columns or Parquet of captures, or one of the other"),
    "import": (data_import, "make columns or Parquet of other people's files"),
    "list": (data_list, "list the days that there are"),
    "check": (data_check, "look for what is wrong with days"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the commands of ``hft data``."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (module, help_line) in _COMMANDS.items():
        added = commands.add_parser(
            name, help=help_line, description=f"{help_line[0].upper()}{help_line[1:]}."
        )
        module.configure(added)
        added.set_defaults(work=module.run)


def run(args: argparse.Namespace) -> ExitCode:
    """Run the chosen command."""
    for library in ("numpy", "pyarrow"):
        try:
            import_module(library)
        except ImportError as error:
            raise UsageError(f"hft data needs {library} ({error}): pip install 'hft-core[data]'") from None
    work: Callable[[argparse.Namespace], ExitCode] = args.work
    return work(args)
