"""The journal: what a profile's runs sent, what became of it and what they traded, safe from a crash."""

from __future__ import annotations

from hft.journal.grid import on_grid
from hft.journal.journal import Journal, open_journal, recover
from hft.journal.lock import is_in_use
from hft.journal.reader import JournalReader, OrderLife, RunSummary, Step, Traded, totals
from hft.journal.records import Note, NoteKind, Recovered, RunRecord

__all__ = [
    "Journal",
    "JournalReader",
    "Note",
    "NoteKind",
    "OrderLife",
    "Recovered",
    "RunRecord",
    "RunSummary",
    "Step",
    "Traded",
    "is_in_use",
    "on_grid",
    "open_journal",
    "recover",
    "totals",
]
