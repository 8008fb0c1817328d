"""Cards of execution clients about orders: what is sent arrives as it was meant, what is told is so."""

from __future__ import annotations

from hft.errors import OrderError
from hft.events import ReportKind
from hft.testing.conformance.cards import card
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.stage import play
from hft.testing.conformance.trader import FINAL, NOT_SENT, trading
from hft.types import Liquidity, OrderType, Side, Size, TimeInForce

__all__ = ["OrderCards"]


class OrderCards:
    """Place, fill, amend, cancel, refuse."""

    @card("EX-01")
    def test_an_order_rests_as_it_was_meant(self, exchange: ExchangeUnderTest) -> None:
        """A new order is sent at once, exactly on the grid, and reported ACCEPTED with the exchange's id.

        Setup: a client that is ready.
        Action: an order is placed far from the market, at a price and size that are no round numbers.
        Holds: it is ACCEPTED; the exchange lists it, and really has it, with this side, price and size.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                price = at.instrument.price_above(at.far_price())
                order = await at.placed(price=price)
                accepted, *repeated = at.reports(order)
                assert accepted.exchange_order_id
                for again in repeated:
                    assert (again.kind, again.exchange_order_id) == (
                        accepted.kind,
                        accepted.exchange_order_id,
                    )
                (listed,) = await at.client.open_orders()
                status = await at.status(order)
                for each in (listed, status):
                    assert each.client_order_id == order.client_order_id
                    assert (each.side, each.price, each.size) == (Side.BUY, price, order.size)
                    assert each.report.kind is ReportKind.ACCEPTED
                    assert each.report.exchange_order_id == accepted.exchange_order_id
                    assert each.report.filled == 0
                    assert each.instrument is at.instrument
                really = at.market.engine.queue(Side.BUY, price)[-1]
                assert (really.price, really.remaining) == (price, order.size)

        play(script)

    @card("EX-02")
    def test_an_order_is_cancelled(self, exchange: ExchangeUnderTest) -> None:
        """A cancelled order is reported CANCELED, and with how much of it has traded where that is known.

        Setup: an order of ours rests.
        Action: it is cancelled.
        Holds: it is CANCELED, nothing of it filled, and the exchange lists nothing any more.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.placed()
                at.client.cancel(order)
                canceled = await at.report(order, *FINAL)
                assert canceled.kind is ReportKind.CANCELED
                assert canceled.filled in (0, None)
                assert not await at.client.open_orders()
                assert (await at.status(order)).report.kind is ReportKind.CANCELED
                assert await at.client.order_status(at.instrument, at.order().client_order_id) is None

        play(script)

    @card("EX-03", "market")
    def test_an_order_at_the_market_fills(self, exchange: ExchangeUnderTest) -> None:
        """Every trade of an order is told as a fill: price, size, fee, and an id by which it is told apart.

        Setup: a client that is ready.
        Action: an order to buy is placed at the market.
        Holds: its fills add up to its size, at prices of the book, as taker; `executions` lists the same
        ones.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                best = at.best(Side.SELL)
                since_ns = at.on.clock.now_ns()
                order = at.market_order()
                at.client.place(order)
                await at.until_filled(order, order.size)
                await at.on.sleep(1)
                fills = at.fills(order)
                listed = await at.client.executions(at.instrument, since_ns - 1_000_000_000)
                assert {each.trade_id for each in listed} == set(fills)
                for each in listed:
                    told = fills[each.trade_id]
                    assert (told.price, told.size, told.fee, told.fee_asset, told.side) == (
                        each.price,
                        each.size,
                        each.fee,
                        each.fee_asset,
                        Side.BUY,
                    )
                    assert each.client_order_id == order.client_order_id
                    assert each.price >= best
                    assert each.fee > 0
                    assert each.fee_asset
                    assert each.liquidity is Liquidity.TAKER
                    assert abs(each.exchange_ns - since_ns) < 5_000_000_000
                assert (await at.status(order)).report.filled == order.size

        play(script)

    @card("EX-04")
    def test_an_order_fills_in_part(self, exchange: ExchangeUnderTest) -> None:
        """An order that has traded in part stays open with what is left of it.

        Setup: an order of ours rests at the best price.
        Action: a stranger sells a part of its size, a second part, and then it is cancelled.
        Holds: two fills as maker, of exactly these sizes; it is CANCELED with that much filled.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.at_the_front()
                first, second = order.size // 3, order.size // 4
                at.strike(order, first)
                await at.until_filled(order, first)
                at.strike(order, second)
                await at.until_filled(order, first + second)
                assert sorted(fill.size for fill in at.fills(order).values()) == sorted([first, second])
                for fill in at.fills(order).values():
                    assert fill.price == order.price
                    assert fill.liquidity is Liquidity.MAKER
                status = await at.status(order)
                assert (status.report.kind, status.report.filled) == (ReportKind.ACCEPTED, first + second)
                assert not [each for each in at.reports(order) if each.kind in FINAL]
                at.client.cancel(order)
                canceled = await at.report(order, *FINAL)
                assert canceled.kind is ReportKind.CANCELED
                assert canceled.filled in (first + second, None)
                ended = (await at.status(order)).report
                assert (ended.kind, ended.filled) == (ReportKind.CANCELED, first + second)

        play(script)

    @card("EX-05")
    def test_an_order_fills_whole(self, exchange: ExchangeUnderTest) -> None:
        """An order that has traded whole has ended: by its fills, without any other report.

        Setup: an order of ours rests at the best price.
        Action: a stranger sells all of its size.
        Holds: its fills add up to its size; it is not listed any more, and its status says that all is
        filled.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.at_the_front()
                at.strike(order, order.size)
                await at.until_filled(order, order.size)
                await at.on.sleep(1)
                assert not [each for each in at.reports(order) if each.kind in FINAL]
                assert not await at.client.open_orders()
                report = (await at.status(order)).report
                assert (report.kind, report.filled) == (ReportKind.ACCEPTED, order.size)

        play(script)

    # -- changes -------------------------------------------------------------------------------------------

    @card("EX-06", "amend")
    def test_price_and_size_are_amended(self, exchange: ExchangeUnderTest) -> None:
        """An amendment changes price and total size in one message, and is reported REPLACED with both.

        Setup: an order of ours rests at the best price, a part of it has traded.
        Action: its price and its total size are changed.
        Holds: it is REPLACED with the new price and total size; the exchange lists it so, under the same id.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.at_the_front()
                part = order.size // 4
                at.strike(order, part)
                await at.until_filled(order, part)
                order.filled = Size(part)
                price, size = at.far_price(), Size(order.size - 7)
                at.client.amend(order, price, size)
                replaced = await at.report(order, ReportKind.REPLACED)
                assert (replaced.price, replaced.size) == (price, size)
                (listed,) = await at.client.open_orders()
                assert (listed.client_order_id, listed.price, listed.size, listed.report.filled) == (
                    order.client_order_id,
                    price,
                    size,
                    part,
                )

        play(script)

    @card("EX-07", "amend_any")
    def test_a_smaller_size_is_amended(self, exchange: ExchangeUnderTest) -> None:
        """What is only made smaller can be so in one message.

        Setup: an order of ours rests.
        Action: its total size is made smaller, at the same price.
        Holds: it is REPLACED with that size; the exchange lists it so.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.placed()
                assert order.price is not None
                size = Size(order.size - 5)
                at.client.amend(order, order.price, size)
                replaced = await at.report(order, ReportKind.REPLACED)
                assert (replaced.price, replaced.size) == (order.price, size)
                (listed,) = await at.client.open_orders()
                assert (listed.price, listed.size) == (order.price, size)

        play(script)

    @card("EX-08", "amend_any")
    def test_an_amendment_that_is_refused(self, exchange: ExchangeUnderTest) -> None:
        """A change that the exchange refuses is REPLACE_REJECTED with its words, and says nothing of the
        order.

        Setup: an order of ours was cancelled.
        Action: it is amended.
        Holds: it is REPLACE_REJECTED with a reason and a code.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.placed()
                at.client.cancel(order)
                await at.report(order, ReportKind.CANCELED)
                assert order.price is not None
                at.client.amend(order, order.price, Size(order.size - 5))
                refused = await at.report(order, ReportKind.REPLACE_REJECTED)
                assert refused.reason
                assert refused.code

        play(script)

    # -- refusals -------------------------------------------------------------------------------------------

    @card("EX-09")
    def test_a_refusal_has_code_and_reason(self, exchange: ExchangeUnderTest) -> None:
        """An order that the exchange refuses is REJECTED with the exchange's code and words.

        Setup: a client that is ready.
        Action: an order is placed that is larger than anybody could pay.
        Holds: it is REJECTED once, with code and reason, and the exchange has no such order.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = at.order(size=Size(at.size() * 10**9))
                at.client.place(order)
                rejected = await at.report(order, *FINAL)
                assert rejected.kind is ReportKind.REJECTED
                assert rejected.code
                assert rejected.reason
                assert len(at.reports(order)) == 1
                assert not await at.client.open_orders()

        play(script)

    @card("EX-10")
    def test_a_cancel_that_comes_too_late(self, exchange: ExchangeUnderTest) -> None:
        """A cancel that the exchange refuses is CANCEL_REJECTED, which proves nothing of the order.

        Setup: an order of ours has traded whole.
        Action: it is cancelled.
        Holds: it is CANCEL_REJECTED with a reason and a code, and neither CANCELED nor REJECTED.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.at_the_front()
                at.strike(order, order.size)
                await at.until_filled(order, order.size)
                at.client.cancel(order)
                refused = await at.report(order, ReportKind.CANCEL_REJECTED, *FINAL)
                assert refused.kind is ReportKind.CANCEL_REJECTED
                assert refused.reason
                assert refused.code

        play(script)

    @card("EX-11", "post_only")
    def test_post_only_takes_nothing(self, exchange: ExchangeUnderTest) -> None:
        """A post-only order that would take is refused or ended, and never trades as taker.

        Setup: a client that is ready.
        Action: a post-only order to buy is placed above the best ask, and another one below.
        Holds: the first ends without a fill, the exchange's words with it; the second rests.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                price = at.instrument.price_up(at.best(Side.SELL) * 101 // 100)
                taking = at.order(price=price, post_only=True)
                at.client.place(taking)
                ended = await at.report(taking, *FINAL)
                assert ended.kind is not ReportKind.REJECTED or (ended.code and ended.reason)
                resting = await at.placed(post_only=True)
                assert await at.open_ids() == [resting.client_order_id]
                await at.on.sleep(1)
                assert not at.fills(taking)

        play(script)

    @card("EX-12", "IOC")
    def test_immediate_or_cancel(self, exchange: ExchangeUnderTest) -> None:
        """What an immediate-or-cancel order cannot take at once is ended, and reported with what it took.

        Setup: a client that is ready.
        Action: an order of this kind is placed for more than stands at the best price, and one that takes
        nothing.
        Holds: the first fills with what stood there and ends; the second ends without a fill; nothing rests.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                price, stands = at.market.levels(Side.SELL, 1)[0]
                order = at.order(price=price, size=Size(stands + at.size()), time_in_force=TimeInForce.IOC)
                at.client.place(order)
                ended = await at.report(order, *FINAL)
                assert ended.kind in (ReportKind.CANCELED, ReportKind.EXPIRED), ended
                await at.until_filled(order, stands)
                assert ended.filled in (stands, None)
                nothing = at.order(time_in_force=TimeInForce.IOC)
                at.client.place(nothing)
                await at.report(nothing, *FINAL)
                assert not at.fills(nothing)
                assert not await at.client.open_orders()

        play(script)

    @card("EX-13", "FOK")
    def test_fill_or_kill(self, exchange: ExchangeUnderTest) -> None:
        """A fill-or-kill order fills whole or not at all.

        Setup: a client that is ready.
        Action: a fill-or-kill order is placed for more than stands at the best price.
        Holds: it ends without a fill, and nothing rests.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                price, stands = at.market.levels(Side.SELL, 1)[0]
                order = at.order(price=price, size=Size(stands + at.size()), time_in_force=TimeInForce.FOK)
                at.client.place(order)
                await at.report(order, *FINAL)
                await at.on.sleep(1)
                assert not at.fills(order)
                assert not await at.client.open_orders()

        play(script)

    @card("EX-14", "stop-limit")
    def test_a_stop_waits(self, exchange: ExchangeUnderTest) -> None:
        """A stop waits at the exchange, is listed with its trigger, and can be asked about and cancelled.

        Setup: a client that is ready.
        Action: a stop above the market is placed, asked about, and cancelled.
        Holds: it is ACCEPTED, listed as a stop with price and trigger, found again, and CANCELED.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                trigger = at.instrument.price_up(at.best(Side.SELL) * 102 // 100)
                order = at.order(price=trigger, trigger_price=trigger, type=OrderType.STOP_LIMIT)
                at.client.place(order)
                await at.report(order, ReportKind.ACCEPTED)
                (listed,) = await at.client.open_orders()
                assert (listed.client_order_id, listed.type) == (order.client_order_id, OrderType.STOP_LIMIT)
                assert (listed.trigger_price, listed.price, listed.size) == (trigger, trigger, order.size)
                assert (await at.settled(order)).kind is ReportKind.ACCEPTED
                at.client.cancel(order)
                assert (await at.report(order, *FINAL)).kind is ReportKind.CANCELED
                assert not await at.client.open_orders()

        play(script)

    @card("EX-15", "reduce_only")
    def test_reduce_only_opens_nothing(self, exchange: ExchangeUnderTest) -> None:
        """A reduce-only order never takes a position further.

        Setup: the account has no position.
        Action: a reduce-only order is placed at the market.
        Holds: it ends without a fill, and the position is still 0.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = at.market_order(reduce_only=True)
                at.client.place(order)
                await at.report(order, *FINAL)
                assert not at.fills(order)
                for position in await at.client.positions():
                    assert position.size == 0

        play(script)

    # -- several at once ------------------------------------------------------------------------------------

    @card("EX-16", "batch")
    def test_orders_are_placed_in_a_batch(self, exchange: ExchangeUnderTest) -> None:
        """Each order of a batch is answered by itself.

        Setup: a client that is ready.
        Action: a batch is placed, as large as is declared, one order of which nobody could pay.
        Holds: that one is REJECTED with code and reason, the others are ACCEPTED and listed.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                batch = at.client.capabilities_of(at.instrument).batch
                orders = [at.order() for _ in range(batch - 1)]
                refused = at.order(size=Size(at.size() * 10**9))
                at.client.place_batch([refused, *orders])
                for order in orders:
                    await at.report(order, ReportKind.ACCEPTED)
                rejected = await at.report(refused, *FINAL)
                assert rejected.kind is ReportKind.REJECTED
                assert rejected.code
                assert rejected.reason
                assert await at.open_ids() == sorted(order.client_order_id for order in orders)

        play(script)

    @card("EX-17", "cancel_batch")
    def test_orders_are_cancelled_in_a_batch(self, exchange: ExchangeUnderTest) -> None:
        """Each order of a batch of cancels is answered by itself.

        Setup: as many orders of ours rest as a batch may have, but one.
        Action: they are cancelled in one batch, together with one that is gone already.
        Holds: they are CANCELED, the other is CANCEL_REJECTED, nothing is listed any more.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                batch = at.client.capabilities_of(at.instrument).cancel_batch
                orders = [await at.placed() for _ in range(batch)]
                gone = orders[1]
                at.client.cancel(gone)
                await at.report(gone, ReportKind.CANCELED)
                at.client.cancel_batch(orders)
                for order in orders:
                    await at.report(order, ReportKind.CANCELED)
                await at.report(gone, ReportKind.CANCEL_REJECTED)
                assert not await at.client.open_orders()

        play(script)

    @card("EX-18")
    def test_listed_orders_are_cancelled_and_no_others(self, exchange: ExchangeUnderTest) -> None:
        """`cancel_orders` cancels what it is given and nothing else; what is gone already is gone.

        Setup: three orders rest; two of them are listed, and one of these is cancelled meanwhile.
        Action: the two are cancelled as they were listed.
        Holds: both are returned as gone; the third still rests.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                first, second, third = [await at.placed() for _ in range(3)]
                two = (first.client_order_id, second.client_order_id)
                listed = [each for each in await at.client.open_orders() if each.client_order_id in two]
                at.client.cancel(first)
                await at.report(first, ReportKind.CANCELED)
                assert sorted(await at.client.cancel_orders(listed)) == sorted(two)
                assert await at.open_ids() == [third.client_order_id]

        play(script)

    @card("EX-19", "dead_man")
    def test_the_exchange_cancels_when_we_fall_silent(self, exchange: ExchangeUnderTest) -> None:
        """The exchange's own switch cancels our orders when nobody tells it otherwise in time.

        Setup: an order of ours rests.
        Action: the switch is armed with five seconds, told again, disarmed; then armed, and no more is
        heard of us: every connection is cut, and nobody is let in.
        Holds: the order stands while the switch is told again and when it is disarmed, and is gone in the
        end.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                order = await at.placed()
                for _ in range(4):
                    at.client.arm_dead_man(5_000_000_000)
                    await at.on.sleep(3)
                at.client.arm_dead_man(0)
                await at.on.sleep(10)
                assert await at.open_ids() == [order.client_order_id]
                at.client.arm_dead_man(5_000_000_000)
                await at.on.sleep(1)
                # Some exchanges wait for our word, others watch our connection.
                at.on.shut()
                await at.on.sleep(15)
                assert not at.market.engine.queue(Side.BUY, at.price_of(order)), "the order still stands"

        play(script)

    @card("EX-20")
    def test_what_is_not_sent_is_said_to_be_so(self, exchange: ExchangeUnderTest) -> None:
        """`OrderError`, or a refusal that begins with ``not sent``, means that an order certainly was not
        sent.

        Setup: a client that is ready.
        Action: every connection is cut and the exchange lets nobody in; an order is placed.
        Holds: it is said not to be sent, or to be UNKNOWN; where it was said not to be, the exchange
        never has it.
        """

        async def script() -> None:
            async with trading(exchange) as at:
                at.on.shut()
                await at.on.sleep(1)
                order = at.order()
                try:
                    at.client.place(order)
                except OrderError:
                    is_sent = False
                else:
                    report = await at.report(order, ReportKind.UNKNOWN, ReportKind.REJECTED)
                    is_sent = report.kind is ReportKind.UNKNOWN
                    assert is_sent or report.reason.startswith(NOT_SENT), report
                at.events.take()
                at.on.reopen()
                await at.ready()
                if not is_sent:
                    await at.on.sleep(5)
                    assert not await at.client.open_orders()

        play(script)
