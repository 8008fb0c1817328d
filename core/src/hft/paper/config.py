"""The assumptions of simulated fills that a profile may set for an exchange."""

from __future__ import annotations

import enum
from decimal import Decimal

import attrs

from hft.plugin.config import option
from hft.types import Duration

__all__ = ["PaperConfig", "QueueModelName"]


class QueueModelName(enum.Enum):
    """How a cancellation in front of or behind our order is guessed."""

    RISK_AVERSE = "risk-averse"


@attrs.frozen(kw_only=True)
class PaperConfig:
    """The ``paper:`` part of an exchange: what simulated fills assume."""

    order_latency: Duration = option(Duration(5_000_000), doc="time from sending an order to its arrival")
    response_latency: Duration = option(Duration(5_000_000), doc="time from the exchange's answer to ours")
    maker_fee: Decimal = option(Decimal("0.001"), doc="fee rate when resting, negative for a rebate")
    taker_fee: Decimal = option(Decimal("0.001"), doc="fee rate when taking")
    queue: QueueModelName = option(QueueModelName.RISK_AVERSE, doc="queue position model")
