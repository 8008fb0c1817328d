"""The hooks: what a plugin's module offers. Each is called once, at start, and returns a class."""

from __future__ import annotations

import argparse
from typing import Any

import pluggy

from hft.plugin.execution import ExecutionClient
from hft.plugin.market_data import MarketDataStream
from hft.plugin.risk import RiskRule
from hft.plugin.simulator import Simulator
from hft.plugin.strategy import Strategy

__all__ = ["API_VERSION", "hookimpl", "hookspec"]

API_VERSION = 1
"""The number of this set of hooks and interfaces; a plugin's module states the one it was written
for as ``HFT_API = 1``. It changes only when existing plugins must be changed."""

hookspec = pluggy.HookspecMarker("hft")
hookimpl = pluggy.HookimplMarker("hft")


@hookspec(firstresult=True)
def hft_market_data() -> type[MarketDataStream[Any]]:
    """Return the class that streams this exchange's public market data."""
    ...


@hookspec(firstresult=True)
def hft_execution() -> type[ExecutionClient[Any]]:
    """Return the class that trades on this exchange."""
    ...


@hookspec(firstresult=True)
def hft_simulator() -> type[Simulator[Any]]:
    """Return the class that plays this exchange on a local port."""
    ...


@hookspec(firstresult=True)
def hft_strategy() -> type[Strategy[Any]]:
    """Return the class of this strategy."""
    ...


@hookspec(firstresult=True)
def hft_risk_rule() -> type[RiskRule[Any]]:
    """Return the class of this risk rule."""
    ...


@hookspec
def hft_add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add commands to ``hft``: ``commands.add_parser(...).set_defaults(run=function)``."""
    ...
