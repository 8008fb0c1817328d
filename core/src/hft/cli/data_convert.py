"""``hft data convert``: make columns or Parquet of captures, or one of the other."""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs
from loguru import logger

from hft.cli.captures import add_exchange, read_with_progress, recorded_exchange, refuse_other_keys
from hft.cli.data_output import add_output, open_store, print_written
from hft.cli.exit_codes import ExitCode
from hft.cli.options import warner
from hft.cli.progress import progress_bar
from hft.errors import UsageError

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source", nargs="+", type=Path, help="captures, put together by time; or folders of days"
    )
    add_exchange(parser, required=False)
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Convert all of it or nothing."""
    folders = [source for source in args.source if source.is_dir()]
    if not folders:
        if args.exchange is None:
            raise UsageError("whose captures these are must be known: add --exchange")
        return _convert_captures(args)
    if len(folders) < len(args.source):
        raise UsageError("captures and folders of days cannot be converted in one go")
    if (
        args.exchange is not None
        or args.key is not None
        or args.maker_fee is not None
        or args.taker_fee is not None
    ):
        raise UsageError("exchange and fees of days are those that they have: leave these options out")
    return _convert_days(args)


def _convert_captures(args: argparse.Namespace) -> ExitCode:
    from hft.run.convert import convert

    stream_class, key = recorded_exchange(args)
    with open_store(args) as store:
        conversion = convert(
            read_with_progress(args.source, "reading"),
            stream_class,
            stream_class.Config(),
            exchange=key,
            store=store,
            warn=warner(),
        )
        refuse_other_keys(key, conversion.skipped, conversion.frames)
        with progress_bar("writing") as advance:
            written = store.finish(advance)
    if not written:
        raise UsageError("the captures show no book and no trade of an instrument that they list")
    if conversion.undecoded:
        logger.warning(
            "{:,} of {:,} frames were not understood: what they told is missing",
            conversion.undecoded,
            conversion.frames,
        )
    print_written(args, written, attrs.asdict(conversion))
    return ExitCode.STOPPED


def _convert_days(args: argparse.Namespace) -> ExitCode:
    from hft.data.catalog import find_partitions, read_partition
    from hft.data.reform import reform
    from hft.data.store import FORMS

    days = [read_partition(folder) for folder in find_partitions(args.source)]
    others = [day for day in days if day.form != args.form]
    if not others:
        raise UsageError(f"all days are of the form {args.form!r} already")
    with progress_bar("writing") as advance:
        written = reform(others, args.output, FORMS[args.form], overwrite=args.overwrite, progress=advance)
    print_written(args, written, {})
    return ExitCode.STOPPED
