"""Signatures as the official library makes them, and secrets that stay secret."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hft import Secret, UsageError
from hft_bybit.signing import HmacSigner, login_args, make_signer, signed_headers

VECTORS = (
    Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "bybit" / "sdk_signed_requests.json"
)
needs_vectors = pytest.mark.skipif(not VECTORS.is_file(), reason="no vectors beside the repository")


def known() -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(VECTORS.read_text())
    return answers


@needs_vectors
@pytest.mark.parametrize("number", range(9))
def test_requests_of_the_official_library(number: int) -> None:
    answers = known()
    case = answers["cases"][number]
    request = case["request"]
    payload = request["body"] if request["body"] is not None else urlsplit(request["url"]).query
    headers = signed_headers(
        payload,
        make_signer(Secret(answers["api_key"]), Secret(answers["secret"])),
        time_ms=case["timestamp"],
        window_ms=case["recv_window"],
    )
    assert headers == request["headers"]
    assert case["sign_payload"].endswith(payload)


@needs_vectors
def test_the_login_of_the_official_library() -> None:
    answers = known()
    assert len(answers["cases"]) == 10
    case = answers["cases"][9]
    signer = make_signer(Secret(answers["api_key"]), Secret(answers["secret"]))
    assert login_args(signer, expires_ms=case["expires"]) == case["message"]["args"]


@pytest.mark.parametrize(
    ("payload", "signature"),
    [
        (
            '{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001",'
            '"price":"60000","timeInForce":"PostOnly","orderLinkId":"demo-4"}',
            "c1b0d019ce4872ac6f18354acd2b7ddc856deb64864656bbdec7e8db637cd137",
        ),
        (
            "category=linear&symbol=BTCUSDT&limit=50",
            "023326bdbcfc1572c6b5db1271a4f0c4eed0b807eb002eb0e74eaeb37c5d372d",
        ),
    ],
)
def test_the_body_is_signed_by_post_and_the_query_by_get(payload: str, signature: str) -> None:
    signer = HmacSigner(Secret("test_key_abcdef0123456789"), Secret("test_secret_0123456789abcdef"))
    headers = signed_headers(payload, signer, time_ms=1790000000000, window_ms=5000)
    assert headers["X-BAPI-SIGN"] == signature


def test_a_login() -> None:
    signer = HmacSigner(Secret("test_key_abcdef0123456789"), Secret("test_secret_0123456789abcdef"))
    assert login_args(signer, expires_ms=1790000010000) == [
        "test_key_abcdef0123456789",
        1790000010000,
        "c7ccb97137d0740119abe83847323c52c98ed3710c6f1f46c0895cf170bbece2",
    ]


def pem(kind: str) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    private = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "elliptic"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    encryption = (
        serialization.BestAvailableEncryption(b"hush")
        if kind == "encrypted"
        else serialization.NoEncryption()
    )
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def test_an_rsa_signature_is_verified_by_the_public_half() -> None:
    pytest.importorskip("cryptography", reason="the extra rsa is not installed")
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = pem("rsa")
    signature = base64.b64decode(make_signer(Secret("k"), Secret(text)).sign(b"payload"), validate=True)
    private = load_pem_private_key(text.encode(), None)
    assert isinstance(private, RSAPrivateKey)
    private.public_key().verify(signature, b"payload", PKCS1v15(), SHA256())


def test_neither_key_nor_secret_is_shown() -> None:
    signer = make_signer(Secret("hush-key"), Secret("hush-secret"))
    assert "hush" not in f"{signer!r}{signer}{signer.key!r}"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("nonsense", "no readable private key"),
        ("elliptic", "of another kind"),
        ("encrypted", "no readable private key"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_unseen(kind: str, why: str) -> None:
    pytest.importorskip("cryptography", reason="the extra rsa is not installed")
    text = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----" if kind == "nonsense" else pem(kind)
    with pytest.raises(UsageError, match=why) as caught:
        make_signer(Secret("k"), Secret(text))
    assert text.splitlines()[1] not in str(caught.value)


def test_without_cryptography_an_rsa_key_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(UsageError, match=r"pip install 'hft-plugin-bybit\[rsa\]'"):
        make_signer(Secret("k"), Secret("-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----"))
