"""``instruments-info`` becomes instruments, recorded and made up."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hft import DecodeError, InstrumentKind
from hft_bybit.endpoints import Product
from hft_bybit.instruments import decode_instruments

SHARED = Path(__file__).resolve().parents[4].parent / "shared"
CAPTURE = SHARED / "captures" / "bybit" / "linear_spot_2026-08-09_first20s.jsonl.gz"
MESSAGES = SHARED / "messages" / "bybit" / "rest"

LINEAR: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "contractType": "LinearPerpetual",
    "status": "Trading",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "deliveryTime": "0",
    "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {
        "minOrderQty": "0.001",
        "maxOrderQty": "1190.000",
        "maxMktOrderQty": "500.000",
        "qtyStep": "0.001",
        "minNotionalValue": "5",
    },
}
SPOT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "status": "Trading",
    "lotSizeFilter": {
        "basePrecision": "0.000001",
        "quotePrecision": "0.0000001",
        "minOrderQty": "0.000011",
        "minOrderAmt": "5",
        "maxLimitOrderQty": "83",
    },
    "priceFilter": {"tickSize": "0.01"},
}


def decode(product: Product, *symbols: dict[str, Any], **more: Any) -> tuple[list[Any], list[str]]:
    result = {"category": product.value, "list": symbols}
    body = json.dumps({"retCode": 0, "retMsg": "OK", "result": result, **more}).encode()
    warnings: list[str] = []
    return decode_instruments(body, product, "bybit", warnings.append).instruments, warnings


def test_a_perpetual() -> None:
    ((btc,), warnings) = decode(Product.LINEAR, LINEAR)
    assert (str(btc.id), btc.native_symbol, btc.kind) == (
        "BTC/USDT:USDT@bybit",
        "BTCUSDT",
        InstrumentKind.PERPETUAL,
    )
    assert (btc.tick_size, btc.lot_size, btc.min_notional) == (Decimal("0.10"), Decimal("0.001"), 5)
    assert (btc.min_size, btc.max_size, btc.contract_multiplier, btc.tradable) == (1, 1_190_000, 1, True)
    assert warnings == []


def test_spot() -> None:
    ((btc,), warnings) = decode(Product.SPOT, SPOT)
    assert (btc.symbol, btc.kind, btc.settle) == ("BTC/USDT", InstrumentKind.SPOT, "USDT")
    assert (btc.tick_size, btc.lot_size, btc.min_notional) == (Decimal("0.01"), Decimal("0.000001"), 5)
    assert (btc.min_size, btc.max_size) == (1, 83_000_000)
    assert warnings == []


@pytest.mark.parametrize(
    ("change", "symbol", "kind"),
    [
        ({"symbol": "BTCPERP", "quoteCoin": "USDC", "settleCoin": "USDC"}, "BTC/USDC:USDC", "perpetual"),
        (
            {
                "symbol": "BTCUSDT-26SEP25",
                "contractType": "LinearFutures",
                "deliveryTime": "1758873600000",
            },
            "BTC/USDT:USDT-250926",
            "future",
        ),
        ({"symbol": "1000PEPEUSDT", "baseCoin": "1000PEPE"}, "1000PEPE/USDT:USDT", "perpetual"),
    ],
)
def test_unified_symbols(change: dict[str, str], symbol: str, kind: str) -> None:
    ((instrument,), _) = decode(Product.LINEAR, LINEAR | change)
    assert (instrument.symbol, instrument.kind.value) == (symbol, kind)


def test_what_is_not_traded_here_is_left_out_without_a_word() -> None:
    assert decode(Product.LINEAR, LINEAR | {"contractType": "InversePerpetual"}) == ([], [])


def test_what_does_not_trade_now_says_so() -> None:
    ((btc,), _) = decode(Product.LINEAR, LINEAR | {"status": "PreLaunch"})
    assert not btc.tradable


@pytest.mark.parametrize(
    "change",
    [
        {"priceFilter": {"tickSize": "x"}},
        {"priceFilter": {"tickSize": "0"}},
        {"priceFilter": {}},
        {"lotSizeFilter": {}},
        {"lotSizeFilter": {"qtyStep": "-1"}},
        {"lotSizeFilter": {"qtyStep": "NaN"}},
        {"baseCoin": 7},
        {"contractType": "LinearFutures", "deliveryTime": "soon"},
    ],
)
def test_a_symbol_that_cannot_be_read_is_left_out_and_told_of(change: dict[str, Any]) -> None:
    instruments, warnings = decode(Product.LINEAR, LINEAR | change, LINEAR | {"symbol": "ETHUSDT"})
    assert [each.native_symbol for each in instruments] == ["ETHUSDT"]
    assert len(warnings) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"retCode":10001,"retMsg":"params error","result":{}}',
        b'{"retCode":0,"result":{}}',
        b'{"retCode":0,"result":{"category":"spot","list":[]}}',
    ],
)
def test_what_is_no_listing_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_instruments(body, Product.LINEAR, "bybit", lambda _: None)


@pytest.mark.skipif(not CAPTURE.is_file(), reason="no captures beside the repository")
def test_every_recorded_symbol_is_read() -> None:
    listed = 0
    with gzip.open(CAPTURE) as lines:
        for record in map(json.loads, lines):
            if record["dir"] != "http":
                continue
            product = Product.SPOT if "category=spot" in record["conn"] else Product.LINEAR
            warnings: list[str] = []
            page = decode_instruments(record["data"].encode(), product, "bybit", warnings.append)
            symbols = json.loads(record["data"])["result"]["list"]
            assert (warnings, len(page.instruments)) == ([], len(symbols))
            assert len({each.id for each in page.instruments}) == len(symbols)
            listed += len(symbols)
    assert listed > 100


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="no recorded messages beside the repository")
@pytest.mark.parametrize("product", list(Product))
def test_older_listings(product: Product) -> None:
    body = (MESSAGES / product.value / "instruments.json").read_bytes()
    warnings: list[str] = []
    page = decode_instruments(body, product, "bybit", warnings.append)
    assert [each.base for each in page.instruments] == ["BTC", "ETH"]
    assert warnings == []
