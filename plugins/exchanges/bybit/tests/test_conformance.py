"""Bybit through the conformance kit: spot and linear perpetuals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hft import Account, Secret
from hft.testing.conformance import ExchangeUnderTest, ExecutionSuite, MarketDataSuite

CAPTURE = (
    Path(__file__).resolve().parents[4].parent
    / "shared"
    / "captures"
    / "bybit"
    / "linear_spot_2026-08-09_first20s.jsonl.gz"
)


def credentials(account: Account) -> Mapping[str, Any]:
    return {"key": Secret(account.key), "secret": Secret(account.secret)}


SPOT = ExchangeUnderTest(
    plugin="bybit",
    title="bybit spot",
    symbols=("BTC/USDT", "ETH/USDT"),
    credentials=credentials,
    capture=CAPTURE if CAPTURE.is_file() else None,
)
LINEAR = ExchangeUnderTest(
    plugin="bybit",
    title="bybit linear",
    symbols=("BTC/USDT:USDT", "ETH/USDT:USDT"),
    credentials=credentials,
    capture=CAPTURE if CAPTURE.is_file() else None,
)


class TestSpotStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SPOT


class TestLinearStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return LINEAR


class TestSpotExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SPOT


class TestLinearExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return LINEAR
