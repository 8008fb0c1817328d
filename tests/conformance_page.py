"""Write docs/reference/conformance.md: the cards of the kit, and what our own plugins make of them.

``python -m tests.conformance_page`` plays every card on every plugin, which takes some minutes;
``--check`` fails where the page says something else, ``--report FILE`` takes a report that is there already.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hft.testing.conformance import (
    Card,
    ExecutionSuite,
    MarketDataSuite,
    RiskRuleSuite,
    StrategySuite,
    Suite,
)

__all__ = ["PAGE", "SUITES", "cards_text", "matrix_text"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "conformance.md"
SUITES: tuple[type[Suite], ...] = (MarketDataSuite, ExecutionSuite, StrategySuite, RiskRuleSuite)

MATRIX, CARDS = "## What our plugins hold", "## The cards"

_SHOWN = {"passed": "yes", "skipped": "", "failed": "**no**"}


def cards_text() -> str:
    """Return the list of all cards."""
    return "\n\n".join(_suite_text(suite) for suite in SUITES)


def _suite_text(suite: type[Suite]) -> str:
    return "\n\n".join([f"### {suite.__name__}", *(_card_text(card) for card in suite.cards)])


def _card_text(card: Card) -> str:
    needs = f" Only with {', '.join(f'`{need}`' for need in card.needs)}." if card.needs else ""
    return (
        f"**{card.id}: {card.contract}**{needs}\n\n"
        f"- Setup: {card.setup}\n- Action: {card.action}\n- Holds: {card.holds}"
    )


def matrix_text(subjects: Sequence[Mapping[str, Any]]) -> str:
    """Return a table for each suite of what was found of each plugin."""
    return "\n\n".join(
        _table(suite, [s for s in subjects if s["suite"] == suite.hft_suite]) for suite in SUITES
    )


def _table(suite: type[Suite], subjects: Sequence[Mapping[str, Any]]) -> str:
    names = [each["subject"] for each in subjects]
    rows = [
        f"### {suite.__name__[:-5]}: {len(suite.cards)} cards",
        "",
        f"| Card | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for card in suite.cards:
        cells = [_cell(each["cards"].get(card.id)) for each in subjects]
        rows.append(f"| {card.id} {card.name.replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(found: Mapping[str, str] | None) -> str:
    if found is None:
        return "not run"
    if found["outcome"] == "known failure":
        return f"known failure: {found['reason']}"
    return _SHOWN[found["outcome"]]


def _played() -> list[Mapping[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        files = sorted(str(file) for file in ROOT.glob("plugins/*/*/tests/test_conformance.py"))
        command = [sys.executable, "-m", "pytest", "-q", f"--hft-report={report}", *files]
        done = subprocess.run(command, cwd=ROOT, check=False)
        if done.returncode:
            sys.exit("some card does not hold")
        return _read(report)


def _read(report: Path) -> list[Mapping[str, Any]]:
    subjects: list[Mapping[str, Any]] = json.loads(report.read_text())["subjects"]
    return subjects


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where the page is out of step")
    parser.add_argument("--report", type=Path, help="take this report instead of playing the cards")
    options = parser.parse_args()
    subjects = _read(options.report) if options.report else _played()
    head = PAGE.read_text().partition(f"\n{MATRIX}\n")[0]
    page = f"{head}\n{MATRIX}\n\n{matrix_text(subjects)}\n\n{CARDS}\n\n{cards_text()}\n"
    if not options.check:
        PAGE.write_text(page)
    elif PAGE.read_text() != page:
        sys.exit(f"{PAGE} is out of step: python -m tests.conformance_page")


if __name__ == "__main__":
    main()
