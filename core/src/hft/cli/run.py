"""``hft run``: trade a profile."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from loguru import logger

from hft.cli.exit_codes import ExitCode
from hft.cli.options import add_duration, output_console, warner
from hft.errors import UsageError
from hft.profile import Mode, Profile, read_profile
from hft.registry.loader import Registry
from hft.run.live import run_live
from hft.run.recorded import run_recorded
from hft.run.runtime import run_async

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile to run")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--yes", action="store_true", help="trade in mode live without being asked")
    add_duration(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Run until the duration is over, the recording ends, or the command is interrupted."""
    profile = read_profile(args.profile, Registry())
    console = None if args.json else output_console()
    if profile.mode is Mode.LIVE:
        _announce(profile, confirmed=args.yes or profile.live)
    match profile.mode:
        case Mode.DRY_RUN | Mode.LIVE:
            summary = run_async(
                run_live(
                    profile, duration_ns=args.duration, console=console, write=logger.info, warn=warner()
                )
            )
        case Mode.REPLAY:
            summary = run_recorded(
                profile, duration_ns=args.duration, console=console, write=logger.info, warn=warner()
            )
        case Mode.BACKTEST:
            raise UsageError(f"{args.profile}: is of mode 'backtest', type: hft backtest {args.profile}")
    if console is None:
        print(json.dumps(summary.to_json()))
    else:
        console.print(summary.render())
    if summary.halted:
        return ExitCode.HALTED
    return ExitCode.FAULT if summary.faults else ExitCode.STOPPED


def _announce(profile: Profile, *, confirmed: bool) -> None:
    """Say what is about to be done with real money; raise `UsageError` unless that was agreed to."""
    lines = [f"{profile.name}: mode live sends real orders:"]
    for key, exchange in profile.exchanges.items():
        where = exchange.url or exchange.environment
        lines.append(f"  exchange {key}: {exchange.use}, {where}")
    for key, strategy in profile.strategies.items():
        instruments = ", ".join(map(str, strategy.instruments))
        lines.append(f"  strategy {key}: {strategy.use} on {instruments}")
    rules = ", ".join(rule.plugin.name for rule in profile.risk)
    lines.append(f"  risk rules: {rules or 'none, nothing but the exchange limits what is sent'}")
    lines.append(f"  journal and kill switch: {profile.state / profile.name}")
    if not confirmed:
        what = "\n".join(lines)
        raise UsageError(f"{what}\nadd --yes, or live: true to the profile, to let it trade")
    for line in lines:
        logger.info(line)
