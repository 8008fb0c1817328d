"""The command line: which command runs, what it costs to start, and how it ends."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from hft.cli import plugins
from hft.cli.exit_codes import ExitCode
from hft.cli.main import COMMANDS, main
from hft.errors import (
    CaptureError,
    Fault,
    HftError,
    PluginError,
    ProfileError,
    TradingHalted,
    TransportError,
    UsageError,
)

Capture = pytest.CaptureFixture[str]

COMMAND_PLUGIN = """
    from hft import hookimpl

    HFT_API = 1

    def greet(args):
        print("hello", args.name)

    @hookimpl
    def hft_add_commands(commands):
        parser = commands.add_parser("greet", help="say hello")
        parser.add_argument("name")
        parser.set_defaults(run=greet)
        commands.add_parser("idle", help="do nothing")
"""


@pytest.fixture(autouse=True)
def _no_log_left() -> Iterator[None]:
    yield
    logger.remove()


def hft(*argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run([sys.executable, "-m", "hft", *argv], text=True, check=False, **pipes)


def running(monkeypatch: pytest.MonkeyPatch, run: Callable[[argparse.Namespace], Any]) -> None:
    """Let ``hft plugins`` do this instead."""
    monkeypatch.setattr(plugins, "run", run)


def raising(error: BaseException) -> Callable[[argparse.Namespace], Any]:
    def run(_: argparse.Namespace) -> ExitCode:
        raise error

    return run


# -- which command -------------------------------------------------------------------------------------


def test_help_lists_the_commands_in_order_and_imports_none() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from hft.cli.main import main; code = main(['--help']);"
            "print(sorted(m for m in sys.modules if m.startswith(('hft.cli.', 'loguru.')))); sys.exit(code)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    *help_lines, imported = done.stdout.splitlines()

    listed = [line.split()[0] for line in help_lines[help_lines.index("commands:") + 2 :] if line]
    names = [
        "run",
        "backtest",
        "sweep",
        "drift",
        "check",
        "plugins",
        "orders",
        "positions",
        "balances",
        "order",
        "cancel",
        "kill",
    ]
    names += ["sim", "record", "replay", "data", "journal", "schema", "doctor"]
    assert listed == names == list(COMMANDS)
    assert imported == "['hft.cli.exit_codes', 'hft.cli.main', 'hft.cli.parser']"


def test_help_lines_are_short() -> None:
    for command in COMMANDS.values():
        assert command.help[0].islower()
        assert len(command.help) < 60
        assert not command.help.endswith(".")


def test_help_of_a_command_names_its_arguments(capsys: Capture) -> None:
    assert main(["plugins", "--help"]) == ExitCode.STOPPED

    out = capsys.readouterr().out
    assert "usage: hft plugins" in out
    assert "--json" in out


def test_version(capsys: Capture) -> None:
    assert main(["--version"]) == ExitCode.STOPPED
    assert capsys.readouterr().out.startswith("hft ")


def test_without_a_command_it_says_what_there_is(capsys: Capture) -> None:
    assert main([]) == ExitCode.USAGE
    assert "trade a profile" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["plugin"], "there is no command 'plugin', did you mean 'plugins'?"),
        (["xyzzy"], "there is no command 'xyzzy': see `hft --help`"),
        (["plugins", "--jsn"], "unrecognized arguments: --jsn: see `hft --help`"),
        (["plugins", "--js"], "unrecognized arguments: --js: see `hft --help`"),
        (
            ["-v", "-q", "plugins"],
            "argument -q/--quiet: not allowed with argument -v/--verbose: see `hft --help`",
        ),
    ],
)
def test_what_cannot_be_parsed_is_one_line(capsys: Capture, argv: list[str], message: str) -> None:
    assert main(argv) == ExitCode.USAGE

    captured = capsys.readouterr()
    assert captured.err == f"hft: {message}\n"
    assert captured.out == ""


# -- plugins' commands ---------------------------------------------------------------------------------


def test_a_plugins_command_runs_and_is_listed(site: Any, capsys: Capture) -> None:
    site.install("acme", {"hft.commands": {"acme": "acme_commands"}}, acme_commands=COMMAND_PLUGIN)

    assert main(["greet", "world"]) == ExitCode.STOPPED
    assert capsys.readouterr().out == "hello world\n"
    assert main(["--help"]) == ExitCode.STOPPED
    assert "say hello" in capsys.readouterr().out
    assert main(["gret"]) == ExitCode.USAGE
    assert "did you mean 'greet'?" in capsys.readouterr().err


def test_commands_of_hft_do_not_import_plugins(site: Any) -> None:
    site.install("acme", {"hft.commands": {"acme": "acme_commands"}}, acme_commands=COMMAND_PLUGIN)

    assert main(["plugins"]) == ExitCode.STOPPED
    assert main(["--version"]) == ExitCode.STOPPED
    assert "acme_commands" not in sys.modules


def test_a_command_without_run_is_its_plugins_fault(site: Any, capsys: Capture) -> None:
    site.install("acme", {"hft.commands": {"acme": "acme_commands"}}, acme_commands=COMMAND_PLUGIN)

    assert main(["idle"]) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        "hft: command 'idle' has nothing to run: its plugin must set_defaults(run=...)\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("HFT_API = 1", "HFT_API = 3", "it was written for API 3 of hft"),
        ('"greet"', '"run"', "hft_add_commands failed: "),
    ],
)
def test_a_broken_plugin_does_not_take_the_others_away(
    site: Any, capsys: Capture, old: str, new: str, reason: str
) -> None:
    site.install("acme", {"hft.commands": {"acme": "acme_commands"}}, acme_commands=COMMAND_PLUGIN)
    broken = COMMAND_PLUGIN.replace(old, new)
    site.install("broken", {"hft.commands": {"broken": "broken_commands"}}, broken_commands=broken)

    assert main(["greet", "world"]) == ExitCode.STOPPED

    captured = capsys.readouterr()
    assert captured.out == "hello world\n"
    assert captured.err.startswith(f"hft: broken 1.0: {reason}")
    assert captured.err.count("\n") == 1


# -- how it ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no"), ExitCode.USAGE),
        (PluginError("no"), ExitCode.USAGE),
        (TradingHalted("no"), ExitCode.HALTED),
        (TransportError("no"), ExitCode.FAULT),
        (CaptureError("no"), ExitCode.FAULT),
        (HftError("no"), ExitCode.FAULT),
    ],
)
def test_an_error_is_one_line_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, error: HftError, code: ExitCode
) -> None:
    running(monkeypatch, raising(error))

    assert main(["plugins"]) == code
    assert capsys.readouterr().err == "hft: no\n"


def test_the_faults_of_a_profile_are_a_line_each(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    faults = [Fault("p.yaml", 3, "mode", "bad"), Fault("p.yaml", 9, "risk", "worse")]
    running(monkeypatch, raising(ProfileError(faults)))

    assert main(["plugins"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "p.yaml:3: mode: bad\np.yaml:9: risk: worse\n"


def test_anything_else_is_a_bug_with_its_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    running(monkeypatch, raising(ZeroDivisionError("oops")))

    assert main(["plugins"]) == ExitCode.BUG
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == "hft: this is a bug in hft, please report it with what follows"
    assert rest[0].startswith("Traceback")
    assert rest[-1] == "ZeroDivisionError: oops"


@pytest.mark.parametrize("capture", ["capsys", "capfd"])
def test_a_broken_pipe_that_is_not_stdout_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, capture: str
) -> None:
    request.getfixturevalue(capture)
    running(monkeypatch, raising(BrokenPipeError("a socket")))

    assert main(["plugins"]) == ExitCode.BUG


def test_an_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    running(monkeypatch, raising(KeyboardInterrupt()))

    assert main(["plugins"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_the_code_of_the_command_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    running(monkeypatch, lambda args: ExitCode.HALTED)

    assert main(["plugins"]) == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("command", [("plugins",), ("plugins", "--json"), ("schema",)])
def test_a_full_disk_is_one_line(command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as stdout:
        done = hft(*command, stdout=stdout)
    assert done.returncode == ExitCode.FAULT
    assert done.stderr == "hft: output cannot be written: No space left on device\n"


def test_without_standard_streams_it_runs_all_the_same() -> None:
    command = [sys.executable, "-m", "hft", "sim", "binance", "--until-stdin-closes"]
    closed = 'exec "$@" <&- >&- 2>&-'  # sh, since a process cannot be started so from here
    done = subprocess.run(["sh", "-c", closed, "sh", *command], check=False, timeout=60)
    assert done.returncode == ExitCode.STOPPED


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_away_is_no_fault(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stdout:
        done = hft("plugins", "--json", stdout=stdout, env=os.environ | {"PYTHONUNBUFFERED": unbuffered})

    assert done.stderr == ""
    assert done.returncode == ExitCode.STOPPED


def test_as_a_module_it_returns_the_code() -> None:
    assert hft("xyzzy").returncode == ExitCode.USAGE
    assert json.loads(hft("plugins", "--json").stdout) is not None


# -- the log -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "levels"),
    [
        (["plugins"], ["INFO", "WARNING"]),
        (["-v", "plugins"], ["DEBUG", "INFO", "WARNING"]),
        (["plugins", "-v"], ["DEBUG", "INFO", "WARNING"]),
        (["--quiet", "plugins"], ["WARNING"]),
        (["-v", "plugins", "-q"], ["WARNING"]),
    ],
)
def test_the_log_goes_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, argv: list[str], levels: list[str]
) -> None:
    def run(_: argparse.Namespace) -> ExitCode:
        for level in ("DEBUG", "INFO", "WARNING"):
            logger.log(level, "text")
        return ExitCode.STOPPED

    running(monkeypatch, run)
    by_default: list[str] = []
    logger.add(by_default.append)

    assert main(argv) == ExitCode.STOPPED

    assert not by_default  # a second place would show everything twice, and on its own terms
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split()[2] for line in captured.err.splitlines()] == levels


def test_the_log_goes_to_the_stderr_of_the_moment(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    # A progress bar puts a stream of its own there, which writes above it.
    shown = io.StringIO()

    def run(_: argparse.Namespace) -> ExitCode:
        with contextlib.redirect_stderr(shown):
            logger.warning("text")
        return ExitCode.STOPPED

    running(monkeypatch, run)

    assert main(["plugins"]) == ExitCode.STOPPED
    assert shown.getvalue().endswith("WARNING text\n")
    assert capsys.readouterr().err == ""


def test_the_log_shows_no_values_of_variables(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def run(_: argparse.Namespace) -> ExitCode:
        password = "hunter" + "2"
        try:
            len(password) / 0
        except ZeroDivisionError:
            logger.opt(exception=True).error("failed")
        return ExitCode.STOPPED

    running(monkeypatch, run)

    assert main(["plugins"]) == ExitCode.STOPPED
    err = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in err
    assert "hunter2" not in err
