"""Concentration limit, a plugin for hft."""

from __future__ import annotations

from hft_concentration.config import Config
from hft_concentration.rule import Code, Concentration

__all__ = ["Code", "Concentration", "Config"]
