"""``/public/instruments`` into instruments: tick, lot, contract size, what is left out."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import DecodeError, Instrument, InstrumentKind
from hft_okx.instruments import decode_codes, decode_instruments, instrument_type

MESSAGES = Path(__file__).resolve().parents[4].parent / "shared" / "messages" / "okx" / "account"

SWAP = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "instIdCode": 10459, "uly": "BTC-USDT",
    "instFamily": "BTC-USDT", "settleCcy": "USDT", "ctType": "linear", "ctVal": "0.01", "ctMult": "1",
    "ctValCcy": "BTC", "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "maxLmtSz": "100000000",
    "maxMktSz": "85000", "state": "live", "baseCcy": "", "quoteCcy": "", "expTime": "",
}  # fmt: skip
SPOT = {
    "instType": "SPOT", "instId": "BTC-USDT", "instIdCode": 1, "baseCcy": "BTC", "quoteCcy": "USDT",
    "tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "maxLmtSz": "9999999999",
    "maxMktSz": "1000000", "state": "live", "ctVal": "", "ctMult": "",
}  # fmt: skip


def body(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


def read(*rows: dict[str, Any]) -> tuple[list[Instrument], list[str]]:
    warnings: list[str] = []
    return decode_instruments(body(*rows), "okx", warnings.append), warnings


def test_a_swap_is_sized_in_contracts() -> None:
    (swap,), warnings = read(SWAP)
    assert not warnings
    assert (swap.symbol, swap.kind, swap.settle) == ("BTC/USDT:USDT", InstrumentKind.PERPETUAL, "USDT")
    assert (swap.tick_size, swap.lot_size, swap.min_size) == (Decimal("0.1"), Decimal("0.01"), 1)
    assert swap.contract_multiplier == Decimal("0.01")
    assert swap.base_per_lot == Decimal("0.0001")
    # one contract at 60,000
    assert swap.notional(swap.price("60000"), swap.size("1")) == 600
    assert (swap.max_size, swap.tradable, instrument_type(swap)) == (10**10, True, "SWAP")


def test_spot_is_sized_in_base() -> None:
    (spot,), _ = read(SPOT)
    assert (spot.symbol, spot.kind, spot.contract_multiplier) == ("BTC/USDT", InstrumentKind.SPOT, 1)
    assert (spot.base, spot.quote, spot.settle) == ("BTC", "USDT", "USDT")
    assert (spot.min_size, instrument_type(spot)) == (1000, "SPOT")


def test_inverse_and_dated_contracts() -> None:
    inverse = SWAP | {"ctType": "inverse", "settleCcy": "BTC", "ctValCcy": "USD", "ctVal": "100"}
    inverse |= {"instId": "BTC-USD-SWAP", "uly": "BTC-USD"}
    dated = inverse | {"instType": "FUTURES", "instId": "BTC-USD-260925"}
    (swap, future), _ = read(inverse, dated)
    assert (swap.symbol, swap.inverse, swap.contract_multiplier) == ("BTC/USD:BTC", True, 100)
    assert (future.symbol, future.kind) == ("BTC/USD:BTC-260925", InstrumentKind.FUTURE)


@pytest.mark.parametrize("state", ["suspend", "preopen", "post_only", "settling", "test", "rebase", "new"])
def test_what_is_not_live_cannot_be_traded(state: str) -> None:
    ((spot,), _) = read(SPOT | {"state": state})
    assert not spot.tradable


@pytest.mark.parametrize(
    "change",
    [
        {"tickSz": "0"},
        {"lotSz": "-1"},
        {"tickSz": "much"},
        {"uly": "", "instId": "X"},
        {"ctType": "quanto"},
        {"ctVal": "0"},
        {"settleCcy": ""},
        {"ctValCcy": "USDT"},
        {"instType": "FUTURES"},
    ],
)
def test_what_makes_no_sense_is_left_out_and_told_of(change: dict[str, Any]) -> None:
    instruments, warnings = read(SWAP | change, SPOT)
    assert [one.symbol for one in instruments] == ["BTC/USDT"]
    assert len(warnings) == 1


def test_options_are_no_instruments_and_no_warning() -> None:
    assert read(SWAP | {"instType": "OPTION", "ctType": ""}) == ([], [])


def test_codes_for_orders_over_the_websocket() -> None:
    without = SPOT | {"instId": "ETH-USDT"}
    del without["instIdCode"]
    assert decode_codes(body(SWAP, SPOT, without)) == {"BTC-USDT-SWAP": "10459", "BTC-USDT": "1"}


@pytest.mark.parametrize("answer", [b"", b"{}", b"<html>", b'{"code":"50011","msg":"x","data":[]}', b"[]"])
def test_what_is_no_list_is_an_error(answer: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_instruments(answer, "okx", print)


texts = st.one_of(st.sampled_from(["0.1", "1", "", "0", "1e-9", "NaN", "-1", "live", "linear"]), st.text())


@given(st.dictionaries(st.sampled_from(sorted(SWAP)), texts), st.sampled_from([SWAP, SPOT]))
def test_any_values_give_an_instrument_a_warning_or_nothing(
    change: dict[str, str], row: dict[str, Any]
) -> None:
    instruments, warnings = read(row | change)
    assert len(instruments) + len(warnings) <= 1


@pytest.mark.skipif(not MESSAGES.is_dir(), reason="no messages beside the repository")
@pytest.mark.parametrize("name", ["spot", "swap", "futures"])
def test_recorded_answers(name: str) -> None:
    answer = (MESSAGES / f"http_get_instruments_{name}.json").read_bytes()
    warnings: list[str] = []
    instruments = decode_instruments(answer, "okx", warnings.append)
    assert not warnings
    assert {one.native_symbol for one in instruments} == {row["instId"] for row in json.loads(answer)["data"]}
