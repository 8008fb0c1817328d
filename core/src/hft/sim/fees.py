"""What trading costs on a simulated exchange."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

import attrs

from hft.money import product

__all__ = ["AMOUNT", "FeeRates", "rounded"]

AMOUNT = Decimal("1e-8")
"""The smallest amount of any asset that balances and fees are counted in."""

_ROUNDING = Context(prec=100, rounding=ROUND_HALF_UP)


def rounded(amount: Decimal) -> Decimal:
    """Round to what can be booked."""
    return amount.quantize(AMOUNT, context=_ROUNDING)


@attrs.frozen(kw_only=True)
class FeeRates:
    """Fees as shares of what was traded; a negative one is a rebate.

    With a ``discount_asset`` fees are taken in that asset, less ``discount``, where a price of it is
    known and the account has enough of it.
    """

    maker: Decimal
    taker: Decimal
    discount_asset: str | None = None
    discount: Decimal = Decimal(0)

    def fee(self, amount: Decimal, *, is_maker: bool) -> Decimal:
        """Return the fee on an amount, in its own asset."""
        return rounded(product(amount, self.maker if is_maker else self.taker))

    def discounted(self, amount: Decimal, price: Decimal, *, is_maker: bool) -> Decimal:
        """Return the fee in the discount asset, which costs ``price`` in the amount's asset."""
        rate = product(self.maker if is_maker else self.taker, 1 - self.discount)
        return rounded(_ROUNDING.divide(product(amount, rate), price))
