"""The ledger adds up to the last digit, whatever comes in whatever order."""

from __future__ import annotations

import enum
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.errors import UsageError
from hft.events import Fill
from hft.instrument import Instrument, InstrumentId
from hft.ledger import AssetTotals, Ledger, PositionView
from hft.types import InstrumentKind, Liquidity, Price, Side, Size

BUY, SELL = Side.BUY, Side.SELL


def make_instrument(symbol: str = "BTC/USDT", **changes: Any) -> Instrument:
    base, _, quote = symbol.partition("/")
    fields: dict[str, Any] = {
        "id": InstrumentId(symbol, "acme"),
        "native_symbol": symbol,
        "kind": InstrumentKind.SPOT,
        "base": base,
        "quote": quote,
        "settle": quote,
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.001"),
    }
    return Instrument(**(fields | changes))


BTC = make_instrument()
CONTRACT = make_instrument(
    "ETH/USDT",
    tick_size=Decimal("0.05"),
    lot_size=Decimal(1),
    contract_multiplier=Decimal("0.025"),
)
"""A linear contract for 0.025 ETH whose tick is not a power of ten."""


def make_fill(
    instrument: Instrument, trade_id: object, side: Side, price: int, size: int, fee: str = "0"
) -> Fill:
    return Fill(
        client_order_id="c1",
        instrument=instrument,
        trade_id=str(trade_id),
        side=side,
        price=Price(price),
        size=Size(size),
        liquidity=Liquidity.MAKER,
        fee=Decimal(fee),
        fee_asset="USDT",
    )


def booked(*trades: tuple[Side, int, int], instrument: Instrument = BTC) -> PositionView:
    """Book (side, price in ticks, size in lots) one after the other."""
    ledger = Ledger()
    for trade_id, (side, price, size) in enumerate(trades):
        ledger.on_fill(make_fill(instrument, trade_id, side, price, size))
    return ledger.account(instrument)


def value(view: PositionView) -> Fraction:
    """Return what the position is worth at the mark, by arithmetic of its own."""
    lot = Fraction(view.instrument.lot_size) * Fraction(view.instrument.contract_multiplier)
    return view.size * lot * Fraction(view.mark)


def assert_adds_up(view: PositionView) -> None:
    profit = Fraction(view.realized) + Fraction(view.unrealized) - sum(map(Fraction, view.fees.values()))
    assert profit == Fraction(view.cash) + value(view) - sum(map(Fraction, view.fees.values()))
    if not view.size:
        assert view.unrealized == 0
        assert view.average_price is None


# -- worked by hand ------------------------------------------------------------------------------
# One tick is 0.01 USDT and one lot 0.001 BTC, so a tick on a lot is 0.00001 USDT.


def test_opening_and_adding_averages() -> None:
    view = booked((BUY, 10_000, 10), (BUY, 10_300, 20))  # (10 x 100 + 20 x 103) / 30 = 102
    assert (view.size, view.average_price, view.realized) == (30, Decimal(102), Decimal(0))
    assert view.cash == Decimal("-3.06")


def test_a_partial_close_realizes_its_part_and_keeps_the_average() -> None:
    view = booked((BUY, 10_000, 10), (BUY, 10_300, 20), (SELL, 10_500, 12))
    assert (view.size, view.average_price) == (18, Decimal(102))
    assert view.realized == Decimal("0.036")  # 12 lots x 3 USDT


def test_a_turn_through_zero_realizes_all_and_opens_the_rest_at_the_fill() -> None:
    view = booked((BUY, 10_000, 10), (SELL, 10_500, 25))
    assert (view.size, view.average_price) == (-15, Decimal(105))
    assert view.realized == Decimal("0.05")
    view = booked((SELL, 10_500, 25), (BUY, 10_000, 30))
    assert (view.size, view.average_price) == (5, Decimal(100))
    assert view.realized == Decimal("0.125")


def test_a_short_gains_when_the_price_falls() -> None:
    ledger = Ledger()
    ledger.on_fill(make_fill(BTC, 1, SELL, 10_000, 10))
    ledger.mark(BTC, Decimal("99.995"))
    assert ledger.account(BTC).unrealized == Decimal("0.00005")


def test_flat_has_no_average_price() -> None:
    view = booked((BUY, 10_000, 3), (SELL, 10_100, 3))
    assert (view.size, view.average_price, view.realized, view.unrealized) == (0, None, Decimal("0.003"), 0)


def test_the_multiplier_counts() -> None:
    # 4 contracts of 0.025 ETH that gain 20 ticks of 0.05: 0.1 ETH x 1 USDT
    view = booked((BUY, 40_000, 4), (SELL, 40_020, 4), instrument=CONTRACT)
    assert view.realized == Decimal("0.1")


