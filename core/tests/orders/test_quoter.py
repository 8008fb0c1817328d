"""The quoter: the fewest messages from what stands to what is wanted, whatever happens in between."""

from __future__ import annotations

import random
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.errors import OrderError
from hft.events import Fill, ReportKind
from hft.order import Order
from hft.orders import Quoter
from hft.plugin.risk import APPROVED, Refused, RiskRule, RiskView, Verdict
from hft.testing.orders import ModelExchange, ModelExchangeWithoutAmend, NotedOwner, OrderWorld
from hft.testing.trading import make_instrument, make_market
from hft.types import OrderState, Price, Side, Size

Quotes = list[tuple[int, int]]


@attrs.frozen
class NoConfig:
    """Nothing to set."""


class QuotingOwner(NotedOwner):
    quoter: Quoter

    def on_order(self, order: Order) -> None:
        super().on_order(order)
        self.quoter.on_order(order)

    def on_fill(self, fill: Fill) -> None:
        super().on_fill(fill)
        self.quoter.on_fill(fill)


class Desk:
    """A quoter on a model exchange."""

    def __init__(
        self, exchange: type[ModelExchange] = ModelExchange, *, rule: RiskRule[NoConfig] | None = None
    ) -> None:
        rules = {} if rule is None else {"rule": rule}
        self.world = OrderWorld(make_market(make_instrument()), exchange, rules=rules)
        self.exchange = self.world.exchange
        self.owner = QuotingOwner()
        self.owner.quoter = self.quoter = Quoter(
            self.world.manager, self.owner, self.world.instrument, self.world.clock, random.Random(1)
        )

    def quote(self, bids: Quotes, asks: Quotes) -> None:
        self.quoter.quote(levels(bids), levels(asks))

    def quote_and_settle(self, bids: Quotes, asks: Quotes) -> list[str]:
        """State quotes, let everything settle, and return what was sent for it."""
        before = len(self.exchange.messages)
        self.quote(bids, asks)
        self.exchange.settle()
        return [what for what, _ in self.exchange.messages[before:]]

    def standing(self) -> tuple[Quotes, Quotes]:
        """Return what rests at the exchange, best first."""
        orders = self.exchange.resting.values()
        bids = sorted(((o.price, o.left) for o in orders if o.side is Side.BUY), reverse=True)
        asks = sorted((o.price, o.left) for o in orders if o.side is Side.SELL)
        return list(bids), list(asks)

    def key_at(self, price: int) -> str:
        (key,) = (key for key, order in self.exchange.resting.items() if order.price == price)
        return key


def levels(quotes: Quotes) -> list[tuple[Price, Size]]:
    return [(Price(price), Size(size)) for price, size in quotes]


def test_what_need_not_move_is_left_alone() -> None:
    desk = Desk()
    assert desk.quote_and_settle([(99, 10), (98, 10)], [(101, 10), (102, 10)]) == ["place"] * 4
    places = {key: order.arrived for key, order in desk.exchange.resting.items()}
    assert desk.quote_and_settle([(99, 10), (98, 10)], [(101, 10), (102, 10)]) == []
    # One tick up: the lowest bid becomes the highest, and likewise the asks.
    assert desk.quote_and_settle([(100, 10), (99, 10)], [(102, 10), (103, 10)]) == ["amend", "amend"]
    assert desk.standing() == ([(100, 10), (99, 10)], [(102, 10), (103, 10)])
    kept = [desk.exchange.resting[desk.key_at(price)].arrived for price in (99, 102)]
    assert kept == [places[desk.key_at(99)], places[desk.key_at(102)]]


def test_without_amendments_an_order_is_cancelled_before_another_takes_its_place() -> None:
    desk = Desk(ModelExchangeWithoutAmend)
    desk.quote_and_settle([(99, 10)], [])
    desk.quote([(98, 10)], [])
    assert [what for what, _ in desk.exchange.messages] == ["place", "cancel"]
    desk.exchange.settle()
    assert desk.standing() == ([(98, 10)], [])
    assert [what for what, _ in desk.exchange.messages] == ["place", "cancel", "place"]


