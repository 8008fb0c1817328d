"""One unit of work: run the text of a profile, wherever that may be, and say what came of it."""

from __future__ import annotations

import gc
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Protocol

import attrs

from hft.errors import HftError
from hft.profile import parse_profile
from hft.registry.discovery import Found, core_version, discover
from hft.registry.loader import Registry
from hft.run.backtest import run_backtest
from hft.run.tape import Span
from hft.sweep.figures import Figures, figures_of

__all__ = ["Outcome", "Task", "Workers", "evaluate"]

_MAX_ERROR = 500
"""Characters of an error that are kept."""


@attrs.frozen(kw_only=True)
class Task:
    """A backtest to run: ``text`` is a profile's, and stands for the file ``path``.

    Plugins in one file and data are found beside that path, or at ``data``.
    """

    path: Path
    text: str
    data: tuple[Path, ...] = ()
    span: Span | None = None
    version: str | None = attrs.field(factory=core_version)
    """Of hft, which must be that of whoever runs it."""


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of a task: its figures, or an error."""

    figures: Figures | None = None
    error: str | None = None

    @classmethod
    def failed(cls, error: str) -> Outcome:
        """Return the outcome of a task that failed."""
        return cls(error=" ".join(error.split())[:_MAX_ERROR])


class Workers(Protocol):
    """Whoever runs tasks, several at a time."""

    def has_room(self) -> bool:
        """Say whether a task that is handed over now begins soon."""
        ...

    def submit(self, key: object, task: Task) -> None:
        """Hand a task over."""
        ...

    def wait(self, timeout_s: float) -> Collection[tuple[object, Outcome]]:
        """Return what has ended, each with the key of its task; wait so long for the first."""
        ...

    def close(self) -> None:
        """End, and what runs with it."""
        ...


def evaluate(task: Task) -> Outcome:
    """Run a task to its end; whatever goes wrong in it is its outcome."""
    if task.version != core_version():
        return Outcome.failed(f"hft-core is {core_version()} here and {task.version} where the sweep began")
    try:
        profile = parse_profile(task.path, task.text.encode(), Registry(_installed()))
        result = run_backtest(
            profile,
            task.data,
            span=task.span,
            interruptible=False,
            console=None,
            write=_discard,
            warn=_discard,
        )
    except HftError as error:
        return Outcome.failed(str(error))
    except Exception as error:  # a bug met by one trial is that trial's outcome
        return Outcome.failed(f"{type(error).__name__}: {error}")
    finally:
        gc.collect()
    if result.summary.halted:
        return Outcome.failed(f"trading was halted: {result.summary.halted}")
    if result.summary.faults:
        return Outcome.failed(result.summary.faults[0])
    return Outcome(figures=figures_of(result))


@cache
def _installed() -> list[Found]:
    """Return what is installed: read once, since to read it takes as long as a short backtest's start."""
    return discover()


def _discard(*_: str) -> None:
    """Nobody reads the logs of a thousand runs: run the profile that was chosen by itself."""
