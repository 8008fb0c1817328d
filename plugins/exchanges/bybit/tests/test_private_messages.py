"""Recorded and documented messages of the account, and whatever else may come."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hft import DecodeError, decoder
from hft_bybit import private_codec as codec

from .trading import executed, told

MESSAGES = Path(__file__).resolve().parents[4].parent / "shared" / "messages" / "bybit"
recorded = pytest.mark.skipif(not MESSAGES.is_dir(), reason="no recorded messages beside the repository")

TOPICS: dict[str, Callable[[Any], Any]] = {
    "order": decoder(list[codec.OrderState], "orders"),
    "execution": decoder(list[codec.Execution], "executions"),
    "position": decoder(list[codec.PositionState], "positions"),
    "wallet": decoder(list[codec.WalletState], "wallets"),
}


@recorded
@pytest.mark.parametrize("topic", TOPICS)
def test_recorded_messages_of_the_private_stream(topic: str) -> None:
    body = (MESSAGES / "ws" / "private" / f"ws_{topic}.json").read_bytes()
    frame = codec.decode_private_frame(body)
    assert frame.topic == topic
    (first, *_) = TOPICS[topic](frame.data)
    data = json.loads(body)["data"][0]
    if topic == "wallet":
        assert [coin.asset for coin in first.coins] == [coin["coin"] for coin in data["coin"]]
        assert first.coins[0].total == data["coin"][0]["walletBalance"]
    else:
        assert first.symbol == data["symbol"]
    if topic == "execution":
        assert (first.id, first.price, first.fee, first.fee_asset) == (
            data["execId"],
            data["execPrice"],
            data["execFee"],
            "",
        )


EXAMPLES: dict[str, Callable[[Any], Any]] = {
    "order/open-order": codec.decode_orders,
    "order/order-list": codec.decode_orders,
    "order/execution": codec.decode_executions,
    "position/position": codec.decode_positions,
    "account/wallet-balance": codec.decode_wallets,
    "account/account-info": decoder(codec.AccountInfo, "account"),
    "market/time": codec.decode_time,
    "order/create-order": codec.decode_acknowledged,
    "order/amend-order": codec.decode_acknowledged,
    "order/cancel-order": codec.decode_acknowledged,
    "order/batch-place": codec.decode_batch,
    "order/batch-cancel": codec.decode_batch,
}


def examples() -> list[dict[str, Any]]:
    with gzip.open(MESSAGES / "docs_examples" / "v5-docs.jsonl.gz") as lines:
        return [json.loads(line) for line in lines]


@recorded
@pytest.mark.parametrize("page", EXAMPLES)
def test_examples_of_the_documentation(page: str) -> None:
    (example,) = [each for each in examples() if each["file"] == f"docs/v5/{page}.mdx"]
    envelope = codec.decode_envelope(json.dumps(example["value"]).encode())
    assert envelope.code == 0
    decoded = EXAMPLES[page](envelope.result)
    if page == "order/batch-cancel":
        assert [each.code for each in codec.decode_verdicts(envelope.verdicts)] == [0, 170213]
    if page == "order/open-order":
        assert (decoded.orders[0].client_id, decoded.orders[0].position_idx) == ("test-000005", 1)


@recorded
def test_examples_of_the_order_websocket() -> None:
    found = [each["value"] for each in examples() if each["file"] == "docs/v5/websocket/trade/guideline.mdx"]
    frames = [codec.decode_trade_frame(json.dumps(each).encode()) for each in found if "retCode" in each]
    assert [frame.op for frame in frames] == ["auth", "order.create", "order.create-batch", "pong"]
    assert frames[1].headers["X-Bapi-Limit-Status"] == "9"
    assert [each.code for each in codec.decode_verdicts(frames[2].verdicts)] == [10001] * 3


@recorded
def test_the_documented_execution_has_a_tax_beside_its_fee() -> None:
    example = next(
        each["value"]
        for each in examples()
        if each["file"] == "docs/v5/websocket/private/execution.mdx" and "topic" in each["value"]
    )
    (execution,) = TOPICS["execution"](json.dumps(example["data"]).encode())
    (extra,) = codec.decode_extra_fees(execution.extra_fees)
    assert (extra.asset, Decimal(extra.fee)) == ("USDT", Decimal("0.006403779"))


@pytest.mark.parametrize(
    ("text", "fees"),
    [
        (b'""', 0),
        (b"[]", 0),
        (b"null", 0),
        (b'"[{\\"feeCoin\\":\\"USDT\\",\\"fee\\":\\"1\\"}]"', 1),
        (b'[{"feeCoin":"USDT","fee":"1"}]', 1),
    ],
)
def test_extra_fees(text: bytes, fees: int) -> None:
    assert len(codec.decode_extra_fees(Raw(text))) == fees


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_refusal_has_no_code(body: bytes) -> None:
    assert codec.refusal_of(body) == (0, "")


FRAMES: list[tuple[Callable[[Any], Any], bytes]] = [
    (TOPICS["order"], json.dumps([told()]).encode()),
    (TOPICS["execution"], json.dumps([executed()]).encode()),
    (codec.decode_private_frame, b'{"topic":"order","creationTime":1,"data":[]}'),
    (codec.decode_trade_frame, b'{"reqId":"1","retCode":0,"op":"order.create","data":{},"header":{}}'),
    (codec.decode_envelope, b'{"retCode":0,"retMsg":"OK","result":{},"retExtInfo":{},"time":1}'),
]


@pytest.mark.parametrize(("decode", "frame"), FRAMES)
@given(data=st.data())
def test_a_damaged_frame_is_decoded_or_refused(
    decode: Callable[[Any], Any], frame: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(frame) - 1))
    byte = data.draw(st.integers(0, 255))
    for damaged in (frame[:at], frame[:at] + bytes([byte]) + frame[at + 1 :]):
        with suppress(DecodeError):
            decode(damaged)
