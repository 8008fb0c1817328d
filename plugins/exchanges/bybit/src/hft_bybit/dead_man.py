"""The exchange's own switch: it cancels our orders when our private connection has been gone for a while."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hft import Link, RestAnswer, TransportError
from hft_bybit import limits
from hft_bybit.endpoints import Product
from hft_bybit.private_codec import refusal_of
from hft_bybit.rest_api import RestApi

__all__ = ["DeadMan"]

_PATH = "/v5/order/disconnected-cancel-all"
_PRODUCTS = {Product.LINEAR: "DERIVATIVES", Product.SPOT: "SPOT"}
_TOPICS = {Product.LINEAR: "dcp.future", Product.SPOT: "dcp.spot"}

_SHORTEST_S, _LONGEST_S = 3, 300


class DeadMan:
    """Sets how long the connection may be gone, and lets the exchange watch it: both only where it changes.

    It watches a connection that has subscribed to a topic for this; ``watch(topics)`` subscribes. The
    exchange offers it to some accounts only, and says so.
    """

    def __init__(self, link: Link, api: RestApi, watch: Callable[[tuple[str, ...]], None]) -> None:
        self._link = link
        self._api = api
        self._watch = watch
        self._set: dict[Product, int] = {}
        """Seconds that the exchange has taken, by product."""
        self._asked: dict[Product, int] = {}

    def arm(self, products: tuple[Product, ...], timeout_ns: int) -> None:
        """Let orders be cancelled this long after the connection broke; 0: let them stand."""
        if not timeout_ns:
            self._watch(())
            return
        seconds = min(_LONGEST_S, max(_SHORTEST_S, timeout_ns // 1_000_000_000))
        self._watch(tuple(_TOPICS[product] for product in products))
        for product in products:
            if self._set.get(product) != seconds and self._asked.get(product) != seconds:
                self._ask(product, seconds)

    def _ask(self, product: Product, seconds: int) -> None:
        self._asked[product] = seconds
        body = msgspec.json.encode({"product": _PRODUCTS[product], "timeWindow": seconds}).decode()
        call = self._api.post(_PATH, lambda: body, costs=((limits.REST, 1),))

        def done(answer: RestAnswer | TransportError) -> None:
            self._asked.pop(product, None)
            if isinstance(answer, TransportError):
                why = str(answer)
            elif code := self._api.judge(call, answer):
                why = f"{code} {refusal_of(answer.body)[1][:200]!r}"
            elif answer.status != 200:
                why = f"status {answer.status}"
            else:
                self._set[product] = seconds
                return
            what = f"the dead man's switch of {product.value}"
            self._link.warn(f"{self._link.exchange}: {what} was not set: {why}")

        self._link.call(call, done)
