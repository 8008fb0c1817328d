"""A table on stdout: for a person's terminal, or a line a row for another program."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence

__all__ = ["print_table"]

_UNLIMITED = 10_000


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = (), title: str = ""
) -> None:
    """Print rows of text as it is; ``right`` are the columns of numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title=title or None, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    # Piped into another program, a row is a line, however long.
    Console(width=None if sys.stdout.isatty() else _UNLIMITED).print(table)
