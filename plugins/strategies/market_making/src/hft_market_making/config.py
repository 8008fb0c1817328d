"""The profile's part of the market maker."""

from __future__ import annotations

import enum
from decimal import Decimal

import attrs
from attrs.validators import and_, ge, gt, le, optional

from hft import Duration, option

__all__ = ["Config", "Model"]

_MAX_LEVELS = 50


class Model(enum.Enum):
    """How the middle and the width of the quotes follow from position and volatility."""

    SYMMETRIC = "symmetric"
    AVELLANEDA_STOIKOV = "avellaneda-stoikov"


@attrs.frozen(kw_only=True)
class Config:
    """What to quote. Prices and distances are in quote currency, sizes in base currency or contracts."""

    target_spread: Decimal = option(doc="least distance between first bid and first ask", validator=gt(0))
    order_size: Decimal = option(doc="size of the order on each level", validator=gt(0))
    max_position: Decimal = option(
        doc="position, long or short, that the quotes may lead to if all fill", validator=gt(0)
    )
    levels: int = option(1, doc="levels on each side", validator=and_(ge(1), le(_MAX_LEVELS)))
    level_spacing: Decimal | None = option(
        None, doc="distance between levels, half the target spread if not given", validator=optional(gt(0))
    )
    refresh: Duration = option(
        Duration(1_000_000_000), doc="interval at which quotes are renewed", validator=gt(0)
    )
    tolerance: Decimal | None = option(
        None,
        doc="move of the mid that renews quotes at once, a quarter of the target spread if not given",
        validator=optional(gt(0)),
    )
    model: Model = option(Model.SYMMETRIC, doc="how position and volatility move and widen the quotes")
    inventory_skew: float = option(
        0.5,
        doc="symmetric: shift against a full position, as a share of the half spread, 0 to 1",
        validator=and_(ge(0), le(1)),
    )
    volatility_multiple: float = option(
        0.0,
        doc="symmetric: standard deviations of the mid over one refresh that widen each side",
        validator=and_(ge(0), le(100)),
    )
    volatility_memory: Duration = option(
        Duration(60_000_000_000), doc="time after which a move counts 1/e in the volatility", validator=gt(0)
    )
    gamma: float = option(
        0.1,
        doc="avellaneda-stoikov: risk aversion per order size of position",
        validator=and_(gt(0), le(1000)),
    )
    kappa: float = option(
        1.5,
        doc="avellaneda-stoikov: decay of fills with distance, per unit of quote currency",
        validator=and_(gt(0), le(1_000_000)),
    )
    horizon: Duration = option(
        Duration(10_000_000_000),
        doc="avellaneda-stoikov: time over which a position is risk",
        validator=gt(0),
    )
