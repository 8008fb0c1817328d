"""``hft backtest``: run a profile on recorded columns, with simulated fills."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from loguru import logger
from rich.console import Console

from hft.cli.exit_codes import ExitCode
from hft.cli.options import add_duration, output_console, warner
from hft.errors import UsageError
from hft.profile import Mode, read_profile
from hft.registry.loader import Registry
from hft.report import write_page
from hft.run.backtest import run_backtest
from hft.run.backtest_report import backtest_report
from hft.run.watch import BacktestWatch

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile to run, of mode backtest")
    parser.add_argument(
        "--data",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="folders of columns, not the profile's",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, the same for the same input"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a page of charts, like out.html")
    add_duration(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Run to the end of the data, or until the duration of recorded time is over."""
    profile = read_profile(args.profile, Registry())
    if profile.mode is not Mode.BACKTEST:
        raise UsageError(
            f"{args.profile}: is of mode {profile.mode.value!r}, set mode: backtest or use 'hft run'"
        )
    watch = None if args.report is None else BacktestWatch()
    if args.report is not None and not args.report.parent.is_dir():
        raise UsageError(f"--report: there is no folder {str(args.report.parent)!r}")
    result = run_backtest(
        profile,
        args.data,
        duration_ns=args.duration,
        console=None if args.json else Console(stderr=True),
        write=logger.info,
        warn=warner(),
        watch=watch,
    )
    if watch is not None:
        write_page(args.report, backtest_report(result, watch))
    if args.json:
        print(json.dumps(result.to_json()))
    else:
        output_console().print(result.render())
    if result.summary.halted:
        return ExitCode.HALTED
    return ExitCode.FAULT if result.summary.faults else ExitCode.STOPPED
