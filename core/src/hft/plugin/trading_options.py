"""Options of trading that exchanges have in common, by the same words in every profile."""

from __future__ import annotations

import enum

__all__ = ["OrderEntry", "PositionMode"]


class OrderEntry(enum.Enum):
    """Which way orders travel; cancels take the other one where theirs is down."""

    WEBSOCKET = "websocket"
    REST = "rest"


class PositionMode(enum.Enum):
    """What the account's setting for positions in contracts must be."""

    ONE_WAY = "one-way"
    HEDGE = "hedge"
    """Long and short apart."""
