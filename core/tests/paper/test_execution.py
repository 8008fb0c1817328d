"""The paper exchange: both legs of latency, races, fees, refusals, queries."""

from __future__ import annotations

import random
import re
import sys
import weakref
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.errors import UsageError
from hft.events import Fill, OrderReport, ReportKind
from hft.order import Order
from hft.paper import exchange
from hft.types import BookState, Liquidity, OrderState, Price, Side, Size, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
MS = 1_000_000


def _trade_by_hand(rig: Any) -> None:
    """Trade the session that the documentation works by hand, too.

    One tick is 0.5 USDT, one lot 0.001 BTC; 5 ms to the exchange, 3 ms back; fees 0.1 % and 0.2 %.

    ::

        ms     what happens                  at the exchange                           told at
        0      book 100x10 / 102x10
        0      c1: buy 5 at 100              arrives at 5 behind the 10 shown          8 accepted
        2      trade: sell 10 at 100         c1 is not there yet
        6      book 100x4 / 102x10           4 ahead of c1
        10     trade: sell 6 at 100          4 for the queue, 2 of c1                  13 fill 2 at 100
        11     c2: buy 4 at 102              arrives at 16, takes 4 of the 10          19 accepted, fill 4
        12     cancel c1                     arrives at 17: filled since 16.5          20 cancel rejected
        13     c3: sell 6 at 102, post-only  arrives at 18 behind the 10 shown         21 accepted
        16.5   trade: sell 1 at 99           through 100: the last 3 of c1             19.5 fill 3 at 100
        21     book 102x5 / 103x9            5 bid for at our 102: 5 of c3             24 fill 5 at 102
        22     c3: 5 in all at 102           arrives at 27: 5 are filled               30 replace rejected
        23     c3: 8 in all at 103           arrives at 28 behind the 9 shown          31 replaced
        25     cancel c3                     arrives at 30                             33 canceled
    """

    def at(ms: float) -> None:
        rig.clock.advance_to(int(ms * MS))

    rig.show({100: 10}, {102: 10})
    c1 = rig.place(BUY, 100, 5)
    at(2)
    rig.trade(SELL, 100, 10)
    at(6)
    rig.show({100: 4}, {102: 10})
    at(10)
    rig.trade(SELL, 100, 6)
    at(11)
    rig.place(BUY, 102, 4)
    at(12)
    rig.client.cancel(c1)
    at(13)
    c3 = rig.place(SELL, 102, 6, post_only=True)
    at(16.5)
    rig.trade(SELL, 99, 1)
    at(21)
    rig.show({102: 5}, {103: 9})
    at(22)
    rig.amend(c3, 102, 5)
    at(23)
    rig.amend(c3, 103, 8)
    at(25)
    rig.client.cancel(c3)
    at(100)


def test_a_session_worked_by_hand(rig: Any) -> None:
    _trade_by_hand(rig)
    assert rig.told == [
        (8, "c1", "accepted"),
        (13, "c1", 100, 2, "maker"),
        (19, "c2", "accepted"),
        (19, "c2", 102, 4, "taker"),
        (19.5, "c1", 100, 3, "maker"),
        (20, "c1", "cancel-rejected"),
        (21, "c3", "accepted"),
        (24, "c3", 102, 5, "maker"),
        (30, "c3", "replace-rejected"),
        (31, "c3", "replaced"),
        (33, "c3", "canceled"),
    ]
    fills = [event for _, event in rig.log if isinstance(event, Fill)]
    # A tick times a lot is 0.0005 USDT: 200, 408, 300 and 510 of them at 0.1 % (maker) or 0.2 % (taker).
    assert [fill.fee for fill in fills] == [
        Decimal("0.0001"),
        Decimal("0.000408"),
        Decimal("0.00015"),
        Decimal("0.000255"),
    ]
    assert {fill.fee_asset for fill in fills} == {"USDT"}
    assert [fill.trade_id for fill in fills] == ["1", "2", "3", "4"]
    assert [(fill.exchange_ns, fill.recv_ns) for fill in fills] == [
        (10 * MS, 13 * MS),
        (16 * MS, 19 * MS),
        (16.5 * MS, 19.5 * MS),
        (21 * MS, 24 * MS),
    ]
    assert "order is filled" in rig.reasons()


