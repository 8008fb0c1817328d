"""Positions, profit and loss, fees, funding and balances of what we know of, exact to the last digit."""

from __future__ import annotations

from hft.ledger.adjustment import Adjustment
from hft.ledger.assets import AssetFigures, AssetTotals
from hft.ledger.balance import BalanceView
from hft.ledger.compare import Difference, DifferenceKind, compare
from hft.ledger.ledger import Ledger
from hft.ledger.position import PositionView

__all__ = [
    "Adjustment",
    "AssetFigures",
    "AssetTotals",
    "BalanceView",
    "Difference",
    "DifferenceKind",
    "Ledger",
    "PositionView",
    "compare",
]
