"""Trades that two connections bring are told once."""

from __future__ import annotations

from hft.trade_ids import TradeIds


def test_ids_that_are_skipped_are_remembered_within_bounds() -> None:
    ids = TradeIds()
    assert all(ids.is_new(number) for number in range(0, 100_000, 2))
    assert not ids.is_new(1), "too long ago"
    assert ids.is_new(99_997)
    assert not ids.is_new(99_997)
