"""Published limits hold in every window, whatever is asked; cancels get through; nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.clock import NS_PER_S, SimulatedClock
from hft.errors import TransportError
from hft.net import Costs, Priority, RateLimit, RateLimiter
from hft.net.window import Window

X: Costs = (("x", 1),)
MINUTE_NS = 60 * NS_PER_S


class Bench:
    """A limiter, what it handed out of each limit and when, and what it said."""

    def __init__(self, *limits: RateLimit, **options: Any) -> None:
        self.clock = SimulatedClock(1_000 * NS_PER_S)
        self.start_ns = self.clock.now_ns()
        self.warnings: list[str] = []
        self.limiter = RateLimiter(limits, clock=self.clock, warn=self.warnings.append, **options)
        self.taken: dict[str, list[tuple[int, int]]] = {limit.name: [] for limit in limits}
        self.served: list[tuple[int, Any]] = []
        self.dropped: list[tuple[Any, str]] = []

    def try_take(self, costs: Costs, priority: Priority = Priority.QUERY) -> bool:
        taken = self.limiter.try_take(costs, priority)
        if taken:
            self._note(costs)
        return taken

    def submit(self, label: Any, costs: Costs, priority: Priority = Priority.QUERY, **options: Any) -> Any:
        def go() -> None:
            self._note(costs)
            self.served.append((self.clock.now_ns(), label))

        def dropped(reason: str) -> None:
            self.dropped.append((label, reason))

        return self.limiter.submit(costs, priority, go, dropped=dropped, **options)

    @property
    def labels(self) -> list[Any]:
        return [label for _, label in self.served]

    def used(self, name: str = "x") -> int:
        return self.limiter.usage()[name].used

    def _note(self, costs: Costs) -> None:
        for name, weight in costs:
            self.taken[name].append((self.clock.now_ns(), weight))

    def run_until_idle(self) -> None:
        while (when_ns := self.clock.next_timer_ns()) is not None:
            self.clock.advance_to(when_ns)


def plain(weight: int, per_ns: int, name: str = "x") -> RateLimit:
    return RateLimit(name=name, weight=weight, per_ns=per_ns, reserve=0, pace_above=1)


def heaviest_window(taken: list[tuple[int, int]], per_ns: int) -> int:
    """Return the most that any window, both its ends included, holds."""
    return max((sum(w for t, w in taken if start <= t <= start + per_ns) for start, _ in taken), default=0)


# -- the law ------------------------------------------------------------------------------------------

limits = st.builds(
    RateLimit,
    name=st.just("x"),
    weight=st.integers(5, 30),
    per_ns=st.sampled_from([1, 50, 1_000, NS_PER_S, 10 * NS_PER_S]),
    aligned=st.booleans(),
    reserve=st.sampled_from([0, 0.1, 0.5]),
    pace_above=st.sampled_from([0, 0.5, 1]),
)
delays = st.fractions(0, 2, max_denominator=600)
"""Of the window."""
priorities = st.sampled_from(Priority)
steps = st.lists(
    st.tuples(
        delays,
        st.one_of(
            st.tuples(st.sampled_from(["take", "submit"]), priorities, st.integers(1, 5), st.integers(0, 2)),
            st.tuples(st.just("observe"), st.integers(0, 40), delays),
            st.tuples(st.just("block"), delays),
            st.tuples(st.just("refused")),
        ),
    ),
    max_size=60,
)


def play(bench: Bench, x: RateLimit, y: RateLimit, script: list[Any]) -> list[tuple[int, int]]:
    """Do what the script says, ask for whatever waits, and return when the limits were blocked."""
    blocks = []
    for number, (delay, (what, *arguments)) in enumerate(script):
        bench.clock.advance(int(delay * x.per_ns))
        now_ns = bench.clock.now_ns()
        if what in {"take", "submit"}:
            priority, weight, other = arguments
            costs: Costs = (("x", weight), ("y", other)) if other else (("x", weight),)
            if what == "take":
                bench.try_take(costs, priority)
            else:
                bench.submit((priority, number), costs, priority)
        elif what == "observe":
            used, ago = arguments
            bench.limiter.observe("x", used, now_ns - int(ago * x.per_ns))
        elif what == "block":
            until_ns = now_ns + int(arguments[0] * x.per_ns)
            bench.limiter.block("x", until_ns)
            blocks.append((now_ns, until_ns))
        else:
            wait_ns = bench.limiter.refused("x", first_ns=x.per_ns)
            blocks.append((now_ns, now_ns + wait_ns))
    bench.run_until_idle()
    return blocks


@settings(max_examples=300)
@given(x=limits, other=st.integers(4, 10), script=steps)
def test_no_window_ever_holds_more_than_the_limit_and_a_block_holds_nothing(
    x: RateLimit, other: int, script: list[Any]
) -> None:
    y = attrs.evolve(x, name="y", weight=other, per_ns=3 * x.per_ns)
    bench = Bench(x, y)
    blocks = play(bench, x, y, script)
    for limit in (x, y):
        assert heaviest_window(bench.taken[limit.name], limit.per_ns) <= limit.weight
    order = {number: when_ns for when_ns, (_, number) in bench.served}
    for start_ns, until_ns in blocks:
        # At the very start something may have been taken before the block was heard of.
        assert not [t for t, _ in bench.taken["x"] if start_ns < t < until_ns], "taken during a block"
    hopeless = [label for label, _ in bench.dropped]
    submitted = [n for n, (_, (what, *_)) in enumerate(script) if what == "submit"]
    assert sorted([*order, *(number for _, number in hopeless)]) == submitted, "nobody waits for ever"


@given(x=limits, script=steps)
def test_the_same_calls_have_the_same_outcome(x: RateLimit, script: list[Any]) -> None:
    y = attrs.evolve(x, name="y")
    first, second = Bench(x, y), Bench(x, y)
    play(first, x, y, script)
    play(second, x, y, script)
    assert (first.served, first.dropped, first.taken) == (second.served, second.dropped, second.taken)


@settings(max_examples=200)
@given(
    weight=st.integers(3, 20),
    per_ns=st.sampled_from([NS_PER_S, 10 * NS_PER_S, MINUTE_NS]),
    phase=st.fractions(0, 1, max_denominator=97),
    asks=st.lists(st.tuples(st.fractions(0, 1, max_denominator=200), st.integers(1, 3)), max_size=60),
    seed=st.integers(),
)
def test_an_exchange_with_fixed_windows_never_refuses_even_what_the_network_delays(
    weight: int, per_ns: int, phase: Any, asks: list[tuple[Any, int]], seed: int
) -> None:
    """Whatever the phase of its windows, and though requests take differently long to arrive."""
    limit = plain(weight, per_ns)
    bench = Bench(limit)
    for number, (delay, ask) in enumerate(asks):
        bench.clock.advance(int(delay * per_ns))
        bench.submit(number, (("x", ask),))
    bench.run_until_idle()
    draw = random.Random(seed)
    lateness_ns = min(per_ns // 20, NS_PER_S // 10)
    counted: dict[int, int] = {}
    for t, taken in bench.taken["x"]:
        window = (t + draw.randint(0, lateness_ns) + int(phase * per_ns)) // per_ns
        counted[window] = counted.get(window, 0) + taken
    assert max(counted.values(), default=0) <= weight


@pytest.mark.parametrize("per_ns", [NS_PER_S, 10 * NS_PER_S, 86_400 * NS_PER_S])
def test_what_the_network_bunches_together_still_fits(per_ns: int) -> None:
    """The first arrive as late as may be, those that took their place at once."""
    bench = Bench(plain(3, per_ns))
    for number in range(6):
        bench.submit(number, X)
    bench.run_until_idle()
    lateness_ns = min(per_ns // 20, NS_PER_S // 10)
    arrivals = [(t + lateness_ns, 1) for t, _ in bench.taken["x"][:3]] + bench.taken["x"][3:]
    assert heaviest_window(arrivals, per_ns) <= 3


@settings(max_examples=200)
@given(
    phase=st.fractions(0, 1, max_denominator=97),
    aligned=st.booleans(),
    asks=st.lists(st.tuples(st.fractions(0, 1, max_denominator=50), st.integers(0, 15)), max_size=40),
)
def test_what_others_use_of_a_shared_address_is_left_to_them(
    phase: Any, aligned: bool, asks: list[tuple[Any, int]]
) -> None:
    """What we take never takes the exchange's count past the limit, if others stand still meanwhile."""
    per_ns, weight = MINUTE_NS, 50
    limit = RateLimit(name="x", weight=weight, per_ns=per_ns, aligned=aligned, reserve=0, pace_above=1)
    bench = Bench(limit)
    offset_ns = 0 if aligned else int(phase * per_ns)
    window, count = -1, 0
    for delay, others in asks:
        bench.clock.advance(int(delay * per_ns))
        now_ns = bench.clock.now_ns()
        if (now_ns + offset_ns) // per_ns != window:
            window, count = (now_ns + offset_ns) // per_ns, 0
        count += others
        bench.limiter.observe("x", count, now_ns)
        while bench.try_take(X):
            count += 1
            assert count <= weight
            bench.limiter.observe("x", count, now_ns + 1)


