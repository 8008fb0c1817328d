"""Signatures against known answers: the exchange's rule, and what its own client for Python signs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hft import Secret
from hft_okx.signing import Signer, timestamp_text

VECTORS = (
    Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "okx" / "sdk_signed_requests.json"
)

SIGNER = Signer(Secret("key"), Secret("test_secret_0123456789abcdef"), Secret("words"))
TIME_NS = 1_790_000_000_000_000_000


def vectors() -> dict[str, Any]:
    if not VECTORS.is_file():
        return {"cases": []}
    loaded: dict[str, Any] = json.loads(VECTORS.read_text())
    return loaded


def test_the_documented_rule() -> None:
    assert timestamp_text(TIME_NS) == "2026-09-21T14:13:20.000Z"
    body = (
        '{"instId":"BTC-USDT-SWAP","tdMode":"cross","side":"buy","ordType":"post_only","sz":"1","px":"60000",'
        '"clOrdId":"demo5"}'
    )
    headers = SIGNER.headers("2026-09-21T14:13:20.000Z", "POST", "/api/v5/trade/order", body)
    assert headers == {
        "OK-ACCESS-KEY": "key",
        "OK-ACCESS-SIGN": "j54oE1uOzyXzQ6/Lf/I7asO0ImpnBqs8B6FgeRxz8sw=",
        "OK-ACCESS-TIMESTAMP": "2026-09-21T14:13:20.000Z",
        "OK-ACCESS-PASSPHRASE": "words",
        "Content-Type": "application/json",
    }
    target = "/api/v5/trade/orders-pending?instType=SWAP&instId=BTC-USDT-SWAP"
    headers = SIGNER.headers("2026-09-21T14:13:20.000Z", "GET", target)
    assert headers["OK-ACCESS-SIGN"] == "ySqqE1BHmjISL0o4eFhvplYNTKIWAzTZYfk7fog24OY="
    assert SIGNER.login(TIME_NS + 999_000_000) == {
        "apiKey": "key",
        "passphrase": "words",
        "timestamp": "1790000000",
        "sign": "LD0k04IaoQ95N89x3ys3nAb0WsITQPeSwG/Y6aO3U5o=",
    }


def test_milliseconds_are_three_digits() -> None:
    assert timestamp_text(TIME_NS + 7_999_999) == "2026-09-21T14:13:20.007Z"
    assert timestamp_text(TIME_NS + 999_999_999) == "2026-09-21T14:13:20.999Z"


def test_secrets_do_not_show() -> None:
    assert "test_secret" not in repr(SIGNER)
    assert "words" not in repr(SIGNER)


@pytest.mark.skipif(not VECTORS.is_file(), reason="no vectors beside the repository")
@pytest.mark.parametrize("case", vectors()["cases"], ids=lambda case: case["call"])
def test_what_the_exchanges_own_client_signs(case: dict[str, Any]) -> None:
    known = vectors()
    signer = Signer(*(Secret(known[name]) for name in ("api_key", "secret", "passphrase")))
    if "message" in case:
        (expected,) = case["message"]["args"]
        login = signer.login(int(case["timestamp"]) * 1_000_000_000)
        assert login == expected | {"timestamp": str(expected["timestamp"])}
        return
    request = case["request"]
    headers = signer.headers(case["timestamp"], request["method"], request["path"], request["body"] or "")
    assert headers.items() <= request["headers"].items()
    assert headers["OK-ACCESS-SIGN"] == signer.sign(case["sign_payload"])
