"""The panel: whatever the width of the terminal, no figure is cut short."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from hft.clock import SimulatedClock
from hft.latency import Trace
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.kernel import Kernel
from hft.run.panel import render_panel
from hft.testing.trading import make_instrument, set_book

PROFILE = Path(__file__).parents[1] / "profiles" / "capture.yaml"


def kernel_with_quotes() -> Kernel:
    clock = SimulatedClock()
    kernel = Kernel(
        read_profile(PROFILE, Registry()),
        clock,
        run_id="test",
        trace=Trace(clock.now_ns),
        write=lambda _: None,
        warn=lambda *_: None,
    )
    kernel.wire([make_instrument(exchange="binance")])
    kernel.start()
    market = next(iter(kernel.markets.values()))
    market.on_book(set_book(market, [("123456.78", "1")], [("123457.89", "1")]))
    clock.advance(10_000_000)
    return kernel


@pytest.mark.parametrize("columns", [80, 150])
def test_every_figure_stands_whole_in_one_line(columns: int) -> None:
    panel = render_panel(kernel_with_quotes(), 12.0, 3_456, 78.9)
    output = io.StringIO()
    Console(file=output, width=columns).print(panel)
    lines = output.getvalue().splitlines()
    for words in (
        ("BTC/USDT@binance", "LIVE", "123456.78", "123457.89", "1.11"),
        ("BTC/USDT@binance", "5 from 123456.83", "5 from 123457.84", "0.00000", "0.0000 USDT"),
    ):
        assert any(all(word in line for word in words) for line in lines), output.getvalue()
    assert "…" not in output.getvalue()