def test_the_documentation_tells_the_same_session(rig: Any) -> None:
    page = Path(__file__).parents[3] / "docs" / "explanation" / "dry-run.md"
    rows = [line.split("|")[3:5] for line in page.read_text().splitlines() if re.match(r"\| [\d.]+ \|", line)]
    words = {
        "cancel-rejected": "cancel rejected",
        "replace-rejected": "amendment rejected",
        "canceled": "cancelled",
    }
    _trade_by_hand(rig)
    told = []
    for ms, _, *event in rig.told:
        what = f"fill, {event[1]} at {event[0]}" if len(event) > 1 else words.get(event[0], event[0])
        told.append(f"{ms:g}: {what}")
    stated = [entry.strip() for _, entries in rows for entry in entries.split(";")]
    # The second of two entries of one time does not repeat the time.
    stated = [entry if ":" in entry else f"19: {entry}" for entry in stated if entry]
    assert sorted(stated) == sorted(told)
    fees = [f"{event.fee:f}" for _, event in rig.log if isinstance(event, Fill)]
    assert sorted(re.findall(r"fee (0\.\d+)", "".join(where for where, _ in rows))) == sorted(fees)


def test_a_cancel_that_meets_a_partial_fill_ends_the_rest(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    order = rig.place(BUY, 101, 5)
    rig.clock.advance_to(5 * MS)
    rig.client.cancel(order)  # arrives at 10
    rig.clock.advance_to(9 * MS)
    rig.trade(SELL, 101, 2)
    rig.clock.advance_to(10 * MS)
    rig.trade(SELL, 101, 2)
    rig.clock.advance_to(100 * MS)
    assert rig.told == [(8, "c1", "accepted"), (12, "c1", 101, 2, "maker"), (13, "c1", "canceled")]


def test_an_amend_that_meets_a_fill_loses(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    order = rig.place(BUY, 101, 5)
    rig.clock.advance_to(5 * MS)
    rig.amend(order, 100, 5)  # arrives at 10
    rig.clock.advance_to(9 * MS)
    rig.trade(SELL, 101, 5)
    rig.clock.advance_to(100 * MS)
    assert rig.told == [
        (8, "c1", "accepted"),
        (12, "c1", 101, 5, "maker"),
        (13, "c1", "replace-rejected"),
    ]


def test_an_amend_that_crosses_takes_after_it_is_told(rig: Any) -> None:
    rig.show({100: 10}, {102: 3})
    order = rig.place(BUY, 100, 5)
    rig.amend(order, 102, 4)
    rig.clock.advance_to(100 * MS)
    assert rig.told == [(8, "c1", "accepted"), (8, "c1", "replaced"), (8, "c1", 102, 3, "taker")]
    assert rig.log[1][1].price == 102
    assert rig.log[1][1].size == 4


def test_a_cancel_sent_right_after_its_order_arrives_after_it(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    rig.client.cancel(rig.place(BUY, 100, 5))
    rig.clock.advance_to(100 * MS)
    assert rig.told == [(8, "c1", "accepted"), (8, "c1", "canceled")]


def test_without_latency_nothing_is_told_inside_a_call(make_rig: Any) -> None:
    rig = make_rig(order_ms=0, response_ms=0)
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 102, 5)
    assert rig.log == []
    rig.clock.advance_to(0)
    assert rig.told == [(0, "c1", "accepted"), (0, "c1", 102, 5, "taker")]
    rig.place(BUY, 101, 1)
    rig.clock.advance_to(1)
    rig.log.clear()
    rig.trade(SELL, 101, 9)
    assert rig.log == [], "a fill was told from inside the market's own call"
    rig.clock.advance_to(1)
    assert len(rig.log) == 1


def test_an_answer_to_a_fill_is_an_order_of_its_own(make_rig: Any) -> None:
    rig = make_rig(order_ms=0, response_ms=0)
    rig.show({100: 10}, {102: 10})
    inside = []
    book_fill = rig.on_fill

    def answer(fill: Fill) -> None:
        book_fill(fill)
        if len(rig.log) < 6:
            rig.place(SELL, 100, 1)
            inside.append(len(rig.log))

    rig.on_fill = answer
    rig.place(BUY, 102, 1)
    rig.clock.advance_to(0)
    assert [line[1] for line in rig.told] == ["c1", "c1", "c2", "c2", "c3", "c3"]
    assert inside == [2, 4], "an order was answered inside the call that placed it"


def test_what_is_under_way_does_not_change_with_the_kernels_order(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    order = rig.place(BUY, 102, 5)
    order.size, order.price, order.state = Size(1), None, OrderState.CANCELED
    rig.clock.advance_to(100 * MS)
    assert rig.told[1] == (8, "c1", 102, 5, "taker")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"price": 103, "post_only": True}, "would cross"),
        ({"size": 1}, "size 0.001 is below the minimum of 0.002"),
        ({"size": 0}, "size 0.000 is below the minimum of 0.002"),
        ({"size": 101}, "size 0.101 is above the maximum of 0.100"),
        ({"price": 9, "size": 2}, "notional 0.0090 is below the minimum of 0.01"),
        ({"price": 0}, "price 0.0 is not positive"),
        ({"price": 2**62}, "price or size is too large"),
        ({"time_in_force": TimeInForce.GTD}, "time in force GTD is not supported"),
        (
            {"time_in_force": TimeInForce.IOC, "post_only": True},
            "an order that cannot wait cannot be post-only",
        ),
        ({"price": None, "post_only": True}, "an order that cannot wait cannot be post-only"),
        ({"reduce_only": True}, "reduce-only: there is no position to reduce"),
    ],
)
def test_refusals_say_why(make_rig: Any, fields: dict[str, Any], reason: str) -> None:
    rig = make_rig(min_size=Size(2), max_size=Size(100), min_notional=Decimal("0.01"))
    rig.show({100: 10}, {102: 10})
    order: dict[str, Any] = {"price": 100, "size": 5} | fields
    rig.place(BUY, order.pop("price"), order.pop("size"), **order)
    rig.clock.advance_to(100 * MS)
    assert (rig.told, rig.reasons()) == ([(8, "c1", "rejected")], [reason])


