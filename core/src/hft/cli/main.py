"""``hft``: find the command, run it, and be the one place that catches."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import io
import os
import select
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import TextIO

from hft.cli.exit_codes import ExitCode
from hft.cli.parser import Command, make_parser
from hft.errors import HftError, PluginError, ProfileError, TradingHalted, UsageError
from hft.run.runtime import collect_rarely
from hft.spelling import did_you_mean

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "run": Command("hft.cli.run", "trade a profile"),
    "backtest": Command("hft.cli.backtest", "run a profile on recorded data, with simulated fills"),
    "sweep": Command("hft.cli.sweep", "search for parameters with many backtests"),
    "drift": Command("hft.cli.drift", "compare a recorded session with its backtest"),
    "check": Command("hft.cli.check", "find what is wrong in profiles and start nothing"),
    "plugins": Command("hft.cli.plugins", "list the installed plugins"),
    "orders": Command("hft.cli.orders", "list the open orders of a profile"),
    "positions": Command("hft.cli.positions", "list the positions of a profile's accounts"),
    "balances": Command("hft.cli.balances", "list what a profile's accounts have"),
    "order": Command("hft.cli.order", "place one order"),
    "cancel": Command("hft.cli.cancel", "cancel open orders of a profile"),
    "kill": Command("hft.cli.kill", "stop a profile's trading, until reset"),
    "sim": Command("hft.cli.sim", "play an exchange on a local port"),
    "record": Command("hft.cli.record", "write what the exchanges send to a capture"),
    "replay": Command("hft.cli.replay", "feed captures through a plugin's codec and books"),
    "data": Command("hft.cli.data", "make, list and check the data of backtests"),
    "journal": Command("hft.cli.journal", "show what runs did: orders, fills, halts"),
    "schema": Command("hft.cli.schema", "write the JSON schema of profiles for editors"),
    "doctor": Command("hft.cli.doctor", "say what is installed, and which order book is in use"),
}
"""The commands of hft itself, what a person needs first in front."""

_CANNOT_BE_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""The disk is full, or the terminal is gone."""

_LOG_LEVELS = {"quiet": "WARNING", "verbose": "DEBUG"}
_LOG_FORMAT = "<dim>{time:YYYY-MM-DD HH:mm:ss.SSS!UTC}</dim> <level>{level: <7}</level> {message}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    What was raised is printed here and nowhere else: errors of hft in one line (a profile's, in one
    line each), anything else as the bug it is, with its traceback.
    """
    _open_what_is_closed()
    collect_rarely()
    # numpy starts threads when it is imported, which spin for a while on the cores that a run needs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # When the process ends nobody need look for cycles in all that is left: that takes a tenth of a second.
    atexit.register(gc.freeze)
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()  # so that a reader who has gone away is noticed here and not at exit
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except HftError as error:
        # A profile's faults start with file:line, which editors and terminals make a link of.
        print(error if isinstance(error, ProfileError) else f"hft: {error}", file=sys.stderr)
        code = _code(error)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _stdout_is_closed():
            return ExitCode.STOPPED
        if isinstance(error, OSError) and error.errno in _CANNOT_BE_WRITTEN:
            print(f"hft: output cannot be written: {error.strerror}", file=sys.stderr)
            _discard(sys.stdout)
            return ExitCode.FAULT
        print("hft: this is a bug in hft, please report it with what follows", file=sys.stderr)
        traceback.print_exc()
        code = ExitCode.BUG
    return int(code)


def _run(argv: Sequence[str]) -> int:
    parser, commands = make_parser(COMMANDS)
    name = next((word for word in argv if not word.startswith("-")), None)
    if name not in COMMANDS and "--version" not in argv:
        _add_plugins_commands(commands, name)
    try:
        args = parser.parse_args(argv)
    except SystemExit:  # --help is all that ends this way
        return ExitCode.STOPPED
    if args.version:
        print(f"hft {version('hft-core')}")
        return ExitCode.STOPPED
    if name is None:
        parser.print_help(sys.stderr)
        return ExitCode.USAGE
    if "run" not in args:
        raise PluginError(f"command {name!r} has nothing to run: its plugin must set_defaults(run=...)")
    _set_up_log(_LOG_LEVELS.get(getattr(args, "verbosity", ""), "INFO"))
    code: int | None = args.run(args)
    return ExitCode.STOPPED if code is None else code


def _add_plugins_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str | None
) -> None:
    from hft.registry.loader import Registry  # no command of hft's own needs to wait for this here

    for fault in Registry().add_commands(commands):
        print(f"hft: {fault}", file=sys.stderr)
    if name is not None and name not in commands.choices:
        hint = did_you_mean(name, commands.choices) or ": see `hft --help`"
        raise UsageError(f"there is no command {name!r}{hint}")


def _set_up_log(level: str) -> None:
    from loguru import logger

    # diagnose prints the values of variables beside a traceback, and a secret may be one of them.
    logger.remove()
    # Not the stream of now: while a progress bar is shown, another one writes above it.
    logger.add(
        lambda line: print(line, end="", file=sys.stderr, flush=True),
        level=level,
        format=_LOG_FORMAT,
        colorize=sys.stderr.isatty(),
        backtrace=False,
        diagnose=False,
    )


def _code(error: HftError) -> ExitCode:
    match error:
        case UsageError():
            return ExitCode.USAGE
        case TradingHalted():
            return ExitCode.HALTED
    return ExitCode.FAULT


def _stdout_is_closed() -> bool:
    """Return whether stdout's reader has gone away (``hft plugins | head``), and let go of it."""
    try:
        stdout = sys.stdout.fileno()
    except io.UnsupportedOperation:  # somebody put an object in its place, which is no pipe
        return False
    poller = select.poll()
    poller.register(stdout, 0)  # an error is reported without being asked for
    if not poller.poll(0):
        return False
    _discard(sys.stdout)
    return True


def _discard(stream: TextIO) -> None:
    # What is still buffered must go somewhere, or the interpreter complains at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_what_is_closed() -> None:
    """Give a standard stream that we were started without to nobody, rather than to the first socket."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is this one
    sys.stdin = sys.stdin or io.StringIO()
    sys.stdout = sys.stdout or io.StringIO()
    sys.stderr = sys.stderr or io.StringIO()
