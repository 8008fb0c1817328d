"""The private websocket of the simulated Bybit: a login, and what happens to the account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hft import Clock
from hft.sim import Hub, Outbox
from hft_bybit.endpoints import Product
from hft_bybit.simulator.auth import ApiKey, check_login
from hft_bybit.simulator.listing import NS_PER_MS
from hft_bybit.simulator.params import ApiError
from hft_bybit.simulator.sockets import Connection

__all__ = ["DEAD_MAN_TOPICS", "PRIVATE_TOPICS", "PrivateConnection"]

_KINDS = ("order", "execution", "position", "wallet")
PRIVATE_TOPICS = frozenset(
    {*_KINDS, "execution.fast"}
    | {f"{kind}.{product.value}" for kind in _KINDS[:3] for product in Product}
    | {f"execution.fast.{product.value}" for product in Product}
)
DEAD_MAN_TOPICS = {"dcp.future": Product.LINEAR, "dcp.spot": Product.SPOT}


class PrivateConnection(Connection):
    """One client of the private stream.

    ``watch`` is told for which products it keeps orders alive from now on, and at its end ``leave``.
    """

    def __init__(
        self,
        outbox: Outbox,
        hub: Hub,
        keys: Mapping[str, ApiKey],
        clock: Clock,
        watch: Callable[[PrivateConnection, str, frozenset[Product]], None],
        leave: Callable[[PrivateConnection, str], None],
        idle_ns: int,
    ) -> None:
        super().__init__(outbox, hub, idle_ns)
        self._keys = keys
        self._clock = clock
        self._watch = watch
        self._account = ""
        self._watched: frozenset[Product] = frozenset()
        self.on_leave = lambda: leave(self, self._account)

    def handle(self, frame: dict[str, Any]) -> None:
        op, args = frame.get("op"), frame.get("args")
        request_id = str(frame.get("req_id", ""))
        answer: dict[str, Any] = {"conn_id": self.conn_id, **({"req_id": request_id} if request_id else {})}
        if op == "ping":
            now_ms = self._clock.now_ns() // NS_PER_MS
            self.reply("ping", {"op": "pong", "args": [str(now_ms)], **answer})
        elif op == "auth":
            self.hub.request(self.subscriber, "auth", lambda: self._log_in(args, answer))
        elif op in ("subscribe", "unsubscribe"):
            names = [str(name) for name in args] if isinstance(args, list) else []
            reason = self._change(str(op), names)
            self.reply(str(op), {"success": not reason, "ret_msg": reason, "op": op, **answer})
        else:
            self.reply("", {"success": False, "ret_msg": "error:invalid op", "op": str(op), **answer})

    def _log_in(self, args: object, answer: dict[str, Any]) -> None:
        reason = ""
        try:
            self._account = check_login(self._keys, args, self._clock.now_ns() // NS_PER_MS).account
        except ApiError as error:
            reason = error.message
        self.reply("auth", {"success": not reason, "ret_msg": reason, "op": "auth", **answer})

    def _change(self, op: str, names: list[str]) -> str:
        """Subscribe or end that; return why it is refused, empty where it is not."""
        if not self._account:
            return "Request not authorized"
        for name in names:
            if name not in PRIVATE_TOPICS and name not in DEAD_MAN_TOPICS:
                return f"error:handler not found,topic:{name}"
        watched = set(self._watched)
        for name in names:
            if product := DEAD_MAN_TOPICS.get(name):
                (watched.add if op == "subscribe" else watched.discard)(product)
                continue
            change = self.hub.subscribe if op == "subscribe" else self.hub.unsubscribe
            change(self.subscriber, f"user/{self._account}/{name}")
        if watched != self._watched:
            self._watched = frozenset(watched)
            self._watch(self, self._account, self._watched)
        return ""