def test_leftovers_are_paired_with_the_closest_prices() -> None:
    desk = Desk()
    desk.quote_and_settle([(90, 10), (80, 10)], [])
    moved = {price: desk.key_at(price) for price in (90, 80)}
    desk.quote_and_settle([(88, 10), (82, 10)], [])
    assert desk.key_at(88) == moved[90]
    assert desk.key_at(82) == moved[80]


@pytest.mark.parametrize(("wanted", "moved"), [(112, 110), (118, 120)])
def test_of_two_leftovers_the_closer_one_moves(wanted: int, moved: int) -> None:
    desk = Desk()
    desk.quote_and_settle([], [(110, 10), (120, 10)])
    key = desk.key_at(moved)
    assert sorted(desk.quote_and_settle([], [(wanted, 10)])) == ["amend", "cancel"]
    assert desk.key_at(wanted) == key


def test_small_orders_that_are_going_hold_their_places() -> None:
    desk = Desk(ModelExchangeWithoutAmend)
    desk.quote_and_settle([(99, 1), (98, 1), (97, 1)], [])
    desk.quote([(89, 10), (88, 10)], [])
    assert [what for what, _ in desk.exchange.messages[3:]] == ["cancel"] * 3
    desk.exchange.settle()
    assert desk.standing() == ([(89, 10), (88, 10)], [])


def test_a_partly_filled_order_is_kept_while_half_of_what_is_wanted_remains() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 10)], [])
    desk.exchange.fill(desk.key_at(99), 5)
    desk.exchange.settle()
    assert desk.quote_and_settle([(99, 10)], []) == []
    desk.exchange.fill(desk.key_at(99), 1)
    desk.exchange.settle()
    assert desk.quote_and_settle([(99, 10)], []) == ["amend"]
    assert desk.standing() == ([(99, 10)], [])


def test_what_was_filled_is_not_placed_again_before_it_is_stated_again() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 10), (98, 10)], [])
    desk.exchange.fill(desk.key_at(99), 10)
    desk.exchange.fill(desk.key_at(98), 9)
    desk.exchange.settle()
    assert desk.standing() == ([(98, 1)], [])
    assert len(desk.exchange.messages) == 2
    assert desk.quote_and_settle([(99, 10), (98, 10)], []) == ["amend", "place"]


def test_what_the_exchange_refuses_or_ends_is_not_placed_again_before_it_is_stated_again() -> None:
    desk = Desk()
    desk.exchange.refuse_next = "post-only would cross"
    assert desk.quote_and_settle([(99, 10), (98, 10)], []) == ["place", "place"]
    desk.exchange.end(desk.key_at(98), ReportKind.EXPIRED)
    desk.exchange.settle()
    assert len(desk.exchange.messages) == 2
    desk.quote_and_settle([(99, 10), (98, 10)], [])
    assert desk.standing() == ([(99, 10), (98, 10)], [])


def test_what_risk_refuses_is_not_tried_again_before_it_is_stated_again() -> None:
    desk = Desk()
    desk.world.manager.halt("test")
    desk.quote([(99, 10)], [(101, 10)])
    assert desk.world.manager.counters.refused == {"halted": 2}
    desk.world.clock.advance(10_000_000)
    assert desk.world.manager.counters.refused == {"halted": 2}


def test_what_risk_refuses_to_amend_is_tried_again_once_it_is_stated_again() -> None:
    class NotAt98(RiskRule[NoConfig]):
        armed = True

        def check(self, order: Order, view: RiskView) -> Verdict:
            return Refused("not there") if self.armed and order.price == 98 else APPROVED

    rule = NotAt98(NoConfig())
    desk = Desk(rule=rule)
    desk.quote_and_settle([(99, 10)], [])
    assert desk.quote_and_settle([(98, 10)], []) == ["cancel"]
    rule.armed = False
    assert desk.quote_and_settle([(98, 10)], []) == ["place"]
    assert desk.standing() == ([(98, 10)], [])


