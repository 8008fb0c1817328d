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
from hft.run.session import find_session, replay_session

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile to run")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--yes", action="store_true", help="trade in mode live without being asked")
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="write the session to this file, for replay"
    )
    add_duration(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Run until the duration is over, the recording ends, or the command is interrupted."""
    profile = read_profile(args.profile, Registry())
    if args.record is not None and profile.mode not in (Mode.DRY_RUN, Mode.LIVE):
        raise UsageError(
            f"{args.profile}: is of mode {profile.mode.value!r}, only sessions of modes 'dry-run' and 'live'"
            " are recorded: leave out --record"
        )
    session = find_session(profile) if profile.mode is Mode.REPLAY else None
    if session is not None:
        return _replay(profile, session, args)
    console = None if args.json else output_console()
    if profile.mode is Mode.LIVE:
        _announce(profile, confirmed=args.yes or profile.live)
    match profile.mode:
        case Mode.DRY_RUN | Mode.LIVE:
            summary = run_async(
                run_live(
                    profile,
                    duration_ns=args.duration,
                    console=console,
                    write=logger.info,
                    warn=warner(),
                    record=args.record,
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


def _replay(profile: Profile, session: Path, args: argparse.Namespace) -> ExitCode:
    """Run a session again and say whether it does the same."""
    if args.duration is not None:
        raise UsageError(f"{session}: is a session, which is replayed to its end: leave out --duration")
    summary, verdict = replay_session(profile, session, write=logger.info, warn=warner())
    if args.json:
        print(json.dumps(summary.to_json() | {"session": verdict.to_json()}))
    else:
        console = output_console()
        console.print(summary.render())
        console.print(verdict.render())
    if verdict.difference is not None:
        return ExitCode.DIFFERENT
    return ExitCode.FAULT if verdict.incomplete else ExitCode.STOPPED


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
