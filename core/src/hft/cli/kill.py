"""``hft kill``: stop a profile's trading and keep it stopped, until a person resets it."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from loguru import logger

from hft.cli.exit_codes import ExitCode
from hft.cli.options import warner
from hft.clock import SystemClock
from hft.errors import UsageError
from hft.journal import is_in_use
from hft.profile import Mode, Profile, read_profile
from hft.registry.loader import Registry
from hft.risk import Kill, KillSwitch
from hft.run.kernel import Kernel
from hft.run.live import Errand, run_live
from hft.run.runtime import run_async
from hft.run.summary import Summary

__all__ = ["configure", "run"]

_OTHER_S = 90.0
"""How long another process that trades the profile has to cancel, flatten and end."""

_LOOK_S = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile whose trading is stopped")
    parser.add_argument("--flatten", action="store_true", help="close its positions at the market as well")
    parser.add_argument("--reset", action="store_true", help="let it trade again, when it is started next")
    parser.add_argument("--reason", default="", help="why, for the audit trail")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> ExitCode:
    """Latch the switch first, so that it holds whatever follows; then see to it that nothing is left open."""
    profile = read_profile(args.profile, Registry())
    if profile.mode is not Mode.LIVE:
        raise UsageError(f"{args.profile}: mode {profile.mode.value!r} has no orders at an exchange to stop")
    switch = KillSwitch(profile.state / profile.name, SystemClock())
    if args.reset:
        return _reset(switch, args)
    kill = switch.kill(args.reason or "hft kill", flatten=args.flatten)
    logger.warning("{}", kill)
    if kill.unsaved:
        logger.error("the switch is not on disk, a restart would trade again: {}", kill.unsaved)
    if not _wait_for_other(profile):
        raise UsageError(
            f"the process that trades {profile.name!r} has not ended within {_OTHER_S:g} s; end it, and run"
            " hft kill again to see to its orders"
        )
    summary = _clean_up(profile, kill)
    if args.json:
        print(json.dumps({"kill": str(kill), "run": summary.to_json()}))
    else:
        left = summary.open_orders_left
        print(f"{profile.name}: {kill}")
        print(f"open orders left: {left}; it stays stopped until: hft kill {args.profile} --reset")
    return ExitCode.FAULT if summary.open_orders_left or summary.faults or kill.unsaved else ExitCode.STOPPED


def _reset(switch: KillSwitch, args: argparse.Namespace) -> ExitCode:
    kill = switch.reset(args.reason or "hft kill --reset")
    if args.json:
        print(json.dumps({"reset": None if kill is None else str(kill)}))
    else:
        print("nothing had stopped it" if kill is None else f"reset; it was {kill}")
    return ExitCode.STOPPED


def _wait_for_other(profile: Profile) -> bool:
    """Give a process that trades the profile time to end by itself: it has seen the switch."""
    until = time.monotonic() + _OTHER_S
    while is_in_use(profile.state / profile.name / "live"):
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True


def _clean_up(profile: Profile, kill: Kill) -> Summary:
    async def work(kernel: Kernel) -> None:
        kernel.kill(kill)

    errand = Errand(work=work, clean_up=True)
    return run_async(
        run_live(profile, duration_ns=None, console=None, write=logger.info, warn=warner(), errand=errand)
    )