def test_a_statement_may_be_repeated_and_its_list_be_used_again() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 10)], [(101, 10)])
    bids, asks = levels([(99, 10)]), levels([(101, 10)])
    desk.quoter.quote(bids, asks)
    assert len(desk.exchange.messages) == 2
    # The list is the strategy's, and may be changed and given again, whatever it holds.
    bids[0] = [Price(98), Size(10)]  # type: ignore[call-overload]
    desk.quoter.quote(bids, asks)
    desk.exchange.settle()
    assert desk.standing() == ([(98, 10)], [(101, 10)])
    bids[0][0] = Price(97)  # type: ignore[index]
    desk.quoter.quote(bids, asks)
    desk.exchange.settle()
    assert desk.standing() == ([(97, 10)], [(101, 10)])


def test_levels_may_come_from_what_states_quotes_itself() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 10)], [(101, 10)])
    desk.quote_and_settle([(98, 10)], [(102, 10)])

    def bids() -> Iterator[tuple[Price, Size]]:
        desk.quote([(97, 10)], [(103, 10)])
        desk.quote([(96, 10)], [(104, 10)])
        yield Price(95), Size(10)
        desk.quote([(94, 10)], [(105, 10)])
        yield Price(93), Size(10)

    desk.quoter.quote(bids(), levels([(106, 10)]))
    desk.exchange.settle()
    assert desk.standing() == ([(95, 10), (93, 10)], [(106, 10)])


def test_what_was_withdrawn_is_placed_once_it_is_stated_again() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 10)], [])
    desk.quoter.withdraw()
    desk.exchange.settle()
    assert desk.standing() == ([], [])
    assert desk.quote_and_settle([(99, 10)], []) == ["place"]


def test_the_newest_wish_waits_alone() -> None:
    desk = Desk()
    desk.quote([(99, 10)], [])
    for price in range(90, 98):
        desk.quote([(price, 10)], [])
    assert len(desk.exchange.messages) == 1
    desk.exchange.settle()
    assert desk.standing() == ([(97, 10)], [])
    assert [what for what, _ in desk.exchange.messages] == ["place", "amend"]


def test_a_bid_waits_until_our_ask_is_out_of_its_way() -> None:
    desk = Desk()
    desk.quote_and_settle([(95, 10)], [(100, 10)])
    desk.quote([(105, 10)], [(110, 10)])
    ask = desk.key_at(100)
    assert desk.exchange.messages[2:] == [("amend", ask)]
    desk.exchange.settle()
    assert desk.standing() == ([(105, 10)], [(110, 10)])


def test_a_size_grows_only_into_room_that_another_has_left() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 5), (98, 5)], [])
    first, second = desk.key_at(99), desk.key_at(98)
    desk.quote([(99, 12), (98, 2)], [])
    assert desk.exchange.messages[2:] == [("amend", second)]
    desk.exchange.settle()
    assert desk.exchange.messages[3:] == [("amend", first)]
    assert desk.standing() == ([(99, 12), (98, 2)], [])


def test_quotes_that_would_trade_with_each_other_are_refused() -> None:
    desk = Desk()
    with pytest.raises(OrderError, match=r"bid 1\.00 is not below ask 1\.00, quotes must not cross"):
        desk.quote([(100, 10)], [(100, 10)])


def test_orders_that_are_not_quotes_are_not_touched() -> None:
    desk = Desk()
    own = desk.world.manager.place(desk.owner, desk.world.instrument, Side.BUY, Size(3), Price(50))
    desk.quote_and_settle([(99, 10)], [])
    desk.quoter.withdraw()
    desk.exchange.settle()
    assert desk.standing() == ([(50, 3)], [])
    assert own.state is OrderState.NEW
    assert not desk.quoter.owns(own)


def test_withdrawing_cancels_at_once_also_what_is_not_acknowledged() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 10)], [])
    desk.quote([(99, 10)], [(101, 10)])
    desk.quoter.withdraw()
    assert [what for what, _ in desk.exchange.messages] == ["place", "place", "cancel"]
    desk.exchange.settle()
    assert desk.standing() == ([], [])
    assert desk.quoter.standing == []


