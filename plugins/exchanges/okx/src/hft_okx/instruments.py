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


class Listed(msgspec.Struct, rename="camel"):
    """One instrument as the exchange describes it; the numbers are text, empty where there is none."""

    inst_id: str
    inst_type: str
    tick_sz: str
    lot_sz: str
    min_sz: str
    state: str
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    uly: str = ""
    ct_type: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_val_ccy: str = ""
    max_lmt_sz: str = ""
    inst_id_code: int | str | None = None


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
        if listed.inst_id_code not in (None, ""):
            codes[listed.inst_id] = str(listed.inst_id_code)
    return codes


def _instruments(rows: list[msgspec.Raw], exchange: str, warn: Callable[[str], None]) -> Iterator[Instrument]:
    for row in rows:
        try:
            listed = _decode_listed(row)
            # One that is not trading yet may have no grid: it cannot be traded, and is not missed.
            if listed.inst_type in KINDS and (listed.tick_sz or listed.state != "preopen"):
                yield _instrument(listed, exchange)
        except (DecodeError, *_MALFORMED) as error:
            warn(f"left out an instrument: {error}: {bytes(row)[:80]!r}")


def _instrument(listed: Listed, exchange: str) -> Instrument:
    kind = KINDS[listed.inst_type]
    lot_size = _number(listed.lot_sz)
    smallest = (_number(listed.min_sz) / lot_size).to_integral_value(ROUND_CEILING)
    largest = (_number(listed.max_lmt_sz or "0") / lot_size).to_integral_value(ROUND_FLOOR)
    if kind is InstrumentKind.SPOT:
        base, quote, settle, multiplier = listed.base_ccy, listed.quote_ccy, listed.quote_ccy, Decimal(1)
    else:
        base, _, quote = (listed.uly or listed.inst_id).partition("-")
        quote, settle = quote.partition("-")[0], listed.settle_ccy
        multiplier = _number(listed.ct_val) * _number(listed.ct_mult or "1")
        if listed.ct_type not in ("linear", "inverse"):
            raise ValueError(f"{listed.inst_id}: unknown contract type {listed.ct_type[:20]!r}")
        if listed.ct_type == "linear" and listed.ct_val_ccy not in (base, ""):
            raise ValueError(f"{listed.inst_id}: a linear contract is worth {listed.ct_val_ccy[:20]!r}")
    return Instrument(
        id=InstrumentId(_symbol(listed, kind, base, quote, settle), exchange),
        native_symbol=listed.inst_id,
        kind=kind,
        base=base,
        quote=quote,
        settle=settle,
        tick_size=_number(listed.tick_sz),
        lot_size=lot_size,
        min_size=Size(max(1, int(smallest))),
        max_size=Size(int(largest)) if largest else None,
        contract_multiplier=multiplier,
        inverse=listed.ct_type == "inverse",
        tradable=listed.state == "live",
    )


def _symbol(listed: Listed, kind: InstrumentKind, base: str, quote: str, settle: str) -> str:
    if not (base and quote and settle):
        raise ValueError(f"{listed.inst_id[:40]}: base, quote or settlement is missing")
    if kind is InstrumentKind.SPOT:
        return f"{base}/{quote}"
    contract = f"{base}/{quote}:{settle}"
    if kind is InstrumentKind.PERPETUAL:
        return contract
    delivery = _DELIVERY.fullmatch(listed.inst_id)
    if delivery is None:
        raise ValueError(f"{listed.inst_id[:40]}: its name has no date")
    return f"{contract}-{delivery[1]}"


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not (value.is_finite() and value >= 0):
        raise ValueError(f"{text[:40]!r} is no amount")
    return value
