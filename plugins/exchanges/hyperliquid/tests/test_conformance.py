"""Hyperliquid through the conformance kit: perpetuals and spot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft import Account, Secret
from hft.testing.conformance import ExchangeUnderTest, ExecutionSuite, MarketDataSuite

CAPTURE = (
    Path(__file__).resolve().parents[4].parent
    / "shared/captures/hyperliquid/btc_2025-01-26_first12s.jsonl.gz"
)


def credentials(account: Account) -> Mapping[str, Any]:
    """The address of an account is no secret."""
    return {"key": account.key, "secret": Secret(account.secret)}


PERPS = ExchangeUnderTest(
    plugin="hyperliquid",
    title="hyperliquid perps",
    symbols=("BTC/USDC:USDC", "ETH/USDC:USDC", "SOL/USDC:USDC"),
    credentials=credentials,
    capture=CAPTURE,
)
MODIFYING = attrs.evolve(PERPS, title="hyperliquid perps, modifying", config={"modify": True})
SPOT = ExchangeUnderTest(
    plugin="hyperliquid",
    title="hyperliquid spot",
    symbols=("HYPE/USDC", "PURR/USDC"),
    credentials=credentials,
)


class TestPerpsStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return PERPS


class TestSpotStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SPOT


class TestPerpsExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return PERPS


class TestModifyingExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return MODIFYING


class TestSpotExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SPOT
