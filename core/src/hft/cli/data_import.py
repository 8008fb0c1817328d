"""``hft data import``: make columns or Parquet of other people's files."""

from __future__ import annotations

import argparse
import re
from decimal import Decimal
from pathlib import Path

from loguru import logger

from hft.cli.data_output import add_output, decimal, open_store, print_written
from hft.cli.exit_codes import ExitCode
from hft.cli.options import duration
from hft.cli.progress import progress_bar
from hft.errors import UsageError
from hft.instrument import Instrument, InstrumentId
from hft.types import InstrumentKind

__all__ = ["configure", "run"]

_FORMATS = ("binance", "hftbacktest", "tardis")
_KINDS = ("aggTrades", "trades", "bookTicker", "fundingRate", "depth")
_SYMBOL = re.compile(r"(?P<base>[^/:]+)/(?P<quote>[^/:]+)(:(?P<settle>[^/:-]+)(-(?P<expiry>\d{6}))?)?")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("format", choices=_FORMATS, help="whose files these are")
    parser.add_argument("file", nargs="+", type=Path, help="files about one instrument, put together by time")
    parser.add_argument("--instrument", metavar="ID", required=True, help="like BTC/USDT:USDT@binance")
    parser.add_argument("--tick-size", type=decimal, metavar="PRICE", help="step of prices")
    parser.add_argument("--lot-size", type=decimal, metavar="SIZE", help="step of sizes")
    parser.add_argument(
        "--multiplier", type=decimal, default=Decimal(1), metavar="SIZE", help="base currency in one contract"
    )
    parser.add_argument("--inverse", action="store_true", help="sized in quote, settled in base")
    parser.add_argument("--listing", type=Path, help="instrument.json of other data, instead of the above")
    parser.add_argument("--symbol", help="whose rows count, of a file about several (tardis)")
    parser.add_argument("--kind", choices=_KINDS, help="what files hold that do not say so (binance)")
    parser.add_argument(
        "--time-unit",
        choices=("auto", "ms", "us", "ns"),
        default="auto",
        help="of its times (binance)",
    )
    parser.add_argument(
        "--latency",
        type=duration,
        default=0,
        metavar="DURATION",
        help="from the exchange to you, nobody noted it (binance)",
    )
    parser.add_argument(
        "--quotes-as-book", action="store_true", help="make a book of one level of best bids and asks"
    )
    add_output(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Import all of it or nothing."""
    from hft.data.imports import ImportOptions, TimeUnit, import_files

    options = ImportOptions(
        instrument=_instrument(args),
        kind=args.kind,
        symbol=args.symbol,
        time_unit=TimeUnit(args.time_unit),
        latency_ns=args.latency,
        quotes_as_book=args.quotes_as_book,
        warn=logger.warning,
    )
    total = sum(file.stat().st_size for file in args.file if file.is_file())
    with open_store(args) as store:
        with progress_bar("reading", total) as advance:
            import_files(args.format, args.file, options, store, advance)
        with progress_bar("writing") as advance:
            written = store.finish(advance)
    if not written:
        raise UsageError("the files hold no events, beside which funding is kept: import both together")
    print_written(args, written, {})
    return ExitCode.STOPPED


def _instrument(args: argparse.Namespace) -> Instrument:
    try:
        instrument_id = InstrumentId.parse(args.instrument)
    except ValueError as error:
        raise UsageError(f"--instrument: {error}") from None
    if args.listing is not None:
        return _listed(args.listing, instrument_id)
    match = _SYMBOL.fullmatch(instrument_id.symbol)
    if match is None:
        raise UsageError(
            f"--instrument: {instrument_id.symbol!r} is not a symbol, write it as 'BTC/USDT:USDT'"
        )
    if args.tick_size is None or args.lot_size is None:
        raise UsageError("prices and sizes are counted in ticks and lots: give --tick-size and --lot-size")
    kind = InstrumentKind.SPOT
    if match["settle"]:
        kind = InstrumentKind.FUTURE if match["expiry"] else InstrumentKind.PERPETUAL
    return Instrument(
        id=instrument_id,
        native_symbol=args.symbol or f"{match['base']}{match['quote']}",
        kind=kind,
        base=match["base"],
        quote=match["quote"],
        settle=match["settle"] or match["quote"],
        tick_size=args.tick_size,
        lot_size=args.lot_size,
        contract_multiplier=args.multiplier,
        inverse=args.inverse,
    )


def _listed(path: Path, instrument_id: InstrumentId) -> Instrument:
    from hft.data.listing import decode_listing

    try:
        instrument = decode_listing(path.read_bytes(), instrument_id.exchange).instrument
    except OSError as error:
        raise UsageError(f"--listing: {path}: {error.strerror}") from None
    if instrument.id != instrument_id:
        raise UsageError(f"--listing: {path} is of {instrument.symbol}, not of {instrument_id.symbol}")
    return instrument
