"""Positions, profit and loss, and fees of the fills that we know of, exact to the last digit."""

from __future__ import annotations

from hft.ledger.ledger import AssetTotals, Ledger
from hft.ledger.position import PositionView

__all__ = ["AssetTotals", "Ledger", "PositionView"]
