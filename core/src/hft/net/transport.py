"""What a websocket offers, whichever library speaks the protocol."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

from hft.clock import NS_PER_S, Clock

__all__ = ["Connect", "Transport", "TransportOptions"]


@attrs.frozen(kw_only=True)
class TransportOptions:
    """Bounds of a websocket: times in nanoseconds, sizes in bytes.

    ``ssl`` replaces the default context, which trusts what the system trusts.
    """

    handshake_timeout_ns: int = 10 * NS_PER_S
    close_timeout_ns: int = 2 * NS_PER_S
    max_message_bytes: int = 16 * 1024 * 1024
    max_unsent_bytes: int = 1024 * 1024
    headers: Mapping[str, str] = attrs.field(factory=dict)
    ssl: ssl.SSLContext | None = None


class Transport(Protocol):
    """An open websocket; every method but `wait_closed` returns at once."""

    rtt_ns: int | None
    """How long the last `ping` took to come back, None before the first did."""

    def send(self, data: bytes, *, text: bool = True) -> bool:
        """Write one message to the socket; say whether it could be, which is not that it arrived."""
        ...

    def ping(self) -> None:
        """Send a ping of the protocol."""
        ...

    def close(self) -> None:
        """Begin to close; the socket is cut where the other side does not answer in time."""
        ...

    def abort(self) -> None:
        """Cut the socket without a word, as one that is taken for dead."""
        ...

    async def wait_closed(self) -> None:
        """Wait until the socket is gone, which is soon after `close` or `abort`."""
        ...


class Connect(Protocol):
    """Opens websockets: what another implementation of `Transport` has to offer."""

    async def __call__(
        self,
        url: str,
        *,
        on_frame: Callable[[bytes, int], None],
        on_lost: Callable[[str], None],
        clock: Clock,
    ) -> Transport:
        """Open a websocket; raise `TransportError` where that fails, leaving nothing behind.

        ``on_frame(data, recv_ns)`` is called for every message, whole, as it is read from the
        socket, perhaps already before this returns; it must not raise. ``on_lost(reason)`` is called
        once, when an opened socket is gone, whoever closed it, and never from within a call to the
        transport.
        """
        ...
