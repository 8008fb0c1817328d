"""Position limit, a plugin for hft."""

from __future__ import annotations

from hft_max_position.config import Config
from hft_max_position.rule import Code, MaxPosition

__all__ = ["Code", "Config", "MaxPosition"]