def test_a_refused_cancel_is_tried_again_for_ever_but_later() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 10)], [])
    desk.exchange.refuse_next = "too many requests"
    desk.quoter.withdraw()
    desk.exchange.settle()
    for _ in range(20):
        assert desk.standing() == ([(99, 10)], [])
        sent = len(desk.exchange.messages)
        desk.exchange.refuse_next = "too many requests"
        desk.world.clock.advance(5_000_000_000)
        assert len(desk.exchange.messages) > sent
        desk.exchange.settle()
    desk.world.clock.advance(5_000_000_000)
    desk.exchange.settle()
    assert desk.standing() == ([], [])


def test_an_order_whose_amendment_was_refused_is_cancelled() -> None:
    desk = Desk()
    desk.quote_and_settle([(99, 10)], [])
    desk.exchange.refuse_next = "not modified"
    assert desk.quote_and_settle([(98, 10)], []) == ["amend", "cancel", "place"]
    assert desk.standing() == ([(98, 10)], [])


def test_an_unknown_order_holds_its_place() -> None:
    desk = Desk()
    desk.quote([(99, 10)], [])
    desk.exchange.report(desk.quoter.standing[0].client_order_id, ReportKind.UNKNOWN)
    desk.exchange.tell()
    desk.quote([(98, 10)], [])
    assert len(desk.exchange.messages) == 1
    desk.exchange.settle()
    assert desk.standing() == ([(98, 10)], [])


# -- the law -------------------------------------------------------------------------------------

_SIZES = st.integers(1, 12)


@st.composite
def wishes(draw: st.DrawFn) -> tuple[Quotes, Quotes]:
    centre = draw(st.integers(90, 110))
    bids = draw(st.dictionaries(st.integers(centre - 6, centre - 1), _SIZES, max_size=4))
    asks = draw(st.dictionaries(st.integers(centre, centre + 5), _SIZES, max_size=4))
    return sorted(bids.items(), reverse=True), sorted(asks.items())


_STEPS = st.lists(
    st.one_of(
        wishes(),
        st.tuples(st.just("arrive"), st.booleans()),
        st.tuples(st.just("tell"), st.integers(0, 3)),
        st.tuples(st.just("fill"), st.integers(0, 7), st.integers(1, 12)),
        st.tuples(st.just("wait")),
    ),
    max_size=60,
)


def check_not_crossed(desk: Desk) -> None:
    orders = desk.exchange.resting.values()
    bids = [order.price for order in orders if order.side is Side.BUY]
    asks = [order.price for order in orders if order.side is Side.SELL]
    assert not bids or not asks or max(bids) < min(asks)


def take_step(desk: Desk, step: tuple[object, ...], generator: random.Random) -> None:
    exchange = desk.exchange
    match step:
        case ["arrive", refuse]:
            if exchange.requests:
                exchange.refuse_next = "no" if refuse and generator.random() < 0.5 else ""
                exchange.arrive()
                exchange.refuse_next = ""
        case ["tell", int(index)]:
            if exchange.answers:
                exchange.tell(index % len(exchange.answers))
        case ["fill", int(number), int(size)]:
            if exchange.resting:
                key = sorted(exchange.resting)[number % len(exchange.resting)]
                exchange.fill(key, min(size, exchange.resting[key].left))
        case ["wait"]:
            desk.world.clock.advance(10_000_000_000)


