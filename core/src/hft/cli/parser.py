"""The argument parser: a command's module is imported when that command is parsed, not before."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import attrs

from hft.errors import UsageError

__all__ = ["Command", "Parser", "make_parser"]

_VERBOSITY = (
    ("-v", "verbose", "log more"),
    ("-q", "quiet", "log warnings and errors only"),
)


@attrs.frozen
class Command:
    """A command of hft itself.

    Its module has ``configure(parser: ArgumentParser) -> None``, which declares its arguments, and
    ``run(args: Namespace) -> ExitCode``.
    """

    module: str
    help: str


class Parser(argparse.ArgumentParser):
    """A parser that is declared by its command's module when it is first needed.

    What is wrong with the arguments is a `UsageError`.
    """

    def __init__(self, *, command: Command | None = None, **kwargs: Any) -> None:
        super().__init__(allow_abbrev=False, **kwargs)
        self._command = command
        _add_verbosity(self)

    # All that add_subparsers calls on the parser of the command that was chosen.
    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Import the command's module, let it declare its arguments, and parse them."""
        if self._command is not None:
            module = importlib.import_module(self._command.module)
            self._command = None
            module.configure(self)
            self.set_defaults(run=module.run)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(f"{message}: see `{self.prog} --help`")


def make_parser(
    commands: Mapping[str, Command],
) -> tuple[Parser, argparse._SubParsersAction[argparse.ArgumentParser]]:
    """Return the parser of ``hft``, and where further commands are added."""
    parser = Parser(prog="hft", description="Trade crypto with plugins and one profile.")
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    added: argparse._SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        title="commands", metavar="COMMAND", parser_class=Parser
    )
    for name, command in commands.items():
        added.add_parser(name, help=command.help, description=_sentence(command.help), command=command)
    return parser, added


def _sentence(help_line: str) -> str:
    return f"{help_line[0].upper()}{help_line[1:]}."


def _add_verbosity(parser: argparse.ArgumentParser) -> None:
    # Understood before the command and behind it; a default here would undo what stands before it.
    group = parser.add_mutually_exclusive_group()
    for flag, name, help_line in _VERBOSITY:
        group.add_argument(
            flag,
            f"--{name}",
            action="store_const",
            const=name,
            dest="verbosity",
            default=argparse.SUPPRESS,
            help=help_line,
        )
