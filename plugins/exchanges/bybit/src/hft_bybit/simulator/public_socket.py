"""The public websockets of the simulated Bybit: one path for each product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hft.sim import Hub, Outbox
from hft_bybit.endpoints import Product
from hft_bybit.simulator.publisher import Publisher
from hft_bybit.simulator.sockets import Connection

__all__ = ["PublicConnection"]

_MOST_SPOT_ARGS = 10
_MOST_CHARACTERS = 21_000


class PublicConnection(Connection):
    """One client of public data; ``wake`` is called when it subscribes to something."""

    def __init__(
        self,
        product: Product,
        outbox: Outbox,
        hub: Hub,
        publisher: Publisher,
        wake: Callable[[], None],
    ) -> None:
        super().__init__(outbox, hub)
        self.product = product
        self._publisher = publisher
        self._wake = wake
        self._topics: dict[str, None] = {}

    def handle(self, frame: dict[str, Any]) -> None:
        op, args = frame.get("op"), frame.get("args")
        answer = {"conn_id": self.conn_id, "req_id": str(frame.get("req_id", "")), "op": str(op)}
        if op == "ping":
            self.reply("ping", {"success": True, "ret_msg": "pong", **answer})
            return
        names = [str(name) for name in args] if isinstance(args, list) else []
        if op == "unsubscribe":
            for name in names:
                self._topics.pop(name, None)
                self.hub.unsubscribe(self.subscriber, self._key(name))
            self.reply("unsubscribe", {"success": True, "ret_msg": self._done(str(op)), **answer})
        elif op == "subscribe":
            reason = self._fault(names)
            if reason:
                self.reply("subscribe", {"success": False, "ret_msg": reason, **answer})
                return
            self.reply("subscribe", {"success": True, "ret_msg": self._done(str(op)), **answer})
            for name in names:
                self._begin(name)
            self._wake()
        else:
            self.reply("", {"success": False, "ret_msg": "error:invalid op", **answer})

    def _begin(self, name: str) -> None:
        self._topics[name] = None
        self.hub.subscribe(self.subscriber, self._key(name))
        first = self._publisher.first(self.product, name)
        if first:
            self.hub.reply(self.subscriber, self._key(name), first)

    def _fault(self, names: list[str]) -> str:
        """Say why a subscription is refused as a whole; empty where it is not."""
        if not names:
            return "error:args is empty"
        if self.product is Product.SPOT and len(names) > _MOST_SPOT_ARGS:
            return f"args size >{_MOST_SPOT_ARGS}"
        if sum(map(len, (*self._topics, *names))) > _MOST_CHARACTERS:
            return f"args length > {_MOST_CHARACTERS}"
        for name in names:
            if self._publisher.find(self.product, name) is None:
                return f"error:handler not found,topic:{name}"
            if name in self._topics:
                return f"error:already subscribed,topic:{name}"
        return ""

    def _key(self, name: str) -> str:
        return f"{self.product.value}/{name}"

    def _done(self, op: str) -> str:
        return op if self.product is Product.SPOT else ""
