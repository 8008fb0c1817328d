"""``hft kill``: stop a profile's trading and keep it stopped, until a person resets it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from pathlib import Path

import attrs
from loguru import logger

from hft.cli.exit_codes import ExitCode
from hft.cli.options import warner
from hft.clock import NS_PER_S, SystemClock
from hft.errors import HftError, ProfileError, UsageError
from hft.journal import is_in_use
from hft.profile import Mode, Profile, read_profile, state_folder
from hft.registry.loader import Registry
from hft.risk import Kill, KillSwitch
from hft.run.kernel import Kernel
from hft.run.live import Errand, run_live
from hft.run.operator import operating
from hft.run.runtime import run_async
from hft.run.summary import Summary

__all__ = ["configure", "run"]

_PATIENCE_S = 5.0
"""How long another process that trades the profile has before its orders are cancelled from here as well."""

_OTHER_S = 90.0
"""How long it has after that to flatten and end."""

_START_NS = 45 * NS_PER_S
"""How long an exchange has to answer; a start waits up to 30 s for doubts about orders."""

_REST_S = 20.0
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
    # Neither a missing secret nor a fault of the profile is a reason to trade on.
    folder, mode = state_folder(args.profile, environ=os.environ)
    if mode != Mode.LIVE.value:
        raise UsageError(f"{args.profile}: mode {mode!r} has no orders at an exchange to stop")
    switch = KillSwitch(folder, SystemClock())
    if args.reset:
        return _reset(switch, args)
    kill = switch.kill(args.reason or "hft kill", flatten=args.flatten)
    logger.warning("{}", kill)
    if kill.unsaved:
        logger.error("the switch is not on disk, a restart would trade again: {}", kill.unsaved)
    try:
        profile = read_profile(args.profile, Registry())
    except ProfileError:
        logger.error("the switch is latched, but without a whole profile no exchange can be asked:")
        raise
    result = _Result(kill)
    if _wait_for_other(profile, _PATIENCE_S):
        _clean_up(profile, result)
    else:
        logger.warning("the process that trades {!r} has not ended yet, cancelling over REST", profile.name)
        _cancel(profile, result)
        if _wait_for_other(profile, _OTHER_S):
            _clean_up(profile, result)
        else:
            result.fault(
                f"the process that trades {profile.name!r} has not ended within {_OTHER_S:g} s, its positions"
                f" were not looked at; end it, and run hft kill again"
            )
    return _show(result, args)


@attrs.define
class _Result:
    """What was found and done behind the switch."""

    kill: Kill
    summary: Summary | None = None
    left: int = 0
    faults: list[str] = attrs.field(factory=list)

    def fault(self, reason: str) -> None:
        """Note what a person has to see to."""
        self.faults.append(reason)


def _show(result: _Result, args: argparse.Namespace) -> ExitCode:
    kill, summary = result.kill, result.summary
    if args.json:
        run = None if summary is None else summary.to_json()
        print(
            json.dumps(
                {"kill": str(kill), "open_orders_left": result.left, "faults": result.faults, "run": run}
            )
        )
    else:
        print(str(kill))
        for fault in result.faults:
            print(f"fault: {fault}")
        print(f"open orders left: {result.left}")
        for name, position in ({} if summary is None else summary.positions).items():
            print(f"position in {name}: {position.size}")
        print(f"it stays stopped until: hft kill {args.profile} --reset")
    return ExitCode.FAULT if result.left or result.faults or kill.unsaved else ExitCode.STOPPED


def _reset(switch: KillSwitch, args: argparse.Namespace) -> ExitCode:
    kill = switch.reset(args.reason or "hft kill --reset")
    if args.json:
        print(json.dumps({"reset": None if kill is None else str(kill)}))
    else:
        print("nothing had stopped it" if kill is None else f"reset; it was {kill}")
    return ExitCode.STOPPED


def _wait_for_other(profile: Profile, timeout_s: float) -> bool:
    """Give a process that trades the profile time to end by itself: it has seen the switch."""
    until = time.monotonic() + timeout_s
    while is_in_use(profile.state / profile.name / "live"):
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True


def _clean_up(profile: Profile, result: _Result) -> None:
    """Take up the journal, cancel, flatten, compare; where that cannot be, cancel what the exchange lists."""

    async def work(kernel: Kernel) -> None:
        kernel.kill(result.kill)

    errand = Errand(work=work, clean_up=True)
    try:
        result.summary = run_async(
            run_live(
                profile, duration_ns=_START_NS, console=None, write=logger.info, warn=warner(), errand=errand
            )
        )
    except HftError as error:
        result.fault(str(error))
        _cancel(profile, result)
        return
    result.left = result.summary.open_orders_left
    result.faults += result.summary.faults
    if result.left or result.summary.faults:
        _cancel(profile, result)


def _cancel(profile: Profile, result: _Result) -> None:
    """Cancel over REST what each exchange lists as ours; one that does not answer keeps no other waiting."""

    async def cancel(key: str) -> int:
        alone = attrs.evolve(profile, exchanges={key: profile.exchanges[key]})
        async with asyncio.timeout(_REST_S), operating(alone, warner()) as operator:
            await operator.cancel(await operator.open_orders())
            return sum(operator.owns(order) for order in await operator.open_orders())

    async def cancel_everywhere() -> list[int | BaseException]:
        return await asyncio.gather(*map(cancel, profile.exchanges), return_exceptions=True)

    result.left = 0
    for key, left in zip(profile.exchanges, run_async(cancel_everywhere()), strict=True):
        if isinstance(left, int):
            result.left += left
        elif isinstance(left, HftError | TimeoutError):
            result.fault(f"{key}: open orders cannot be cancelled: {left or 'no answer in time'}")
        else:
            raise left
