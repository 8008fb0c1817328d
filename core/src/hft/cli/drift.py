"""``hft drift``: compare a recorded session with the backtest of the same time."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from loguru import logger
from rich.console import Console

from hft.cli.exit_codes import ExitCode
from hft.cli.options import duration, output_console, warner
from hft.cli.progress import progress_bar
from hft.clock import NS_PER_S
from hft.errors import CaptureError, UsageError
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.types import Duration

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile of the session, of any mode")
    parser.add_argument("session", type=Path, help="what hft run PROFILE --record SESSION wrote")
    parser.add_argument(
        "--within",
        type=duration,
        default=Duration(NS_PER_S),
        metavar="TIME",
        help="how far apart the same fill may be, 1s by default",
    )
    parser.add_argument(
        "--latencies",
        choices=("measured", "profile"),
        default="measured",
        help="of a live session's orders: as measured (default)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a page of charts, like out.html")


def run(args: argparse.Namespace) -> ExitCode:
    """Compare, and say how far both are apart; that they are is no failure."""
    from hft.report import write_page
    from hft.run.drift import compare_session
    from hft.run.drift.page import drift_page

    if args.report is not None and not args.report.parent.is_dir():
        raise UsageError(f"--report: there is no folder {str(args.report.parent)!r}")
    if not args.session.is_file():
        raise CaptureError(f"{args.session}: is no file, name what hft run PROFILE --record FILE wrote")
    profile = read_profile(args.profile, Registry())
    compared = compare_session(
        profile,
        args.session,
        within_ns=args.within,
        measured=args.latencies == "measured",
        console=None if args.json else Console(stderr=True),
        write=logger.info,
        warn=warner(),
        reading=progress_bar("reading", args.session.stat().st_size),
    )
    if args.report is not None:
        write_page(args.report, drift_page(profile.name, compared))
    if args.json:
        print(json.dumps(compared.drift.to_json()))
    else:
        output_console().print(compared.drift.render())
    return ExitCode.STOPPED
