"""A live run books each fill on the wallet that its instrument is paid from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hft import BalanceReport, Fill, Liquidity, Price, Secret, Side, Size
from hft.clock import SimulatedClock
from hft.latency import Trace
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.kernel import Kernel
from hft.testing.link import FakeLink, NotedEvents
from hft.testing.trading import make_instrument
from hft_binance import BinanceExecution, Config

PROFILE = Path(__file__).parents[1] / "profiles" / "capture.yaml"


def test_a_fill_moves_the_wallet_that_the_exchange_takes_it_from() -> None:
    clock = SimulatedClock()
    kernel = Kernel(
        read_profile(PROFILE, Registry()),
        clock,
        run_id="test",
        trace=Trace(clock.now_ns),
        write=lambda _: None,
        warn=lambda *_: None,
    )
    config = Config(key=Secret("key"), secret=Secret("secret"))
    spot = make_instrument(exchange="binance")
    kernel.wire([spot], {"binance": BinanceExecution(config, NotedEvents(), FakeLink("binance"))})
    for wallet in ("spot", "usdm"):
        kernel.ledger.on_balance(
            BalanceReport(exchange="binance", wallet=wallet, asset="USDT", total=Decimal(100), exchange_ns=1)
        )
    fill = Fill(
        client_order_id="a",
        instrument=spot,
        trade_id="1",
        side=Side.BUY,
        price=Price(1_000),
        size=Size(10),
        liquidity=Liquidity.MAKER,
        fee=Decimal(0),
        fee_asset="USDT",
        exchange_ns=2,
    )
    paid = spot.notional(fill.price, fill.size)
    assert kernel.ledger.on_fill(fill)
    totals = {each.wallet: each.total for each in kernel.ledger.balances()}
    assert totals == {"spot": 100 - paid, "usdm": 100}
