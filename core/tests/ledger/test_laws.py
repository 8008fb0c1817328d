"""The same fills, payments and reports lead to the same figures, however they come."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.errors import DataError, UsageError
from hft.events import BalanceReport, Fill, Funding, PositionReport
from hft.instrument import Instrument, InstrumentId
from hft.ledger import Adjustment, DifferenceKind, Ledger, compare
from hft.ledger.checkpoint import VERSION
from hft.money import amount_to_decimal
from hft.types import InstrumentKind, Liquidity, PositionSide, Price, Side, Size

SPOT = Instrument(
    id=InstrumentId("BTC/USDT", "acme"),
    native_symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.001"),
)
PERPETUAL = attrs.evolve(
    SPOT, id=InstrumentId("BTC/USDT:USDT", "acme"), kind=InstrumentKind.PERPETUAL, tick_size=Decimal("0.05")
)
OTHER = attrs.evolve(
    PERPETUAL, id=InstrumentId("ETH/USDT:USDT", "other"), base="ETH", contract_multiplier=Decimal(7)
)
INSTRUMENTS = (SPOT, PERPETUAL, OTHER)
NS = 1_000_000_000


def make_fill(
    instrument: Instrument = SPOT,
    side: Side = Side.BUY,
    price: int = 10_000,
    size: int = 10,
    trade_id: str = "1",
    **changes: Any,
) -> Fill:
    fill = Fill(
        client_order_id="c",
        instrument=instrument,
        trade_id=trade_id,
        side=side,
        price=Price(price),
        size=Size(size),
        liquidity=Liquidity.TAKER,
        fee=Decimal(0),
        fee_asset="USDT",
    )
    return attrs.evolve(fill, **changes)


counts = st.integers(1, 10**9)
fees = st.decimals(-100, 100, places=8)
fills = st.builds(
    make_fill,
    st.sampled_from(INSTRUMENTS),
    st.sampled_from(Side),
    counts,
    counts,
    position_side=st.sampled_from(PositionSide),
    fee=fees,
    fee_asset=st.sampled_from(["USDT", "BTC", "BNB"]),
)
fundings = st.builds(
    Funding,
    instrument=st.sampled_from([PERPETUAL, OTHER]),
    payment_id=st.just(""),
    amount=fees,
    asset=st.just("USDT"),
)


@st.composite
def histories(draw: Callable[..., Any]) -> list[Fill | Funding]:
    """Fills and payments, each with an id of its own."""
    events = draw(st.lists(st.one_of(fills, fundings), max_size=15))
    return [
        attrs.evolve(event, trade_id=str(n))
        if isinstance(event, Fill)
        else attrs.evolve(event, payment_id=str(n))
        for n, event in enumerate(events)
    ]


def tell(ledger: Ledger, event: Fill | Funding) -> None:
    if isinstance(event, Fill):
        ledger.on_fill(event)
    else:
        ledger.on_funding(event)


def booked(events: list[Fill | Funding]) -> Ledger:
    ledger = Ledger()
    for event in events:
        tell(ledger, event)
    for instrument in INSTRUMENTS:
        ledger.mark(instrument, Decimal("91.0025"))
    return ledger


def figures(ledger: Ledger) -> Any:
    """All that may not depend on the order of events: cash, sizes, fees, funding, profit, exposure."""
    positions = {
        (view.instrument, view.position_side): (
            view.size,
            view.cash,
            view.fees,
            view.realized + view.unrealized,
        )
        for view in ledger.positions()
    }
    profit = {asset: ledger.figures(asset).profit for asset in ("USDT", "BTC", "BNB")}
    net = {asset: totals.net for asset, totals in ledger.totals().items()}
    return (
        positions,
        profit,
        net,
        ledger.figures("USDT").gross,
        [ledger.holding(each) for each in INSTRUMENTS],
    )


@settings(max_examples=150, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_of_the_same_events_gives_the_same_figures(events: list[Fill | Funding], roll: Any) -> None:
    shuffled = roll.sample(events, len(events))
    again = shuffled + roll.sample(events, len(events) // 2)
    assert figures(booked(events)) == figures(booked(shuffled))
    twice = booked(again)
    assert figures(twice) == figures(booked(events))
    assert twice.duplicates == len(events) // 2


@settings(max_examples=150, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_splitting_fills_changes_nothing(events: list[Fill | Funding], roll: Any) -> None:
    parts: list[Fill | Funding] = []
    for event in events:
        if isinstance(event, Fill) and event.size > 1:
            cut = roll.randrange(1, event.size)
            parts.append(attrs.evolve(event, size=Size(cut)))
            rest = Size(event.size - cut)
            parts.append(attrs.evolve(event, size=rest, trade_id=f"{event.trade_id}b", fee=Decimal(0)))
        else:
            parts.append(event)
    assert figures(booked(parts)) == figures(booked(events))
    whole, cut_up = booked(events), booked(parts)
    assert [view.realized for view in whole.positions()] == pytest.approx(
        [view.realized for view in cut_up.positions()], abs=Decimal("1e-40")
    )


@settings(max_examples=150, deadline=None)
@given(histories())
def test_whether_anybody_looks_at_the_running_totals_changes_nothing(events: list[Fill | Funding]) -> None:
    quiet, watched = Ledger(), Ledger()
    for step, event in enumerate(events):
        for ledger in (quiet, watched):
            tell(ledger, event)
            ledger.mark_mid(PERPETUAL, 7 * step)
            ledger.mark(SPOT, Decimal(step))
            ledger.roll_day(step // 3 * 86_400 * NS)
            if step % 5 == 4:
                ledger.reset_peaks()
        watched.figures("USDT")
    assert quiet.dump() == watched.dump()


@settings(max_examples=150, deadline=None)
@given(histories())
def test_running_totals_equal_the_sum_of_the_positions(events: list[Fill | Funding]) -> None:
    ledger = booked(events)
    for asset, totals in ledger.totals().items():
        assert amount_to_decimal(ledger.figures(asset).profit) == totals.net
    views = ledger.positions()
    gross = sum(
        abs(view.size)
        * Fraction(view.instrument.lot_size)
        * Fraction(view.instrument.contract_multiplier)
        * Fraction(view.mark)
        for view in views
    )
    assert Fraction(amount_to_decimal(ledger.figures("USDT").gross)) == gross
    open_value = sum(
        Fraction(view.unrealized)
        if view.instrument is not SPOT
        else view.size * Fraction(SPOT.lot_size) * Fraction(view.mark)
        for view in views
    )
    assert Fraction(amount_to_decimal(ledger.figures("USDT").open_value)) == open_value
    for instrument in INSTRUMENTS:
        assert ledger.position(instrument) == sum(
            ledger.position_of(instrument, side) for side in PositionSide
        )


@settings(max_examples=150, deadline=None)
@given(histories(), st.decimals(0, 10**6, places=8), st.integers(0, 14))
def test_what_is_loaded_is_what_was_dumped(events: list[Fill | Funding], balance: Decimal, cut: int) -> None:
    ledger = Ledger()
    ledger.roll_day(5 * 86_400 * NS)
    for event in events[:cut]:
        tell(ledger, event)
    ledger.on_balance(BalanceReport(exchange="acme", asset="USDT", total=balance, exchange_ns=7))
    ledger.adopt(OTHER, PositionSide.BOTH, Size(-3), Decimal("0.123456789"))
    ledger.roll_day(6 * 86_400 * NS)
    state = json.loads(json.dumps(ledger.dump()))
    restored = Ledger()
    restored.load(state, INSTRUMENTS)
    assert restored.dump() == ledger.dump()
    # It also goes on as the other does, and knows what was booked.
    for each in (ledger, restored):
        each.roll_day(6 * 86_400 * NS + 5)
        for event in events:
            tell(each, event)
        for instrument in INSTRUMENTS:
            each.mark(instrument, Decimal(95))
    assert figures(restored) == figures(ledger)
    assert restored.totals() == ledger.totals()
    assert restored.balances() == ledger.balances()
    assert restored.figures("USDT").opening == ledger.figures("USDT").opening
    assert restored.dump() == ledger.dump()


def test_what_this_run_does_not_trade_is_kept_and_counts_in_the_profit() -> None:
    ledger = booked([make_fill(SPOT, fee=Decimal("0.01")), make_fill(OTHER, Side.SELL, 100, trade_id="2")])
    ledger.on_funding(Funding(instrument=OTHER, payment_id="1", amount=Decimal("0.5"), asset="USDT"))
    profit = ledger.figures("USDT").profit
    middle = Ledger()
    middle.load(ledger.dump(), [SPOT])
    assert middle.figures("USDT").profit == profit
    assert [view.instrument for view in middle.accounts()] == [SPOT]
    last = Ledger()
    last.load(middle.dump(), INSTRUMENTS)
    assert figures(last) == figures(ledger)


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state | {"version": VERSION + 1},
        lambda state: state | {"day": "x"},
        lambda state: state | {"more": 1},
        lambda state: {key: value for key, value in state.items() if key != "assets"},
        lambda state: json.loads(json.dumps(state).replace('"0.010"', '"0.0105"')),
        lambda state: json.loads(json.dumps(state).replace('"buy"', '"bid"')),
        lambda state: json.loads(json.dumps(state).replace('"both"', '"none"')),
    ],
)
def test_a_damaged_checkpoint_is_refused(damage: Any) -> None:
    state = booked([make_fill()]).dump()
    with pytest.raises(DataError, match="checkpoint"):
        Ledger().load(damage(state), INSTRUMENTS)


def test_a_position_off_the_grid_of_today_is_refused_and_a_finer_grid_is_not() -> None:
    state = booked([make_fill(size=15)]).dump()
    with pytest.raises(DataError, match=r"position 0\.015 of the checkpoint does not fit"):
        Ledger().load(state, [attrs.evolve(SPOT, lot_size=Decimal("0.01"))])
    finer = attrs.evolve(SPOT, lot_size=Decimal("0.0005"), tick_size=Decimal("0.001"))
    ledger = Ledger()
    ledger.load(state, [finer])
    assert ledger.position(finer) == 30
    assert ledger.account(finer).average_price == 100


def test_a_ledger_in_use_takes_no_checkpoint() -> None:
    with pytest.raises(ValueError, match="new ledger"):
        booked([make_fill()]).load(Ledger().dump(), INSTRUMENTS)


# -- position sides, holdings, funding, adjustments ------------------------------------------------


def test_long_and_short_stand_side_by_side() -> None:
    ledger = Ledger()
    ledger.on_fill(make_fill(PERPETUAL, Side.BUY, 2_000, 10, "1", position_side=PositionSide.LONG))
    ledger.on_fill(make_fill(PERPETUAL, Side.SELL, 2_100, 4, "2", position_side=PositionSide.SHORT))
    ledger.mark(PERPETUAL, Decimal(102))
    assert ledger.position(PERPETUAL) == 6
    assert ledger.position_of(PERPETUAL, PositionSide.SHORT) == -4
    long, short = ledger.positions()
    assert (long.size, long.average_price, long.unrealized) == (10, 100, Decimal("0.02"))
    assert (short.size, short.average_price, short.unrealized) == (-4, 105, Decimal("0.012"))
    net = ledger.account(PERPETUAL)
    assert (net.size, net.average_price, net.unrealized) == (6, None, Decimal("0.032"))
    assert ledger.sides() == [(PERPETUAL, PositionSide.LONG), (PERPETUAL, PositionSide.SHORT)]
    ledger.on_fill(make_fill(PERPETUAL, Side.BUY, 2_100, 4, "3", position_side=PositionSide.SHORT))
    assert ledger.account(PERPETUAL).average_price == 100


def test_a_fee_in_the_base_currency_is_not_held() -> None:
    ledger = Ledger()
    ledger.on_fill(make_fill(size=1_000, fee=Decimal("0.001"), fee_asset="BTC"))
    assert ledger.position(SPOT) == 1_000
    assert ledger.holding(SPOT) == Decimal("0.999")
    assert ledger.holding(PERPETUAL) == 0
    ledger.on_fill(make_fill(PERPETUAL, size=5, fee=Decimal(1), fee_asset="BTC"))
    assert ledger.holding(PERPETUAL) == Decimal("0.005")


def test_funding_is_a_figure_of_its_own_and_in_the_net() -> None:
    ledger = Ledger()
    for payment_id, amount in (("1", "0.5"), ("2", "-0.2"), ("1", "0.5")):
        ledger.on_funding(
            Funding(instrument=PERPETUAL, payment_id=payment_id, amount=Decimal(amount), asset="USDT")
        )
    totals = ledger.totals()["USDT"]
    assert (totals.funding, totals.net, ledger.duplicates) == (Decimal("0.3"), Decimal("0.3"), 1)
    assert ledger.account(PERPETUAL).funding == {"USDT": Decimal("0.3")}
    assert ledger.account(PERPETUAL).realized == 0


def test_an_adopted_position_is_booked_at_its_price_and_marked() -> None:
    ledger = Ledger()
    ledger.on_fill(make_fill(PERPETUAL, Side.BUY, 2_000, 10))
    adjustment = ledger.adopt(PERPETUAL, PositionSide.BOTH, Size(-5), Decimal("101.003"), at_ns=9)
    assert adjustment == Adjustment(
        instrument=PERPETUAL,
        position_side=PositionSide.BOTH,
        before=Size(10),
        after=Size(-5),
        price=Decimal("101.003"),
        at_ns=9,
    )
    assert str(adjustment).startswith("BTC/USDT:USDT@acme: position adjusted from 0.010 to -0.005 at 101.003")
    view = ledger.account(PERPETUAL)
    assert (view.size, view.adjusted, view.average_price) == (-5, -15, Decimal("101.003"))
    assert view.realized == Decimal("0.01003")
    assert ledger.adjustments == [adjustment]
    assert ledger.adopt(PERPETUAL, PositionSide.BOTH, Size(-5), Decimal(1)) is None


# -- balances --------------------------------------------------------------------------------------


def report(total: str, at_ns: int = 0, asset: str = "USDT") -> BalanceReport:
    return BalanceReport(exchange="acme", asset=asset, total=Decimal(total), exchange_ns=at_ns)


def total_of(ledger: Ledger, asset: str = "USDT") -> Decimal | None:
    balance = ledger.balance("acme", asset)
    return None if balance is None else amount_to_decimal(balance)


def test_a_balance_is_what_was_reported_and_what_we_traded_since() -> None:
    ledger = Ledger()
    assert total_of(ledger) is None
    ledger.on_balance(report("100"))
    ledger.on_balance(report("1", asset="BTC"))
    ledger.on_fill(make_fill(size=10, fee=Decimal("0.001"), fee_asset="BTC"))  # 0.01 BTC for 1 USDT
    ledger.on_fill(make_fill(PERPETUAL, Side.BUY, 2_000, 10, "2", fee=Decimal("0.1")))
    assert (total_of(ledger), total_of(ledger, "BTC")) == (Decimal("98.9"), Decimal("1.009"))
    ledger.on_fill(make_fill(PERPETUAL, Side.SELL, 2_020, 4, "3"))  # 4 lots that gained 1 USDT
    assert total_of(ledger) == Decimal("98.904")
    ledger.on_funding(Funding(instrument=PERPETUAL, payment_id="1", amount=Decimal("-0.004"), asset="USDT"))
    ledger.on_funding(Funding(instrument=OTHER, payment_id="1", amount=Decimal(5), asset="USDT"))
    assert total_of(ledger) == Decimal("98.9")
    ledger.on_balance(report("98.5"))
    assert total_of(ledger) == Decimal("98.5")


@settings(deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.integers(1, 20), st.integers(0, 12))
def test_a_report_has_what_the_exchange_booked_until_its_time_whenever_it_arrives(
    times: list[int], stated_ns: int, position: int
) -> None:
    ledger = Ledger()
    events: list[Fill | BalanceReport] = [
        make_fill(size=n + 1, trade_id=str(n), exchange_ns=ns) for n, ns in enumerate(times)
    ]
    stated = 1_000 - sum(n + 1 for n, ns in enumerate(times) if ns <= stated_ns)
    events.insert(min(position, len(events)), report(str(Decimal(stated) / 10), stated_ns))
    for event in events:
        if isinstance(event, Fill):
            ledger.on_fill(event)
        else:
            ledger.on_balance(event)
    assert total_of(ledger) == Decimal(1_000 - sum(range(1, len(times) + 1))) / 10


def test_a_report_older_than_the_last_is_refused() -> None:
    ledger = Ledger()
    assert ledger.on_balance(report("100", 10))
    assert not ledger.on_balance(report("90", 9))
    assert total_of(ledger) == 100
    assert ledger.on_balance(report("80", 10))


@pytest.mark.parametrize("known", [True, False])
def test_of_many_flows_the_newest_hundred_are_kept_apart_and_all_count(known: bool) -> None:
    ledger = Ledger()
    if known:
        ledger.on_balance(report("1000", 1))
    for number in range(1_050):
        payment = Funding(
            instrument=PERPETUAL,
            payment_id=str(number),
            amount=Decimal(1),
            asset="USDT",
            exchange_ns=10 + number,
        )
        ledger.on_funding(payment)
        if known:
            assert total_of(ledger) == 1_001 + number
    copy = Ledger()
    copy.load(ledger.dump(), [PERPETUAL])
    for each in (ledger, copy):
        assert total_of(each) == (2_050 if known else None)
        each.on_balance(report("5000", 10 + 949))
        assert total_of(each) == 5_100, "a hundred came after it"


@pytest.mark.parametrize("is_late", [True, False])
def test_a_report_may_or_may_not_have_what_happened_in_its_own_millisecond(is_late: bool) -> None:
    """Exchanges tell time in milliseconds, in which a fill and a payment may both happen."""
    ledger = Ledger()
    ledger.on_balance(report("100", 1))
    paid = Funding(instrument=PERPETUAL, payment_id="1", amount=Decimal(-3), asset="USDT", exchange_ns=5)
    if not is_late:
        ledger.on_funding(paid)
    ledger.on_fill(make_fill(size=10, exchange_ns=5))  # for 1 USDT
    ledger.on_balance(report("99", 5))
    if is_late:
        ledger.on_funding(paid)
    assert total_of(ledger) == 99, "nothing says that it is not in it"
    copy = Ledger()
    copy.load(ledger.dump(), [SPOT, PERPETUAL])
    for each in (ledger, copy):
        assert compare(each, [], [report("96", 6)]) == [], "it was not"
        assert compare(each, [], [report("99", 6)]) == []
        assert len(compare(each, [], [report("97", 6)])) == 1
    ledger.on_balance(report("96", 6))
    assert len(compare(ledger, [], [report("93", 7)])) == 1, "this one has it for sure"


def test_what_a_fill_moved_in_the_wallet_is_what_the_exchange_says() -> None:
    """How much a fill realized follows from those before it, of which one may become known last."""
    bought = make_fill(PERPETUAL, Side.BUY, 2_000, 10, "1", realized=Decimal(0))
    more = make_fill(PERPETUAL, Side.BUY, 2_100, 10, "2", realized=Decimal(0))
    sold = make_fill(PERPETUAL, Side.SELL, 2_100, 10, "3", realized=Decimal("0.025"))
    for fills in ([bought, more, sold], [bought, sold, more], [sold, more, bought]):
        ledger = Ledger()
        ledger.on_balance(report("100"))
        for fill in fills:
            ledger.on_fill(fill)
        assert total_of(ledger) == Decimal("100.025")


def test_balances_of_all_accounts_add_up() -> None:
    ledger = Ledger()
    assert ledger.balance_over_all("USDT") is None
    ledger.on_balance(report("100"))
    ledger.on_balance(BalanceReport(exchange="other", asset="USDT", total=Decimal(11)))
    assert amount_to_decimal(ledger.balance_over_all("USDT") or 0) == 111
    assert [(view.exchange, view.total) for view in ledger.balances()] == [("acme", 100), ("other", 11)]


def test_each_wallet_of_an_account_has_its_own_flows_and_they_add_up() -> None:
    ledger = Ledger()
    ledger.wallet_of = lambda instrument: instrument.kind.value
    spot = attrs.evolve(report("100", 1), wallet="spot")
    ledger.on_balance(spot)
    ledger.on_balance(attrs.evolve(report("50", 1), wallet="perpetual"))
    ledger.on_fill(make_fill(size=10, exchange_ns=2))  # 0.01 BTC for 1 USDT
    ledger.on_funding(
        Funding(instrument=PERPETUAL, payment_id="1", amount=Decimal(-2), asset="USDT", exchange_ns=2)
    )
    assert [(view.wallet, view.total) for view in ledger.balances()] == [("spot", 99), ("perpetual", 48)]
    assert total_of(ledger) == 147
    assert amount_to_decimal(ledger.balance_over_all("USDT") or 0) == 147
    assert compare(ledger, [], [attrs.evolve(spot, total=Decimal(99), exchange_ns=2)]) == []
    (moved,) = compare(ledger, [], [attrs.evolve(spot, total=Decimal(147), exchange_ns=2)])
    assert str(moved) == (
        "balance of USDT@acme (spot) is 99 in the ledger and 147 at the exchange, which has +48"
    )
    copy = Ledger()
    copy.load(ledger.dump(), [SPOT, PERPETUAL])
    assert copy.balances() == ledger.balances()


# -- what differs ------------------------------------------------------------------------------------


def test_what_differs_is_named_exactly_and_nothing_is_changed() -> None:
    ledger = Ledger()
    ledger.on_balance(report("100", 5))
    ledger.on_fill(make_fill(PERPETUAL, size=10, trade_id="1", exchange_ns=6))
    ledger.on_fill(make_fill(OTHER, size=3, trade_id="2"))
    before = ledger.dump()
    differences = compare(
        ledger,
        [PositionReport(instrument=PERPETUAL, size=Size(12))],
        [report("99.5", 7), report("5", 7, "BNB")],
        complete=["acme"],
    )
    assert [str(each) for each in differences] == [
        "position of BTC/USDT:USDT@acme is 0.010 in the ledger and 0.012 at the exchange, which has +0.002",
        "balance of USDT@acme is 100 in the ledger and 99.5 at the exchange, which has -0.5",
    ]
    assert [each.kind for each in differences] == [DifferenceKind.POSITION, DifferenceKind.BALANCE]
    (flat,) = compare(ledger, [PositionReport(instrument=PERPETUAL, size=Size(10))], [], complete=["other"])
    assert (flat.instrument, flat.theirs, flat.amount, flat.report) == (OTHER, 0, Decimal("-0.003"), None)
    assert compare(ledger, [], []) == []
    assert compare(ledger, [], [report("99.9999", 7)], tolerance=Decimal("0.0001")) == []
    assert ledger.dump() == before


def test_a_balance_is_compared_as_it_was_at_the_time_of_the_report() -> None:
    ledger = Ledger()
    ledger.on_balance(report("100", 5))
    ledger.on_fill(make_fill(size=10, exchange_ns=20))  # paid 1 USDT, after the report below
    assert compare(ledger, [], [report("100", 10)]) == []
    assert len(compare(ledger, [], [report("100", 20)])) == 1


def test_spot_has_no_positions_at_an_exchange() -> None:
    ledger = booked([make_fill()])
    assert compare(ledger, [], [], complete=["acme"]) == []


# -- days and marks ----------------------------------------------------------------------------------


def test_a_day_begins_once_and_at_the_time_that_was_chosen() -> None:
    day = 86_400 * NS
    ledger = Ledger(day_start_ns=8 * 3_600 * NS)
    start = 20_000 * day + 8 * 3_600 * NS
    assert ledger.roll_day(start) == start + day
    tell(ledger, Funding(instrument=PERPETUAL, payment_id="1", amount=Decimal(3), asset="USDT"))
    for now_ns, opening in ((start + day - 1, 0), (start - day, 0), (start + day, 3), (start + day + 1, 3)):
        ledger.roll_day(now_ns)
        assert amount_to_decimal(ledger.figures("USDT").opening) == opening


def test_marking_by_the_middle_of_a_book_is_exact_and_says_whether_it_matters() -> None:
    ledger = Ledger()
    assert not ledger.mark_mid(SPOT, 20_001)
    assert ledger.accounts() == []
    ledger.on_fill(make_fill())
    assert ledger.mark_mid(SPOT, 20_003)
    assert not ledger.mark_mid(SPOT, 20_003)
    assert (ledger.account(SPOT).mark, ledger.account(SPOT).unrealized) == (
        Decimal("100.015"),
        Decimal("0.00015"),
    )
    ledger.on_fill(make_fill(side=Side.SELL, trade_id="2"))
    assert not ledger.mark_mid(SPOT, 30_000)


def test_a_grid_finer_than_amounts_is_refused() -> None:
    fine = attrs.evolve(SPOT, tick_size=Decimal("1e-26"), lot_size=Decimal("1e-26"))
    with pytest.raises(UsageError, match="finer than 52 digits"):
        Ledger().on_fill(make_fill(fine))
