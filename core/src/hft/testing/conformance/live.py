"""A live run of the whole kernel on the stage, in which a card does what a strategy would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import attrs

from hft.instrument import Instrument
from hft.ledger import compare
from hft.order import Order
from hft.orders import OrderManager
from hft.profile import Mode, Profile, StrategyEntry
from hft.profile.model import OnError
from hft.run.kernel import Kernel
from hft.run.live import Errand, run_live
from hft.sim import SyntheticMarket
from hft.testing.conformance.stage import Stage
from hft.testing.orders import NotedOwner
from hft.testing.truth import Truth, compare_ledger
from hft.types import BookState, Duration, OrderState, Price, Side, Size, TimeInForce

__all__ = ["Hand", "run_kernel"]

NAME = "kit"

_NEVER = Duration(3600 * 1_000_000_000)
"""The markets of a card are at rest: no book is too old."""


class Hand:
    """Whoever trades in a live run: places through the order manager, and compares with the exchange."""

    def __init__(self, on: Stage, kernel: Kernel) -> None:
        self.on = on
        self.kernel = kernel
        self.manager: OrderManager = kernel.manager
        self.owner = NotedOwner(NAME)
        self.instrument: Instrument = next(iter(kernel.markets.values())).instrument

    @property
    def market(self) -> SyntheticMarket:
        """The traded market as it really is."""
        return self.on.market(self.instrument.symbol)

    @property
    def client(self) -> Any:
        """The plugin's client."""
        return self.manager.store.desks[self.instrument].client

    def place(self, *, at_the_front: bool = False, side: Side = Side.BUY) -> Order:
        """Place an order that rests, far from the market or at its front."""
        best = self.market.levels(side, 1)[0][0]
        far = Price(best * (97 if side is Side.BUY else 103) // 100)
        price = best if at_the_front else far
        least = 4 * self.instrument.min_notional / (far * self.instrument.point_value)
        size = Size(max(int(least) + 1, 4 * self.instrument.min_size, 40) + 3)
        order = self.manager.place(self.owner, self.instrument, side, size, price)
        assert order.state is OrderState.PENDING_NEW, order.reason
        return order

    async def placed(self, **options: Any) -> Order:
        """Place an order and wait until the exchange has it."""
        order = self.place(**options)
        await self.until(order, OrderState.NEW)
        return order

    def strike(self, order: Order, size: int) -> None:
        """Let a stranger trade with an order at the front, which is the last of its price."""
        assert order.price is not None
        *others, _ = self.market.engine.queue(order.side, order.price)
        before = sum(each.remaining for each in others)
        self.market.submit(order.side.opposite, before + size, order.price, time_in_force=TimeInForce.IOC)

    async def until(self, order: Order, *states: OrderState) -> None:
        """Wait until an order is in one of some states."""
        what = f"order {order.client_order_id} is {' or '.join(each.value for each in states)}"
        try:
            await self.on.until(lambda: order.state in states, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {order.state.value}: {order.reason}") from None

    async def truth(self) -> Truth:
        """Return what the exchange really has of the account."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.on.url}/_sim/truth") as answer,
        ):
            accounts: Mapping[str, Any] = (await answer.json())["accounts"]
        assert self.on.account is not None
        return Truth(accounts[self.on.account.name or next(iter(accounts))])

    async def differences(self) -> list[str]:
        """Return where the ledger is not what the exchange has, really or as the client states it."""
        found = compare_ledger(await self.truth(), self.kernel.ledger, [self.instrument])
        stated = compare(
            self.kernel.ledger,
            await self.client.positions(),
            await self.client.balances(),
            complete=(self.on.exchange.key,),
        )
        return [*found, *map(str, stated)]

    async def open_ids(self) -> list[str]:
        """Return the client ids of what the exchange really has open."""
        truth = await self.truth()
        return sorted(
            each["client_id"] for each in truth.orders() if each["state"] in ("new", "partially-filled")
        )


async def run_kernel(
    on: Stage, folder: Path, work: Callable[[Hand], Awaitable[None]], *, leaves_orders: bool = False
) -> None:
    """Run the kernel live until ``work`` is done, as `hft run` would; the same folder is the same profile.

    The markets come to rest when the books are LIVE. Fails where the run halts or meets a fault.
    """
    exchange = on.exchange
    entry = attrs.evolve(exchange.entry(on.url, on.account), max_book_age=_NEVER)
    wanted = tuple(market.instrument.id for market in on.world.markets.values())
    strategy = StrategyEntry(
        key=NAME, use=NAME, instruments=wanted, on_error=OnError.HALT, plugin=exchange.plugin, config=None
    )
    profile = Profile(
        path=folder / f"{NAME}.yaml",
        name=NAME,
        mode=Mode.LIVE,
        exchanges={exchange.key: entry},
        strategies={NAME: strategy},
        risk=(),
        live=True,
        state=folder / ".hft",
    )
    done: list[bool] = []

    async def errand(kernel: Kernel) -> None:
        on.world.start()
        books = [market.book for market in kernel.markets.values()]
        await on.until(lambda: all(book.state is BookState.LIVE for book in books), "every book is LIVE")
        await on.rest(1)
        await work(Hand(on, kernel))
        done.append(True)

    on.world.stop()
    summary = await run_live(
        profile,
        duration_ns=None,
        console=None,
        write=on.lines.append,
        warn=lambda _, line: on.lines.append(line),
        errand=Errand(work=errand, leaves_orders=leaves_orders),
        clock=on.clock,
    )
    assert done == [True], f"the run ended early: {summary.halted}, {summary.faults}; {on.said}"
    assert not summary.halted, summary.halted
    assert not summary.faults, summary.faults
