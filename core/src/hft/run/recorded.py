"""Run a profile on what was recorded."""

from __future__ import annotations

__all__ = ["run_recorded"]


def run_recorded() -> None:
    pass
