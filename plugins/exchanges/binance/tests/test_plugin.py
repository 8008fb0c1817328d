"""What the plugin offers, and the profile beside its README."""

from __future__ import annotations

from pathlib import Path

import attrs

from hft.profile import read_profile
from hft.registry.discovery import PluginKind
from hft.registry.loader import Registry
from hft_binance import BinanceStream, Config
from hft_binance.simulator import BinanceSimulator

PROFILE = Path(__file__).resolve().parents[1] / "profile.yaml"


def test_the_plugin_offers_its_classes() -> None:
    plugin = Registry().load(PluginKind.EXCHANGE, "binance", base=None)
    assert plugin.market_data() is BinanceStream
    assert plugin.simulator() is BinanceSimulator
    assert BinanceStream.Config is Config


def test_the_profile_shows_every_option_with_its_default() -> None:
    entry = read_profile(PROFILE, Registry()).exchanges["binance"]
    assert entry.config == Config()
    secret = {"key", "secret"}
    for field in attrs.fields(Config):
        assert field.name in secret or f"{field.name}:" in PROFILE.read_text()
