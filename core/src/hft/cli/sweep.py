"""``hft sweep``: search for parameters of a profile with many backtests."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from hft.cli.exit_codes import ExitCode
from hft.cli.options import output_console
from hft.cli.progress import progress_bar
from hft.errors import UsageError
from hft.report import write_page
from hft.sweep.space import Space, WalkForward, read_space

if TYPE_CHECKING:  # numpy and Optuna come with an extra
    from hft.sweep.work import Workers

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile to run, of mode backtest")
    parser.add_argument("--space", type=Path, required=True, metavar="FILE", help="what varies: space.yaml")
    parser.add_argument(
        "--data",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="folders of columns, not the profile's",
    )
    parser.add_argument("--trials", type=_count, metavar="N", help="trials of a search, not the space's")
    parser.add_argument(
        "--walk-forward", type=_count, metavar="N", help="windows to search in and to judge behind"
    )
    parser.add_argument("--jobs", type=_count, metavar="N", help="runs at a time, all processors by default")
    parser.add_argument("--on", metavar="CLUSTER", help="run on Ray: ray, or ray://HOST:PORT")
    parser.add_argument("--storage", metavar="FILE|URL", help="where trials are kept, to go on from")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a page of plots, like out.html")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, the same for the same input"
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Run to the end of the search, or until interrupted; then say how to go on."""
    if args.report is not None and not args.report.parent.is_dir():
        raise UsageError(f"--report: there is no folder {str(args.report.parent)!r}")
    if args.on is not None and args.on != "ray" and not args.on.startswith("ray://"):
        raise UsageError(f"--on: is ray, or ray://HOST:PORT, got {args.on!r}")
    space = _amended(read_space(args.space), args)
    with _workers(args, space) as workers:
        from hft.sweep.report import sweep_report
        from hft.sweep.storage import default_storage
        from hft.sweep.sweep import prepare

        sweep = prepare(args.profile, space, args.data)
        storage = args.storage or default_storage(args.profile)
        # What a cluster prints about its workers does not belong into the result.
        with redirect_stdout(sys.stderr), progress_bar("sweep") as progress:
            result = sweep.run(workers, storage, progress)
    if args.report is not None:
        write_page(args.report, sweep_report(result))
    if args.json:
        print(json.dumps(result.to_json()))
    else:
        output_console().print(result.render())
    if result.left:
        if not args.json:
            print(f"stopped, {result.left:,} runs are left: the same command goes on")
        return ExitCode.INTERRUPTED
    return ExitCode.STOPPED if all(each.chosen for each in result.searches) else ExitCode.FAULT


def _amended(space: Space, args: argparse.Namespace) -> Space:
    if args.trials is not None:
        space = attrs.evolve(space, trials=space.limit(args.trials))
    if args.walk_forward is not None:
        how = WalkForward(windows=args.walk_forward)
        known = space.walk_forward
        space = attrs.evolve(
            space, walk_forward=how if known is None else attrs.evolve(known, windows=how.windows)
        )
    return space


@contextmanager
def _workers(args: argparse.Namespace, space: Space) -> Iterator[Callable[[], Workers]]:
    """Let the processes begin, which import meanwhile; a cluster is asked when there is something to do."""
    if args.on is not None:
        from hft.sweep.cluster import Cluster

        yield lambda: Cluster(args.on, args.jobs)
        return
    from hft.sweep.processes import Processes

    trials = space.trials if space.walk_forward is None else space.trials * space.walk_forward.windows
    with closing(Processes(min(trials, args.jobs or len(os.sched_getaffinity(0))))) as processes:
        yield lambda: processes


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return int(text)