def test_a_size_that_no_book_could_hold_is_refused(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 100, 2**62)
    order = rig.place(BUY, 100, 1)
    rig.clock.advance_to(100 * MS)
    rig.amend(order, 100, 2**70)
    rig.clock.advance_to(200 * MS)
    assert rig.reasons() == ["price or size is too large", "", "price or size is too large"]


def test_a_market_orders_notional_is_judged_at_the_best_price(make_rig: Any) -> None:
    rig = make_rig(min_notional=Decimal("0.051"))
    rig.show({100: 10}, {102: 10})
    rig.place(SELL, None, 1)  # 1 x 100 x 0.0005 = 0.05
    rig.place(BUY, None, 1)  # 1 x 102 x 0.0005 = 0.051
    rig.clock.advance_to(100 * MS)
    assert [line[1:3] for line in rig.told] == [("c1", "rejected"), ("c2", "accepted"), ("c2", 102)]


def test_an_instrument_that_is_not_open_is_refused(make_rig: Any) -> None:
    rig = make_rig(tradable=False)
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 100, 1)
    rig.clock.advance_to(100 * MS)
    assert rig.reasons() == ["BTC/USDT@acme is not open for trading"]


def test_an_amendment_is_judged_like_an_order(make_rig: Any) -> None:
    rig = make_rig(max_size=Size(100))
    rig.show({100: 10}, {102: 10})
    order = rig.place(BUY, 100, 5)
    rig.amend(order, 100, 101)
    rig.client.query(order)
    rig.clock.advance_to(100 * MS)
    assert [line[2] for line in rig.told] == ["accepted", "replace-rejected", "accepted"]
    assert rig.log[2][1].size == 5


def test_without_a_live_book_orders_are_refused_and_trades_still_fill(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 101, 5)
    rig.clock.advance_to(5 * MS)
    rig.market.lose(BookState.STALE)
    rig.trade(SELL, 101, 2)
    rig.place(BUY, 101, 5)
    rig.clock.advance_to(100 * MS)
    assert rig.told == [(8, "c1", "accepted"), (8, "c1", 101, 2, "maker"), (13, "c2", "rejected")]
    assert rig.reasons()[-1] == "book is STALE, not LIVE"


def test_immediate_orders_end_with_a_report(rig: Any) -> None:
    rig.show({100: 10}, {102: 3})
    rig.place(BUY, 102, 5, time_in_force=TimeInForce.IOC)
    rig.place(BUY, 102, 5, time_in_force=TimeInForce.FOK)
    rig.place(SELL, None, 50)
    rig.clock.advance_to(100 * MS)
    assert rig.told == [
        (8, "c1", "accepted"),
        (8, "c1", 102, 3, "taker"),
        (8, "c1", "canceled"),
        (8, "c2", "accepted"),
        (8, "c2", "canceled"),
        (8, "c3", "accepted"),
        (8, "c3", 100, 10, "taker"),
        (8, "c3", "canceled"),
    ]


