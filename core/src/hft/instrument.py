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

    Where an exchange limits the figures of a price instead of having one tick (``price_figures``; whole
    numbers are always allowed), ``tick_size`` is the finest tick, and orders have to be at prices that
    `allows_price`: round with `price_down` and `price_up`, step with `price_below` and `price_above`.
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
    price_figures: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )

    _prices: _Grid = attrs.field(init=False, repr=False)
    _sizes: _Grid = attrs.field(init=False, repr=False)
    _coarsest: int = attrs.field(init=False, repr=False)
    """The largest step between prices, in ticks."""
    point_value: Decimal = attrs.field(init=False, repr=False)
    """Quote currency that one lot gains when the price rises one tick (linear instruments)."""

    @_prices.default
    def _make_prices(self) -> _Grid:
        return _Grid(self.tick_size, "price")

    @_sizes.default
    def _make_sizes(self) -> _Grid:
        return _Grid(self.lot_size, "size")

    @_coarsest.default
    def _find_coarsest(self) -> int:
        return 1 if self.price_figures is None else max(1, self._prices.scale // self._prices.unit)

    @price_figures.validator
    def _decimal_tick(self, _: object, figures: int | None) -> None:
        # Whole numbers and rounded figures must be on the grid.
        if figures is not None and Decimal(1).scaleb(self.tick_size.adjusted()) != self.tick_size:
            raise GridError(f"{self.id}: with price_figures the tick must be a power of ten")

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

    def price_step(self, price: int) -> int:
        """Return how many ticks lie between the prices that orders may have around a price."""
        coarsest = self._coarsest
        if coarsest == 1:
            return 1
        assert self.price_figures is not None
        step = int(10 ** max(0, len(str(price)) - self.price_figures))
        return min(step, coarsest)

    def allows_price(self, price: int) -> bool:
        """Say whether an order may have a price of the grid."""
        return self._coarsest == 1 or price % self.price_step(price) == 0

    def price_down(self, price: int) -> Price:
        """Return the highest price that an order may have, not above one of the grid."""
        return Price(price) if self._coarsest == 1 else Price(price - price % self.price_step(price))

    def price_up(self, price: int) -> Price:
        """Return the lowest price that an order may have, not below one of the grid."""
        # Rounded up over a power of ten it has a figure more, and ends with zeros.
        return Price(price) if self._coarsest == 1 else Price(price + -price % self.price_step(price))

    def price_below(self, price: int) -> Price:
        """Return the highest price below another that an order may have."""
        return self.price_down(price - 1)

    def price_above(self, price: int) -> Price:
        """Return the lowest price above another that an order may have."""
        return self.price_up(price + 1)

    def floor_price(self, value: float) -> Price:
        """Return the highest price that an order may have, not above ``value``: from a signal to a bid."""
        return self.price_down(int(value * self._prices.scale // self._prices.unit))

    def ceil_price(self, value: float) -> Price:
        """Return the lowest price that an order may have, not below ``value``: from a signal to an ask."""
        return self.price_up(-int(-value * self._prices.scale // self._prices.unit))

    def notional(self, price: int, size: int) -> Decimal:
        """Return the exact value in quote currency of ``size`` at ``price`` (linear instruments)."""
        return price * size * self.point_value

    def __str__(self) -> str:
        return str(self.id)
