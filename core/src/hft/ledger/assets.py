"""What was earned and what is open in one asset, over all instruments."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft.money import difference, total, trim

__all__ = ["AssetFigures", "AssetTotals"]


@attrs.frozen(kw_only=True)
class AssetTotals:
    """What was earned and paid in one asset over all instruments, exactly."""

    realized: Decimal = Decimal(0)
    unrealized: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal:
        """Profit after fees and funding: realized + unrealized - fees + funding."""
        return trim(difference(total((self.realized, self.unrealized, self.funding)), self.fees))


class AssetFigures:
    """The same as running totals for risk rules, each an `hft.money.Amount`.

    ``profit`` is net: realized, unrealized, less fees, with funding. ``gross`` is the value of all
    positions, long and short alike. ``open_value`` is what of ``profit`` no balance shows yet, beside the
    price of spot positions. ``opening`` is the profit when the day began, ``peak`` the highest seen.
    """

    __slots__ = ("gross", "open_value", "opening", "peak", "profit")

    def __init__(self) -> None:
        self.profit = self.gross = self.open_value = self.opening = self.peak = 0
