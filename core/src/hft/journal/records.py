"""What a journal tells: its runs, its notes, and what a later run needs to know of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from hft.events import Fill
from hft.instrument import InstrumentId
from hft.order import Order

__all__ = ["Note", "NoteKind", "Recovered", "RunRecord"]


class NoteKind(enum.StrEnum):
    """What happened in a run beside orders and fills."""

    STARTED = "started"
    STOPPED = "stopped"
    FAULT = "fault"
    """Something that a plugin raised, and what followed."""
    HALT = "halt"
    KILL = "kill"
    KILL_RESET = "kill-reset"
    RECONCILIATION = "reconciliation"
    ADJUSTMENT = "adjustment"
    """A position was changed by something else than a fill of ours."""
    FUNDING = "funding"
    BALANCE = "balance"
    DAMAGE = "damage"
    """The journal was found damaged; what was lost."""


@attrs.frozen(kw_only=True)
class Note:
    """One thing that happened; ``facts`` is as JSON has it, so a `Decimal` is its text."""

    run: int
    time_ns: int
    kind: NoteKind
    facts: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class RunRecord:
    """One run of a profile; on the disk before the run can send anything.

    ``profile_prefix`` begins the client id of every order of the profile, ``prefix`` of this run.
    ``strategies`` are the names that its orders may be owned by. ``run`` counts from 1 and is given by
    the journal, which also gives ``time_ns``.
    """

    name: str
    profile_prefix: str
    prefix: str
    mode: str
    version: str
    pid: int
    strategies: tuple[str, ...]
    run: int = 0
    time_ns: int = 0


@attrs.frozen(kw_only=True)
class Recovered:
    """What the runs before this one left.

    ``orders`` holds every order that may still trade, by its client id, and the newest of those that
    are finished. One about which a request was under way is UNKNOWN: it may have reached the exchange.
    ``ledger`` is what the newest checkpoint was given, None before the first; ``entries`` are the fills
    and notes behind it in their order, which bring it up to date. ``last_fills`` is the newest fill of
    each instrument and ``last_notes`` the newest note of each kind, of whatever age. Instruments are as
    they were then; `on_grid` takes orders and fills to those of today. ``damage`` is empty, or says in
    one line what was lost.
    """

    runs: Sequence[RunRecord]
    orders: Mapping[str, Order]
    ledger: Mapping[str, Any] | None
    entries: Sequence[Fill | Note]
    last_fills: Mapping[InstrumentId, Fill]
    last_notes: Mapping[NoteKind, Note]
    damage: str

    @property
    def fills(self) -> list[Fill]:
        """The fills behind the checkpoint."""
        return [entry for entry in self.entries if isinstance(entry, Fill)]

    @property
    def notes(self) -> list[Note]:
        """The notes behind the checkpoint."""
        return [entry for entry in self.entries if isinstance(entry, Note)]
