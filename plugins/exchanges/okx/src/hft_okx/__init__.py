"""OKX spot, perpetual swaps and futures, a plugin for hft."""

from __future__ import annotations

from hft_okx.config import Config
from hft_okx.execution import OkxExecution
from hft_okx.stream import OkxStream

__all__ = ["Config", "OkxExecution", "OkxStream"]
