"""What the plugin offers, and the profile beside its README."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum
from pathlib import Path

import attrs

from hft import API_VERSION
from hft_bybit import BybitExecution, BybitStream, Config, plugin
from hft_bybit.simulator import BybitSimulator

PROFILE = Path(__file__).resolve().parents[1] / "profile.yaml"


def test_the_plugin_offers_its_classes() -> None:
    assert plugin.HFT_API == API_VERSION
    assert plugin.hft_market_data() is BybitStream
    assert plugin.hft_execution() is BybitExecution
    assert plugin.hft_simulator() is BybitSimulator
    assert BybitStream.Config is BybitExecution.Config is Config


def test_the_profile_passes() -> None:
    hft = [sys.executable, "-m", "hft", "check", str(PROFILE)]
    checked = subprocess.run(hft, capture_output=True, text=True, check=False)
    assert checked.stdout.startswith("ok ")
    assert checked.returncode == 0, checked.stderr


def test_the_profile_shows_every_option_with_its_default() -> None:
    text = PROFILE.read_text()
    for field in attrs.fields(Config):
        if field.default is not None:
            default = field.default.value if isinstance(field.default, Enum) else field.default
            if isinstance(default, bool):
                default = str(default).lower()
            elif field.name in ("recv_window", "answer_timeout", "order_wait"):
                default = f"{default // 1_000_000_000}s"
            assert f"    {field.name}: {default} " in text
        elif field.name not in ("key", "secret"):
            assert f"    # {field.name}: " in text


def test_market_data_do_without_a_server() -> None:
    """The simulator's imports would cost every start of a session more than all the rest."""
    probe = "import sys, hft_bybit.plugin; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
