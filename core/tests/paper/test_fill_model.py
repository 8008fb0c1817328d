"""When an order fills, case by case; the laws over random histories are in test_fill_laws."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hft.book import SortedBook
from hft.instrument import Instrument
from hft.paper import FillModel, Match, Outcome, QueueModel, RiskAverseQueue
from hft.types import BookState, Liquidity, Price, Side, Size, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK


class Model(FillModel):
    """A fill model over a book that the test writes: bids 100 x 10, 99 x 20; asks 102 x 10, 103 x 20."""

    def __init__(self, instrument: Instrument, queue: QueueModel | None = None) -> None:
        super().__init__(SortedBook(instrument), queue or RiskAverseQueue())
        self.book.state = BookState.LIVE
        self.show(bid={100: 10, 99: 20}, ask={102: 10, 103: 20})

    def show(
        self, bid: dict[int, int] | None = None, ask: dict[int, int] | None = None, ns: int = 0
    ) -> Sequence[Match]:
        for side, levels in ((BUY, bid), (SELL, ask)):
            for price, size in (levels or {}).items():
                self.book.set_level(side, Price(price), Size(size))
        self.book.exchange_ns = ns
        return self.on_book()

    def trade(self, side: Side, price: int, size: int, ns: int = 0) -> Sequence[Match]:
        return self.on_trade(side, Price(price), Size(size), ns)


@pytest.fixture
def model(instrument: Instrument) -> Model:
    return Model(instrument)


def maker(order_id: int, price: int, size: int) -> Match:
    return Match(order_id, Price(price), Size(size), Liquidity.MAKER)


def taker(order_id: int, price: int, size: int) -> Match:
    return Match(order_id, Price(price), Size(size), Liquidity.TAKER)


# -- arrival -------------------------------------------------------------------------------------


def test_a_crossing_limit_order_takes_level_by_level_and_the_rest_waits(model: Model) -> None:
    arrival = model.place(1, BUY, Price(103), Size(35))
    assert arrival.matches == [taker(1, 102, 10), taker(1, 103, 20)]
    assert arrival.outcome is Outcome.RESTING
    assert model.cancel(1) == 5


def test_a_limit_order_takes_nothing_beyond_its_limit(model: Model) -> None:
    arrival = model.place(1, SELL, Price(100), Size(15))
    assert arrival.matches == [taker(1, 100, 10)]
    assert arrival.outcome is Outcome.RESTING


def test_an_order_that_takes_all_it_wants_is_filled(model: Model) -> None:
    arrival = model.place(1, BUY, Price(105), Size(10))
    assert (arrival.outcome, list(arrival.matches)) == (Outcome.FILLED, [taker(1, 102, 10)])
    assert model.ahead(1) is None


@pytest.mark.parametrize(("side", "price"), [(BUY, 102), (BUY, 103), (SELL, 100), (SELL, 1)])
def test_post_only_that_would_cross_is_refused(model: Model, side: Side, price: int) -> None:
    arrival = model.place(1, side, Price(price), Size(1), post_only=True)
    assert (arrival.outcome, arrival.reason) == (Outcome.REJECTED, "would cross")


def test_post_only_inside_the_spread_is_first_in_its_queue(model: Model) -> None:
    assert model.place(1, BUY, Price(101), Size(1), post_only=True).outcome is Outcome.RESTING
    assert model.ahead(1) == 0


@pytest.mark.parametrize("price", [Price(102), None])
def test_what_cannot_wait_is_cancelled(model: Model, price: Price | None) -> None:
    arrival = model.place(1, BUY, price, Size(40), time_in_force=IOC)
    assert arrival.outcome is Outcome.CANCELED
    assert sum(match.size for match in arrival.matches) == (10 if price else 30)
    assert model.ahead(1) is None


def test_a_market_order_takes_through_the_whole_book_and_never_waits(instrument: Instrument) -> None:
    model = Model(instrument)
    model.show(ask=dict.fromkeys(range(104, 154), 1))  # more levels than are looked at first
    arrival = model.place(1, BUY, None, Size(100))
    assert sum(match.size for match in arrival.matches) == 10 + 20 + 50
    assert arrival.matches[-1] == taker(1, 153, 1)
    assert (arrival.outcome, arrival.reason) == (Outcome.CANCELED, "no liquidity")


def test_fill_or_kill_is_all_or_nothing(model: Model) -> None:
    killed = model.place(1, BUY, Price(103), Size(31), time_in_force=FOK)
    assert (killed.outcome, killed.matches) == (Outcome.CANCELED, ())
    filled = model.place(2, BUY, Price(103), Size(30), time_in_force=FOK)
    assert (filled.outcome, len(filled.matches)) == (Outcome.FILLED, 2)


@pytest.mark.parametrize("state", [state for state in BookState if state is not BookState.LIVE])
def test_without_a_live_book_nothing_arrives(model: Model, state: BookState) -> None:
    model.place(1, BUY, Price(99), Size(1))
    model.book.state = state
    refused = model.place(2, BUY, Price(103), Size(1))
    assert (refused.outcome, refused.reason) == (Outcome.REJECTED, f"book is {state.value}, not LIVE")
    assert model.amend(1, Price(98), Size(1)).outcome is Outcome.REJECTED
    # It shows a price that crosses ours, but it cannot be relied on.
    assert not model.show(ask={99: 5})
    assert model.amend(1, Price(99), Size(1)).outcome is Outcome.RESTING
    assert model.cancel(1) == 1


# -- liquidity that is gone ----------------------------------------------------------------------


def test_the_same_liquidity_is_not_taken_twice(model: Model) -> None:
    model.place(1, BUY, Price(102), Size(4))
    assert model.place(2, BUY, Price(102), Size(10), time_in_force=IOC).matches == [taker(2, 102, 6)]
    assert model.place(3, BUY, Price(102), Size(1), time_in_force=IOC).matches == []
    # An update that leaves the level as it was brings nothing back, another size does.
    model.show(ask={103: 21})
    assert model.place(4, BUY, Price(102), Size(1), time_in_force=IOC).matches == []
    model.show(ask={102: 3})
    assert model.place(5, BUY, Price(102), Size(10), time_in_force=IOC).matches == [taker(5, 102, 3)]


def test_what_a_public_trade_took_is_gone_before_the_book_says_so(model: Model) -> None:
    model.trade(BUY, 102, 7)
    assert model.place(1, BUY, Price(102), Size(10), time_in_force=IOC).matches == [taker(1, 102, 3)]
    # The book of after the trade shows what is left, and that is all there to be had.
    model.show(ask={102: 2})
    assert model.place(2, BUY, Price(102), Size(10), time_in_force=IOC).matches == [taker(2, 102, 2)]


def test_a_trade_that_the_book_contains_already_takes_nothing_from_it(model: Model) -> None:
    model.show(ask={102: 3}, ns=1000)
    model.trade(BUY, 102, 7, ns=999)
    assert model.place(1, BUY, Price(102), Size(10), time_in_force=IOC).matches == [taker(1, 102, 3)]


def test_the_rest_of_a_taker_is_not_filled_by_what_it_took(model: Model) -> None:
    model.place(1, BUY, Price(102), Size(25))
    # The recorded market does not know of us and goes on to show the level that we emptied.
    assert model.show(ask={104: 1}) == []
    assert model.show(ask={102: 12}) == [maker(1, 102, 12)]


# -- trades --------------------------------------------------------------------------------------


def test_trades_use_up_the_queue_then_fill_in_parts(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5))
    assert model.ahead(1) == 10
    assert model.trade(SELL, 100, 8) == []
    assert model.ahead(1) == 2
    assert model.trade(SELL, 100, 4) == [maker(1, 100, 2)]
    assert model.trade(SELL, 100, 9) == [maker(1, 100, 3)]
    assert not model.trade(SELL, 100, 9)


def test_several_orders_of_ours_fill_in_their_own_order_and_share_a_trade(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5))
    model.place(2, BUY, Price(100), Size(5))
    # 10 are used up by the queue, 5 fill the first, 2 of the second.
    assert model.trade(SELL, 100, 17) == [maker(1, 100, 5), maker(2, 100, 2)]


@pytest.mark.parametrize(("side", "price"), [(BUY, 100), (SELL, 101), (BUY, 99)])
def test_other_trades_leave_a_bid_alone(model: Model, side: Side, price: int) -> None:
    model.place(1, BUY, Price(100), Size(5))
    assert not model.trade(side, price, 100)
    assert model.ahead(1) == 10


def test_a_trade_through_our_price_fills_us_whole_at_our_price(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5))
    model.place(2, BUY, Price(101), Size(7))
    model.place(3, BUY, Price(99), Size(5))
    assert model.trade(SELL, 99, 1) == [maker(2, 101, 7), maker(1, 100, 5)]
    assert model.ahead(3) == 19


def test_asks_mirror_bids(model: Model) -> None:
    model.place(1, SELL, Price(102), Size(5))
    model.place(2, SELL, Price(101), Size(5))
    assert model.trade(BUY, 102, 12) == [maker(2, 101, 5), maker(1, 102, 2)]
    assert model.show(bid={102: 2}, ask={102: 0}) == [maker(1, 102, 2)]


# -- the queue -----------------------------------------------------------------------------------


def test_lots_that_vanish_are_behind_us_while_there_are_any(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5))
    model.show(bid={100: 25})
    assert model.ahead(1) == 10
    model.show(bid={100: 11})
    assert model.ahead(1) == 10
    model.show(bid={100: 4})
    assert model.ahead(1) == 4
    model.show(bid={100: 0})
    assert model.ahead(1) == 0
    model.show(bid={100: 30})
    assert model.ahead(1) == 0


@pytest.mark.parametrize("book_first", [False, True])
def test_a_trade_and_the_book_that_contains_it_count_once(instrument: Instrument, book_first: bool) -> None:
    model = Model(instrument)
    model.show(ns=1000)
    model.place(1, BUY, Price(100), Size(5))
    if book_first:
        model.show(bid={100: 7}, ns=1002)
        model.trade(SELL, 100, 3, ns=1001)
    else:
        model.trade(SELL, 100, 3, ns=1001)
        model.show(bid={100: 7}, ns=1002)
    assert model.ahead(1) == 7


def test_a_late_trade_still_moves_us_where_the_book_did_not(model: Model) -> None:
    model.show(ns=1000)
    model.place(1, BUY, Price(100), Size(5))
    model.show(bid={100: 40}, ns=1001)
    model.show(bid={100: 33}, ns=1003)  # contains the trade, but 33 says nothing about our 10
    model.trade(SELL, 100, 7, ns=1002)
    assert model.ahead(1) == 3


def test_a_late_trade_and_a_new_one_both_count(model: Model) -> None:
    model.show(ns=1000)
    model.place(1, BUY, Price(100), Size(5))
    model.show(bid={100: 8}, ns=1002)  # 4 traded, 2 came behind us
    model.trade(SELL, 100, 3, ns=1003)
    model.trade(SELL, 100, 4, ns=1001)
    assert model.ahead(1) == 10 - 3 - 4


def test_a_late_trade_fills_what_got_past_the_queue_of_its_time(model: Model) -> None:
    model.show(ns=1000)
    model.place(1, BUY, Price(100), Size(5))
    model.show(bid={100: 0, 99: 20}, ns=1002)
    # 12 traded against the 10 ahead: 2 for us, not the 5 that an empty queue would give.
    assert model.trade(SELL, 100, 12, ns=1001) == [maker(1, 100, 2)]


def test_a_trade_from_before_we_arrived_is_none_of_ours(model: Model) -> None:
    model.show(ns=1000)
    model.place(1, BUY, Price(100), Size(5))
    assert model.trade(SELL, 100, 50, ns=1000) == []
    assert model.trade(SELL, 99, 50, ns=1000) == []
    assert model.ahead(1) == 10
    assert model.trade(SELL, 99, 50, ns=1001) == [maker(1, 100, 5)]


def test_a_queue_model_cannot_push_us_back_and_is_told_what_it_needs(instrument: Instrument) -> None:
    seen: list[tuple[int, int, int, int]] = []

    class Wild(QueueModel):
        def ahead(self, ahead: int, shown_before: int, shown: int, traded: int) -> int:
            seen.append((ahead, shown_before, shown, traded))
            return 1000 if shown > shown_before else -5

    model = Model(instrument, Wild())
    model.place(1, BUY, Price(100), Size(5))
    model.trade(SELL, 100, 4)
    model.show(bid={100: 26})
    assert (seen, model.ahead(1)) == ([(6, 10, 26, 4)], 6)
    model.show(bid={100: 25})
    assert (seen[1:], model.ahead(1)) == ([(6, 26, 25, 0)], 0)


# -- a book that reaches our price ---------------------------------------------------------------


def test_a_book_that_reaches_our_price_fills_us_by_what_it_shows(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5))
    model.place(2, BUY, Price(101), Size(5))
    # 5 of the 7 shown go to the better of our bids, and nothing at 100 is left for the other.
    assert model.show(bid={100: 0}, ask={100: 3, 101: 4}) == [maker(2, 101, 5)]
    assert model.show(ask={103: 1}) == []
    assert model.show(ask={100: 2}) == [maker(1, 100, 2)]


def test_a_book_below_our_price_fills_at_our_price(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5))
    assert model.show(bid={100: 0, 99: 0}, ask={98: 50}) == [maker(1, 100, 5)]


# -- amend and cancel ----------------------------------------------------------------------------


def test_less_keeps_the_place_and_more_loses_it(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5))
    model.trade(SELL, 100, 6)
    assert model.amend(1, Price(100), Size(4)).outcome is Outcome.RESTING
    assert model.ahead(1) == 4
    model.show(bid={100: 30})
    assert model.amend(1, Price(100), Size(5)).outcome is Outcome.RESTING
    assert model.ahead(1) == 30


def test_another_price_is_a_new_arrival(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(15))
    arrival = model.amend(1, Price(102), Size(15))
    assert (arrival.outcome, list(arrival.matches)) == (Outcome.RESTING, [taker(1, 102, 10)])
    assert model.amend(1, Price(103), Size(15)).outcome is Outcome.FILLED
    assert model.amend(1, Price(103), Size(15)).reason == "order is not open"


def test_a_refused_amendment_changes_nothing(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5), post_only=True)
    model.trade(SELL, 100, 12)
    assert model.amend(1, Price(102), Size(9)).reason == "would cross"
    assert model.amend(1, Price(100), Size(2)).reason == "size 2 is not above the 2 filled"
    assert model.trade(SELL, 100, 50) == [maker(1, 100, 3)]


def test_cancel_returns_what_was_left_once(model: Model) -> None:
    model.place(1, BUY, Price(100), Size(5))
    model.trade(SELL, 100, 12)
    assert (model.cancel(1), model.cancel(1)) == (3, 0)
    assert not model.trade(SELL, 90, 50)
