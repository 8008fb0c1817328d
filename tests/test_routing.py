"""A strategy that routes, from its profile to its fills, through the kernel's own wiring."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from hft import Instrument, OrderState, ParentOrder, ParentState, Price, Side, Size
from hft.clock import SimulatedClock
from hft.errors import ProfileError
from hft.latency import Trace
from hft.plugin.strategy import Trading
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.kernel import Kernel
from hft.testing.trading import make_instrument, set_book

STRATEGY = """
import attrs

from hft import Strategy, hookimpl

HFT_API = 1


@attrs.frozen(kw_only=True)
class Config:
    pass


class Sweep(Strategy[Config]):
    def on_start(self):
        self.parents = []

    def on_parent(self, parent):
        self.parents.append(parent.state)


@hookimpl
def hft_strategy():
    return Sweep
"""

PROFILE = """
name: sweep
mode: dry-run
{more}
exchanges:
  first: {{use: binance, paper: {{taker_fee: "0.001"}}}}
  second: {{use: binance, fees: {{taker: "0.0002"}}, paper: {{taker_fee: "0.001"}}}}
  simulated: {{use: binance, environment: simulator, paper: {{taker_fee: "0.0004"}}}}
strategies:
  sweep:
    use: ./sweep.py
    instruments: [BTC/USDT@first, BTC/USDT@second, BTC/USDT@simulated]
"""


class Run:
    """The kernel of the profile, its books as the test sets them."""

    def __init__(self, folder: Path, more: str = "") -> None:
        (folder / "sweep.py").write_text(STRATEGY)
        (folder / "profile.yaml").write_text(PROFILE.format(more=more))
        self.clock = SimulatedClock(1_700_000_000_000_000_000)
        self.kernel = Kernel(
            read_profile(folder / "profile.yaml", Registry(), environ={}),
            self.clock,
            run_id="test",
            trace=Trace(self.clock.now_ns),
            write=lambda _: None,
            warn=lambda *_: None,
        )
        instruments = [
            make_instrument(exchange=key, lot_size="0.001") for key in ("first", "second", "simulated")
        ]
        self.kernel.wire(instruments)
        self.kernel.start()
        for market in self.kernel.markets.values():
            set_book(market, [("99.00", "1")], [("100.00", "1")])

    @property
    def trading(self) -> Trading:
        return self.kernel.strategies[0].trading

    @property
    def instruments(self) -> list[Instrument]:
        return [market.instrument for market in self.kernel.markets.values()]

    def route(self, size: str, side: Side = Side.BUY) -> ParentOrder:
        deadline_ns = self.clock.now_ns() + 1_000_000_000
        parent = self.trading.route(self.instruments, side, Decimal(size), deadline_ns=deadline_ns)
        self.clock.advance(2_000_000_000)
        return parent


def test_fees_accounts_and_simulators_of_the_profile_decide_the_split(tmp_path: Path) -> None:
    run = Run(tmp_path)
    parent = run.route("1.5")
    # Two accounts have one book between them, the simulator has its own.
    assert [(child.instrument.exchange, child.size) for child in parent.children] == [
        ("second", 1000),
        ("simulated", 500),
    ]
    assert (parent.state, parent.filled) == (ParentState.FILLED, Decimal("1.5"))
    assert run.kernel.strategies[0].strategy.parents[-1] is ParentState.FILLED  # type: ignore[attr-defined]
    assert not run.kernel.faults
    assert run.kernel.summary(duration_s=1, frames=0, undecoded=0).open_orders_left == 0


def test_an_exchange_that_is_lost_is_left_out_until_it_is_back(tmp_path: Path) -> None:
    run = Run(tmp_path)
    manager = run.kernel.manager
    manager.on_lost("second", "the connection broke")
    assert [child.instrument.exchange for child in run.route("0.1").children] == ["simulated"]
    for market in run.kernel.markets.values():
        set_book(market, [], [("100.00", "1")])
    manager.on_ready("second")
    assert [child.instrument.exchange for child in run.route("0.1").children] == ["second"]


@pytest.mark.parametrize(
    ("more", "ask_state", "bid_state"),
    [
        ("", OrderState.NEW, OrderState.REJECTED),
        ("self_trade: refuse", OrderState.NEW, OrderState.REJECTED),
        ("self_trade: cancel-resting", OrderState.CANCELED, OrderState.REJECTED),
        ("self_trade: allow", OrderState.NEW, OrderState.NEW),
    ],
)
def test_self_trade_of_the_profile_decides_what_happens_to_orders_that_meet(
    tmp_path: Path, more: str, ask_state: OrderState, bid_state: OrderState
) -> None:
    run = Run(tmp_path, more)
    ask = run.trading.place(run.instruments[0], Side.SELL, Size(1), Price(9_950))
    run.clock.advance(20_000_000)
    bid = run.trading.place(run.instruments[0], Side.BUY, Size(1), Price(9_950))
    run.clock.advance(20_000_000)
    assert (ask.state, bid.state) == (ask_state, bid_state), bid.reason
    assert bid.reason.startswith("self-trade") is (bid_state is OrderState.REJECTED)


@pytest.mark.parametrize("rate", ["0.5", "-1", "NaN"])
def test_a_fee_that_is_no_fraction_is_a_fault_of_the_profile(tmp_path: Path, rate: str) -> None:
    (tmp_path / "sweep.py").write_text(STRATEGY)
    text = PROFILE.format(more="").replace('taker: "0.0002"', f'taker: "{rate}"')
    (tmp_path / "profile.yaml").write_text(text)
    with pytest.raises(ProfileError, match=r"exchanges\.second\.fees\.taker"):
        read_profile(tmp_path / "profile.yaml", Registry(), environ={})
