"""``hft schema``: the JSON Schema of a profile, for editors."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from loguru import logger

from hft.cli.exit_codes import ExitCode
from hft.errors import PluginError, UsageError
from hft.profile.model import LoadedPlugin
from hft.profile.schema import profile_schema
from hft.registry.discovery import PluginKind, discover
from hft.registry.loader import Registry

__all__ = ["configure", "run"]

_KINDS = (PluginKind.EXCHANGE, PluginKind.STRATEGY, PluginKind.RISK)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there, not to stdout")


def run(args: argparse.Namespace) -> ExitCode:
    """Import every installed plugin and write the schema made of their options."""
    text = json.dumps(profile_schema(_installed()), indent=2) + "\n"
    if args.output is None:
        print(text, end="")
        return ExitCode.STOPPED
    try:
        args.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{args.output} cannot be written: {error.strerror}") from None
    return ExitCode.STOPPED


def _installed() -> dict[tuple[PluginKind, str], LoadedPlugin | None]:
    registry = Registry()
    plugins: dict[tuple[PluginKind, str], LoadedPlugin | None] = {}
    for found in discover(*_KINDS):
        plugins[found.kind, found.name] = None
        try:
            plugin = registry.load(found.kind, found.name, base=None)
            plugin.simulator()  # the registry asks for it only when it is wanted
            plugins[found.kind, found.name] = plugin
        except PluginError as error:
            logger.warning("its options are left out: {}", error)
    return plugins
