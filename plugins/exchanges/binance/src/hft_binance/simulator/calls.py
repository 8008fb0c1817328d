"""The private requests of the simulated Binance, whichever way they came."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from hft_binance.simulator.auth import ApiKey
from hft_binance.simulator.params import Params

__all__ = ["Call", "Endpoint", "Security", "always", "one_or_all"]

Weight = Callable[[Mapping[str, str]], int]


class Security(enum.Enum):
    """What a request must show of its sender."""

    NONE = "none"
    KEY = "key"
    SIGNED = "signed"


@attrs.define
class Call:
    """One request: its parameters, who sent it, and the counters of what it placed."""

    params: Params
    key: ApiKey | None
    now_ms: int
    placed: int = 0
    """Orders that it placed, for the counters."""

    @property
    def account(self) -> str:
        """The account of the sender."""
        assert self.key is not None
        return self.key.account


@attrs.frozen(kw_only=True)
class Endpoint:
    """One thing that can be asked: what it costs, who may ask it, and what answers.

    ``orders`` says how many orders a request counts as. A request with ``free`` weighs nothing when
    it succeeds.
    """

    answer: Callable[[Call], Any]
    weight: Weight
    security: Security = Security.SIGNED
    orders: Callable[[Mapping[str, str]], int] = lambda _: 0
    trades: bool = False
    """Whether the key needs the permission to trade."""
    free: bool = False


def always(weight: int) -> Weight:
    """Weigh every request alike."""
    return lambda _: weight


def one_or_all(one: int, everything: int) -> Weight:
    """Weigh a request for one symbol less than one for all."""
    return lambda query: one if "symbol" in query else everything
