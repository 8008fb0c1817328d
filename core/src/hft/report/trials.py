"""What a page of a search shows: trials as dots, over their number and over what they tried."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from hft.report.series import ReportTable

__all__ = ["Axis", "Dot", "SearchReport"]


@attrs.frozen(kw_only=True)
class Axis:
    """A parameter: one of ``choices``, or a number where there are none. ``log`` draws it by magnitude."""

    name: str
    choices: Sequence[str] = ()
    log: bool = False


@attrs.frozen(kw_only=True)
class Dot:
    """A trial of a search, ``objective`` None where it failed, which ``note`` explains.

    ``values`` are in the order of the axes: a number, or the index of a choice. ``keeps`` says whether it may
    be chosen.
    """

    search: int
    number: int
    objective: float | None
    keeps: bool
    values: Sequence[float]
    note: str = ""


@attrs.frozen(kw_only=True)
class SearchReport:
    """A page: ``facts`` stand on top; plots show one of the ``searches`` at a time."""

    title: str
    subtitle: str
    facts: Sequence[tuple[str, str]]
    objective: str
    maximise: bool
    searches: Sequence[str]
    axes: Sequence[Axis]
    dots: Sequence[Dot]
    tables: Sequence[ReportTable]
