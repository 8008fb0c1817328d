"""The assumptions of simulated fills that a profile may set for an exchange."""

from __future__ import annotations

import enum
from decimal import Decimal

import attrs

from hft.plugin.config import option
from hft.types import Duration

__all__ = ["PaperConfig", "QueueModelName"]

_MAX_POWER = 10
_MAX_SIGMA = 3


class QueueModelName(enum.Enum):
    """How a cancellation in front of or behind our order is guessed."""

    RISK_AVERSE = "risk-averse"
    POWER = "power"
    LOG = "log"


def _check_power(_: object, __: object, value: Decimal) -> None:
    if not 0 < value <= _MAX_POWER:
        raise ValueError(f"must be above 0 and at most {_MAX_POWER}, got {value:f}")


def _check_sigma(_: object, __: object, value: Decimal) -> None:
    if not 0 <= value <= _MAX_SIGMA:
        raise ValueError(f"must be from 0 to {_MAX_SIGMA}, got {value:f}")


def _check_interval(_: object, __: object, value: Duration) -> None:
    if value <= 0:
        raise ValueError("must be longer than 0s")


@attrs.frozen(kw_only=True)
class PaperConfig:
    """The ``paper:`` part of an exchange: what simulated fills assume."""

    order_latency: Duration = option(Duration(5_000_000), doc="time from sending an order to its arrival")
    response_latency: Duration = option(Duration(5_000_000), doc="time from the exchange's answer to ours")
    latency_sigma: Decimal = option(
        Decimal(0),
        doc="spread of both latencies around those above, as the sigma of a log-normal distribution",
        validator=_check_sigma,
    )
    latencies: str | None = option(
        None, doc="recorded latencies of orders to interpolate instead, a file beside the profile"
    )
    feed_latency: Duration | None = option(
        None, doc="in a backtest, the age of market data when we see them, as recorded by default"
    )
    maker_fee: Decimal = option(Decimal("0.001"), doc="fee rate when resting, negative for a rebate")
    taker_fee: Decimal = option(Decimal("0.001"), doc="fee rate when taking")
    funding_rate: Decimal = option(
        Decimal(0), doc="what longs pay shorts of a perpetual each interval, as a rate"
    )
    funding_interval: Duration = option(
        Duration(28_800_000_000_000),
        doc="time from one funding to the next, counted from midnight UTC",
        validator=_check_interval,
    )
    funding_rates: str | None = option(
        None, doc="funding rates that were really paid to use instead, a file beside the profile"
    )
    queue: QueueModelName = option(QueueModelName.RISK_AVERSE, doc="queue position model")
    queue_power: Decimal = option(Decimal(3), doc="exponent of the queue model power", validator=_check_power)
