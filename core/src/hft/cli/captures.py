"""What the commands that read captures share: whose they are, and a bar while they are read."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from loguru import logger

from hft.capture import CaptureRecord, read_capture
from hft.cli.progress import progress_bar
from hft.errors import CaptureError, UsageError
from hft.plugin.market_data import MarketDataStream
from hft.registry.discovery import PluginKind
from hft.registry.loader import Registry

__all__ = ["add_exchange", "read_with_progress", "recorded_exchange", "refuse_other_keys"]


def add_exchange(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Declare ``--exchange`` and ``--key``."""
    parser.add_argument(
        "--exchange", metavar="NAME", required=required, help="exchange plugin that decodes captures"
    )
    parser.add_argument("--key", help="the exchange's key in the capture, where it is not NAME")


def recorded_exchange(args: argparse.Namespace) -> tuple[type[MarketDataStream[Any]], str]:
    """Return the stream class of ``--exchange``, and the key that its records have."""
    plugin = Registry().load(PluginKind.EXCHANGE, args.exchange, base=None)
    stream_class = plugin.market_data()
    if stream_class is None:
        raise UsageError(f"exchange plugin {args.exchange!r} offers no market data")
    return stream_class, args.key or Path(args.exchange).stem  # of a one-file plugin, the name of the file


def refuse_other_keys(key: str, skipped: Sequence[str], frames: int) -> None:
    """Raise `UsageError` if all that was read is of other exchanges."""
    if skipped and not frames:
        others = ", ".join(repr(other) for other in skipped)
        raise UsageError(f"no record is of exchange {key!r}, the captures have {others}: add --key")


def read_with_progress(files: Sequence[Path], verb: str) -> Iterator[CaptureRecord]:
    """Yield the records of all files, with a bar; raise `CaptureError` if there is none."""
    total = sum(file.stat().st_size for file in files if file.is_file())
    is_empty = True
    with progress_bar(verb, total) as advance:
        for record in read_capture(*files, warn=logger.warning, on_bytes=advance):
            is_empty = False
            yield record
    if is_empty:
        raise CaptureError(f"{', '.join(map(str, files))}: holds no record")
