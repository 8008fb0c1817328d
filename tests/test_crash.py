"""A trader that is killed at random moments loses nothing and does nothing twice: the short form."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.campaigns.crash import run_campaign

KILLS = 6


def test_a_killed_trader_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    campaign = asyncio.run(run_campaign(KILLS, seed=3, folder=tmp_path, progress=False))
    print(campaign.to_json())
    assert campaign.wrong == []
    assert campaign.kills == KILLS
    assert campaign.checks
    assert campaign.orders
