"""``hft check``: read profiles, print what is wrong in them, start nothing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hft.cli.exit_codes import ExitCode
from hft.errors import Fault, ProfileError
from hft.profile import Profile, read_profile
from hft.registry.loader import Registry

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("profile", nargs="+", type=Path, help="profiles to check")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> ExitCode:
    """Check every profile; the exit code is that of the worst."""
    registry = Registry()
    faults: list[Fault] = []
    lines: list[str] = []
    for path in args.profile:
        try:
            lines.append(f"ok {path}: {_summary(read_profile(path, registry))}")
        except ProfileError as error:
            faults += error.faults
            lines += error.faults
    if args.json:
        print(json.dumps({"ok": not faults, "faults": [_parts(fault) for fault in faults]}))
    else:
        print(*lines, sep="\n")
    return ExitCode.USAGE if faults else ExitCode.STOPPED


def _parts(fault: Fault) -> dict[str, str | int]:
    return {"file": fault.file, "line": fault.line, "path": fault.path, "message": fault.message}


def _summary(profile: Profile) -> str:
    exchanges = [f"{entry.key} ({entry.use}, {entry.environment})" for entry in profile.exchanges.values()]
    strategies = [f"{entry.key} ({entry.use})" for entry in profile.strategies.values()]
    parts = [
        f"{profile.name}, {profile.mode.value}",
        f"exchanges {', '.join(exchanges)}",
        f"strategies {', '.join(strategies) or 'none'}",
        f"risk {', '.join(entry.use for entry in profile.risk) or 'none'}",
    ]
    return "; ".join(parts)
