"""The published limit holds in every window, and who asks first is served first."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.clock import SimulatedClock
from hft.errors import TransportError
from hft.net import RateLimit, TokenBucket, pacing


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def run_until_idle(clock: SimulatedClock) -> None:
    await settle()
    while (when_ns := clock.next_timer_ns()) is not None:
        clock.advance_to(when_ns)
        await settle()


def heaviest_window(taken: list[tuple[int, int]], per_ns: int) -> int:
    return max((sum(w for t, w in taken if start <= t <= start + per_ns) for start, _ in taken), default=0)


asks = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=40)


@given(weight=st.integers(5, 12), per_ns=st.integers(1, 50), asks=asks)
def test_no_window_ever_holds_more_than_the_limit(
    weight: int, per_ns: int, asks: list[tuple[int, int]]
) -> None:
    clock = SimulatedClock()
    bucket = TokenBucket(RateLimit(name="x", weight=weight, per_ns=per_ns), clock=clock)
    taken: list[tuple[int, int]] = []
    for delay_ns, ask in asks:
        clock.advance(delay_ns)
        if bucket.try_acquire(ask):
            taken.append((clock.now_ns(), ask))
    assert heaviest_window(taken, per_ns) <= weight


@given(weight=st.integers(5, 12), per_ns=st.integers(1, 50), asks=asks)
def test_everybody_is_served_in_order_and_as_soon_as_the_limit_allows(
    weight: int, per_ns: int, asks: list[tuple[int, int]]
) -> None:
    async def scenario() -> list[tuple[int, int, int]]:
        clock = SimulatedClock()
        bucket = TokenBucket(RateLimit(name="x", weight=weight, per_ns=per_ns), clock=clock)
        served: list[tuple[int, int, int]] = []

        async def ask_for(number: int, ask: int) -> None:
            await bucket.acquire(ask)
            served.append((number, clock.now_ns(), ask))

        async with asyncio.TaskGroup() as group:
            for number, (_, ask) in enumerate(asks):
                group.create_task(ask_for(number, ask))
            await run_until_idle(clock)
        return served

    served = asyncio.run(scenario())
    assert [number for number, _, _ in served] == list(range(len(asks)))
    taken = [(when_ns, ask) for _, when_ns, ask in served]
    assert heaviest_window(taken, per_ns) <= weight
    for index, (when_ns, ask) in enumerate(taken[1:], 1):
        if when_ns > taken[index - 1][0]:
            # A nanosecond earlier it would not have fitted.
            recent = sum(w for t, w in taken[:index] if t >= when_ns - 1 - per_ns)
            assert recent + ask > weight


async def test_who_gives_up_at_the_front_does_not_hold_up_those_behind() -> None:
    clock = SimulatedClock()
    bucket = TokenBucket(RateLimit(name="x", weight=10, per_ns=100), clock=clock)
    assert bucket.try_acquire(6)
    heavy = asyncio.ensure_future(bucket.acquire(10))
    light = asyncio.ensure_future(bucket.acquire(4))
    await settle()
    assert not light.done()
    heavy.cancel()
    await settle()
    assert light.done()


async def test_nothing_is_handed_out_while_blocked() -> None:
    clock = SimulatedClock()
    bucket = TokenBucket(RateLimit(name="x", weight=10, per_ns=100), clock=clock)
    bucket.block_until(5_000)
    assert not bucket.try_acquire()
    waiting = asyncio.ensure_future(bucket.acquire())
    await settle()
    clock.advance_to(4_999)
    await settle()
    assert not waiting.done()
    clock.advance_to(5_000)
    await settle()
    assert waiting.done()


async def test_more_than_the_whole_limit_is_a_bug() -> None:
    bucket = TokenBucket(RateLimit(name="x", weight=10, per_ns=100), clock=SimulatedClock())
    with pytest.raises(ValueError, match="weight 11 can never be taken"):
        await bucket.acquire(11)


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_MAX_WAITING", 3)
    bucket = TokenBucket(RateLimit(name="x", weight=1, per_ns=100), clock=SimulatedClock())
    assert bucket.try_acquire()
    waiting = [asyncio.ensure_future(bucket.acquire()) for _ in range(3)]
    await settle()
    with pytest.raises(TransportError, match="limit 'x': 3 requests wait already"):
        await bucket.acquire()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
