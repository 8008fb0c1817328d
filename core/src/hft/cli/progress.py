"""A bar for work that takes long, where a person looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(verb: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Give a function to call with how much more is done and, if it was not known before, of how much.

    The bar is on stderr, and only if that is a terminal.
    """
    console = Console(stderr=True)
    columns = (TextColumn(verb), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)

        def advance(more: int, of: int | None = total) -> None:
            progress.update(task, advance=more, total=of)

        yield advance
