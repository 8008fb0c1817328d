"""Whether a client hears of what its request did before or after it hears the answer."""

from __future__ import annotations

import enum
import random

from hft.sim.hub import Hub

__all__ = ["EventOrder", "EventQueue"]

_BEFORE_SHARE = 0.25
"""How often events come first where the order is mixed; the exchange promises none."""


class EventOrder(enum.Enum):
    """When the events of a request are sent."""

    BEFORE = "before"
    AFTER = "after"
    MIXED = "mixed"


class EventQueue:
    """The way of user data events to the hub; a request may hold them back until it is answered."""

    def __init__(self, hub: Hub, order: EventOrder, seed: int) -> None:
        self._hub = hub
        self._order = order
        self._random = random.Random(f"{seed}:event order")
        self._holding = 0
        self._held: list[tuple[str, str]] = []

    def is_wanted(self, topic: str) -> bool:
        """Whether anybody is subscribed."""
        return self._hub.is_wanted(topic)

    def publish(self, topic: str, payload: str) -> None:
        """Send an event, behind those that are held back."""
        if self._holding:
            self._held.append((topic, payload))
        else:
            self._hub.publish(topic, payload)

    def hold(self) -> bool:
        """Begin to hold events back if they are to come after an answer; True if `release` must follow."""
        after = self._order is EventOrder.AFTER or (
            self._order is EventOrder.MIXED and self._random.random() >= _BEFORE_SHARE
        )
        self._holding += after
        return after

    def release(self) -> None:
        """Send what was held back, unless another request still holds."""
        self._holding -= 1
        while self._held and not self._holding:
            self._hub.publish(*self._held.pop(0))
