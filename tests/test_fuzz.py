"""What exchanges send may be damaged in any way: the short form of the campaign."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.campaigns.fuzz import TARGETS, fuzz, make, try_input

TRIES = 80


@pytest.mark.parametrize("name", TARGETS)
def test_damage_is_refused_and_makes_nothing_wrong(name: str) -> None:
    outcome = fuzz(name, 1, tries=TRIES)
    assert outcome.tries == TRIES
    assert outcome.wrong == {}


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x02\xff\xff\xff", b"\x01\x00\x00\x05abc", b"\x07\x00\xff\xff{}"]
)
def test_any_bytes_are_an_input(data: bytes) -> None:
    with closing(make("hyperliquid-public")) as target:
        assert try_input(target, data) == []


def test_a_number_beyond_all_bounds_is_refused() -> None:
    balance = b'{"a":"USDT","f":"999741E40097400860","l":"25.02599140"}'
    event = b'{"e":"outboundAccountPosition","E":1700000000019,"u":1700000000019,"B":[%s]}' % balance
    data = b'\x00\x00\x00\n{"subscriptionId":0,"event":%s}' % event
    with closing(make("binance-spot-private")) as target:
        assert try_input(target, data) == []


def test_a_time_that_cannot_be_written_is_refused() -> None:
    with closing(make("okx-private")) as target:
        assert (
            try_input(target, b'\x00\x00\x00\x00{"code":"0","msg":"","data":[{"ts":"1701700000000005"}]}')
            == []
        )


def test_no_market_order_is_sent_on_a_price_that_cannot_be_read() -> None:
    levels = b'[{"px":"59998.0","sz":"1.9","n":34},{"px":"600.1.0","sz":"2.3","n":5}]'
    quote = b'{"coin":"BTC","time":1700000007019,"bbo":%s}' % levels
    with closing(make("hyperliquid-private")) as target:
        assert try_input(target, b'\x00\x00\x00\x1f{"channel":"bbo","data":%s}' % quote) == []
