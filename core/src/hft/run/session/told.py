"""What the clients and accounts of a live run tell the kernel, as lines of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs
import cattrs
import msgspec

from hft.capture.redact import redact_frame, redact_text
from hft.errors import CaptureError
from hft.events import BalanceReport, Fill, Funding, OrderReport
from hft.instrument import Instrument
from hft.order import Order
from hft.plugin.execution import Capabilities
from hft.risk import Kill
from hft.types import PositionSide, Size

__all__ = ["Kept", "Lost", "NoConfig", "Resized", "Taken", "Terms", "ToldReader", "ToldWriter", "redacted"]


@attrs.frozen(kw_only=True)
class NoConfig:
    """What a client is configured by that is none of an exchange."""


@attrs.frozen
class Terms:
    """What an exchange can do for an instrument, and which wallet pays for it."""

    capabilities: Capabilities
    wallet: str


@attrs.frozen
class Lost:
    """An exchange that cannot be traded on now."""

    exchange: str
    reason: str


@attrs.frozen
class Taken:
    """An order of an earlier run that is taken up, and the strategy to own it."""

    order: Order
    owner: str


@attrs.frozen
class Resized:
    """A position that is made what the exchange says it is."""

    instrument: Instrument
    position_side: PositionSide
    size: Size
    price: Decimal
    at_ns: int


@attrs.frozen
class Kept:
    """How far back an exchange's fills may be told again."""

    exchange: str
    since_ns: int


_TYPES: dict[str, Any] = {
    "report": OrderReport,
    "fill": Fill,
    "funding": Funding,
    "balance": BalanceReport,
    "ready": str,
    "lost": Lost,
    "adopt": Taken,
    "remember": Taken,
    "doubt": str,
    "doubt-silent": None,
    "cancel": str,
    "cancel-all": Instrument,
    "position": Resized,
    "keep": Kept,
    "ledger": dict[str, Any],
    "kill": Kill,
    "terms": dict[str, Terms],
}
"""What each kind brings; an order that is known is named by its client order id."""


def redacted(text: str) -> str:
    """Return an exchange's own words without secrets that it may have repeated."""
    return redact_text(redact_frame(text.encode(errors="replace"), sent=True).decode())


class ToldWriter:
    """Turns what was told into bytes."""

    def __init__(self) -> None:
        self._converter = converter = cattrs.Converter(omit_if_default=True, detailed_validation=False)
        converter.register_unstructure_hook(Instrument, lambda instrument: str(instrument.id))

    def encode(self, told: Any) -> bytes:
        """Return it as JSON; instruments are named."""
        return msgspec.json.encode(self._converter.unstructure(told))


class ToldReader:
    """Turns the bytes back; ``instruments`` are those of the run by name, and may be filled later."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._converter = converter = cattrs.Converter(detailed_validation=False)
        converter.register_structure_hook(Instrument, lambda name, _: instruments[name])
        converter.register_structure_hook(Decimal, lambda text, _: Decimal(text))

    def decode(self, what: str, data: bytes) -> Any:
        """Return what was told; raise `CaptureError` where that cannot be read."""
        try:
            kind = _TYPES[what]
            value = msgspec.json.decode(data)
            return None if kind is None else self._converter.structure(value, kind)
        except Exception as error:  # a damaged line may raise anything on its way
            raise CaptureError(
                f"the recording has {what!r} that cannot be read: {type(error).__name__}: {error}"
            ) from None
