"""One websocket of the simulated Binance, whatever it carries."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from hft import Timer
from hft.sim import Outbox, Subscriber
from hft_binance.simulator.listing import ProductRules

__all__ = ["Connection"]


class Connection(ABC):
    """What `Sockets` needs of a client's connection: how its messages are taken, how frames are written.

    ``messages_per_s`` 0 means that messages are not counted here.
    """

    def __init__(self, product: ProductRules, outbox: Outbox, *, messages_per_s: int = 0) -> None:
        self.product = product
        self.outbox = outbox
        self.subscriber = Subscriber(outbox, self.frame)
        self.received: deque[int] = deque(maxlen=messages_per_s)
        self.last_pong_ns = 0
        self.timers: dict[str, Timer] = {}
        self.gone = asyncio.Event()
        self.on_leave: Callable[[], None] = lambda: None

    @abstractmethod
    def frame(self, topic: str, payload: str) -> str:
        """Write what was published under a topic as this connection wants it."""

    @abstractmethod
    def take(self, text: str) -> bool:
        """Take a message of the client; False when it is to be cut off."""

    @abstractmethod
    def shutdown_notice(self, now_ms: int) -> str:
        """Write the notice that it will be closed soon."""