def test_reduce_only_never_turns_a_position(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 102, 4)
    rig.place(BUY, 103, 1, reduce_only=True)  # long already: it would only grow
    rig.place(SELL, 103, 3, reduce_only=True)
    rig.place(SELL, 104, 9, reduce_only=True)
    rig.clock.advance_to(20 * MS)
    rig.log.clear()
    rig.trade(BUY, 105, 1)  # through both: 3 of the first, then only 1 of the 9 is left to reduce
    rig.trade(BUY, 105, 1)
    rig.clock.advance_to(100 * MS)
    assert rig.told == [
        (23, "c3", 103, 3, "maker"),
        (23, "c4", 104, 1, "maker"),
        (23, "c4", "canceled"),
    ]


def test_fees_are_exact_where_floats_and_28_digits_are_not(make_rig: Any) -> None:
    rig = make_rig(
        tick_size=Decimal("0.00000001"),
        lot_size=Decimal("0.000000000001"),
        contract_multiplier=Decimal("0.0001"),
    )
    price, size = 123_456_789_012_345_677, 987_654_321_987_654_321
    rig.show({price: size}, {})
    rig.place(SELL, price, size)
    rig.clock.advance_to(100 * MS)
    # 10^-8 x 10^-12 x 10^-4 is a tick times a lot, and 0.2 % of it 2 x 10^-27.
    assert Fraction(rig.log[1][1].fee) == Fraction(price * size * 2, 10**27)


def test_a_query_tells_what_is_known(rig: Any) -> None:
    rig.show({100: 10}, {102: 3})
    waiting = rig.place(BUY, 102, 5)
    filled = rig.place(SELL, 100, 2)
    canceled = rig.place(BUY, 99, 5)
    rejected = rig.place(BUY, 105, 5, post_only=True)
    rig.client.cancel(canceled)
    rig.clock.advance_to(20 * MS)
    first = list(rig.log)
    rig.log.clear()
    for order in (waiting, filled, canceled, rejected):
        rig.client.query(order)
    rig.clock.advance_to(100 * MS)
    assert rig.told == [
        (28, "c1", "accepted"),
        (28, "c1", 102, 3, "taker"),
        (28, "c2", "accepted"),
        (28, "c2", 100, 2, "taker"),
        (28, "c3", "accepted"),
        (28, "c3", "canceled"),
        (28, "c4", "rejected"),
    ]
    repeated = [event for _, event in rig.log if isinstance(event, Fill)]
    once = [event for _, event in first if isinstance(event, Fill)]
    assert [fill.trade_id for fill in repeated] == [fill.trade_id for fill in once]
    assert {fill.recv_ns for fill in once} == {8 * MS}, "a repetition changed the time of the first"


def test_an_unknown_order_is_said_to_be_unknown(rig: Any, make_rig: Any) -> None:
    elsewhere = make_rig().place(BUY, 100, 5)
    rig.client.query(elsewhere)
    rig.client.cancel(elsewhere)
    rig.amend(elsewhere, 100, 4)
    rig.clock.advance_to(100 * MS)
    assert [line[2] for line in rig.told] == ["rejected", "cancel-rejected", "replace-rejected"]
    assert set(rig.reasons()) == {"order is unknown"}


def test_a_client_order_id_is_used_once(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 101, 5, client_order_id="same")
    rig.place(BUY, 101, 5, client_order_id="same")
    rig.clock.advance_to(10 * MS)
    rig.trade(SELL, 101, 99)
    rig.clock.advance_to(100 * MS)
    assert rig.told == [
        (8, "same", "accepted"),
        (8, "same", "rejected"),
        (13, "same", 101, 5, "maker"),
    ]


def test_finished_orders_are_forgotten_in_the_end(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_REMEMBERED", 2)
    rig.show({100: 10}, {102: 10})
    orders = [rig.place(BUY, 105, 1, post_only=True) for _ in range(3)]
    rig.clock.advance_to(20 * MS)
    rig.log.clear()
    for order in orders:
        rig.client.query(order)
    rig.clock.advance_to(100 * MS)
    assert rig.reasons() == ["order is unknown", "would cross", "would cross"]


async def test_stopping_leaves_nothing_on_the_clock(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 101, 5)
    rig.clock.advance_to(6 * MS)
    rig.place(BUY, 101, 5)
    await rig.client.stop()
    rig.trade(SELL, 101, 5)
    assert rig.clock.next_timer_ns() is None
    rig.clock.advance_to(100 * MS)
    assert rig.log == []


def test_whoever_watches_what_fills_are_copied_from_does_not_watch_the_fills(rig: Any) -> None:
    form = rig.client.exchange.listings[rig.market.instrument].form
    watched = weakref.ref(form)
    before = sys.getrefcount(watched)
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 102, 5)
    rig.clock.advance_to(100_000_000)
    fill = rig.log[-1][1]
    assert (fill.size, weakref.getweakrefcount(fill)) == (5, 0)
    assert sys.getrefcount(watched) == before
    rig.log.clear()
    del fill
    assert watched() is form


