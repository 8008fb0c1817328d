"""Profiles: one YAML file that says what runs, read strictly."""

from __future__ import annotations

from hft.profile.journal import journal_folder, state_folder
from hft.profile.model import (
    SIMULATOR,
    ExchangeEntry,
    LoadedPlugin,
    Mode,
    PluginSource,
    Profile,
    RiskEntry,
    StrategyEntry,
)
from hft.profile.reader import parse_profile, read_profile

__all__ = [
    "SIMULATOR",
    "ExchangeEntry",
    "LoadedPlugin",
    "Mode",
    "PluginSource",
    "Profile",
    "RiskEntry",
    "StrategyEntry",
    "journal_folder",
    "parse_profile",
    "read_profile",
    "state_folder",
]
