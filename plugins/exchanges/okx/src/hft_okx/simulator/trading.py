"""Requests about orders, one or many, over REST and the websocket, and the dead man's switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from hft import Clock, Timer
from hft.sim import ClientOrder, EndReason, LinearDesk, SpotDesk
from hft_okx.simulator.auth import ApiKey
from hft_okx.simulator.bodies import Body
from hft_okx.simulator.errors import ApiError, parameter
from hft_okx.simulator.listing import NS_PER_MS, NS_PER_S
from hft_okx.simulator.native import native
from hft_okx.simulator.orders import Arg, Orders, text
from hft_okx.simulator.rate_limits import Counters

__all__ = ["ACTIONS", "DeadMan", "Trading"]

ACTIONS = {
    "order": ("place", False),
    "batch-orders": ("place", True),
    "amend-order": ("amend", False),
    "batch-amend-orders": ("amend", True),
    "amend-batch-orders": ("amend", True),
    "cancel-order": ("cancel", False),
    "batch-cancel-orders": ("cancel", True),
    "cancel-batch-orders": ("cancel", True),
}
"""By name, of the websocket or of REST: what is done, and whether to several."""

_MOST = 20


class _Action(Protocol):
    def __call__(self, account: str, arg: Arg, *, ws: bool) -> Body: ...


class Trading:
    """Answers requests about orders: top-level code, words, and one entry for each order."""

    def __init__(self, orders: Orders, counters: Counters, clock: Clock) -> None:
        self.orders = orders
        self._actions: dict[str, _Action] = {
            "place": orders.place,
            "amend": orders.amend,
            "cancel": orders.cancel,
        }
        self._counters = counters
        self._clock = clock

    def answer(self, key: ApiKey, name: str, args: Sequence[Arg], expires: str, *, ws: bool) -> Body:
        """Carry a request out; raise `ApiError` where it is refused as a whole."""
        action, several = ACTIONS[name]
        if "trade" not in key.permissions:
            raise ApiError("50114", "Invalid Authority.")
        if not args or len(args) > (_MOST if several else 1):
            raise ApiError("60013" if ws else "50014", "Invalid args")
        self._check_expiry(expires)
        self._count(key.account, action, args, ws=ws)
        items = [self._one(key.account, action, arg, ws=ws) for arg in args]
        failed = sum(item["sCode"] != "0" for item in items)
        if not failed:
            code, msg = "0", ""
        elif failed == len(items):
            code, msg = "1", "All operations failed"
        else:
            code, msg = "2", "Bulk operation partially succeeded."
        return {"code": code, "msg": msg, "data": items}

    def _one(self, account: str, action: str, arg: Arg, *, ws: bool) -> Body:
        try:
            return self._actions[action](account, arg, ws=ws)
        except ApiError as error:
            now_ms = self._clock.now_ns() // NS_PER_MS
            return {
                "ordId": text(arg, "ordId"), "clOrdId": text(arg, "clOrdId"), "tag": "", "ts": str(now_ms),
                "sCode": error.code, "sMsg": error.msg, "subCode": "",
            }  # fmt: skip

    def _count(self, account: str, action: str, args: Sequence[Arg], *, ws: bool) -> None:
        numbers: dict[tuple[str, bool], int] = {}
        for arg in args:
            try:
                listing = self.orders.listing(arg, ws=ws)
            except ApiError:
                continue  # told of by itself
            key = listing.name, listing.is_swap
            numbers[key] = numbers.get(key, 0) + 1
        for (name, is_swap), number in numbers.items():
            self._counters.orders(account, action, name, number, capped=is_swap)

    def _check_expiry(self, expires: str) -> None:
        if not expires:
            return
        if not expires.isdigit():
            raise ApiError("50037", "The expTime is invalid.")
        if int(expires) < self._clock.now_ns() // NS_PER_MS:
            raise ApiError("50036", "The expTime can't be earlier than the current system time.")


class DeadMan:
    """Cancels an account's orders, all or those of a tag, unless told again in time."""

    def __init__(self, spot: SpotDesk, swap: LinearDesk, clock: Clock) -> None:
        self._spot = spot
        self._swap = swap
        self._clock = clock
        self._timers: dict[tuple[str, str], Timer] = {}

    def set(self, account: str, params: Arg) -> list[Any]:
        """Start, restart or end a timer."""
        seconds, tag = text(params, "timeOut"), text(params, "tag")
        if not seconds.isdigit() or not (int(seconds) == 0 or 10 <= int(seconds) <= 120):
            raise parameter("timeOut")
        timer = self._timers.pop((account, tag), None)
        if timer is not None:
            timer.cancel()
        now_ns, after_ns = self._clock.now_ns(), int(seconds) * NS_PER_S
        if after_ns:
            self._timers[account, tag] = self._clock.call_later(after_ns, lambda: self._strike(account, tag))
        trigger = str((now_ns + after_ns) // NS_PER_MS) if after_ns else "0"
        return [{"triggerTime": trigger, "tag": tag, "ts": str(now_ns // NS_PER_MS)}]

    def stop(self) -> None:
        """Cancel every timer."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _strike(self, account: str, tag: str) -> None:
        self._timers.pop((account, tag), None)
        desks: tuple[SpotDesk | LinearDesk, ...] = (self._spot, self._swap)
        for desk in desks:
            for order in desk.accounts[account].open_orders():
                if not tag or _tag(order) == tag:
                    desk.cancel(order, EndReason.EXCHANGE)


def _tag(order: ClientOrder) -> str:
    return native(order).tag
