"""``exchangeInfo`` of both products, whole and damaged."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import DecodeError, Instrument, InstrumentKind
from hft_binance.endpoints import Product
from hft_binance.instruments import decode_instruments


def spot(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": "BTC",
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER"],
        "isSpotTradingAllowed": True,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.01",
                "maxPrice": "1000000.00",
                "tickSize": "0.01000000",
            },
            {"filterType": "LOT_SIZE", "minQty": "0.00010000", "maxQty": "9000", "stepSize": "0.00001000"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "120", "stepSize": "0"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
    } | changes


def usdm(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "pair": "BTCUSDT",
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
            {"filterType": "MIN_NOTIONAL", "notional": "100"},
        ],
    } | changes


def decode(product: Product, *symbols: Any) -> tuple[list[Instrument], list[str]]:
    warnings: list[str] = []
    body = json.dumps({"timezone": "UTC", "symbols": symbols}).encode()
    return decode_instruments(body, product, "binance", warnings.append), warnings


def one(product: Product, symbol: dict[str, Any]) -> Instrument:
    (instrument,), warnings = decode(product, symbol)
    assert warnings == []
    return instrument


def test_a_spot_symbol() -> None:
    instrument = one(Product.SPOT, spot())
    assert str(instrument.id) == "BTC/USDT@binance"
    assert (instrument.kind, instrument.native_symbol) == (InstrumentKind.SPOT, "BTCUSDT")
    assert (instrument.tick_size, instrument.lot_size) == (Decimal("0.01"), Decimal("0.00001"))
    assert (instrument.min_size, instrument.max_size) == (10, 900_000_000)
    assert (instrument.min_notional, instrument.settle, instrument.tradable) == (Decimal(5), "USDT", True)


def test_a_perpetual() -> None:
    instrument = one(Product.USDM, usdm())
    assert str(instrument.id) == "BTC/USDT:USDT@binance"
    assert (instrument.kind, instrument.settle) == (InstrumentKind.PERPETUAL, "USDT")
    # The precisions are for display: the filters say what the grid is.
    assert (instrument.tick_size, instrument.lot_size) == (Decimal("0.1"), Decimal("0.001"))
    assert (instrument.min_notional, instrument.contract_multiplier) == (Decimal(100), Decimal(1))


def test_a_dated_future() -> None:
    instrument = one(Product.USDM, usdm("BTCUSDT_260925", contractType="CURRENT_QUARTER"))
    assert instrument.symbol == "BTC/USDT:USDT-260925"
    assert instrument.kind is InstrumentKind.FUTURE


def test_margined_in_another_stable_coin() -> None:
    symbol = usdm("BTCUSDC", quoteAsset="USDC", marginAsset="USDC")
    assert one(Product.USDM, symbol).symbol == "BTC/USDC:USDC"


def test_contracts_margined_in_their_base_are_left_out() -> None:
    instruments, warnings = decode(
        Product.USDM, usdm("BTCUSD_PERP", quoteAsset="USD", marginAsset="BTC"), usdm()
    )
    assert [instrument.symbol for instrument in instruments] == ["BTC/USDT:USDT"]
    assert warnings == []


@pytest.mark.parametrize(
    "status", ["HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY", "SETTLING", "SOMETHING_NEW"]
)
def test_only_trading_is_tradable(status: str) -> None:
    assert not one(Product.SPOT, spot(status=status)).tradable
    assert not one(Product.USDM, usdm(status=status)).tradable


def test_a_symbol_for_margin_only_is_not_tradable() -> None:
    assert not one(Product.SPOT, spot(isSpotTradingAllowed=False)).tradable


def test_older_names_of_the_smallest_notional() -> None:
    filters = [*spot()["filters"][:3], {"filterType": "MIN_NOTIONAL", "minNotional": "10.0"}]
    assert one(Product.SPOT, spot(filters=filters)).min_notional == 10


@pytest.mark.parametrize(
    "filters",
    [
        [],
        [{"filterType": "ICEBERG_PARTS", "limit": 10}],
        [
            {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": "0.00000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.0", "maxQty": "0", "stepSize": "0"},
            {"filterType": "NOTIONAL", "minNotional": "0"},
        ],
        [{"filterType": "PRICE_FILTER"}, {"filterType": "LOT_SIZE"}, {"filterType": "NOTIONAL"}],
    ],
)
def test_missing_and_zero_filters_leave_only_the_digits(filters: list[Any]) -> None:
    instrument = one(Product.SPOT, spot(filters=filters))
    assert (instrument.tick_size, instrument.lot_size) == (Decimal("1e-8"), Decimal("1e-8"))
    assert (instrument.min_size, instrument.max_size, instrument.min_notional) == (1, None, 0)
    futures = one(Product.USDM, usdm(filters=filters))
    assert (futures.tick_size, futures.lot_size) == (Decimal("0.01"), Decimal("0.001"))


def test_limits_off_the_grid_are_rounded_inwards() -> None:
    filters = [
        {"filterType": "LOT_SIZE", "minQty": "0.0000105", "maxQty": "0.0000995", "stepSize": "0.00001"}
    ]
    instrument = one(Product.SPOT, spot(filters=filters))
    assert (instrument.min_size, instrument.max_size) == (2, 9)


@pytest.mark.parametrize(
    "broken",
    [
        spot("BROKEN", filters=[{"filterType": "PRICE_FILTER", "tickSize": "-0.01"}]),
        spot("BROKEN", filters=[{"filterType": "PRICE_FILTER", "tickSize": "abc"}]),
        spot("BROKEN", filters=[{"filterType": "LOT_SIZE", "stepSize": "NaN"}]),
        spot("BROKEN", filters=[{"filterType": "LOT_SIZE", "maxQty": "Infinity"}]),
        spot("BROKEN", filters=[{"filterType": "PRICE_FILTER", "tickSize": None}]),
        spot("BROKEN", filters=[{"filterType": "LOT_SIZE", "maxQty": "1e999999", "stepSize": "1e-999999"}]),
        spot("BROKEN", filters="none"),
        spot("BROKEN", baseAsset=None),
        spot("BROKEN", filters=[], quotePrecision=-1),
        {"symbol": "BROKEN"},
        "BROKEN",
        None,
        [],
    ],
)
def test_a_broken_symbol_loses_no_other(broken: Any) -> None:
    instruments, warnings = decode(Product.SPOT, spot("ETHUSDT", baseAsset="ETH"), broken, spot())
    assert [instrument.symbol for instrument in instruments] == ["ETH/USDT", "BTC/USDT"]
    assert len(warnings) == 1
    assert warnings[0].startswith("left out a symbol of exchangeInfo")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"code":-1003,"msg":"x"}', b'{"symbols":5}', b"\xff", b"[" * 99_999]
)
def test_what_is_no_exchange_info_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError, match="exchangeInfo"):
        decode_instruments(body, Product.SPOT, "binance", pytest.fail)


values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["0", "1e-8", "1e99", "-1"])
)


@given(
    st.dictionaries(
        st.sampled_from(sorted(spot())),
        values
        | st.lists(
            st.dictionaries(
                st.sampled_from(["filterType", "tickSize", "stepSize", "minQty", "maxQty", "minNotional"]),
                values | st.sampled_from(["PRICE_FILTER", "LOT_SIZE", "NOTIONAL"]),
            )
        ),
        max_size=4,
    )
)
def test_any_values_give_an_instrument_or_a_warning(changes: dict[str, Any]) -> None:
    instruments, warnings = decode(Product.SPOT, spot(**changes), spot("ETHUSDT", baseAsset="ETH"))
    assert instruments[-1].symbol == "ETH/USDT"
    assert len(instruments) + len(warnings) >= 2 or changes.get("baseAsset") == ""
