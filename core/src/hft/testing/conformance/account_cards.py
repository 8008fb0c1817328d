"""The cards of execution clients about the account: what the whole kernel makes of what a client tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from hft.events import ReportKind
from hft.order import Order
from hft.sim import Fault, FaultKind
from hft.testing.conformance.cards import card
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.live import Hand, run_kernel
from hft.testing.conformance.passages import pattern
from hft.testing.conformance.stage import play, stage
from hft.testing.conformance.trader import trader, wire
from hft.types import OrderState

__all__ = ["AccountCards"]


class AccountCards:
    """Reconciliation, ownership, and the fate of what is in doubt."""

    @card("EX-38")
    def test_an_unknown_order_is_settled_by_evidence(
        self, exchange: ExchangeUnderTest, tmp_path: Path
    ) -> None:
        """An UNKNOWN order keeps its exposure until the exchange gives evidence, which is asked for.

        Setup: a live run; private events do not arrive.
        Action: an order is placed whose answer is lost, and another one whose request is lost.
        Holds: both are UNKNOWN with all their exposure; then one is NEW, the other REJECTED; none is sent
        twice.
        """
        names = wire(exchange)

        async def work(hand: Hand) -> None:
            names.lose_private(hand.on)
            hand.on.inject(Fault(kind=FaultKind.DROP, where=pattern(f"reply/{names.place}")))
            taken = hand.place()
            await hand.until(taken, OrderState.UNKNOWN)
            assert hand.manager.exposure_of(taken.client_order_id) == taken.size
            await hand.until(taken, OrderState.NEW)
            hand.on.inject(Fault(kind=FaultKind.DROP, where=pattern(f"request/{names.place}")))
            lost = hand.place()
            await hand.until(lost, OrderState.UNKNOWN)
            assert hand.manager.exposure_of(lost.client_order_id) == lost.size
            await hand.until(lost, OrderState.REJECTED)
            assert hand.manager.exposure_of(lost.client_order_id) == 0
            assert await hand.open_ids() == [taken.client_order_id]
            hand.on.reopen()

        _live(exchange, tmp_path, work)

    @card("EX-39")
    def test_every_fill_is_booked_once(self, exchange: ExchangeUnderTest, tmp_path: Path) -> None:
        """The ledger is what the exchange has, to the last digit, however fills are told.

        Setup: a live run that compares its account every few seconds.
        Action: orders trade in parts while private events come twice, late, out of order, broken, or not
        at all.
        Holds: position, cash and fees are the exchange's; so are positions and balances as the client
        states them.
        """
        names = wire(exchange)

        async def work(hand: Hand) -> None:
            for kind in (
                FaultKind.DUPLICATE,
                FaultKind.DELAY,
                FaultKind.REORDER,
                FaultKind.TRUNCATE,
                FaultKind.DROP,
            ):
                order = await hand.placed(at_the_front=True)
                names.lose_private(hand.on, kind)
                part = order.size // 3
                for size in (part, part, order.size - 2 * part):
                    hand.strike(order, size)
                    await hand.on.sleep(0.3)
                await hand.on.sleep(3)
                hand.on.reopen()
                await hand.until(order, OrderState.FILLED)
                assert order.filled == order.size
            await hand.on.sleep(8)
            assert hand.kernel.ledger.position(hand.instrument)
            assert not await hand.differences()

        _live(exchange, tmp_path, work)

    @card("EX-40")
    def test_a_start_takes_up_what_was_left(self, exchange: ExchangeUnderTest, tmp_path: Path) -> None:
        """A start knows every order and fill of the runs before, also those that came in between.

        Setup: a live run leaves two orders behind; one of them trades in part while nothing runs.
        Action: another run of the same profile starts.
        Holds: it books what traded, cancels both orders, and its ledger is what the exchange has.
        """
        wire(exchange)
        left: list[str] = []

        async def leave(hand: Hand) -> None:
            resting = await hand.placed()
            front = await hand.placed(at_the_front=True)
            left.extend([resting.client_order_id, front.client_order_id])
            fronts.append((front, hand))

        fronts: list[tuple[Order, Hand]] = []

        async def take_up(hand: Hand) -> None:
            assert hand.kernel.ledger.position(hand.instrument) == traded[0]
            assert not await hand.open_ids()
            assert not await hand.differences()

        traded: list[int] = []

        async def script() -> None:
            async with stage(exchange) as on:
                await run_kernel(on, tmp_path, leave, leaves_orders=True)
                front, hand = fronts[0]
                traded.append(front.size // 3)
                hand.strike(front, traded[0])
                await on.sleep(5)
                await run_kernel(on, tmp_path, take_up)

        play(script)
        assert len(left) == 2

    @card("EX-41")
    def test_an_order_that_nobody_remembers_is_ours_by_its_id(
        self, exchange: ExchangeUnderTest, tmp_path: Path
    ) -> None:
        """Every order carries our id, by which it is known as ours when nothing else is left.

        Setup: a run left an order behind, and its journal is lost.
        Action: the profile is started anew.
        Holds: the order is found, cancelled, and nothing of it is open any more.
        """

        async def leave(hand: Hand) -> None:
            await hand.placed()

        async def take_up(hand: Hand) -> None:
            await hand.on.sleep(10)
            assert not await hand.open_ids()

        async def script() -> None:
            async with stage(exchange) as on:
                await run_kernel(on, tmp_path / "lost", leave, leaves_orders=True)
                await run_kernel(on, tmp_path / "anew", take_up)

        play(script)

    @card("EX-42")
    def test_orders_of_others_are_left_alone(self, exchange: ExchangeUnderTest, tmp_path: Path) -> None:
        """What is not of this profile is left alone, whatever happens.

        Setup: somebody else has an order in the same account.
        Action: a live run places orders, compares its account, cancels all it has, and ends.
        Holds: the other order is listed under its own id and still rests; all of ours are gone.
        """
        foreign: list[str] = []

        async def work(hand: Hand) -> None:
            orders = [await hand.placed() for _ in range(3)]
            await hand.on.sleep(12)
            assert all(order.state is OrderState.NEW for order in orders)
            listed = [each.client_order_id for each in await hand.client.open_orders()]
            assert sorted(listed) == sorted([*foreign, *(each.client_order_id for each in orders)])
            hand.manager.cancel_all()
            for order in orders:
                await hand.until(order, OrderState.CANCELED)
            await hand.placed()

        async def script() -> None:
            async with stage(exchange) as on:
                async with trader(on) as other:
                    order = other.order(client_order_id=other.order().client_order_id.replace("kit", "oth"))
                    other.client.place(order)
                    await other.report(order, ReportKind.ACCEPTED)
                    foreign.append(order.client_order_id)
                await run_kernel(on, tmp_path, work)
                async with trader(on) as other:
                    assert await other.open_ids() == foreign

        play(script)

    @card("EX-43")
    def test_all_is_cancelled_whatever_gets_lost(self, exchange: ExchangeUnderTest, tmp_path: Path) -> None:
        """Cancelling all is done when the exchange has nothing of ours any more, and not before.

        Setup: a live run has five orders.
        Action: all are cancelled, while requests and answers of cancels get lost and connections break.
        Holds: every order ends CANCELED, and the exchange has none of them any more.
        """
        names = wire(exchange)

        async def work(hand: Hand) -> None:
            orders = [await hand.placed() for _ in range(5)]
            hand.on.inject(Fault(kind=FaultKind.DROP, where=pattern(f"request/{names.cancel}"), count=2))
            hand.on.inject(Fault(kind=FaultKind.DROP, where=pattern(f"reply/{names.cancel}"), count=2))
            hand.manager.cancel_all()
            await hand.on.sleep(0.5)
            hand.on.cut()
            for order in orders:
                await hand.until(order, OrderState.CANCELED)
            assert not await hand.open_ids()

        _live(exchange, tmp_path, work)


def _live(exchange: ExchangeUnderTest, folder: Path, work: Callable[[Hand], Awaitable[None]]) -> None:
    async def script() -> None:
        async with stage(exchange) as on:
            await run_kernel(on, folder, work)

    play(script)
