"""Known answers of hashes and signatures, made by the exchange's own client."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import GridError, Instrument, InstrumentId, InstrumentKind, OrderError, Secret, UsageError
from hft_hyperliquid.actions import Envelopes, wire_price
from hft_hyperliquid.cloid import client_id_of, cloid_of
from hft_hyperliquid.nonces import Nonces
from hft_hyperliquid.signing import (
    Signature,
    Signer,
    agent_digest,
    connection_id,
    encode_action,
    keccak,
    recover_address,
)
from hft_hyperliquid.simulator.user_signed import user_signed_digest

FOLDER = Path(__file__).resolve().parents[4].parent / "shared/vectors/hyperliquid"
VECTORS = [
    json.loads(file.read_text())
    for name in ("public_known_answers.json", "sdk_generated.json")
    if (file := FOLDER / name).is_file()
]
CASES: list[dict[str, Any]] = [case for vectors in VECTORS for case in vectors["cases"]]
WHY = "no vectors beside the repository"

needs_vectors = pytest.mark.skipif(not CASES, reason=WHY)

KEY = Secret("0xa1b2c3d4e5f60718a1b2c3d4e5f60718a1b2c3d4e5f60718a1b2c3d4e5f60718")
ADDRESS = "0x6c1de6bb34d9fd5ea0ef7ddb28c93f61d0e4b1d4"
NONCE = 1_760_000_000_000
ACTION: dict[str, Any] = {
    "type": "order",
    "orders": [
        {
            "a": 1,
            "b": True,
            "p": "3012.5",
            "s": "0.05",
            "r": False,
            "t": {"limit": {"tif": "Alo"}},
            "c": "0x0000000000000000000000000000002a",
        }
    ],
    "grouping": "na",
}


def of_kind(kind: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{place}-{case['name']}")
        for place, case in enumerate(CASES)
        if case["kind"] == kind
    ]


def as_signature(told: dict[str, Any]) -> Signature:
    return Signature(int(told["r"], 16), int(told["s"], 16), told["v"])


@needs_vectors
@pytest.mark.parametrize("case", of_kind("l1"))
def test_actions_are_hashed_and_signed_to_the_byte(case: dict[str, Any]) -> None:
    action = encode_action(case["action"])
    assert action.hex() == case["msgpack_hex"]
    vault = None if case["vault_address"] is None else bytes.fromhex(case["vault_address"][2:])
    nonce, expires = case["nonce"], case["expires_after"]
    connection = connection_id(action, nonce, vault, expires)
    assert f"0x{connection.hex()}" == case["connection_id"]
    for network, source in (("mainnet", "a"), ("testnet", "b")):
        signer = Signer(Secret(case["private_key"]), source)
        assert signer.address == case["address"].lower()
        signature = signer.sign(action, nonce, vault, expires)
        assert signature == as_signature(case["signature"][network])
        digest = agent_digest(keccak(source.encode()), connection)
        assert recover_address(digest, signature) == signer.address


@needs_vectors
@pytest.mark.parametrize("case", of_kind("user_signed"))
def test_what_users_sign_themselves_is_signed_to_the_byte(case: dict[str, Any]) -> None:
    kinds = {
        "sign_usd_transfer_action": "usdSend",
        "sign_withdraw_from_bridge_action": "withdraw3",
        "sign_usd_class_transfer_action": "usdClassTransfer",
        "sign_spot_transfer_action": "spotSend",
        "sign_agent": "approveAgent",
        "sign_send_asset_action": "sendAsset",
    }
    action = {"type": kinds[case["signer_fn"]], **case["action_signed"]}
    digest = user_signed_digest(action)
    signer = Signer(Secret(case["private_key"]), "a")
    assert signer.sign_digest(digest) == as_signature(case["signature"])
    assert recover_address(digest, as_signature(case["signature"])) == case["address"].lower()


# The worked example of the exchange's reference.
def test_a_signature_by_hand() -> None:
    action = encode_action(ACTION)
    vault = bytes.fromhex("1719884eb866cb12b2287399b15f7db5e7d775ea")
    plain = connection_id(action, NONCE, None, None)
    assert plain.hex() == "c9da0ac10534ffee2559a2a9aa88545c89bda30f86b9069d1d25c7d59625f989"
    traded_for = connection_id(action, NONCE, vault, NONCE + 5000)
    assert traded_for.hex() == "ed6e063ba0a6eee4cef0ceb3d71fd1d1f5f205050e4e24148f16e7e92bf10e1a"
    signer = Signer(KEY, "a")
    assert signer.address == ADDRESS
    # s has 63 digits: what is sent is filled up.
    assert signer.sign(action, NONCE, None, None).json() == {
        "r": "0x9bab4c21216a54fd3dfb86fc2f285330ce1cd8e6a6470c618ece8d29095b3345",
        "s": "0x085621d2bc6846f7bc10437c762f20046ecbc9626fcc0abf79c52eb95b330e48",
        "v": 28,
    }
    assert signer.sign(action, NONCE, vault, NONCE + 5000).v == 27


def test_an_envelope_is_what_was_signed() -> None:
    signer, vault = Signer(KEY, "a"), "0x1719884eb866cb12b2287399b15f7db5e7d775ea"
    body = json.loads(Envelopes(signer, vault, 5_000_000_000).rest(ACTION, NONCE * 1_000_000))
    assert list(body) == ["action", "nonce", "signature", "vaultAddress", "expiresAfter"]
    assert (body["nonce"], body["expiresAfter"], body["vaultAddress"]) == (NONCE, NONCE + 5000, vault)
    assert body["action"] == ACTION
    # The order of the keys is signed.
    assert encode_action(body["action"]) == encode_action(ACTION)
    connection = connection_id(encode_action(ACTION), NONCE, bytes.fromhex(vault[2:]), NONCE + 5000)
    digest = agent_digest(keccak(b"a"), connection)
    assert recover_address(digest, as_signature(body["signature"])) == ADDRESS
    post = json.loads(Envelopes(signer, None, 5_000_000_000).post(ACTION, 7, NONCE * 1_000_000))
    assert (post["method"], post["id"], post["request"]["type"]) == ("post", 7, "action")
    assert post["request"]["payload"]["vaultAddress"] is None


@pytest.mark.parametrize(
    "text", ["", "0x", "0x12", "hello", "0x" + "g" * 64, "0x" + "0" * 64, "0x" + "f" * 64]
)
def test_what_is_no_private_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(UsageError, match="private key") as caught:
        Signer(Secret(text), "a")
    assert text == "" or len(text) < 5 or text not in str(caught.value)
    assert caught.value.__context__ is None or text not in repr(caught.value.__context__)


def test_a_signer_shows_its_address_only() -> None:
    assert repr(Signer(KEY, "a")) == f"<Signer {ADDRESS}>"


@pytest.mark.parametrize("signature", [(0, 1, 27), (1, 0, 27), (2**256 - 1, 1, 27), (1, 1, 26), (1, 1, 29)])
def test_what_nobody_can_have_signed_is_refused(signature: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="range"):
        recover_address(bytes(32), Signature(*signature))


# -- numbers and ids -----------------------------------------------------------------------------------


FINEST = Instrument(
    id=InstrumentId("X/USDC", "hyperliquid"),
    native_symbol="@1",
    kind=InstrumentKind.SPOT,
    base="X",
    quote="USDC",
    settle="USDC",
    tick_size=Decimal("0.00000001"),
    lot_size=Decimal(1),
)


@needs_vectors
def test_numbers_are_written_as_the_exchanges_client_writes_them() -> None:
    for vectors in VECTORS:
        for each in vectors.get("float_to_wire", ()):
            text = f"{Decimal(each['in']):f}"
            assert wire_price(FINEST, FINEST.price(text)) == each["out"]
        for each in vectors.get("float_to_wire_raises", ()):
            with pytest.raises(GridError):
                FINEST.price(f"{Decimal(each):f}")


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=24))
def test_client_ids_are_read_back_from_what_stands_for_them(client_id: str) -> None:
    cloid = cloid_of(client_id)
    assert len(cloid) == 34
    assert int(cloid, 16) < 2**128
    assert client_id_of(cloid) == client_id


@given(st.integers(0, 2**128 - 1))
def test_ids_of_others_are_read_back_as_well(number: int) -> None:
    cloid = f"0x{number:032x}"
    assert cloid_of(client_id_of(cloid)) == cloid


@pytest.mark.parametrize("client_id", ["", "a" * 25, "A", "a-1", "ä"])
def test_other_client_ids_are_refused(client_id: str) -> None:
    with pytest.raises(OrderError):
        cloid_of(client_id)


@given(st.lists(st.integers(0, 2_000), min_size=1))
def test_nonces_grow_however_the_clock_is_set(times: list[int]) -> None:
    nonces = Nonces()
    made = [nonces.next(each) for each in times]
    assert made == sorted(set(made))
    assert all(nonce >= each for nonce, each in zip(made, times, strict=True))
    # A burst is not far ahead of the time when it is over.
    assert nonces.next(max(times) + len(times)) <= max(times) + len(times) + 1