async def test_after_stopping_nothing_trades(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 101, 5)
    rig.clock.advance_to(100_000_000)
    (statistics,) = rig.client.statistics.values()
    assert statistics.accepted == 1
    await rig.client.stop()
    rig.trade(SELL, 101, 9)
    rig.show({98: 10}, {100: 10})
    assert statistics.maker_fills == 0


def test_an_inverse_contract_cannot_be_simulated(make_rig: Any) -> None:
    with pytest.raises(UsageError, match="BTC/USDT@acme: inverse contracts cannot be simulated"):
        make_rig(inverse=True)


def test_what_is_told_is_what_its_class_would_make(rig: Any) -> None:
    rig.show({100: 10}, {102: 10})
    order = rig.place(BUY, 102, 4)
    rig.client.cancel(Order(**attrs.asdict(order, recurse=False) | {"client_order_id": "c9"}))
    rig.clock.advance(20 * MS)
    instrument, times = rig.market.instrument, {"exchange_ns": 5 * MS, "recv_ns": 8 * MS}
    assert [event for _, event in rig.log] == [
        OrderReport(
            client_order_id="c1",
            kind=ReportKind.ACCEPTED,
            exchange_order_id="1",
            price=Price(102),
            size=Size(4),
            **times,
        ),
        Fill(
            client_order_id="c1",
            instrument=instrument,
            trade_id="1",
            side=BUY,
            price=Price(102),
            size=Size(4),
            liquidity=Liquidity.TAKER,
            fee=Decimal("0.000408"),
            fee_asset="USDT",
            **times,
        ),
        OrderReport(
            client_order_id="c9", kind=ReportKind.CANCEL_REJECTED, reason="order is unknown", **times
        ),
    ]


def _random_session(rig: Any, seed: int) -> list[Any]:
    """Trade at random for a while; return all that was told."""
    roll = random.Random(seed)
    orders: list[Any] = []
    for _ in range(400):
        rig.clock.advance(roll.randrange(3 * MS))
        match roll.randrange(6):
            case 0:
                middle = roll.randrange(97, 104)
                rig.show(
                    {middle - n: roll.randrange(1, 20) for n in (1, 2, 3)},
                    {middle + n: roll.randrange(1, 20) for n in (0, 1, 2)},
                )
            case 1:
                rig.trade(roll.choice([BUY, SELL]), roll.randrange(95, 106), roll.randrange(1, 20))
            case 2 | 3:
                orders.append(
                    rig.place(
                        roll.choice([BUY, SELL]),
                        roll.randrange(95, 106),
                        roll.randrange(1, 20),
                        post_only=roll.random() < 0.5,
                    )
                )
            case 4 if orders:
                rig.client.cancel(roll.choice(orders))
            case 5 if orders:
                rig.amend(roll.choice(orders), roll.randrange(95, 106), roll.randrange(1, 20))
    rig.clock.advance(20 * MS)
    return list(rig.log)


def _plain(entry: tuple[int, OrderReport | Fill]) -> tuple[int, dict[str, Any]]:
    """Return an event as its fields, but for the instrument, which each rig has its own of."""
    event = attrs.asdict(entry[1], recurse=False)
    event.pop("instrument", None)
    return entry[0], event


@pytest.mark.parametrize("seed", range(5))
def test_sessions_are_repeatable_and_tell_one_story_an_order(make_rig: Any, seed: int) -> None:
    told = _random_session(make_rig(), seed)
    again = _random_session(make_rig(), seed)
    assert [_plain(entry) for entry in told] == [_plain(entry) for entry in again]
    ids = [event.trade_id for _, event in told if isinstance(event, Fill)]
    assert ids == [str(n) for n in range(1, len(ids) + 1)]
    assert len(ids) > 20
    final: set[str] = set()
    filled: dict[str, int] = {}
    size: dict[str, int] = {}
    for now_ns, event in told:
        order_id = event.client_order_id
        assert event.recv_ns == now_ns == event.exchange_ns + 3 * MS
        if isinstance(event, Fill):
            assert order_id not in final, "a fill after the end of its order"
            filled[order_id] = filled.get(order_id, 0) + event.size
            assert filled[order_id] <= size[order_id]
        elif event.kind in (ReportKind.ACCEPTED, ReportKind.REPLACED):
            assert order_id not in final
            size[order_id] = event.size
        elif event.kind in (ReportKind.CANCELED, ReportKind.REJECTED):
            assert order_id not in final, "an order ended twice"
            final.add(order_id)
