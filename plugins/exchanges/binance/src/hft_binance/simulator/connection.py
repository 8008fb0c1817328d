"""One websocket of the simulated Binance, whatever it carries."""

from __future__ import annotations

from abc import abstractmethod

from hft.sim import ClientConnection, Outbox
from hft_binance.simulator.listing import ProductRules

__all__ = ["Connection"]


class Connection(ClientConnection):
    """What `Sockets` needs of a client's connection; its product says how it is pinged."""

    def __init__(self, product: ProductRules, outbox: Outbox, *, messages_per_s: int = 0) -> None:
        super().__init__(outbox, messages_per_s=messages_per_s)
        self.product = product

    @abstractmethod
    def shutdown_notice(self, now_ms: int) -> str:
        """Write the notice that it will be closed soon."""
