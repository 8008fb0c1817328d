"""What of a ledger is kept across restarts, in exact decimals that do not depend on tick or lot sizes."""

from __future__ import annotations

from decimal import Decimal

import msgspec

__all__ = [
    "VERSION",
    "AssetState",
    "BalanceState",
    "InstrumentState",
    "LedgerState",
    "PositionState",
]

VERSION = 3
"""Of the form; a checkpoint of another is refused."""


class PositionState(msgspec.Struct, forbid_unknown_fields=True):
    """One position: sizes in base currency or contracts, money in the settlement asset."""

    size: Decimal
    cash: Decimal
    cost: Decimal
    adjusted: Decimal
    fees: dict[str, Decimal]


class InstrumentState(msgspec.Struct, forbid_unknown_fields=True):
    """One instrument: its positions by side, and what must not be booked again, oldest first.

    ``profit`` is in ``settle``, without fees and funding: the totals must not jump in a run without the
    instrument.
    """

    settle: str
    mark: Decimal
    profit: Decimal
    positions: dict[str, PositionState]
    funding: dict[str, Decimal]
    trades: list[tuple[str, str, int]]
    payments: list[tuple[str, int]]


class AssetState(msgspec.Struct, forbid_unknown_fields=True):
    """One asset's profit when the day began, and the highest that was seen."""

    opening: Decimal
    peak: Decimal


class BalanceState(msgspec.Struct, forbid_unknown_fields=True):
    """One asset of one wallet; ``flows`` are what moved since the report, each with the exchange's time."""

    exchange: str
    wallet: str
    asset: str
    known: bool
    reported: Decimal
    locked: Decimal
    reported_ns: int
    settled: Decimal
    flows: list[tuple[int, Decimal]]


class LedgerState(msgspec.Struct, forbid_unknown_fields=True):
    """A whole ledger. ``day`` counts days since 1970, None before the first."""

    version: int
    day: int | None
    instruments: dict[str, InstrumentState]
    assets: dict[str, AssetState]
    balances: list[BalanceState]
