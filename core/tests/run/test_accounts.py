"""When an account is compared, and when orders may be sent to its exchange."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

from hft.clock import SystemClock
from hft.errors import TransportError
from hft.orders.config import AccountConfig, OnDisconnect
from hft.orders.reconciler import Outcome
from hft.run.accounts import Account
from hft.types import Duration

S = 1_000_000_000


class FakeReconciler:
    """Compares as a test says; waits for ``go`` where there is one."""

    def __init__(self) -> None:
        self.compared = 0
        self.errors: list[Exception] = []
        self.go: asyncio.Event | None = None

    async def compare(self) -> Outcome:
        """Compare."""
        if self.go is not None:
            await self.go.wait()
        self.compared += 1
        if self.errors:
            raise self.errors.pop(0)
        return Outcome()


class FakeManager:
    """Notes what an order manager would be told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.store = self

    def on_ready(self, exchange: str) -> None:
        """Note it."""
        self.told.append("ready")

    def on_lost(self, exchange: str, reason: str) -> None:
        """Note it."""
        self.told.append("lost")

    def halt(self, reason: str) -> None:
        """Note it."""
        self.told.append(f"halt {reason}")

    def desks_of(self, exchange: str) -> Iterator[Any]:
        """Return one."""
        yield type("Desk", (), {"instrument": "BTC"})

    def cancel_all(self, instrument: str) -> None:
        """Note it."""
        self.told.append(f"cancel {instrument}")


class FakeClient:
    """Notes how its exchange's switch was armed."""

    def __init__(self) -> None:
        self.armed: list[int] = []

    def arm_dead_man(self, timeout_ns: int) -> None:
        """Note it."""
        self.armed.append(timeout_ns)


class World:
    """An account whose neighbours are a test's."""

    def __init__(self, config: AccountConfig | None = None) -> None:
        self.reconciler, self.manager, self.client = FakeReconciler(), FakeManager(), FakeClient()
        self.outcomes: list[Outcome] = []
        self.lines: list[str] = []
        neighbours: list[Any] = [self.client, self.reconciler, self.manager]
        client, reconciler, manager = neighbours
        self.account = Account(
            "test",
            client,
            reconciler,
            manager,
            config or AccountConfig(),
            SystemClock(),
            random.Random(1),
            compared=self.outcomes.append,
            warn=self.lines.append,
        )


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nothing_is_sent_before_the_first_comparison() -> None:
    world = World()
    world.reconciler.go = asyncio.Event()
    world.account.start()
    world.account.on_ready()
    await settle()
    assert world.manager.told == []
    world.reconciler.go.set()
    await settle()
    assert world.manager.told == ["ready"]
    assert world.account.first_compared.is_set()
    assert len(world.outcomes) == 1
    await world.account.stop()


async def test_after_a_loss_it_is_compared_again_before_anything_is_sent() -> None:
    world = World()
    world.account.start()
    world.account.on_ready()
    await settle()
    world.account.on_lost("the stream broke")
    await settle()
    assert world.reconciler.compared == 1  # nobody hears what happens: comparing would prove nothing
    world.account.on_ready()
    await settle()
    assert world.manager.told == ["ready", "lost", "ready"]
    assert world.reconciler.compared == 2
    await world.account.stop()


async def test_a_loss_while_comparing_does_not_let_orders_out() -> None:
    world = World()
    world.reconciler.go = asyncio.Event()
    world.account.start()
    world.account.on_ready()
    await settle()
    world.account.on_lost("gone again")
    world.reconciler.go.set()
    await settle()
    assert world.manager.told == ["lost"]
    await world.account.stop()


async def test_without_an_answer_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    async def no_sleep(self: SystemClock, delay_ns: int) -> None:
        assert delay_ns > 0
        await asyncio.sleep(0)

    monkeypatch.setattr(SystemClock, "sleep", no_sleep)
    world.reconciler.errors = [TransportError("no answer"), TransportError("no answer")]
    world.account.start()
    world.account.on_ready()
    await settle()
    await settle()
    assert world.reconciler.compared == 3
    assert world.manager.told == ["ready"]
    assert "no answer" in world.lines[0]
    await world.account.stop()


async def test_a_bug_in_comparing_halts() -> None:
    world = World()
    world.reconciler.errors = [KeyError("x")]
    world.account.start()
    world.account.on_ready()
    await settle()
    assert world.manager.told[0].startswith("halt test: bug in comparing")
    await world.account.stop()


@pytest.mark.parametrize("policy", OnDisconnect)
async def test_what_becomes_of_orders_that_are_not_heard_of(policy: OnDisconnect) -> None:
    world = World(AccountConfig(on_disconnect=policy))
    world.account.on_lost("gone")
    assert world.manager.told == (["lost", "cancel BTC"] if policy is OnDisconnect.CANCEL else ["lost"])


async def test_the_exchanges_switch_is_armed_again_and_again_and_disarmed_at_the_end() -> None:
    world = World(AccountConfig(dead_man=Duration(90_000_000)))
    world.account.start()
    world.account.on_ready()
    await asyncio.sleep(0.1)
    await world.account.stop()
    assert world.client.armed[-1] == 0
    assert 3 <= len(world.client.armed) <= 6
    armed = list(world.client.armed)
    await asyncio.sleep(0.05)
    assert world.client.armed == armed


async def test_what_ends_with_the_run_is_no_loss() -> None:
    world = World()
    world.account.start()
    await world.account.stop()
    world.account.on_lost("closed")
    assert world.manager.told == []
    assert world.lines == []