@settings(max_examples=300, deadline=None)
@given(_STEPS, wishes(), st.booleans(), st.booleans())
def test_standing_quotes_converge_to_the_last_wish(
    steps: list[tuple[object, ...]], last: tuple[Quotes, Quotes], repeated: bool, can_amend: bool
) -> None:
    if repeated:
        last = next((step for step in reversed(steps) if isinstance(step[0], list)), last)  # type: ignore[assignment]
    desk = Desk(ModelExchange if can_amend else ModelExchangeWithoutAmend)
    generator = random.Random(1)
    wished = 0
    for step in steps:
        if isinstance(step[0], list):
            bids, asks = step
            desk.quote(bids, asks)  # type: ignore[arg-type]
            wished += len(bids) + len(asks)  # type: ignore[arg-type]
        else:
            take_step(desk, step, generator)
        check_not_crossed(desk)
        assert desk.world.manager.counters.illegal == 0
    desk.exchange.settle()
    desk.world.clock.advance(10_000_000_000)
    desk.exchange.settle()
    desk.quote(*last)
    for _ in range(3):
        desk.exchange.settle()
        desk.world.clock.advance(10_000_000_000)

    standing = desk.standing()
    for stands, wanted in zip(standing, last, strict=True):
        assert [price for price, _ in stands] == [price for price, _ in wanted]
        for (_, left), (_, size) in zip(stands, wanted, strict=True):
            assert size / 2 <= left <= size
    assert desk.world.ledger.position(desk.world.instrument) == desk.exchange.position
    assert desk.world.manager.exposure(desk.world.instrument, Side.BUY) == sum(n for _, n in standing[0])
    assert desk.world.manager.exposure(desk.world.instrument, Side.SELL) == sum(n for _, n in standing[1])
    # Per level wished at most: a refused amendment, a cancel, a place; refused cancels are repeated.
    levels_wished = wished + len(last[0]) + len(last[1])
    repeated = sum(step[0] == "wait" for step in steps) * 8 + 30
    assert len(desk.exchange.messages) <= 3 * levels_wished + repeated


@settings(max_examples=200, deadline=None)
@given(wishes(), wishes(), st.booleans())
def test_one_change_takes_no_more_messages_than_it_must(
    first: tuple[Quotes, Quotes], second: tuple[Quotes, Quotes], can_amend: bool
) -> None:
    desk = Desk(ModelExchange if can_amend else ModelExchangeWithoutAmend)
    desk.quote_and_settle(*first)
    arrived = {(o.side, o.price, o.left): o.arrived for o in desk.exchange.resting.values()}
    kept = {
        side: {
            price
            for price, size in before
            # Half of what is wanted is enough; more than is wanted is not.
            if dict(after).get(price, 0) / 2 <= size <= dict(after).get(price, 0)
        }
        for side, before, after in zip((Side.BUY, Side.SELL), first, second, strict=True)
    }
    messages = desk.quote_and_settle(*second)
    most = 0
    for side, before, after in zip((Side.BUY, Side.SELL), first, second, strict=True):
        gone, lacking = len(before) - len(kept[side]), len(after) - len(kept[side])
        most += max(gone, lacking) if can_amend else gone + lacking
        for price, size in before:
            if price in kept[side]:
                assert desk.exchange.resting[desk.key_at(price)].arrived == arrived[side, price, size]
    assert len(messages) <= most


@settings(max_examples=200, deadline=None)
@given(_STEPS)
def test_there_is_never_more_at_the_exchange_than_the_largest_wish(steps: list[tuple[object, ...]]) -> None:
    """Every moment's orders, and fills since, fit into one statement: no side is ever doubled."""
    desk = Desk()
    generator = random.Random(2)
    most_lots, most_orders = {Side.BUY: 0, Side.SELL: 0}, {Side.BUY: 0, Side.SELL: 0}
    for step in steps:
        if isinstance(step[0], list):
            desk.quote(*step)  # type: ignore[arg-type]
            for side, quotes in zip((Side.BUY, Side.SELL), step, strict=True):
                most_lots[side] = max(most_lots[side], sum(size for _, size in quotes))  # type: ignore[attr-defined]
                most_orders[side] = max(most_orders[side], len(quotes))  # type: ignore[arg-type]
        else:
            take_step(desk, step, generator)
        for side in Side:
            resting = [order for order in desk.exchange.resting.values() if order.side is side]
            assert len(resting) <= most_orders[side]
            assert sum(order.left for order in resting) <= most_lots[side]
