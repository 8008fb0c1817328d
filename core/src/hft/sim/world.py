"""The world that a simulator shows: what trades, and who watches."""

from __future__ import annotations

__all__ = ["World"]


class World:
    """Instruments, books and trades behind a simulated exchange."""