@given(
    weight=st.integers(5, 12),
    per_ns=st.integers(1, 50),
    asks=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=40),
)
def test_a_plain_limit_is_served_in_order_and_as_soon_as_it_allows(
    weight: int, per_ns: int, asks: list[tuple[int, int]]
) -> None:
    bench = Bench(plain(weight, per_ns))
    hold_ns = Window(plain(weight, per_ns)).hold_ns
    for number, (delay_ns, ask) in enumerate(asks):
        bench.clock.advance(delay_ns)
        bench.submit((number, bench.clock.now_ns()), (("x", ask),))
    bench.run_until_idle()
    assert [number for number, _ in bench.labels] == list(range(len(asks)))
    taken = bench.taken["x"]
    for index, ((when_ns, ask), (_, asked_ns)) in enumerate(zip(taken, bench.labels, strict=True)):
        if when_ns > max([asked_ns, *(t for t, _ in taken[:index])]):
            # A nanosecond earlier it would not have fitted.
            recent = sum(w for t, w in taken[:index] if t + hold_ns > when_ns - 1)
            assert recent + ask > weight


def test_a_daily_limit_of_many_orders_is_kept_in_little_memory() -> None:
    day_ns = 86_400 * NS_PER_S
    limit = plain(160_000, day_ns)
    bench = Bench(limit)
    draw = random.Random(1)
    while bench.clock.now_ns() < bench.start_ns + 3 * day_ns:
        bench.clock.advance(draw.randint(1, 4 * NS_PER_S))
        for _ in range(draw.randint(1, 12)):
            bench.try_take(X)
    assert len(bench.limiter._windows["x"]._log) <= 258
    taken = [t for t, _ in bench.taken["x"]]
    assert all(late - early > day_ns for early, late in zip(taken, taken[160_000:], strict=False))
    assert len(taken) > 2.9 * 160_000, "and most of it is used"


