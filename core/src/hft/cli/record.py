"""``hft record``: write what the exchanges of a profile send to a capture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import attrs
from rich.console import Console

from hft.cli.exit_codes import ExitCode
from hft.cli.options import add_duration, warner
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.record import record
from hft.run.runtime import run_async

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile whose instruments are recorded")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="file: .jsonl, .jsonl.gz or .jsonl.zst"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it is there")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    add_duration(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Record until the duration is over or the command is interrupted."""
    profile = read_profile(args.profile, Registry())
    console = Console(stderr=True)
    with console.status("connecting") as status:
        recording = run_async(
            record(
                profile,
                args.output,
                overwrite=args.overwrite,
                duration_ns=args.duration,
                warn=warner(),
                progress=lambda seconds, frames: status.update(f"{seconds:.0f} s, {frames:,} frames"),
            )
        )
    if args.json:
        print(json.dumps(attrs.asdict(recording)))
    else:
        lost = f", {recording.dropped:,} records dropped" if recording.dropped else ""
        print(f"{recording.path}: {recording.frames:,} frames in {recording.duration_s:.1f} s{lost}")
    return ExitCode.STOPPED
