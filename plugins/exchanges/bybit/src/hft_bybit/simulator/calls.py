"""The private requests of the simulated Bybit, whichever way they came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from hft_bybit.endpoints import Product
from hft_bybit.simulator.params import Params

__all__ = ["Answer", "Call", "Endpoint", "Limit"]

Limit = dict[Product | None, int]
"""How many a second, by product; None where the product does not matter."""


@attrs.frozen
class Call:
    """One request: what it asks, of whom."""

    params: Params
    account: str

    @property
    def product(self) -> Product:
        """The product that is asked about; raise `ApiError` where there is none."""
        return self.params.choice("category", {each.value: each for each in Product})


@attrs.frozen
class Answer:
    """What is answered: the result and, of a batch, a verdict for each part."""

    result: Any
    verdicts: Any = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Endpoint:
    """One thing that can be asked: what answers, and what it costs.

    ``bucket`` names what it is counted in, empty where it is not. ``weight`` is how many requests it counts
    as. ``trades`` says whether the key needs the permission to trade.
    """

    answer: Callable[[Call], Answer]
    bucket: str = ""
    limit: Limit = attrs.Factory(dict)
    weight: Callable[[Params], int] = lambda _: 1
    trades: bool = False