# -- priorities ----------------------------------------------------------------------------------------

LIMIT = RateLimit(name="x", weight=100, per_ns=MINUTE_NS)


def test_the_last_part_is_kept_for_cancels_and_half_of_it_for_amendments() -> None:
    bench = Bench(attrs.evolve(LIMIT, pace_above=1))
    counts = {}
    for priority in reversed(Priority):
        counts[priority] = 0
        while bench.try_take(X, priority):
            counts[priority] += 1
    assert counts == {Priority.QUERY: 90, Priority.NEW: 0, Priority.AMEND: 5, Priority.CANCEL: 5}


def test_cancels_get_through_while_new_orders_starve() -> None:
    bench = Bench(attrs.evolve(LIMIT, pace_above=1))
    refused = 0
    for _ in range(600):
        bench.clock.advance(NS_PER_S // 2)
        while bench.try_take(X, Priority.NEW):
            pass
        # One cancel in seven seconds is what the reserve lasts for.
        if _ % 14 == 0:
            refused += not bench.try_take(X, Priority.CANCEL)
    assert refused == 0
    assert not bench.try_take(X, Priority.NEW)


def test_those_that_wait_go_by_priority_and_then_in_order() -> None:
    bench = Bench(plain(2, MINUTE_NS))
    assert bench.try_take((("x", 2),))
    for number in range(2):
        for priority in reversed(Priority):
            bench.submit((priority, number), X, priority)
    bench.run_until_idle()
    assert bench.labels == [(priority, number) for priority in Priority for number in range(2)]


def test_a_small_request_does_not_pass_a_large_one_that_waits() -> None:
    bench = Bench(plain(10, MINUTE_NS))
    bench.try_take((("x", 6),))
    bench.submit("large", (("x", 10),))
    bench.submit("small", X)
    assert not bench.try_take(X, Priority.QUERY), "nor one that does not want to wait"
    assert bench.try_take(X, Priority.CANCEL), "a cancel does"
    bench.run_until_idle()
    assert bench.labels == ["large", "small"]


def test_who_asked_first_goes_first_whatever_else_it_wants() -> None:
    bench = Bench(plain(1, MINUTE_NS, "x"), plain(9, MINUTE_NS, "y"))
    bench.try_take(X)
    for number in range(6):
        bench.submit(number, X if number % 3 else (("x", 1), ("y", 1)))
    bench.run_until_idle()
    assert bench.labels == list(range(6))


def test_who_waits_holds_up_nobody_who_wants_another_limit() -> None:
    bench = Bench(plain(1, MINUTE_NS, "x"), plain(1, MINUTE_NS, "y"), plain(9, MINUTE_NS, "z"))
    bench.try_take(X)
    bench.submit("x and y", (("x", 1), ("y", 1)), Priority.NEW)
    bench.submit("y", (("y", 1),), Priority.NEW)
    bench.submit("z", (("z", 1),), Priority.QUERY)
    assert bench.labels == ["z"]
    assert bench.used("y") == 0, "all of its limits or none"
    bench.run_until_idle()
    assert bench.labels == ["z", "x and y", "y"]


def test_orders_that_wait_for_one_limit_hold_up_no_question_for_the_sake_of_another() -> None:
    bench = Bench(plain(1, MINUTE_NS, "orders"), plain(10, MINUTE_NS, "weight"))
    order: Costs = (("orders", 1), ("weight", 4))
    bench.submit(0, order, Priority.NEW)
    bench.submit(1, order, Priority.NEW)
    for number in range(3):
        bench.submit(f"question {number}", (("weight", 1),), Priority.QUERY)
    assert bench.labels == [0, "question 0", "question 1"], "what the order needs is left to it"
    bench.run_until_idle()
    assert bench.labels[3:] == [1, "question 2"]


def test_queries_find_room_while_new_orders_take_all_they_can() -> None:
    bench = Bench(LIMIT)
    for number in range(10):
        bench.submit(number, X)
    for _ in range(2_400):
        bench.clock.advance(NS_PER_S // 10)
        while bench.try_take(X, Priority.NEW):
            pass
        if _ % 60 == 0:
            bench.submit(10 + _ // 60, X)
    assert len(bench.served) >= 45


# -- slowing down --------------------------------------------------------------------------------------


def test_a_burst_of_queries_is_spread_over_the_window_instead_of_standing_at_its_end() -> None:
    bench = Bench(LIMIT)
    for number in range(90):
        bench.submit(number, X)
    assert len(bench.served) == 46, "half of what they may use, and the one that passes it"
    bench.run_until_idle()
    gaps = [later - earlier for (earlier, _), (later, _) in zip(bench.served, bench.served[1:], strict=False)]
    assert max(gaps) <= 1.5 * NS_PER_S
    assert bench.served[-1][0] - bench.start_ns <= 61 * NS_PER_S


def test_new_orders_are_slowed_down_later_than_queries() -> None:
    bench = Bench(LIMIT)
    while bench.try_take(X):
        pass
    queries = bench.used()
    while bench.try_take(X, Priority.NEW):
        pass
    assert (queries, bench.used()) == (46, 68)
    bench.clock.advance(3 * NS_PER_S)
    assert bench.try_take(X, Priority.NEW)
    assert not bench.try_take(X, Priority.NEW)


# -- what the exchange says ------------------------------------------------------------------------------


def test_a_higher_count_of_the_exchange_holds_at_once_and_until_its_window_has_passed() -> None:
    bench = Bench(plain(100, MINUTE_NS))
    bench.limiter.observe("x", 98, bench.clock.now_ns())
    assert bench.used() == 98
    assert bench.try_take((("x", 2),))
    assert not bench.try_take(X)
    bench.clock.advance(MINUTE_NS)
    assert not bench.try_take(X)
    bench.clock.advance(NS_PER_S)
    assert bench.used() == 0


def test_an_aligned_limit_forgets_what_others_used_when_its_window_turns() -> None:
    bench = Bench(attrs.evolve(plain(100, MINUTE_NS), aligned=True))
    bench.limiter.observe("x", 100, bench.clock.now_ns())
    turn_ns = (bench.start_ns // MINUTE_NS + 1) * MINUTE_NS
    bench.clock.advance_to(turn_ns)
    assert not bench.try_take(X), "its clock may be behind ours"
    bench.clock.advance(NS_PER_S)
    assert bench.try_take(X)


def test_what_was_taken_since_the_question_may_not_be_in_the_answer() -> None:
    bench = Bench(plain(100, MINUTE_NS))
    sent_ns = bench.clock.now_ns()
    bench.try_take(X)
    bench.clock.advance(NS_PER_S)
    bench.try_take((("x", 5),))
    bench.limiter.observe("x", 50, sent_ns)
    assert bench.used() == 55


def test_a_lower_count_holds_only_if_it_was_asked_for_after_the_higher_was_known() -> None:
    bench = Bench(plain(100, MINUTE_NS))
    early_ns = bench.clock.now_ns()
    bench.clock.advance(NS_PER_S)
    bench.limiter.observe("x", 80, bench.clock.now_ns())
    bench.limiter.observe("x", 20, early_ns)
    assert bench.used() == 80
    bench.clock.advance(NS_PER_S)
    bench.limiter.observe("x", 20, bench.clock.now_ns())
    assert bench.used() == 20


def test_what_we_took_stays_counted_whatever_the_exchange_says() -> None:
    bench = Bench(plain(100, MINUTE_NS))
    bench.try_take((("x", 70),))
    bench.clock.advance(NS_PER_S)
    bench.limiter.observe("x", 0, bench.clock.now_ns())
    assert bench.used() == 70


def test_a_lower_count_lets_go_who_waited_for_it() -> None:
    bench = Bench(plain(100, MINUTE_NS))
    bench.limiter.observe("x", 100, bench.clock.now_ns())
    bench.submit("a", X)
    bench.clock.advance(NS_PER_S)
    bench.limiter.observe("x", 30, bench.clock.now_ns())
    assert bench.labels == ["a"]
    assert bench.clock.next_timer_ns() is None


def test_more_than_the_limit_is_told() -> None:
    bench = Bench(plain(100, MINUTE_NS))
    bench.limiter.observe("x", 120, bench.clock.now_ns())
    assert bench.warnings == ["limit 'x': the exchange counts 120 of 100"]
    assert bench.limiter.usage()["x"].share == 1.2


def test_credit_gives_back_at_most_what_was_taken() -> None:
    bench = Bench(plain(10, MINUTE_NS))
    bench.try_take((("x", 10),))
    bench.submit("a", (("x", 3),))
    bench.limiter.credit("x", 2)
    assert not bench.served
    bench.limiter.credit("x", 1)
    assert bench.labels == ["a"]
    bench.limiter.credit("x", 1_000)
    assert bench.used() == 0


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.integers(1, 4), st.integers(0, 4), st.integers(0, 9)), max_size=40
    )
)
def test_whichever_tokens_a_credit_is_for_the_others_stay_within_the_limit(asks: Any) -> None:
    """The exchange forgets any that it counts; the limit holds for those that it still does."""
    bench = Bench(plain(8, 50))
    counted: list[tuple[int, int]] = []
    for delay_ns, ask, credit, which in asks:
        bench.clock.advance(delay_ns)
        now_ns = bench.clock.now_ns()
        if bench.try_take((("x", ask),)):
            counted.append((now_ns, ask))
        recent = [index for index, (t, _) in enumerate(counted) if now_ns - t <= 50]
        if recent:
            index = recent[which % len(recent)]
            t, taken = counted[index]
            given_back = min(credit, taken)
            bench.limiter.credit("x", given_back)
            counted[index] = (t, taken - given_back)
        assert heaviest_window(counted, 50) <= 8


def test_a_limit_that_the_exchange_announces_holds_from_then_on() -> None:
    bench = Bench(LIMIT)
    bench.limiter.configure("x", 10)
    bench.limiter.configure("x", 10)
    assert bench.warnings == ["limit 'x' is 10 now, was 100"]
    assert bench.limiter.usage()["x"].weight == 10
    count = 0
    while bench.try_take(X, Priority.CANCEL):
        count += 1
    assert count == 10
    bench.submit("too large", (("x", 10),))
    assert bench.dropped == [
        ("too large", "it costs 10 of limit 'x', of which query may never use more than 9")
    ]


def test_a_limit_can_be_added_and_an_added_one_stays_as_it_is() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="limit 'x' is none of"):
        bench.limiter.try_take(X, Priority.CANCEL)
    bench.limiter.add(plain(3, MINUTE_NS))
    bench.limiter.add(plain(30, MINUTE_NS))
    assert [bench.limiter.try_take(X, Priority.CANCEL) for _ in range(4)] == [True, True, True, False]


