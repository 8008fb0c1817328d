"""``hft replay``: feed captures through a plugin's codec and books, and show what came of it."""

from __future__ import annotations

import argparse
import json
from itertools import zip_longest
from pathlib import Path

from loguru import logger
from rich.box import SIMPLE
from rich.console import Console, Group
from rich.table import Table

from hft.cli.captures import add_exchange, read_with_progress, recorded_exchange, refuse_other_keys
from hft.cli.exit_codes import ExitCode
from hft.clock import SystemClock
from hft.net.rate_limited import RateLimitedLog
from hft.run.replay import InstrumentReport, ReplayReport, replay

__all__ = ["configure", "run"]

_DEPTH = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", nargs="+", type=Path, help="captures, replayed together by time")
    add_exchange(parser, required=True)
    parser.add_argument(
        "--depth", type=_depth, default=_DEPTH, metavar="N", help="levels shown, 5 by default"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> ExitCode:
    """Replay to the end; frames that could not be decoded are shown and are no failure."""
    stream_class, key = recorded_exchange(args)
    report = replay(
        read_with_progress(args.file, "replaying"),
        stream_class,
        stream_class.Config(),
        exchange=key,
        warn=RateLimitedLog(SystemClock(), logger.warning),
    )
    refuse_other_keys(key, report.skipped, report.frames)
    if args.json:
        print(json.dumps(report.to_json(args.depth)))
    else:
        Console().print(_render(report, args.depth))
    return ExitCode.STOPPED


def _depth(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"must be a number of levels, got {text!r}")
    return int(text)


def _render(report: ReplayReport, depth: int) -> Group:
    instruments = report.instruments(depth)
    checked = any(one.checksums_ok or one.checksums_failed for one in instruments.values())
    summary = Table(title=f"{report.frames:,} frames, {report.undecoded:,} not understood", box=SIMPLE)
    summary.add_column("instrument", no_wrap=True)
    summary.add_column("state")
    for name in ("frames", "trades", "updates", "gaps", "resyncs", *(("checksums", "failed") * checked)):
        summary.add_column(name, justify="right", no_wrap=True)
    for name, one in instruments.items():
        counts = (one.frames, one.trades, one.book_updates, one.gaps, one.resyncs)
        checksums = (one.checksums_ok, one.checksums_failed) * checked
        summary.add_row(name, one.state.value, *(f"{count:,}" for count in (*counts, *checksums)))
    return Group(summary, *(_book(name, one) for name, one in instruments.items() if one.bids or one.asks))


def _book(name: str, one: InstrumentReport) -> Table:
    table = Table(title=name, box=SIMPLE)
    for column in ("bid size", "bid", "ask", "ask size"):
        table.add_column(column, justify="right")
    for (bid, bid_size), (ask, ask_size) in zip_longest(one.bids, one.asks, fillvalue=("", "")):
        table.add_row(bid_size, bid, ask, ask_size)
    return table
