"""The pytest plugin of hft: ``pytest --hft-report report.json`` writes what the conformance kit found.

A module of its own, beside ``hft``, because pytest imports it at every start of every project that has
hft-core installed: it imports nothing of hft, and without the option it only looks that no card is skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

__all__ = ["pytest_addoption", "pytest_collection_modifyitems", "pytest_configure"]

_FORMAT = 1

_FORBIDDEN = ("skip", "skipif", "xfail")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("hft").addoption(
        "--hft-report", metavar="FILE", help="write what the conformance kit found, as JSON"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect only where somebody wants to have it."""
    path = config.getoption("--hft-report")
    if path:
        config.pluginmanager.register(_Report(Path(path)), "hft-report")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse to run a suite of the kit with a card that is marked to be skipped or to fail."""
    for item in items:
        if _suite_of(item):
            marks = [mark.name for mark in item.iter_markers() if mark.name in _FORBIDDEN]
            if marks:
                raise pytest.UsageError(
                    f"{item.nodeid} is marked {marks[0]}: cards are skipped by what a plugin declares,"
                    " and what is known to fail is named in known_failures"
                )


def _suite_of(item: pytest.Item) -> str:
    suite: str = getattr(getattr(item, "cls", None), "hft_suite", "")
    return suite


class _Report:
    """Notes the outcome of every card, and writes them when all have run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._subjects: dict[tuple[str, str], dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report: pytest.TestReport = yield
        suite = _suite_of(item)
        told = dict(report.user_properties)
        # A card is told once: when it has run, or when its setup kept it from running.
        if suite and "hft_card" in told and (report.when == "call" or report.outcome != "passed"):
            self._note(suite, item, report, told)
        return report

    def _note(self, suite: str, item: pytest.Item, report: pytest.TestReport, told: dict[str, Any]) -> None:
        name = str(told["hft_subject"])
        subject = self._subjects.setdefault(
            (suite, name),
            {"suite": suite, "subject": name, "declares": json.loads(told["hft_declares"]), "cards": {}},
        )
        outcome, reason = _outcome(report)
        earlier = subject["cards"].get(told["hft_card"])
        if earlier is None or earlier["outcome"] == "passed":
            subject["cards"][told["hft_card"]] = {"outcome": outcome, "reason": reason}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report."""
        subjects = [
            {**each, "cards": dict(sorted(each["cards"].items()))}
            for _, each in sorted(self._subjects.items())
        ]
        self._path.write_text(json.dumps({"format": _FORMAT, "subjects": subjects}, indent=2) + "\n")


def _outcome(report: pytest.TestReport) -> tuple[str, str]:
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        return "known failure", str(expected)
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        return "skipped", str(reason).removeprefix("Skipped: ")
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        return "failed", str(crash.message if crash else report.longrepr).splitlines()[0]
    return "passed", ""