def test_an_average_that_no_decimal_holds_is_rounded_and_the_sum_is_not() -> None:
    opened = ((BUY, 10_000, 1), (BUY, 10_001, 2))
    assert booked(*opened).average_price == Decimal("100.00666666666667")  # 10000 2/3 ticks
    view = booked(*opened, (SELL, 10_001, 1), (SELL, 10_001, 1))
    # 2 lots gained a third of a tick, and the one left lost two thirds at the mark of 10000.
    assert abs(view.realized - Decimal(2) / 3 / 100_000) < Decimal("1e-17")
    assert view.realized + view.unrealized == 0


def test_fees_are_kept_by_asset_and_do_not_touch_the_position() -> None:
    ledger = Ledger()
    ledger.on_fill(make_fill(BTC, 1, BUY, 10_000, 10, fee="0.001"))
    ledger.on_fill(make_fill(BTC, 2, BUY, 10_000, 10, fee="-0.0004"))
    ledger.on_fill(attrs.evolve(make_fill(BTC, 3, BUY, 10_000, 10, fee="0.000005"), fee_asset="BTC"))
    view = ledger.account(BTC)
    assert view.fees == {"USDT": Decimal("0.0006"), "BTC": Decimal("0.000005")}
    assert (view.size, ledger.position(BTC)) == (30, 30)
    assert view.cash == Decimal(-3)


def test_an_asset_may_be_of_any_kind_of_text() -> None:
    class Asset(enum.StrEnum):
        BNB = "BNB"

    ledger = Ledger()
    ledger.on_fill(attrs.evolve(make_fill(BTC, 1, Side.BUY, 100, 1, "0.1"), fee_asset=Asset.BNB))
    assert ledger.totals()["BNB"].net == Decimal("-0.1")


def test_a_fill_is_booked_once() -> None:
    ledger = Ledger()
    fill = make_fill(BTC, "7", BUY, 10_000, 10, fee="0.001")
    ledger.on_fill(fill)
    ledger.on_fill(attrs.evolve(fill, recv_ns=5))
    ledger.on_fill(make_fill(CONTRACT, "7", BUY, 10_000, 10))  # another instrument may use the same id
    assert (ledger.position(BTC), ledger.position(CONTRACT), ledger.duplicates) == (10, 10, 1)
    assert ledger.account(BTC).fees == {"USDT": Decimal("0.001")}
    ledger.on_fill(make_fill(BTC, "7", SELL, 10_000, 10))  # the other side of a trade with ourselves
    assert (ledger.position(BTC), ledger.duplicates) == (0, 1)


@pytest.mark.parametrize("fee", [Decimal("NaN"), Decimal("1e-53"), None])
def test_a_fill_that_is_told_again_is_known_for_one_whatever_its_fee_is_then(fee: Any) -> None:
    ledger = Ledger()
    fill = make_fill(BTC, "7", BUY, 10_000, 10, fee="0.001")
    assert ledger.on_fill(fill)
    assert not ledger.on_fill(attrs.evolve(fill, fee=fee))
    assert (ledger.position(BTC), ledger.duplicates) == (10, 1)


def test_a_fee_that_cannot_be_added_exactly_books_nothing() -> None:
    ledger = Ledger()
    ledger.on_fill(make_fill(BTC, 1, BUY, 10_000, 10, fee="1e80"))
    with pytest.raises(ArithmeticError):
        ledger.on_fill(make_fill(BTC, 2, BUY, 10_000, 10, fee="1e-80"))
    assert ledger.position(BTC) == 10


def test_until_it_is_marked_the_first_fill_is_the_mark() -> None:
    ledger = Ledger()
    ledger.on_fill(make_fill(BTC, 1, BUY, 10_000, 10))
    assert (ledger.account(BTC).mark, ledger.account(BTC).unrealized) == (100, 0)
    ledger.mark(CONTRACT, Decimal(2000))
    ledger.on_fill(make_fill(CONTRACT, 1, BUY, 39_980, 4))  # at 1999
    assert ledger.account(CONTRACT).unrealized == Decimal("0.1")


def test_nothing_known_is_nothing_held() -> None:
    view = Ledger().account(BTC)
    assert (view.size, view.average_price, view.realized, view.unrealized, view.fees) == (0, None, 0, 0, {})
    assert Ledger().position(BTC) == 0
    assert Ledger().totals() == {}


def test_inverse_contracts_are_refused() -> None:
    inverse = make_instrument(inverse=True)
    ledger = Ledger()
    with pytest.raises(UsageError, match="BTC/USDT@acme: the ledger cannot book inverse contracts"):
        ledger.on_fill(make_fill(inverse, 1, BUY, 1, 1))
    with pytest.raises(UsageError):
        ledger.mark(inverse, Decimal(1))


