"""``meta`` and ``spotMeta``, whole and damaged."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import DecodeError, GridError, Instrument, InstrumentKind
from hft_hyperliquid.instruments import asset_ids, decode_perps, decode_spot

MESSAGES = Path(__file__).resolve().parents[4].parent / "shared/messages/hyperliquid/info_calls.jsonl.gz"

META: dict[str, Any] = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
        {"name": "OLD", "szDecimals": 1, "maxLeverage": 3, "marginTableId": 3, "isDelisted": True},
        {"name": "kPEPE", "szDecimals": 0, "maxLeverage": 5, "onlyIsolated": True, "isDelisted": None},
    ],
    "marginTables": [],
    "collateralToken": 0,
}
SPOT_META: dict[str, Any] = {
    "tokens": [
        {"name": "USDC", "szDecimals": 8, "weiDecimals": 8, "index": 0, "evmContract": None},
        {"name": "HYPE", "szDecimals": 2, "weiDecimals": 8, "index": 150, "fullName": None},
        {"name": "PURR", "szDecimals": 0, "weiDecimals": 5, "index": 1},
    ],
    "universe": [
        {"name": "PURR/USDC", "tokens": [1, 0], "index": 0, "isCanonical": True},
        {"name": "@107", "tokens": [150, 0], "index": 107, "isCanonical": False},
        {"name": "@900", "tokens": [150, 0], "index": 900, "isCanonical": False},
    ],
}


def read(body: Any, *, spot: bool = False) -> tuple[dict[str, Instrument], list[str]]:
    warnings: list[str] = []
    decode = decode_spot if spot else decode_perps
    found = decode(json.dumps(body).encode(), "hyperliquid", warnings.append)
    return {instrument.symbol: instrument for instrument in found}, warnings


def test_perpetuals() -> None:
    found, warnings = read(META)
    assert not warnings
    assert list(found) == ["BTC/USDC:USDC", "OLD/USDC:USDC", "kPEPE/USDC:USDC"]
    btc = found["BTC/USDC:USDC"]
    assert (btc.native_symbol, btc.kind, btc.settle) == ("BTC", InstrumentKind.PERPETUAL, "USDC")
    assert (btc.tick_size, btc.lot_size, btc.min_notional) == (Decimal("0.1"), Decimal("0.00001"), 10)
    assert btc.tradable
    assert not found["OLD/USDC:USDC"].tradable
    assert found["kPEPE/USDC:USDC"].tradable


def test_pairs_join_their_tokens_by_index() -> None:
    found, warnings = read(SPOT_META, spot=True)
    assert not warnings
    hype = found["HYPE/USDC"]
    # Of two pairs of one name the first is meant.
    assert (hype.native_symbol, hype.kind) == ("@107", InstrumentKind.SPOT)
    assert (hype.tick_size, hype.lot_size) == (Decimal("0.000001"), Decimal("0.01"))
    assert found["PURR/USDC"].native_symbol == "PURR/USDC"


# The table of the exchange's page on ticks.
@pytest.mark.parametrize(
    ("spot", "decimals", "price", "allowed"),
    [
        (False, 0, "1234.5", True),
        (False, 0, "1234.56", False),
        (False, 0, "0.001234", True),
        (False, 0, "0.0012345", None),
        (False, 1, "0.01234", True),
        (False, 1, "0.012345", None),
        (False, 0, "123456", True),
        (True, 0, "0.0001234", True),
        (True, 1, "0.0001234", True),
        (True, 3, "0.0001234", None),
        (True, 5, "0.0001234", None),
    ],
)
def test_prices_follow_figures_and_decimals(
    spot: bool, decimals: int, price: str, allowed: bool | None
) -> None:
    if spot:
        meta = {
            "tokens": [
                {"name": "USDC", "szDecimals": 8, "index": 0},
                {"name": "X", "szDecimals": decimals, "index": 1},
            ],
            "universe": [{"name": "@1", "tokens": [1, 0], "index": 1}],
        }
    else:
        meta = {"universe": [{"name": "X", "szDecimals": decimals}]}
    found, _ = read(meta, spot=spot)
    (instrument,) = found.values()
    if allowed is None:  # not even on the finest grid
        with pytest.raises(GridError):
            instrument.price(price)
    else:
        assert instrument.allows_price(instrument.price(price)) is allowed


def test_numbers_of_coins_are_places_and_indices() -> None:
    assert asset_ids(json.dumps(META).encode(), json.dumps(SPOT_META).encode()) == {
        "BTC": 0,
        "OLD": 1,
        "kPEPE": 2,
        "PURR/USDC": 10_000,
        "@107": 10_107,
        "@900": 10_900,
    }
    # What cannot be traded keeps its place.
    broken = {"universe": [{"name": "X"}, *META["universe"]]}
    assert asset_ids(json.dumps(broken).encode(), None)["BTC"] == 1


def test_what_cannot_be_read_is_left_out_and_told_of() -> None:
    found, warnings = read({"universe": [{"name": "X"}, *META["universe"], {"name": "Y", "szDecimals": 9}]})
    assert list(found) == ["BTC/USDC:USDC", "OLD/USDC:USDC", "kPEPE/USDC:USDC"]
    assert len(warnings) == 2
    found, warnings = read(
        {**SPOT_META, "universe": [{"name": "@1", "tokens": [7, 0], "index": 1}]}, spot=True
    )
    assert not found
    assert len(warnings) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"universe":3}', b"<html>", b"\xff"])
def test_what_is_no_listing_is_refused(body: bytes) -> None:
    for decode in (decode_perps, decode_spot):
        with pytest.raises(DecodeError):
            decode(body, "hyperliquid", lambda _: None)
    with pytest.raises(DecodeError):
        asset_ids(body, None)


def test_another_collateral_is_refused() -> None:
    with pytest.raises(DecodeError, match="collateral"):
        read({**META, "collateralToken": 5})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from(["name", "szDecimals", "isDelisted", "maxLeverage"]), value=json_values)
def test_a_damaged_entry_harms_no_other(key: str, value: Any) -> None:
    damaged = {**META["universe"][1], key: value}
    found, _ = read({"universe": [META["universe"][0], damaged]})
    assert found["BTC/USDC:USDC"].lot_size == Decimal("0.00001") or key == "name"


@pytest.mark.skipif(not MESSAGES.is_file(), reason="no messages beside the repository")
def test_recorded_answers() -> None:
    seen = 0
    with gzip.open(MESSAGES, "rt") as lines:
        for call in map(json.loads, lines):
            body = call["response_text"].encode()
            if call["request"]["type"] == "meta":
                warnings: list[str] = []
                found = decode_perps(body, "hyperliquid", warnings.append)
                assert len(found) == len(json.loads(body)["universe"]) == len(asset_ids(body, None))
                assert not warnings
                seen += 1
    assert seen
