"""Queue and latency models: their formulas by hand, their laws, and what a profile makes of them."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.book import new_book
from hft.clock import SimulatedClock
from hft.errors import UsageError
from hft.events import Fill, Funding, OrderReport
from hft.funding import FundingRate
from hft.market import Market
from hft.order import Order
from hft.paper import (
    LogQueue,
    PaperConfig,
    PaperExecution,
    PowerQueue,
    QueueModel,
    QueueModelName,
    RiskAverseQueue,
    new_funding_rates,
    new_latency_model,
    new_queue_model,
)
from hft.paper.funding import RecordedFunding
from hft.paper.latency import RecordedLatency
from hft.plugin.execution import ApprovedOrder, ExecutionEvents
from hft.types import BookState, Duration, InstrumentKind, OrderType, Price, Side, Size, TimeInForce

from .conftest import make_instrument

QUEUES = [RiskAverseQueue(), PowerQueue(3), PowerQueue(0.5), LogQueue(1.0)]


@pytest.mark.parametrize(
    ("queue", "ahead"),
    [
        # 30 ahead and 70 behind of 100; 20 vanish, 10 of them by trades.
        (RiskAverseQueue(), 30),
        (PowerQueue(1), 27),  # 0.7 of 10 stood behind
        (PowerQueue(2), 28.44828),  # 4900 / 5800 = 0.845 of 10
        (LogQueue(1.0), 25.53834),  # log(71) / (log(71) + log(31)) = 0.554 of 10: 30 - 4.46 = 25.54
    ],
)
def test_the_formula_by_hand(queue: QueueModel, ahead: float) -> None:
    assert queue.ahead(30, 100, 80, 10) == pytest.approx(ahead, abs=1e-5)


@pytest.mark.parametrize("queue", QUEUES)
def test_what_grows_moves_nobody(queue: QueueModel) -> None:
    assert queue.ahead(30, 100, 120, 0) == 30
    assert queue.ahead(0, 100, 50, 0) == 0


@pytest.mark.parametrize("queue", QUEUES)
@given(
    ahead=st.integers(0, 10**6) | st.floats(0, 10**6),
    before=st.integers(0, 10**7),
    shown=st.integers(0, 10**7),
    traded=st.integers(0, 10**6),
)
def test_nobody_falls_back_or_stands_behind_more_than_is_shown(
    queue: QueueModel, ahead: float, before: int, shown: int, traded: int
) -> None:
    assert 0 <= queue.ahead(ahead, before, shown, traded) <= min(ahead, shown)


def test_a_profile_names_its_queue() -> None:
    instrument = make_instrument()
    assert isinstance(new_queue_model(PaperConfig(), instrument), RiskAverseQueue)
    log = new_queue_model(PaperConfig(queue=QueueModelName.LOG), instrument)
    assert isinstance(log, LogQueue)
    assert log.lot == 0.001
    power = new_queue_model(PaperConfig(queue=QueueModelName.POWER, queue_power=Decimal("1.5")), instrument)
    assert isinstance(power, PowerQueue)
    assert power.exponent == 1.5


def test_drawn_latencies_have_the_median_that_was_set_and_repeat() -> None:
    config = PaperConfig(order_latency=Duration(1_000_000), latency_sigma=Decimal("0.5"))
    drawn, again = (
        [new_latency_model(config, base=Path(), random=random.Random(7)).request_ns(0) for _ in range(1)]
        for _ in range(2)
    )
    assert drawn == again
    model = new_latency_model(config, base=Path(), random=random.Random(7))
    many = sorted(model.request_ns(0) for _ in range(2001))
    assert many[0] > 0
    assert 950_000 < many[1000] < 1_050_000
    assert many[-1] > 3_000_000


def test_recorded_latencies_are_interpolated(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("sent_ns,arrived_ns,answered_ns\n2000,2030,2050\n1000,1010,1030\n")
    model = new_latency_model(PaperConfig(latencies="l.csv"), base=tmp_path, random=random.Random(1))
    assert isinstance(model, RecordedLatency)
    assert [model.request_ns(t) for t in (0, 1000, 1500, 2000, 9000)] == [10, 10, 20, 30, 30]
    assert [model.response_ns(t) for t in (0, 1010, 1520, 2030, 9000)] == [20, 20, 20, 20, 20]


@pytest.mark.parametrize(
    "text", ["", "a,b,c\n1,2,3", "sent_ns,arrived_ns,answered_ns\n", "sent_ns,arrived_ns,answered_ns\n3,2,4"]
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(UsageError, match=r"l\.csv"):
        new_latency_model(PaperConfig(latencies="l.csv"), base=tmp_path, random=random.Random(1))


def test_recorded_funding_is_that_of_the_instrument(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(
        "time_ns,symbol,rate\n300,BTC/USDT,-0.0003\n100,BTC/USDT,0.0001\n100,ETH/USDT,0.0002\n"
    )
    rates = new_funding_rates(PaperConfig(funding_rates="f.csv"), base=tmp_path)
    instrument = make_instrument()
    assert rates.after(instrument, 99) == FundingRate(100, "BTC/USDT", Decimal("0.0001"))
    assert rates.after(instrument, 100) == FundingRate(300, "BTC/USDT", Decimal("-0.0003"))
    assert rates.after(instrument, 300) is None


@pytest.mark.parametrize("text", ["", "x", "time_ns,symbol,rate\n1,BTC/USDT,nan", "time_ns,symbol,rate\n1,2"])
def test_what_are_no_rates_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(UsageError, match=r"f\.csv"):
        new_funding_rates(PaperConfig(funding_rates="f.csv"), base=tmp_path)


class Told(ExecutionEvents):
    def __init__(self) -> None:
        self.fundings: list[Funding] = []

    def on_report(self, report: OrderReport) -> None: ...

    def on_fill(self, fill: Fill) -> None: ...

    def on_funding(self, funding: Funding) -> None:
        self.fundings.append(funding)


def test_what_was_recorded_is_paid_at_the_mark_price() -> None:
    clock, told = SimulatedClock(), Told()
    instrument = make_instrument(kind=InstrumentKind.PERPETUAL)
    client = PaperExecution(PaperConfig(order_latency=Duration(0), response_latency=Duration(0)), told, clock)
    rates = RecordedFunding(
        [
            FundingRate(50, "BTC/USDT", Decimal("0.5")),
            FundingRate(50, "BTC/USDT", Decimal("0.01"), Decimal("60.25")),
            FundingRate(90, "BTC/USDT", Decimal("0.01")),
        ]
    )
    book = new_book(instrument)
    client.simulate(instrument, book, rates)
    book.set_level(Side.BUY, Price(100), Size(10))
    book.set_level(Side.SELL, Price(102), Size(10))
    book.state = BookState.LIVE
    order = Order(
        client_order_id="1",
        strategy="s",
        instrument=instrument,
        side=Side.SELL,
        size=Size(4),
        price=None,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
    )
    client.place(ApprovedOrder(order))
    clock.advance_to(100)
    # Short 4 lots of 0.001: at the mark of 60.25, then at 101 ticks of 0.5. Of two the later counts.
    assert [each.amount for each in told.fundings] == [Decimal("0.00241"), Decimal("0.00202")]


def test_longs_pay_shorts_at_whole_intervals() -> None:
    hour_ns = 3_600_000_000_000
    clock, told = SimulatedClock(hour_ns), Told()
    market = Market(make_instrument(kind=InstrumentKind.PERPETUAL))
    config = PaperConfig(funding_rate=Decimal("0.0001"))
    client = PaperExecution(config, told, clock)
    client.attach(market)
    market.book.set_level(Side.BUY, Price(100), Size(10))
    market.book.set_level(Side.SELL, Price(102), Size(10))
    market.book.state = BookState.LIVE
    clock.advance_to(8 * hour_ns)
    order = Order(
        client_order_id="1",
        strategy="s",
        instrument=market.instrument,
        side=Side.BUY,
        size=Size(4),
        price=None,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
    )
    client.place(ApprovedOrder(order))
    clock.advance_to(17 * hour_ns)
    (funding,) = told.fundings
    # 4 lots of 0.001 at the middle of 101 ticks of 0.5, at 0.01 %
    assert (funding.amount, funding.asset) == (Decimal("-0.0000202"), "USDT")
    assert funding.exchange_ns == 16 * hour_ns