def test_totals_are_by_asset() -> None:
    ledger = Ledger()
    euro = make_instrument("ETH/EUR")
    ledger.on_fill(make_fill(BTC, 1, BUY, 10_000, 10, fee="0.001"))
    ledger.on_fill(make_fill(BTC, 2, SELL, 10_100, 5, fee="0.001"))
    ledger.on_fill(make_fill(CONTRACT, 1, BUY, 40_000, 4, fee="0.002"))
    ledger.on_fill(attrs.evolve(make_fill(euro, 1, SELL, 10_000, 10, fee="0.5"), fee_asset="BNB"))
    ledger.mark(BTC, Decimal(102))
    ledger.mark(CONTRACT, Decimal(1990))
    assert ledger.totals() == {
        "USDT": AssetTotals(
            realized=Decimal("0.005"),  # 5 lots x 1 USDT
            unrealized=Decimal("-0.99"),  # 5 lots x 2 USDT, and 0.1 ETH that lost 10 USDT
            fees=Decimal("0.004"),
        ),
        "EUR": AssetTotals(),
        "BNB": AssetTotals(fees=Decimal("0.5")),
    }
    assert ledger.totals()["USDT"].net == Decimal("-0.989")
    assert [view.instrument for view in ledger.accounts()] == [BTC, CONTRACT, euro]


# -- laws ----------------------------------------------------------------------------------------

counts = st.one_of(st.integers(1, 50), st.integers(1, 2**62 - 1))
trades = st.lists(st.tuples(st.sampled_from(Side), counts, counts), min_size=1, max_size=12)
fees = st.decimals(places=12, min_value=Decimal(-1000), max_value=Decimal(10**12), allow_nan=False)
marks = st.decimals(places=18, min_value=Decimal(0), max_value=Decimal(10**17), allow_nan=False)


def twelve(values: st.SearchStrategy[Decimal]) -> st.SearchStrategy[list[Decimal]]:
    return st.lists(values, min_size=12, max_size=12)


instruments = st.sampled_from(
    [
        BTC,
        CONTRACT,
        make_instrument(tick_size=Decimal("1e-18"), lot_size=Decimal("1e-18")),
        make_instrument(tick_size=Decimal(1000), lot_size=Decimal("1e6")),
    ]
)


@given(
    instruments, trades, st.lists(fees, min_size=12, max_size=12), st.lists(marks, min_size=12, max_size=12)
)
@settings(max_examples=150, deadline=None)
def test_profit_is_cash_and_inventory_less_fees_at_every_step(
    instrument: Instrument,
    moves: list[tuple[Side, int, int]],
    paid: list[Decimal],
    prices: list[Decimal],
) -> None:
    ledger = Ledger()
    cash = Fraction(0)
    point = Fraction(instrument.point_value)
    for step, (side, price, size) in enumerate(moves):
        ledger.on_fill(attrs.evolve(make_fill(instrument, step, side, price, size), fee=paid[step]))
        ledger.mark(instrument, prices[step])
        cash -= side.sign * price * size * point
        view = ledger.account(instrument)
        assert_adds_up(view)
        assert Fraction(view.cash) == cash
        assert view.size == sum(s.sign * n for s, _, n in moves[: step + 1])
        assert view.fees.get("USDT", 0) == sum(paid[: step + 1])
        totals = ledger.totals()["USDT"]
        assert Fraction(totals.net) == cash + value(view) - sum(map(Fraction, paid[: step + 1]))


@given(trades, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_fills_changes_neither_cash_nor_position_nor_profit(
    moves: list[tuple[Side, int, int]], roll: Any
) -> None:
    fills = [make_fill(BTC, n, *move, fee="0.0123") for n, move in enumerate(moves)]
    shuffled = roll.sample(fills, len(fills))
    views = []
    for order in (fills, shuffled):
        ledger = Ledger()
        for fill in order:
            ledger.on_fill(fill)
        ledger.mark(BTC, Decimal("91071.705"))
        views.append(ledger.account(BTC))
    one, other = views
    assert (one.cash, one.size, one.fees) == (other.cash, other.size, other.fees)
    assert Fraction(one.realized) + Fraction(one.unrealized) == Fraction(other.realized) + Fraction(
        other.unrealized
    )


@given(trades)
@settings(max_examples=150, deadline=None)
def test_realized_is_that_of_exact_fractions_but_for_the_stated_rounding(
    moves: list[tuple[Side, int, int]],
) -> None:
    position, cost, realized = 0, Fraction(0), Fraction(0)
    partial_closes = 0
    for side, price, size in moves:
        signed = side.sign * size
        if position * signed >= 0:
            cost += price * signed
        else:
            closing = min(size, abs(position))
            average = cost / position
            realized += (price - average) * closing * (1 if position > 0 else -1)
            partial_closes = partial_closes + 1 if size < abs(position) else 0
            left = position + (closing if side is BUY else -closing)
            cost = average * left + price * (signed + position - left)
        position += signed
    view = booked(*moves)
    unit = Fraction(BTC.point_value) / 10**12
    error = abs(Fraction(view.realized) - realized * Fraction(BTC.point_value))
    assert view.size == position
    assert error <= partial_closes * unit / 2
    if view.average_price is not None:
        exact = cost / position * Fraction(BTC.tick_size)
        rounding = Fraction(BTC.tick_size) / 10**12
        assert abs(Fraction(view.average_price) - exact) <= rounding * (1 + Fraction(partial_closes, 2))
