"""The ledger against the plainest one: every figure is made anew from integers at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.events import BalanceReport, Fill, Funding
from hft.instrument import Instrument, InstrumentId
from hft.ledger import Ledger
from hft.money import amount_to_decimal, divide, product, to_amount
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
FINE = attrs.evolve(
    PERPETUAL,
    id=InstrumentId("FINE/USDT:USDT", "acme"),
    tick_size=Decimal("1e-18"),
    lot_size=Decimal("1e-18"),
)
COARSE = attrs.evolve(
    PERPETUAL, id=InstrumentId("COARSE/USDT:USDT", "acme"), tick_size=Decimal(1000), lot_size=Decimal("1e9")
)
INSTRUMENTS = (SPOT, PERPETUAL, FINE, COARSE)
ASSETS = ("USDT", "BTC", "BNB")
KEPT, TIES, MAX_COUNT = 100, 5, 2**62


@attrs.define
class Held:
    size: int = 0
    cost: int = 0
    realized: int = 0
    fees: dict[str, int] = attrs.field(factory=dict)

    def trade(self, signed: int, value: int) -> int:
        before, cost = self.size, self.cost
        self.size = after = before + signed
        if not before or (before > 0) is (signed > 0):
            self.cost += value
            return 0
        if not after:
            self.cost = 0
        elif (before > 0) is (after > 0):
            self.cost = divide(cost * after, before)
        else:
            self.cost = value // signed * after
        realized = self.cost - cost - value
        self.realized += realized
        return realized


@attrs.define
class Wallet:
    reported_ns: int = 0
    reported: int = 0
    total: int | None = None
    flows: list[tuple[int, int]] = attrs.field(factory=list)
    ties: list[int] = attrs.field(factory=list)

    def flow(self, amount: int, at_ns: int) -> None:
        if not amount:
            return
        if 0 < at_ns <= self.reported_ns:
            if at_ns == self.reported_ns:
                self.ties = [*self.ties, amount][-TIES:]
            return
        self.flows.append((at_ns, amount))
        if len(self.flows) == 2 * KEPT:
            del self.flows[:KEPT]
        if self.total is not None:
            self.total += amount

    def report(self, total: int, at_ns: int) -> None:
        if 0 < at_ns < self.reported_ns:
            return
        if at_ns == 0 or at_ns > self.reported_ns:
            self.ties = []
        ties = [amount for ns, amount in self.flows if ns == at_ns != 0]
        self.ties = (self.ties + ties)[-TIES:]
        self.flows = [flow for flow in self.flows if at_ns and flow[0] > at_ns]
        self.reported, self.reported_ns = total, max(at_ns, self.reported_ns)
        self.total = total + sum(amount for _, amount in self.flows)

    def totals_at(self, at_ns: int) -> list[int]:
        if self.total is None:
            return []
        totals = [self.total - sum(amount for ns, amount in self.flows if at_ns and ns > at_ns)]
        for tie in self.ties:
            totals += [each + tie for each in totals]
        return totals


class Reference:
    """Books what it is given, each event once."""

    def __init__(self) -> None:
        self.held: dict[tuple[Instrument, PositionSide], Held] = {}
        self.wallets: dict[str, Wallet] = {}
        self.funding = 0
        self.marks: dict[Instrument, int] = {}

    def on_fill(self, fill: Fill) -> None:
        instrument = fill.instrument
        lot = to_amount(product(instrument.lot_size, instrument.contract_multiplier))
        point = to_amount(product(instrument.tick_size, instrument.lot_size, instrument.contract_multiplier))
        signed = fill.side.sign * fill.size
        value = signed * fill.price * point
        self.marks.setdefault(instrument, fill.price * point)
        held = self.held.setdefault((instrument, fill.position_side), Held())
        moved = held.trade(signed, value)
        fee = to_amount(fill.fee)
        if fee:
            held.fees[fill.fee_asset] = held.fees.get(fill.fee_asset, 0) + fee
            self.flow(fill.fee_asset, -fee, fill.exchange_ns)
        if instrument is SPOT:
            self.flow(instrument.base, signed * lot, fill.exchange_ns)
            moved = -value
        elif fill.realized is not None:
            moved = to_amount(fill.realized)
        self.flow(instrument.settle, moved, fill.exchange_ns)

    def on_funding(self, funding: Funding) -> None:
        self.marks.setdefault(funding.instrument, 0)
        self.funding += to_amount(funding.amount)
        self.flow(funding.asset, to_amount(funding.amount), funding.exchange_ns)

    def on_balance(self, report: BalanceReport) -> None:
        self.wallets.setdefault(report.asset, Wallet()).report(to_amount(report.total), report.exchange_ns)

    def flow(self, asset: str, amount: int, at_ns: int) -> None:
        if amount:
            self.wallets.setdefault(asset, Wallet()).flow(amount, at_ns)

    def adopt(self, instrument: Instrument, side: PositionSide, size: int, price: Decimal) -> None:
        lot_price = to_amount(product(price, instrument.lot_size, instrument.contract_multiplier))
        self.marks.setdefault(instrument, lot_price)
        held = self.held.setdefault((instrument, side), Held())
        if size != held.size:
            held.trade(size - held.size, lot_price * (size - held.size))

    def figures(self, asset: str) -> tuple[int, int, int]:
        profit = self.funding if asset == "USDT" else 0
        gross = open_value = 0
        for (instrument, _), held in self.held.items():
            profit -= held.fees.get(asset, 0)
            if asset == "USDT":
                value = held.size * self.marks[instrument]
                profit += held.realized + value - held.cost
                gross += abs(held.size) * self.marks[instrument]
                open_value += value if instrument is SPOT else value - held.cost
        return profit, gross, open_value


sizes = st.one_of(st.integers(1, 9), st.integers(1, 10**6), st.integers(1, 2**66))
prices = st.one_of(st.integers(95, 105), st.integers(1, 10**7), st.integers(-5, 2**66))
sides = st.sampled_from([PositionSide.BOTH, PositionSide.BOTH, PositionSide.LONG])
times = st.integers(0, 20)
fills = st.builds(
    Fill,
    client_order_id=st.just("c"),
    instrument=st.sampled_from(INSTRUMENTS),
    trade_id=st.just(""),
    side=st.sampled_from(Side),
    price=prices.map(Price),
    size=sizes.map(Size),
    liquidity=st.just(Liquidity.MAKER),
    fee=st.one_of(st.just(Decimal(0)), st.decimals(-1, 1, places=12), st.sampled_from([Decimal("1e30")])),
    fee_asset=st.sampled_from(ASSETS),
    realized=st.one_of(st.none(), st.none(), st.decimals(-9, 9, places=4)),
    position_side=sides,
    exchange_ns=times,
)
fundings = st.builds(
    Funding,
    instrument=st.just(PERPETUAL),
    payment_id=st.just(""),
    amount=st.decimals(-1, 1, places=8),
    asset=st.just("USDT"),
    exchange_ns=times,
)
reports = st.builds(
    BalanceReport,
    exchange=st.just("acme"),
    asset=st.sampled_from(ASSETS),
    total=st.decimals(0, 10**6, places=8),
    exchange_ns=times,
)
adoptions = st.tuples(
    st.sampled_from(INSTRUMENTS), sides, st.integers(-99, 99).map(Size), st.decimals(1, 10**6, places=7)
)
anything = st.one_of(fills, fills, fills, fills, fundings, reports, adoptions, st.just("checkpoint"))


@st.composite
def histories(draw: Callable[..., Any]) -> list[Any]:
    """Events of every kind, most of them small fills of one instrument as a market maker has them."""
    events = draw(st.lists(anything, max_size=40))
    if draw(st.booleans()):
        only = draw(st.sampled_from(INSTRUMENTS))
        small = st.tuples(st.sampled_from(Side), st.integers(95, 105), st.integers(1, 9))
        for side, price, size in draw(st.lists(small, max_size=40)):
            fill = draw(fills)
            events.append(attrs.evolve(fill, instrument=only, side=side, price=Price(price), size=Size(size)))
    return events


@settings(max_examples=200, deadline=None)
@given(histories())
def test_the_ledger_says_what_plain_integers_say(events: list[Any]) -> None:
    ledger, reference = Ledger(), Reference()
    for number, event in enumerate(events):
        if isinstance(event, Fill):
            fill = attrs.evolve(event, trade_id=str(number))
            assert ledger.on_fill(fill)
            assert not ledger.on_fill(fill)
            reference.on_fill(fill)
        elif isinstance(event, Funding):
            assert ledger.on_funding(attrs.evolve(event, payment_id=str(number)))
            reference.on_funding(event)
        elif isinstance(event, BalanceReport):
            ledger.on_balance(event)
            reference.on_balance(event)
        elif isinstance(event, str):
            lots = [count for view in ledger.positions() for count in (view.size, view.adjusted)]
            if any(abs(count) >= MAX_COUNT for count in lots):
                continue  # too many for a checkpoint
            state = json.loads(json.dumps(ledger.dump()))
            ledger = Ledger()
            ledger.load(state, INSTRUMENTS)
        else:
            ledger.adopt(*event)
            reference.adopt(*event)
        if number % 3 == 0:
            compare(ledger, reference)
    compare(ledger, reference)


def compare(ledger: Ledger, reference: Reference) -> None:
    for asset in ASSETS:
        ours = ledger.figures(asset)
        assert (ours.profit, ours.gross, ours.open_value) == reference.figures(asset)
        wallet = reference.wallets.get(asset, Wallet())
        for at_ns in (0, 5, 10):
            assert ledger.balances_at("acme", "", asset, at_ns) == wallet.totals_at(at_ns)
    views = {(view.instrument, view.position_side): view for view in ledger.positions()}
    assert views.keys() == reference.held.keys()
    for key, held in reference.held.items():
        view = views[key]
        assert (to_amount(view.realized), view.size) == (held.realized, held.size)
        assert to_amount(view.cash) == held.realized - held.cost
        fees = {asset: to_amount(fee) for asset, fee in view.fees.items()}
        assert fees == held.fees
    kept = {each["asset"]: each for each in ledger.dump()["balances"]}
    for asset, wallet in reference.wallets.items():
        flows = [(ns, Decimal(amount)) for ns, amount in kept[asset]["flows"]]
        assert flows == [(ns, amount_to_decimal(amount)) for ns, amount in wallet.flows]
        assert [Decimal(tie) for tie in kept[asset]["ties"]] == [
            amount_to_decimal(amount) for amount in wallet.ties
        ]
