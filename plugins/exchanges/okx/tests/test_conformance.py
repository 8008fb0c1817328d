"""OKX through the conformance kit: spot and swaps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hft import Account, OrderEntry, Secret
from hft.testing.conformance import ExchangeUnderTest, ExecutionSuite, MarketDataSuite
from hft_okx.config import AccountLevel

CAPTURE = (
    Path(__file__).resolve().parents[4].parent / "shared" / "captures" / "okx" / "books_2022-05-13.jsonl.gz"
)


def credentials(account: Account) -> Mapping[str, Any]:
    return {name: Secret(getattr(account, name)) for name in ("key", "secret", "passphrase")}


SPOT = ExchangeUnderTest(
    plugin="okx",
    title="okx spot",
    symbols=("BTC/USDT", "ETH/USDT"),
    credentials=credentials,
    capture=CAPTURE if CAPTURE.is_file() else None,
)
SWAP = ExchangeUnderTest(
    plugin="okx",
    title="okx swaps",
    symbols=("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"),
    credentials=credentials,
)


REST = ExchangeUnderTest(
    plugin="okx",
    title="okx spot by REST, on one margin",
    symbols=("BTC/USDT", "ETH/USDT"),
    config={"order_entry": OrderEntry.REST},
    simulator_config={"account_level": AccountLevel.PORTFOLIO},
    credentials=credentials,
)


class TestSpotStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SPOT


class TestSwapStream(MarketDataSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SWAP


class TestSpotExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SPOT


class TestSwapExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return SWAP


class TestRestExecution(ExecutionSuite):
    @pytest.fixture
    def exchange(self) -> ExchangeUnderTest:
        return REST
