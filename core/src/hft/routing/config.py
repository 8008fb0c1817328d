"""The fees that a profile states for an exchange."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft.plugin.config import option

__all__ = ["FeesConfig"]

_MOST = Decimal("0.5")
"""No exchange takes half of what is traded: such a rate was meant as a percentage."""


def _check_rate(_: object, __: object, value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and abs(value) < _MOST):
        raise ValueError(f'must be a fraction such as "0.001", got {value}')


@attrs.frozen(kw_only=True)
class FeesConfig:
    """The ``fees:`` part of an exchange: what the account pays there."""

    taker: Decimal | None = option(
        None, doc="fee rate when taking, by default that of `paper`", validator=_check_rate
    )
