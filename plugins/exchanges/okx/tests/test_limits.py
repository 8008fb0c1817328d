"""The published limits as data."""

from __future__ import annotations

from hft import HttpRequest, RestAnswer, RestCall
from hft_okx import limits

from .trading import SPOT, SWAP, World


def test_names_are_unique_and_costs_name_what_there_is() -> None:
    known = [limit.name for limit in (*limits.RATE_LIMITS, *limits.instrument_limits("BTC-USDT"))]
    assert len(set(known)) == len(known)
    for action in ("place", "amend", "cancel"):
        for number in (1, 20):
            costs = limits.new_order_costs(action, "BTC-USDT", number, capped=True)
            assert {name for name, _ in costs} <= set(known)


def test_a_batch_counts_its_orders_and_one_of_a_single_order_as_that_order() -> None:
    assert limits.new_order_costs("place", "X", 1, capped=False) == (("place X", 1),)
    assert limits.new_order_costs("place", "X", 20, capped=False) == (("place batch X", 20),)
    assert limits.new_order_costs("place", "X", 3, capped=True) == (
        ("place batch X", 3),
        (limits.SUB_ACCOUNT, 3),
    )


def test_what_a_refusal_is_about() -> None:
    call = RestCall(method="POST", shown="", write=lambda _: HttpRequest(url=""))

    def answer(code: str) -> RestAnswer:
        body = f'{{"code":"{code}","data":[],"msg":""}}'.encode()
        return RestAnswer(status=429, headers={}, body=body, sent_ns=0, recv_ns=0)

    assert limits.refusals(call, answer("50061")) == [limits.SUB_ACCOUNT]
    assert limits.refusals(call, answer("50011")) == []


async def test_limits_of_each_instrument_are_added() -> None:
    world = await World(SPOT, SWAP).start()
    assert world.link.limits["place BTC-USDT"] == 60
    assert world.link.limits["cancel batch BTC-USDT-SWAP"] == 300
