"""Instruments: what can be traded where, and the exact grid of its prices and sizes."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft.errors import GridError, UsageError
from hft.types import InstrumentKind, Price, Size

__all__ = ["Instrument", "InstrumentId"]


@attrs.frozen(order=True)
class InstrumentId:
    """A unified symbol on one exchange of the profile, written ``BTC/USDT:USDT@okx``.

    ``symbol`` follows ccxt: ``BASE/QUOTE`` for spot, ``BASE/QUOTE:SETTLE`` for perpetuals, with
    ``-YYMMDD`` behind for dated futures. ``exchange`` is the exchange's key in the profile, so two
    accounts of one exchange are two keys.
    """

    symbol: str
    exchange: str

    @classmethod
    def parse(cls, text: str) -> InstrumentId:
        """Read ``SYMBOL@EXCHANGE``; raise `ValueError` saying what is wrong."""
        symbol, at, exchange = text.rpartition("@")
        if not at or not symbol or not exchange:
            raise ValueError(f"{text!r} is not an instrument, write it as 'BTC/USDT@binance'")
        base, slash, rest = symbol.partition("/")
        if not slash or not base or not rest:
            raise ValueError(f"{symbol!r} is not a symbol, write it as 'BTC/USDT' or 'BTC/USDT:USDT'")
        return cls(symbol, exchange)

    def __str__(self) -> str:
        return f"{self.symbol}@{self.exchange}"


def _positive(instrument: Instrument, attribute: attrs.Attribute[Decimal], value: Decimal) -> None:
    if not (value.is_finite() and value > 0):
        raise GridError(f"{instrument.id}: {attribute.name} must be positive, got {value}")


MAX_COUNT = 2**62
"""Counts of ticks or lots stay below this, so that every book implementation can hold them."""

_MAX_DIGITS = 40
"""Longer numbers are refused unparsed: no exchange sends them, and int() takes quadratic time."""


class _Grid:
    """Whole multiples of one decimal step, parsed and printed exactly and without `Decimal`."""

    __slots__ = ("_name", "decimals", "scale", "step", "unit")

    def __init__(self, step: Decimal, name: str) -> None:
        self.step = step.normalize()
        exponent = self.step.as_tuple().exponent
        assert isinstance(exponent, int)
        self.decimals = max(0, -exponent)
        self.scale: int = 10**self.decimals
        self.unit = int(self.step * self.scale)
        self._name = name

    def parse(self, text: str) -> int:
        whole, _, fraction = text.partition(".")
        digits = whole + fraction
        # isdigit alone lets other alphabets' digits through, int alone lets "1_0", "+1" and " 1".
        if not (digits.isdigit() and digits.isascii()):
            raise GridError(f"{self._name} {text[:_MAX_DIGITS]!r} is not a plain positive decimal")
        if len(digits) > _MAX_DIGITS:
            raise GridError(f"{self._name} {text[:_MAX_DIGITS]!r}... is too large")
        shift = self.decimals - len(fraction)
        if shift >= 0:
            count, rest = int(digits) * int(10**shift), 0
        else:
            count, rest = divmod(int(digits), int(10**-shift))
        if self.unit != 1:
            count, off = divmod(count, self.unit)
            rest |= off
        if rest:
            raise GridError(f"{self._name} {text!r} is not a multiple of {self.step:f}")
        if count >= MAX_COUNT:
            raise GridError(f"{self._name} {text!r} is too large")
        return count

    def format(self, count: int) -> str:
        if count < 0:
            return f"-{self.format(-count)}"
        text = str(count * self.unit)
        decimals = self.decimals
        if not decimals:
            return text
        if len(text) <= decimals:
            text = text.zfill(decimals + 1)
        # Cutting the text costs less than dividing the number and padding what is left.
        return f"{text[:-decimals]}.{text[-decimals:]}"

    def to_decimal(self, count: int) -> Decimal:
        return Decimal(count * self.unit).scaleb(-self.decimals)

    def to_float(self, count: int) -> float:
        # One division of two exact integers: correctly rounded, as multiplying by 0.01 is not.
        return count * self.unit / self.scale


@attrs.frozen(kw_only=True, eq=False)
class Instrument:
    """One tradable product on one exchange.

    Prices are whole ticks and sizes whole lots. ``tick_size``, ``lot_size`` and ``min_notional``
    are in the exchange's own units: quote currency, and base currency or contracts.
    ``contract_multiplier`` is the amount of base currency in one unit of size (1 for spot).
    ``inverse`` contracts are sized in quote and settled in base. ``native_symbol`` is the
    exchange's own name. Two instruments are the same only if they are the same object; compare
    ``id`` across runs.
    """

    id: InstrumentId
    native_symbol: str
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    tick_size: Decimal = attrs.field(validator=_positive)
    lot_size: Decimal = attrs.field(validator=_positive)
    min_size: Size = Size(1)
    max_size: Size | None = None
    min_notional: Decimal = Decimal(0)
    contract_multiplier: Decimal = attrs.field(default=Decimal(1), validator=_positive)
    inverse: bool = False
    tradable: bool = True

    _prices: _Grid = attrs.field(init=False, repr=False)
    _sizes: _Grid = attrs.field(init=False, repr=False)
    point_value: Decimal = attrs.field(init=False, repr=False)
    """Quote currency that one lot gains when the price rises one tick (linear instruments)."""

    @_prices.default
    def _make_prices(self) -> _Grid:
        return _Grid(self.tick_size, "price")

    @_sizes.default
    def _make_sizes(self) -> _Grid:
        return _Grid(self.lot_size, "size")

    @point_value.default
    def _make_point_value(self) -> Decimal:
        return self.tick_size * self.lot_size * self.contract_multiplier

    @property
    def base_per_lot(self) -> Decimal:
        """Base currency in one lot (linear instruments)."""
        return self.lot_size * self.contract_multiplier

    @property
    def symbol(self) -> str:
        """The unified symbol without the exchange."""
        return self.id.symbol

    @property
    def exchange(self) -> str:
        """The exchange's key in the profile."""
        return self.id.exchange

    def price(self, text: str) -> Price:
        """Count the ticks of a decimal text exactly; raise `GridError` when off the grid."""
        return Price(self._prices.parse(text))

    def size(self, text: str) -> Size:
        """Count the lots of a decimal text exactly; raise `GridError` when off the grid."""
        return Size(self._sizes.parse(text))

    def size_option(self, value: Decimal, option: str) -> Size:
        """Count the lots of a size that stands in a profile; raise `UsageError` naming the ``option``."""
        try:
            return self.size(f"{value:f}")
        except GridError:
            raise UsageError(
                f"{option} {value:f} of {self} is not a multiple of its lot size {self.lot_size:f},"
                " write it as one"
            ) from None

    def format_price(self, price: int) -> str:
        """Print a price with the decimals of the tick."""
        return self._prices.format(price)

    def format_size(self, size: int) -> str:
        """Print a size with the decimals of the lot; a signed one with its sign."""
        return self._sizes.format(size)

    def price_to_decimal(self, price: int) -> Decimal:
        """Return the exact price in quote currency."""
        return self._prices.to_decimal(price)

    def size_to_decimal(self, size: int) -> Decimal:
        """Return the exact size in base currency or contracts."""
        return self._sizes.to_decimal(size)

    def price_to_float(self, price: int) -> float:
        """Return the nearest float, for signals only."""
        return self._prices.to_float(price)

    def size_to_float(self, size: int) -> float:
        """Return the nearest float, for signals only."""
        return self._sizes.to_float(size)

    def floor_price(self, value: float) -> Price:
        """Return the highest price not above ``value``, for turning a signal into a bid."""
        return Price(int(value * self._prices.scale // self._prices.unit))

    def ceil_price(self, value: float) -> Price:
        """Return the lowest price not below ``value``, for turning a signal into an ask."""
        return Price(-int(-value * self._prices.scale // self._prices.unit))

    def notional(self, price: int, size: int) -> Decimal:
        """Return the exact value in quote currency of ``size`` at ``price`` (linear instruments)."""
        return price * size * self.point_value

    def __str__(self) -> str:
        return str(self.id)