def test_who_waits_for_more_than_a_limit_now_is_is_dropped() -> None:
    bench = Bench(plain(10, MINUTE_NS))
    bench.try_take((("x", 10),))
    bench.submit("large", (("x", 8),))
    bench.submit("small", X)
    bench.limiter.configure("x", 5)
    assert [label for label, _ in bench.dropped] == ["large"]
    bench.run_until_idle()
    assert bench.labels == ["small"]


# -- blocks --------------------------------------------------------------------------------------------


def test_a_block_of_one_limit_exempts_what_does_not_name_it() -> None:
    bench = Bench(plain(10, MINUTE_NS, "x"), plain(10, MINUTE_NS, "y"))
    until_ns = bench.clock.now_ns() + 5 * NS_PER_S
    bench.limiter.block("x", until_ns)
    bench.limiter.block("x", until_ns - NS_PER_S)
    assert bench.limiter.usage()["x"].blocked_until_ns == until_ns
    assert not bench.try_take((("x", 1), ("y", 1)), Priority.CANCEL)
    assert bench.try_take((("y", 1),))
    bench.limiter.block(None, until_ns)
    assert not bench.try_take((("y", 1),), Priority.CANCEL)
    assert not bench.limiter.try_take((), Priority.CANCEL), "nor what names no limit"
    bench.submit("waits", X, Priority.CANCEL)
    bench.clock.advance_to(until_ns - 1)
    assert not bench.served
    bench.clock.advance_to(until_ns)
    assert bench.labels == ["waits"]
    assert bench.limiter.usage()["x"].blocked_until_ns == 0


