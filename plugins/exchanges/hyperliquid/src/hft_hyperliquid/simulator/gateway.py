"""Requests to the simulated Hyperliquid, whichever way they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from hft import Clock
from hft.sim import LinearDesk, Refused, SpotDesk
from hft_hyperliquid.simulator.auth import Directory, Malformed, Rejected, Sender
from hft_hyperliquid.simulator.listing import NS_PER_MS
from hft_hyperliquid.simulator.orders import Trading
from hft_hyperliquid.simulator.weights import Budgets

__all__ = ["MALFORMED", "Gateway", "kind_of", "parsed"]

MALFORMED = "Failed to deserialize the JSON body into the target type"

_CANCELS = frozenset({"cancel", "cancelByCloid"})
_COUNTED = {"order": "orders", "cancel": "cancels", "cancelByCloid": "cancels", "batchModify": "modifies"}

Ask = Callable[[Mapping[str, Any]], Any]


def parsed(body: bytes | str) -> Mapping[str, Any]:
    """Read a body; raise `Malformed` where it is no object."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed from None
    if not isinstance(found, dict):
        raise Malformed
    return found


def kind_of(body: Mapping[str, Any]) -> str:
    """Return what a request is called in faults: the type of its action, or of its question."""
    action = body.get("action", body)
    kind = action.get("type") if isinstance(action, Mapping) else None
    return kind if isinstance(kind, str) else "unknown"


class Gateway:
    """Lets questions and actions through; ``answers`` are the questions by type.

    Without ``trading`` nothing can be traded: a capture's orders were others'.
    """

    def __init__(self, answers: Mapping[str, Ask]) -> None:
        self._answers = dict(answers)
        self._actions: Actions | None = None

    def trade(self, actions: Actions, answers: Mapping[str, Ask]) -> None:
        """Open the accounts."""
        self._actions = actions
        self._answers |= answers

    def info(self, asked: Mapping[str, Any]) -> Any:
        """Answer a question; raise `Malformed` for one that there is not."""
        answer = self._answers.get(kind_of(asked))
        if answer is None:
            raise Malformed
        try:
            return answer(asked)
        except (TypeError, ValueError):
            raise Malformed from None

    def exchange(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Carry an action out; raise `Malformed` for what is none."""
        if self._actions is None:
            return {"status": "err", "response": "Trading is not simulated on a capture."}
        try:
            return {"status": "ok", "response": self._actions.carry_out(body)}
        except Rejected as rejected:
            return {"status": "err", "response": str(rejected)}


class Actions:
    """Carries out what was signed by somebody who may."""

    def __init__(
        self,
        directory: Directory,
        trading: Trading,
        budgets: Budgets,
        spot: SpotDesk,
        perps: LinearDesk,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._trading = trading
        self._budgets = budgets
        self._spot = spot
        self._perps = perps
        self._clock = clock
        self._owners: dict[str, Callable[[Sender, Mapping[str, Any]], None]] = {
            "approveAgent": self._approve_agent,
            "approveBuilderFee": lambda _sender, _action: None,
            "usdClassTransfer": self._class_transfer,
        }

    def carry_out(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what became of an action; raise `Rejected` where that is nothing."""
        sender = self._directory.identify(body, self._clock.now_ns() // NS_PER_MS)
        action = body["action"]
        kind = action["type"]
        if (owned := self._owners.get(kind)) is not None:
            owned(sender, action)
            return {"type": "default"}
        carry_out = self._trading.actions.get(kind)
        if carry_out is None:
            raise Malformed
        listed = action.get(_COUNTED.get(kind, ""), ())
        number = len(listed) if isinstance(listed, list) else 1
        self._budgets.charge(sender.account, max(1, number), cancels=kind in _CANCELS)
        statuses = carry_out(sender.account, action)
        if statuses is None:
            return {"type": "default"}
        answered = "cancel" if kind in _CANCELS else "order"
        return {"type": answered, "data": {"statuses": statuses}}

    def _approve_agent(self, sender: Sender, action: Mapping[str, Any]) -> None:
        now_ms = self._clock.now_ns() // NS_PER_MS
        name = action.get("agentName") or ""
        self._directory.approve(sender.signer, str(action["agentAddress"]), str(name), now_ms)

    def _class_transfer(self, sender: Sender, action: Mapping[str, Any]) -> None:
        amount, to_perp = _amount(action), action.get("toPerp") is True
        spot, perps = self._spot.accounts[sender.account], self._perps.accounts[sender.account]
        try:
            if to_perp:
                self._spot.transfer(spot, "USDC", -amount)
                self._perps.transfer(perps, "USDC", amount)
            else:
                self._perps.transfer(perps, "USDC", -amount)
                self._spot.transfer(spot, "USDC", amount)
        except Refused:
            raise Rejected("Insufficient balance for transfer") from None


def _amount(action: Mapping[str, Any]) -> Decimal:
    try:
        amount = Decimal(action["amount"])
    except (KeyError, TypeError, InvalidOperation):
        raise Malformed from None
    if not (amount.is_finite() and amount > 0):
        raise Malformed
    return amount
