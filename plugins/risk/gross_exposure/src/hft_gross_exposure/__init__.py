"""Gross exposure limit, a plugin for hft."""

from __future__ import annotations

from hft_gross_exposure.config import Config
from hft_gross_exposure.rule import Code, GrossExposure

__all__ = ["Code", "Config", "GrossExposure"]
