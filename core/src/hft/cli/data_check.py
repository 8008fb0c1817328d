"""``hft data check``: look for what is wrong with days."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hft.cli.exit_codes import ExitCode
from hft.cli.options import duration
from hft.cli.progress import progress_bar
from hft.cli.table import print_table
from hft.clock import NS_PER_S

if TYPE_CHECKING:  # numpy and pyarrow come with an extra
    from hft.data.check import Checked, Finding

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", nargs="+", type=Path, help="where to look, also below")
    parser.add_argument(
        "--silent",
        type=duration,
        default=60 * NS_PER_S,
        metavar="DURATION",
        help="silence longer than this is told, 60s by default",
    )
    parser.add_argument("--strict", action="store_true", help="whatever is found is a fault")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> ExitCode:
    """Check every day; a fault in any is exit code 1."""
    from hft.data.catalog import find_partitions
    from hft.data.check import check_days

    folders = find_partitions(args.folder)
    with progress_bar("checking", len(folders)) as advance:
        checked = []
        for each in check_days(folders, silent_ns=args.silent):
            checked.append(each)
            advance(1)
    faulty = any(each.is_faulty or (args.strict and each.findings) for each in checked)
    if args.json:
        print(json.dumps({"ok": not faulty, "days": [_json(each) for each in checked]}))
    else:
        _show(checked)
    return ExitCode.FAULT if faulty else ExitCode.STOPPED


def _show(checked: Sequence[Checked]) -> None:
    print_table(
        ("instrument", "day", "form", "updates", "trades", "from", "to", "faults", "notes"),
        [
            (
                str(each.partition.listing.instrument) if each.partition else str(each.folder),
                str(each.partition.day) if each.partition else "",
                each.partition.form if each.partition else "",
                f"{each.updates:,}",
                f"{each.trades:,}",
                _time(each.first_ns),
                _time(each.last_ns),
                f"{sum(finding.problem.is_fault for finding in each.findings)}",
                f"{sum(not finding.problem.is_fault for finding in each.findings)}",
            )
            for each in checked
        ],
        right=("updates", "trades", "faults", "notes"),
    )
    findings = [(each, finding) for each in checked for finding in each.findings]
    if findings:
        print()
        print_table(
            ("day", "", "problem", "count", "first", "worst", "what it means"),
            [
                (
                    str(each.folder),
                    "fault" if finding.problem.is_fault else "note",
                    finding.problem.value,
                    f"{finding.count:,}",
                    _time(finding.first_ns),
                    _length(finding.worst_ns),
                    finding.reason or finding.problem.meaning,
                )
                for each, finding in findings
            ],
            right=("count", "worst"),
        )


def _json(each: Checked) -> dict[str, object]:
    partition = each.partition
    return {
        "folder": str(each.folder),
        "instrument": str(partition.listing.instrument) if partition else None,
        "day": partition.day.isoformat() if partition else None,
        "form": partition.form if partition else None,
        "rows": partition.rows if partition else 0,
        "updates": each.updates,
        "trades": each.trades,
        "quotes": each.quotes,
        "first_ns": each.first_ns,
        "last_ns": each.last_ns,
        "findings": [_finding_json(finding) for finding in each.findings],
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "problem": finding.problem.value,
        "fault": finding.problem.is_fault,
        "count": finding.count,
        "first_ns": finding.first_ns,
        "worst_ns": finding.worst_ns,
        "reason": finding.reason or finding.problem.meaning,
    }


def _time(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / NS_PER_S, UTC).strftime("%H:%M:%S.%f")[:-3] if time_ns else ""


def _length(length_ns: int) -> str:
    return f"{length_ns / NS_PER_S:,.3f} s" if length_ns else ""
