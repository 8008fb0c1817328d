"""``/public/instruments`` into instruments; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

import msgspec

from hft import DecodeError, GridError, Instrument, InstrumentId, InstrumentKind, Size, decoder
from hft_okx.codec import Answer, answer_rows

__all__ = ["KINDS", "Listed", "decode_codes", "decode_instruments", "instrument_type"]

KINDS = {
    "SPOT": InstrumentKind.SPOT,
    "SWAP": InstrumentKind.PERPETUAL,
    "FUTURES": InstrumentKind.FUTURE,
}
"""What is traded here by the exchange's ``instType``; options are not."""

_TYPES = {kind: name for name, kind in KINDS.items()}
_DELIVERY = re.compile(r".+-(\d{6})", re.ASCII)
_MALFORMED = (GridError, InvalidOperation, ValueError, ArithmeticError)


class Listed(msgspec.Struct):
    """One instrument as the exchange describes it; the numbers are text, empty where there is none."""

    instId: str  # noqa: N815
    instType: str  # noqa: N815
    tickSz: str  # noqa: N815
    lotSz: str  # noqa: N815
    minSz: str  # noqa: N815
    state: str
    baseCcy: str = ""  # noqa: N815
    quoteCcy: str = ""  # noqa: N815
    settleCcy: str = ""  # noqa: N815
    uly: str = ""
    ctType: str = ""  # noqa: N815
    ctVal: str = ""  # noqa: N815
    ctMult: str = ""  # noqa: N815
    ctValCcy: str = ""  # noqa: N815
    maxLmtSz: str = ""  # noqa: N815
    instIdCode: int | str | None = None  # noqa: N815


_decode_listed = decoder(Listed, "instrument")
_decode_answer = decoder(Answer, "instruments")


def instrument_type(instrument: Instrument) -> str:
    """Return the exchange's ``instType`` of an instrument."""
    return _TYPES[instrument.kind]


def decode_instruments(body: bytes, exchange: str, warn: Callable[[str], None]) -> list[Instrument]:
    """Read the instruments of one type; one that cannot be read is left out and told of.

    What is not traded here, such as options, is left out. Raise `DecodeError` where the whole is no list
    of instruments.
    """
    return list(_instruments(answer_rows(_decode_answer(body)), exchange, warn))


def decode_codes(body: bytes) -> dict[str, str]:
    """Return the ``instIdCode`` of every instrument that has one, by its name."""
    codes: dict[str, str] = {}
    for row in answer_rows(_decode_answer(body)):
        try:
            listed = _decode_listed(row)
        except DecodeError:
            continue  # told of when the instruments were read
        if listed.instIdCode not in (None, ""):
            codes[listed.instId] = str(listed.instIdCode)
    return codes


def _instruments(rows: list[msgspec.Raw], exchange: str, warn: Callable[[str], None]) -> Iterator[Instrument]:
    for row in rows:
        try:
            listed = _decode_listed(row)
            # One that is not trading yet may have no grid: it cannot be traded, and is not missed.
            if listed.instType in KINDS and (listed.tickSz or listed.state != "preopen"):
                yield _instrument(listed, exchange)
        except (DecodeError, *_MALFORMED) as error:
            warn(f"left out an instrument: {error}: {bytes(row)[:80]!r}")


def _instrument(listed: Listed, exchange: str) -> Instrument:
    kind = KINDS[listed.instType]
    lot_size = _number(listed.lotSz)
    smallest = (_number(listed.minSz) / lot_size).to_integral_value(ROUND_CEILING)
    largest = (_number(listed.maxLmtSz or "0") / lot_size).to_integral_value(ROUND_FLOOR)
    if kind is InstrumentKind.SPOT:
        base, quote, settle, multiplier = listed.baseCcy, listed.quoteCcy, listed.quoteCcy, Decimal(1)
    else:
        base, _, quote = (listed.uly or listed.instId).partition("-")
        quote, settle = quote.partition("-")[0], listed.settleCcy
        multiplier = _number(listed.ctVal) * _number(listed.ctMult or "1")
        if listed.ctType not in ("linear", "inverse"):
            raise ValueError(f"{listed.instId}: unknown contract type {listed.ctType[:20]!r}")
        if listed.ctType == "linear" and listed.ctValCcy not in (base, ""):
            raise ValueError(f"{listed.instId}: a linear contract is worth {listed.ctValCcy[:20]!r}")
    return Instrument(
        id=InstrumentId(_symbol(listed, kind, base, quote, settle), exchange),
        native_symbol=listed.instId,
        kind=kind,
        base=base,
        quote=quote,
        settle=settle,
        tick_size=_number(listed.tickSz),
        lot_size=lot_size,
        min_size=Size(max(1, int(smallest))),
        max_size=Size(int(largest)) if largest else None,
        contract_multiplier=multiplier,
        inverse=listed.ctType == "inverse",
        tradable=listed.state == "live",
    )


def _symbol(listed: Listed, kind: InstrumentKind, base: str, quote: str, settle: str) -> str:
    if not (base and quote and settle):
        raise ValueError(f"{listed.instId[:40]}: base, quote or settlement is missing")
    if kind is InstrumentKind.SPOT:
        return f"{base}/{quote}"
    contract = f"{base}/{quote}:{settle}"
    if kind is InstrumentKind.PERPETUAL:
        return contract
    delivery = _DELIVERY.fullmatch(listed.instId)
    if delivery is None:
        raise ValueError(f"{listed.instId[:40]}: its name has no date")
    return f"{contract}-{delivery[1]}"


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not (value.is_finite() and value >= 0):
        raise ValueError(f"{text[:40]!r} is no amount")
    return value
