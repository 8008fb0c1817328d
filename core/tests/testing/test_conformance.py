"""Nobody can quietly leave out a card of the conformance kit, and the report says what was found."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hft.testing.conformance import (
    ExecutionSuite,
    MarketDataSuite,
    RiskRuleSuite,
    StrategySuite,
    Suite,
    WeakenedError,
)
from hft.testing.conformance.cards import card

pytest_plugins = ["pytester"]

SUITES = (MarketDataSuite, ExecutionSuite, StrategySuite, RiskRuleSuite)


@pytest.mark.parametrize("suite", SUITES)
def test_cards_are_numbered_and_say_what_they_are(suite: type[Suite]) -> None:
    for number, each in enumerate(suite.cards, 1):
        assert each.id.endswith(f"-{number:02}")
        for part in (each.contract, each.setup, each.action, each.holds):
            assert part.endswith(".")


@pytest.mark.parametrize(
    "body",
    [
        {"test_a_gap": lambda self, exchange: None},
        {"test_a_gap": None},
        {"subject": lambda self, request: None},
        {"_card": None},
        {"cards": ()},
        {"test_every_card_is_there": lambda self: None},
        {"known_failures": {"MD-99": "there is none"}},
        {"known_failures": {"MD-04": " "}},
    ],
)
def test_a_suite_cannot_be_weakened(body: dict[str, Any]) -> None:
    with pytest.raises(WeakenedError):
        type("TestStream", (MarketDataSuite,), body)


def test_a_mixin_cannot_weaken_a_suite_either() -> None:
    class Mixin:
        def test_a_gap(self, exchange: object) -> None:
            pass

    with pytest.raises(WeakenedError):
        type("TestStream", (Mixin, MarketDataSuite), {})


def test_a_card_that_is_taken_away_later_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = type("TestRule", (RiskRuleSuite,), {})
    suite().test_every_card_is_there()
    monkeypatch.setattr(RiskRuleSuite, "test_it_is_quick", lambda self, rule: None)
    with pytest.raises(WeakenedError):
        suite().test_every_card_is_there()
    monkeypatch.delattr(RiskRuleSuite, "test_it_is_quick")
    with pytest.raises(WeakenedError):
        suite().test_every_card_is_there()


def test_a_suite_of_the_kit_has_the_cards_that_it_says() -> None:
    def test_something(self: object) -> None:
        """It works.

        Setup: none.
        Action: none.
        Holds: it does.
        """

    body = {"test_something": card("XX-01")(test_something)}
    assert type("Suite1", (Suite,), dict(body), about="x", number_of_cards=1).cards
    with pytest.raises(TypeError, match="has the cards"):
        type("Suite2", (Suite,), dict(body), about="x", number_of_cards=2)


def test_a_card_says_setup_action_and_what_holds() -> None:
    def test_something(self: object) -> None:
        """It works.

        Setup: none.
        """

    with pytest.raises(TypeError, match="does not say its Action, Holds"):
        card("XX-01")(test_something)


# -- in a session of pytest --------------------------------------------------------------------------------

RULE = """
import pytest

from hft.testing.conformance import RiskRuleSuite
from tests.defects import rules

{decorator}
class TestRule(RiskRuleSuite):
    known_failures = {known}

    @pytest.fixture
    def rule(self):
        return {subject}
"""


Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Return what runs the suite of a rule in a session of its own."""

    def run(*options: str, decorator: str = "", known: str = "{}", subject: str = "rules.HEALTHY") -> Any:
        pytester.makepyfile(RULE.format(decorator=decorator, known=known, subject=subject))
        fixed = ("-p", "no:cacheprovider", "-p", "no:asyncio", "--import-mode=importlib")
        return pytester.runpytest(*fixed, *options)

    return run


def test_a_card_that_is_marked_is_refused(run: Run) -> None:
    for mark in ("skip", "skipif(True, reason='slow')", "xfail"):
        result = run(decorator=f"@pytest.mark.{mark}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*is marked*known_failures*"])


def test_a_known_failure_is_expected_with_its_reason_and_not_forgiven_for_ever(run: Run) -> None:
    known = "{'RR-03': 'it approves everything'}"
    result = run("-rx", known=known, subject="rules.DEFECTS['RR-03']")
    outcomes = result.parseoutcomes()
    assert outcomes["xfailed"] == 1
    assert "it approves everything" in result.stdout.str()
    mended = run(known=known)
    assert mended.ret == pytest.ExitCode.TESTS_FAILED
    assert "XPASS(strict)" in mended.stdout.str()


def test_the_report_says_what_was_found(run: Run, pytester: pytest.Pytester) -> None:
    run()
    assert not list(pytester.path.glob("*.json"))
    run("--hft-report", "report.json", known="{'RR-03': 'bad'}", subject="rules.DEFECTS['RR-03']")
    (subject,) = json.loads((pytester.path / "report.json").read_text())["subjects"]
    assert (subject["suite"], subject["subject"], subject["declares"]) == ("risk rule", "rule", ["review"])
    assert list(subject["cards"]) == [each.id for each in RiskRuleSuite.cards]
    assert subject["cards"]["RR-01"] == {"outcome": "passed", "reason": ""}
    assert subject["cards"]["RR-03"] == {"outcome": "known failure", "reason": "bad"}
    run("--hft-report", "report.json", subject="rules.DEFECTS['RR-03']")
    (subject,) = json.loads((pytester.path / "report.json").read_text())["subjects"]
    failed = {name for name, each in subject["cards"].items() if each["outcome"] == "failed"}
    assert failed == {"RR-03"}
    assert subject["cards"]["RR-03"]["reason"].startswith("AssertionError")


def test_the_plugin_of_pytest_imports_nothing_of_hft(pytester: pytest.Pytester) -> None:
    code = "import sys, hft_pytest; assert not [name for name in sys.modules if name.split('.')[0] == 'hft']"
    assert pytester.run(sys.executable, "-c", code).ret == 0
