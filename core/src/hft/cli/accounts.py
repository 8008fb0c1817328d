"""What the commands share that ask the accounts of a profile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from hft.cli.options import warner
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.operator import Operator, operating
from hft.run.runtime import run_async

__all__ = ["ask_accounts"]

T = TypeVar("T")


def ask_accounts(profile_path: Path, ask: Callable[[Operator], Awaitable[T]]) -> T:
    """Reach the accounts of a profile, ask, and return the answer."""

    async def reach() -> T:
        async with operating(profile, warner()) as operator:
            return await ask(operator)

    profile = read_profile(profile_path, Registry())
    return run_async(reach())
