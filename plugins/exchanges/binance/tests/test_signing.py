"""Signatures against the exchange's own examples and those that its own libraries make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import Secret, UsageError
from hft_binance.signing import HmacSigner, Signer, make_signer, signed_params, signed_query

VECTORS = Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "binance"
ED25519_PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u\n-----END PRIVATE KEY-----\n"  # noqa: E501
"""Printed as an example in the exchange's FIX documentation."""


def vectors(name: str) -> dict[str, Any]:
    file = VECTORS / name
    if not file.is_file():
        pytest.skip(f"known answers are not here: {file.name}")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def signer_of(case: dict[str, Any], known: dict[str, Any]) -> Signer:
    if f"{case.get('key_type')} {case.get('algo')}".upper().count("ED25519"):
        pytest.importorskip("cryptography", reason="the extra ed25519 is not installed")
        pem = case.get("private_key_pem") or known["ed25519_private_key_pem"]
        return make_signer(Secret(case.get("api_key") or known.get("api_key", "k")), Secret(pem))
    secret = case.get("secret") or known["hmac_secret"]
    return make_signer(Secret(case.get("api_key") or known["api_key"]), Secret(secret))


@pytest.mark.parametrize("number", range(5))
def test_signatures_of_the_documentation(number: int) -> None:
    known = vectors("docs_public.json")
    assert len(known["cases"]) == 5
    case = known["cases"][number]
    assert signer_of(case, known).sign(case["payload"].encode()) == case["signature"]


@pytest.mark.parametrize("number", range(16))
def test_rest_requests_of_the_official_library(number: int) -> None:
    known = vectors("sdk_signed_requests.json")
    assert len(known["cases"]) == 16
    case = known["cases"][number]
    query = urlsplit(case["request"]["url"]).query
    params = dict(parse_qsl(query.partition("&signature=")[0]))
    signer = signer_of(case, known)
    assert signed_query(params, signer) == query
    assert case["request"]["headers"] == {"X-MBX-APIKEY": signer.key.reveal()}


@pytest.mark.parametrize("number", range(6))
def test_websocket_requests_of_the_official_library(number: int) -> None:
    known = vectors("sdk_ws_api_params.json")
    assert len(known["cases"]) == 6
    case = known["cases"][number]
    params = signed_params(case["params_in"], signer_of(case, known))
    assert list(params.items()) == list(case["params_out"].items())


def test_rest_signs_percent_encoded_and_the_websocket_api_does_not() -> None:
    # Both from the documentation, "SIGNED request example" with a symbol that is not ASCII.
    signer = HmacSigner(
        Secret("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"),
        Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"),
    )
    order = {"symbol": "１２３４５６", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}  # noqa: RUF001
    rest = {**order, "quantity": "1", "price": "0.1", "recvWindow": 5000, "timestamp": 1499827319559}
    assert signed_query(rest, signer).endswith(
        "signature=e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
    )
    socket = {
        **order,
        "quantity": "1.00000000",
        "price": "0.10000000",
        "recvWindow": 5000,
        "timestamp": 1645423376532,
    }
    assert (
        signed_params(socket, signer)["signature"]
        == "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"
    )


@given(st.text(min_size=1, max_size=200), st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_hmac_is_that_of_the_standard_library_however_often_it_is_used(
    secret: str, payloads: list[bytes]
) -> None:
    signer = HmacSigner(Secret("k"), Secret(secret))
    for payload in payloads:
        expected = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
        assert signer.sign(payload) == signer.sign_url(payload) == expected


def test_a_body_is_signed_right_behind_the_query() -> None:
    signer = HmacSigner(Secret("k"), Secret("s"))
    query = signed_query({"symbol": "A/B"}, signer, body="side=BUY")
    expected = hmac.new(b"s", b"symbol=A%2FBside=BUY", hashlib.sha256).hexdigest()
    assert query == f"symbol=A%2FB&signature={expected}"


def test_an_ed25519_signature_is_base64_in_json_and_percent_encoded_in_a_url() -> None:
    pytest.importorskip("cryptography", reason="the extra ed25519 is not installed")
    signer = make_signer(Secret("k"), Secret(ED25519_PEM))
    signature = signer.sign(b"apiKey=vectorApiKey0123456789ABCDEFabcdef&timestamp=1754000000000")
    assert signature.startswith("J4VpG+EDlo1Mf+LdxQHM0")
    assert len(base64.b64decode(signature, validate=True)) == 64
    assert signer.sign_url(b"apiKey=vectorApiKey0123456789ABCDEFabcdef&timestamp=1754000000000") == (
        signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    )


def test_neither_key_nor_secret_is_shown() -> None:
    for signer in (
        HmacSigner(Secret("hush-key"), Secret("hush-secret")),
        make_signer(Secret("hush-key"), Secret("hush-secret")),
    ):
        assert (
            "hush"
            not in f"{signer!r}{signer}{signer.key!r}{vars(signer) if hasattr(signer, '__dict__') else ''}"
        )


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        ("-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----", "no readable private key"),
        ("elliptic", "of another kind"),
        ("encrypted", "no readable private key"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_unseen(pem: str, why: str) -> None:
    pytest.importorskip("cryptography", reason="the extra ed25519 is not installed")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    if not pem.startswith("-"):
        private = (
            ec.generate_private_key(ec.SECP256R1())
            if pem == "elliptic"
            else ed25519.Ed25519PrivateKey.generate()
        )
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hush")
            if pem == "encrypted"
            else serialization.NoEncryption(),
        ).decode()
    with pytest.raises(UsageError, match=why) as caught:
        make_signer(Secret("k"), Secret(pem))
    assert pem.splitlines()[1] not in str(caught.value)


def test_without_cryptography_an_ed25519_key_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(UsageError, match=r"pip install 'hft-plugin-binance\[ed25519\]'"):
        make_signer(Secret("k"), Secret(ED25519_PEM))
