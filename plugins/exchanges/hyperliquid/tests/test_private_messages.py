"""Recorded answers and feeds of accounts through the codec, and whatever else may come."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from hft import DecodeError, decoder
from hft_hyperliquid import private_codec as wire
from hft_hyperliquid.codec import decode_envelope
from hft_hyperliquid.evidence import kind_of

FOLDER = Path(__file__).resolve().parents[4].parent / "shared/messages/hyperliquid"

TYPES: dict[str, Any] = {
    "frontendOpenOrders": list[wire.ListedOrder],
    "historicalOrders": list[wire.OrderUpdate],
    "userFills": list[wire.Fill],
    "userFillsByTime": list[wire.Fill],
    "userFunding": list[wire.FundingPaid],
    "clearinghouseState": wire.Clearinghouse,
    "userRateLimit": wire.RateUsage,
    "userRole": wire.Role,
}


@pytest.mark.skipif(not FOLDER.is_dir(), reason="no messages beside the repository")
def test_recorded_answers_are_understood() -> None:
    seen = set()
    with gzip.open(FOLDER / "info_calls.jsonl.gz", "rt") as lines:
        for call in map(json.loads, lines):
            kind = call["request"]["type"]
            # What was recorded of historical orders says when each got its status, as the feed does.
            if kind in TYPES:
                seen.add(kind)
                found = decoder(TYPES[kind])(call["response_text"].encode())
                if kind == "historicalOrders":
                    assert {kind_of(each.status) for each in found}
                elif kind == "clearinghouseState":
                    assert len(found.positions) == len(json.loads(call["response_text"])["assetPositions"])
    assert seen == set(TYPES)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="no messages beside the repository")
def test_a_recorded_frame_of_fills_is_understood() -> None:
    frames = [
        decode_envelope(line) for line in (FOLDER / "ws_2026-09-03_verbatim.jsonl").read_bytes().splitlines()
    ]
    (data,) = [frame.data for frame in frames if frame is not None and frame.channel == "userFills"]
    found = decoder(wire.UserFills)(data)
    assert found.is_snapshot
    assert (found.fills[0].coin, found.fills[0].is_taker) == ("USUAL", True)


SAMPLES = [
    b'{"id":7,"response":{"type":"action","payload":{"status":"ok","response":{"type":"order","data":'
    b'{"statuses":[{"resting":{"oid":77,"cloid":"0x2a"}},{"error":"no"},"waitingForFill"]}}}}}',
    b'{"id":8,"response":{"type":"action","payload":{"status":"err","response":"no"}}}',
    b'{"id":9,"response":{"type":"error","payload":"429 Too Many Requests"}}',
]


@given(
    sample=st.sampled_from(SAMPLES),
    at=st.integers(0, 200),
    cut=st.integers(0, 12),
    junk=st.binary(max_size=5) | st.sampled_from([b"null", b"[]", b"{}", b'"', b"-1"]),
)
@example(sample=SAMPLES[0], at=162, cut=0, junk=b"\x80")
def test_damaged_answers_are_refused_or_read(sample: bytes, at: int, cut: int, junk: bytes) -> None:
    with suppress(DecodeError):
        post = wire.decode_post(Raw(sample[:at] + junk + sample[at + cut :]))
        statuses = wire.decode_statuses(wire.decode_action_answer(post.payload))
        assert isinstance(statuses, (str, list))