def test_after_a_block_it_comes_back_gently() -> None:
    bench = Bench(LIMIT)
    bench.limiter.block("x", bench.clock.now_ns() + NS_PER_S)
    for number in range(300):
        bench.submit(number, X, Priority.NEW)
    bench.submit("cancel", X, Priority.CANCEL)
    bench.clock.advance(11 * NS_PER_S)
    assert len(bench.served) == 1 + 15, "a ninetieth of the window for each"
    assert bench.labels[0] == "cancel"
    bench.clock.advance(100 * NS_PER_S)
    assert bench.try_take(X, Priority.CANCEL)


def test_what_comes_back_during_a_block_is_no_burst_after_it() -> None:
    bench = Bench(LIMIT)
    for _ in range(60):
        assert bench.try_take(X, Priority.CANCEL)
        bench.clock.advance(NS_PER_S // 2)
    bench.limiter.block("x", bench.clock.now_ns() + 31 * NS_PER_S)
    bench.clock.advance(31 * NS_PER_S)
    taken = 0
    for _ in range(100):
        taken += bench.try_take(X, Priority.NEW)
        bench.clock.advance(NS_PER_S // 10)
    assert 10 <= taken <= 16


def test_without_a_time_refusals_keep_away_for_ever_longer() -> None:
    bench = Bench(plain(10, MINUTE_NS))
    waits = []
    for _ in range(4):
        waits.append(bench.limiter.refused("x", first_ns=NS_PER_S) // NS_PER_S)
        assert bench.limiter.refused("x", first_ns=NS_PER_S) // NS_PER_S == waits[-1], "was under way"
        bench.clock.advance(waits[-1] * NS_PER_S)
    assert waits == [1, 2, 4, 8]
    bench.clock.advance(601 * NS_PER_S)
    assert bench.limiter.refused("x", first_ns=NS_PER_S) == NS_PER_S, "long ago, and forgiven"
    bench.clock.advance(NS_PER_S)
    assert bench.limiter.refused("x", wait_ns=7 * NS_PER_S) == 7 * NS_PER_S, "the exchange says it itself"


# -- waiting -------------------------------------------------------------------------------------------


def test_a_deadline_drops_what_waits_wherever_it_stands() -> None:
    bench = Bench(plain(1, MINUTE_NS))
    now_ns = bench.clock.now_ns()
    bench.try_take(X)
    bench.submit("first", X)
    bench.submit("second", X, deadline_ns=now_ns + 5)
    bench.submit("third", X)
    bench.submit("too late already", X, deadline_ns=now_ns)
    assert [label for label, _ in bench.dropped] == ["too late already"]
    bench.clock.advance(4)
    assert len(bench.dropped) == 1
    bench.clock.advance(1)
    assert bench.dropped[1] == ("second", "its turn did not come before its deadline")
    bench.run_until_idle()
    assert bench.labels == ["first", "third"]


def test_who_withdraws_at_the_front_does_not_hold_up_those_behind() -> None:
    bench = Bench(plain(10, MINUTE_NS))
    bench.try_take((("x", 6),))
    heavy = bench.submit("heavy", (("x", 10),))
    light = bench.submit("light", (("x", 4),))
    assert not light.done
    assert heavy.withdraw()
    assert not heavy.withdraw()
    assert light.done
    assert not light.withdraw()
    assert bench.labels == ["light"]
    assert bench.clock.next_timer_ns() is None


def test_the_queue_is_bounded_and_drops_the_newest_of_what_matters_least() -> None:
    bench = Bench(plain(1, MINUTE_NS), max_waiting=3)
    bench.try_take(X)
    for label, priority in [
        ("query 1", Priority.QUERY),
        ("query 2", Priority.QUERY),
        ("new", Priority.NEW),
        ("query 3", Priority.QUERY),
        ("cancel 1", Priority.CANCEL),
        ("amend", Priority.AMEND),
        ("cancel 2", Priority.CANCEL),
        ("late new", Priority.NEW),
    ]:
        bench.submit(label, X, priority)
    assert [label for label, _ in bench.dropped] == ["query 3", "query 2", "query 1", "new", "late new"]
    bench.run_until_idle()
    assert bench.labels == ["cancel 1", "cancel 2", "amend"]


def test_what_is_served_may_ask_again() -> None:
    bench = Bench(plain(3, MINUTE_NS))
    bench.try_take((("x", 3),))

    def again(left: int) -> Callable[[], None]:
        def go() -> None:
            bench.served.append((bench.clock.now_ns(), left))
            if left:
                bench.limiter.submit(X, Priority.NEW, again(left - 1), dropped=pytest.fail)

        return go

    bench.limiter.submit(X, Priority.NEW, again(5), dropped=pytest.fail)
    bench.submit("query", X)
    bench.run_until_idle()
    assert bench.labels == [5, 4, 3, 2, 1, 0, "query"]


def test_one_that_fails_does_not_hold_up_those_behind() -> None:
    bench = Bench(plain(2, MINUTE_NS))
    bench.try_take((("x", 2),))

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("oops")

    bench.limiter.submit(X, Priority.NEW, fail, dropped=fail)
    bench.submit("next", X)
    bench.limiter.submit(X, Priority.NEW, fail, dropped=fail, deadline_ns=bench.clock.now_ns() + 1)
    bench.run_until_idle()
    assert bench.labels == ["next"]
    assert bench.warnings == [
        "bug: a request failed when it was dropped: ZeroDivisionError: oops",
        "bug: a request failed when it had its turn: ZeroDivisionError: oops",
    ]


def test_all_that_waits_can_be_dropped() -> None:
    bench = Bench(plain(1, MINUTE_NS))
    bench.try_take(X)
    for number, priority in enumerate(Priority):
        bench.submit(number, X, priority)
    bench.limiter.drop_all("closed")
    assert bench.dropped == [(number, "closed") for number in range(4)]
    assert bench.clock.next_timer_ns() is None


async def test_acquire_waits_its_turn() -> None:
    bench = Bench(plain(1, MINUTE_NS))
    await bench.limiter.acquire(X, Priority.QUERY)
    given_up = asyncio.ensure_future(bench.limiter.acquire(X, Priority.QUERY))
    waiting = asyncio.ensure_future(bench.limiter.acquire(X, Priority.QUERY))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait([given_up])
    bench.run_until_idle()
    await waiting
    late = bench.limiter.acquire(X, Priority.QUERY, deadline_ns=bench.clock.now_ns())
    with pytest.raises(TransportError, match="deadline") as caught:
        await late
    assert caught.value.sent is False


def test_an_unknown_limit_is_a_bug() -> None:
    bench = Bench(plain(1, 1, "weight"))
    for call in (
        lambda: bench.limiter.try_take(X, Priority.NEW),
        lambda: bench.submit("a", X),
        lambda: bench.limiter.observe("x", 1, 0),
        lambda: bench.limiter.block("x", 1),
    ):
        with pytest.raises(ValueError, match="limit 'x' is none of 'weight'"):
            call()


def test_two_accounts_share_what_the_exchange_counts_by_address() -> None:
    limits = [plain(10, MINUTE_NS), attrs.evolve(plain(10, MINUTE_NS, "orders"), scope="account")]
    first = Bench(*limits)
    second = Bench(*limits, shared=first.limiter)
    second.clock = first.clock
    costs = (("x", 1), ("orders", 1))
    assert first.try_take((("x", 9), ("orders", 9)))
    assert second.try_take(costs)
    assert not second.try_take(costs)
    assert second.used("orders") == 1
    second.limiter.block(None, second.clock.now_ns() + 1)
    assert first.limiter.usage()["x"].blocked_until_ns
    assert not first.limiter.usage()["orders"].blocked_until_ns
