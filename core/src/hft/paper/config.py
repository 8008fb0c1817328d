"""The assumptions of simulated fills that a profile may set for an exchange."""

from __future__ import annotations

import enum
from decimal import Decimal
from itertools import pairwise

import attrs

from hft.plugin.config import option
from hft.types import Duration

__all__ = ["NO_L3", "FeeTier", "PaperConfig", "QueueModelName"]

NO_L3 = (
    "queue: l3 needs single orders, which no stream tells of and only the data of a backtest may have:"
    " choose risk-averse, power or log"
)
"""Why a queue model cannot be had outside of backtests."""

_MAX_DAYS = 366
_MAX_POWER = 10
_MAX_SIGMA = 3
_MOST_FEE = Decimal("0.5")
"""No exchange takes half of what is traded: such a rate was meant as a percentage."""


class QueueModelName(enum.Enum):
    """How a cancellation in front of or behind our order is guessed."""

    RISK_AVERSE = "risk-averse"
    POWER = "power"
    LOG = "log"
    L3 = "l3"


def _check_power(_: object, __: object, value: Decimal) -> None:
    if not 0 < value <= _MAX_POWER:
        raise ValueError(f"must be above 0 and at most {_MAX_POWER}, got {value:f}")


def _check_sigma(_: object, __: object, value: Decimal) -> None:
    if not 0 <= value <= _MAX_SIGMA:
        raise ValueError(f"must be from 0 to {_MAX_SIGMA}, got {value:f}")


def _check_interval(_: object, __: object, value: Duration) -> None:
    if value <= 0:
        raise ValueError("must be longer than 0s")


def _check_rate(_: object, __: object, value: Decimal) -> None:
    if not abs(value) < _MOST_FEE:
        raise ValueError(f'must be a fraction such as "0.0002", got {value:f}')


def _check_volume(_: object, __: object, value: Decimal) -> None:
    if value < 0:
        raise ValueError(f"must not be negative, got {value:f}")


@attrs.frozen(kw_only=True)
class FeeTier:
    """The rates from a traded volume on."""

    volume: Decimal = option(doc="value traded from which on it holds", validator=_check_volume)
    maker: Decimal = option(doc="fee rate when resting, negative for a rebate", validator=_check_rate)
    taker: Decimal = option(doc="fee rate when taking", validator=_check_rate)


def _check_tiers(config: PaperConfig, __: object, tiers: tuple[FeeTier, ...]) -> None:
    volumes = [tier.volume for tier in tiers]
    if tiers and volumes[0]:
        raise ValueError(f'must begin with a tier of volume "0", got {volumes[0]:f}')
    if any(after <= before for before, after in pairwise(volumes)):
        raise ValueError("must rise in volume from tier to tier")
    if tiers and (config.maker_fee is not None or config.taker_fee is not None):
        raise ValueError(
            "maker_fee and taker_fee are one pair of rates, fee_tiers says all of them:"
            " remove the ones or the other"
        )


def _check_days(_: object, __: object, value: int) -> None:
    if not 0 < value <= _MAX_DAYS:
        raise ValueError(f"must be from 1 to {_MAX_DAYS}, got {value}")


def _check_traded(config: PaperConfig, __: object, value: Decimal) -> None:
    if value < 0:
        raise ValueError(f"must not be negative, got {value:f}")
    if value and not config.fee_tiers:
        raise ValueError("traded_volume decides between fee_tiers and there are none: add them or remove it")


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
    maker_fee: Decimal | None = option(
        None, doc="fee rate when resting, negative for a rebate; 0.001 unless set here or by `fee_tiers`"
    )
    taker_fee: Decimal | None = option(
        None, doc="fee rate when taking; 0.001 unless set here or by `fee_tiers`"
    )
    fee_tiers: tuple[FeeTier, ...] = option(
        (),
        doc="fee rates by the value traded in the days before instead, each a mapping of `volume`, `maker`"
        " and `taker`, the first from volume 0 on",
        validator=_check_tiers,
    )
    traded_volume: Decimal = option(
        Decimal(0),
        doc="value that the account traded in the days before the start, by which `fee_tiers` begins",
        validator=_check_traded,
    )
    volume_days: int = option(
        30, doc="whole days before today, by UTC, whose trading `fee_tiers` looks at", validator=_check_days
    )
    funding_rate: Decimal | None = option(
        None,
        doc="what longs pay shorts of a perpetual each interval, as a rate; unless set 0, and in a backtest"
        " what was recorded with the data",
    )
    funding_interval: Duration = option(
        Duration(28_800_000_000_000),
        doc="time from one funding to the next, counted from midnight UTC",
        validator=_check_interval,
    )
    funding_rates: str | None = option(
        None, doc="funding rates that were really paid to use instead, a file beside the profile"
    )
    queue: QueueModelName = option(
        QueueModelName.RISK_AVERSE, doc="queue position model; `l3` needs data with single orders"
    )
    queue_power: Decimal = option(Decimal(3), doc="exponent of the queue model power", validator=_check_power)

    @property
    def states_funding(self) -> bool:
        """Whether it says itself what funding is paid."""
        return self.funding_rate is not None or self.funding_rates is not None
