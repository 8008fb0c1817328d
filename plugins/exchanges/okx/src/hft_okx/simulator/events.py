"""What the simulated OKX tells of an account on its private channels, and writes into its books."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from typing import Any

from hft import Clock
from hft.sim import (
    ClientOrder,
    EventQueue,
    Fill,
    IncomeKind,
    Leg,
    MarginAccount,
    OrderEvent,
    SpotAccount,
    SyntheticMarket,
)
from hft_okx.simulator.bodies import Bill, Body, Holder, order_row
from hft_okx.simulator.frames import encode
from hft_okx.simulator.listing import NS_PER_MS, Listing, plain
from hft_okx.simulator.native import native

__all__ = ["Events"]

_KEPT = 10_000

_TYPES = {IncomeKind.FUNDING: "8", IncomeKind.TRANSFER: "1", IncomeKind.INSURANCE: "9"}
_BALANCE_EVENTS = {
    IncomeKind.FUNDING: "funding_fee",
    IncomeKind.TRANSFER: "transferred",
    IncomeKind.INSURANCE: "claw_back",
}


class Events:
    """Listens to both desks; publishes under ``user/ACCOUNT/CHANNEL/...``, as narrow as subscriptions can be.

    A payload is a frame's fields but ``arg``, which each subscriber has of its own. ``bills`` are what
    happened to each account's money, oldest first.
    """

    def __init__(
        self,
        queue: EventQueue,
        clock: Clock,
        holders: Mapping[str, Holder],
        listings: Mapping[SyntheticMarket, Listing],
    ) -> None:
        self.bills: dict[str, deque[Bill]] = {name: deque(maxlen=_KEPT) for name in holders}
        self._queue = queue
        self._clock = clock
        self._holders = holders
        self._listings = listings
        self._numbers = count(600_000_000_000)

    # -- what the desks tell -----------------------------------------------------------------------

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Tell of an order, and of what it did to the account."""
        name, words = order.account.id, native(order)
        holder, listing = self._holders[name], words.listing
        if fill is not None:
            self.bills[name].append(Bill(next(self._numbers), fill.time_ns, fill=fill))
        row = order_row(order, fill, leverage=_leverage(holder, order)) | _of_fill(fill)
        amended = event is OrderEvent.AMENDED or words.is_shrunk
        row |= {
            "amendResult": "0" if amended else "",
            "reqId": words.request_id if amended else "",
            "code": "0",
            "msg": "",
        }
        payload = f'"data":[{encode(row)}]'
        for scope in ("ANY", row["instType"]):
            for narrowed in (f"{scope}/{listing.name}", f"{scope}/"):
                self._publish(name, f"orders/{narrowed}", payload)
        if fill is not None and listing.is_swap:
            self._tell_position(name, order.market, order.leg)
        self._tell_balance(name, "filled" if fill is not None else "")

    def on_transfer(self, account: SpotAccount, asset: str, amount: Decimal) -> None:
        """Tell of a deposit or withdrawal."""
        bill = Bill(next(self._numbers), self._clock.now_ns(), asset=asset, amount=amount, type="1")
        self.bills[account.id].append(bill)
        self._tell_balance(account.id, "transferred")

    def on_money(
        self,
        account: MarginAccount,
        kind: IncomeKind,
        asset: str,
        amount: Decimal,
        market: SyntheticMarket | None,
    ) -> None:
        """Tell of funding, a transfer, or what the insurance paid."""
        sub_type = ("173" if amount < 0 else "174") if kind is IncomeKind.FUNDING else ""
        bill = Bill(
            next(self._numbers),
            self._clock.now_ns(),
            asset=asset,
            amount=amount,
            listing=None if market is None else self._listings[market],
            type=_TYPES[kind],
            sub_type=sub_type,
        )
        self.bills[account.id].append(bill)
        self._tell_balance(account.id, _BALANCE_EVENTS[kind])

    def on_margin_call(self, account: MarginAccount, asset: str) -> None:
        """The exchange tells of it on a channel that is not simulated."""

    # -- channels ----------------------------------------------------------------------------------

    def snapshot(self, account: str, channel: str, scope: str) -> str:
        """Return what a channel brings when it is subscribed to, empty where that is nothing."""
        holder, now_ms = self._holders[account], self._now_ms()
        paged = '"eventType":"snapshot","curPage":1,"lastPage":true,'
        if channel == "account":
            return f'{paged}"data":[{encode(holder.balance(now_ms, scope))}]'
        if channel == "positions":
            _, _, name = scope.partition("/")
            rows = [row for row in holder.positions() if name in ("", row["instId"])]
            return f"{paged}" + f'"data":{encode(rows)}'
        if channel == "balance_and_position":
            return f'"data":[{encode(self._both(holder, "snapshot", now_ms))}]'
        return ""

    def _tell_balance(self, name: str, event: str) -> None:
        holder, now_ms = self._holders[name], self._now_ms()
        paged = '"eventType":"event_update","curPage":1,"lastPage":true,'
        if self._queue.is_wanted(f"user/{name}/account/"):
            self._publish(name, "account/", f'{paged}"data":[{encode(holder.balance(now_ms))}]')
        for asset in holder.spot.wallet.assets():
            if self._queue.is_wanted(f"user/{name}/account/{asset}"):
                body = encode(holder.balance(now_ms, asset))
                self._publish(name, f"account/{asset}", f'{paged}"data":[{body}]')
        if event and self._queue.is_wanted(f"user/{name}/balance_and_position/"):
            body = encode(self._both(holder, event, now_ms))
            self._publish(name, "balance_and_position/", f'"data":[{body}]')

    def _tell_position(self, name: str, market: SyntheticMarket, leg: Leg) -> None:
        row = self._holders[name].position(market, leg)
        payload = f'"eventType":"event_update","curPage":1,"lastPage":true,"data":[{encode(row)}]'
        for scope in ("ANY/", f"ANY/{row['instId']}", "SWAP/", f"SWAP/{row['instId']}"):
            self._publish(name, f"positions/{scope}", payload)

    @staticmethod
    def _both(holder: Holder, event: str, now_ms: int) -> Body:
        balances = [
            {"ccy": each["ccy"], "cashBal": each["cashBal"], "uTime": each["uTime"]}
            for each in holder.balance(now_ms)["details"]
        ]
        wanted = ("posId", "instId", "instType", "mgnMode", "posSide", "pos", "ccy", "avgPx", "uTime")
        positions = [{name: row[name] for name in wanted} for row in holder.positions()]
        return {"pTime": str(now_ms), "eventType": event, "balData": balances, "posData": positions}

    def _publish(self, account: str, topic: str, payload: str) -> None:
        topic = f"user/{account}/{topic}"
        if self._queue.is_wanted(topic):
            self._queue.publish(topic, payload)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // NS_PER_MS


def _of_fill(fill: Fill | None) -> dict[str, Any]:
    """Return what a push says of the fill that caused it, and says empty where none did."""
    if fill is None:
        return {
            "fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": "", "execType": "", "fillFee": "0",
            "fillFeeCcy": "", "fillPnl": "0",
        }  # fmt: skip
    return {
        "execType": "M" if fill.is_maker else "T",
        "fillFee": plain(-fill.fee) if fill.fee else "0",
        "fillFeeCcy": fill.fee_asset,
        "fillPnl": plain(fill.realised),
    }


def _leverage(holder: Holder, order: ClientOrder) -> str:
    return str(holder.margin.leverage(order.market)) if native(order).listing.is_swap else ""
