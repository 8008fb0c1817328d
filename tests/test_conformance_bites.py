"""Every card finds the defect that it is there for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hft import HftError
from hft.testing.conformance import ExecutionSuite, MarketDataSuite, RiskRuleSuite, StrategySuite, Suite
from tests.defects import exchange, rules, strategies


def _same(subject: Any) -> Any:
    return subject


UNTRIED = {
    "MD-14": "what would forget a loss in the middle of synchronising is in the kernel's synchroniser",
    "MD-18": "the example brings no quotes",
    "MD-19": "the example brings no marks",
    "MD-21": "the example has no capture",
    "EX-06": "the example cannot amend",
    "EX-07": "the example cannot amend",
    "EX-08": "the example cannot amend",
    "EX-14": "the example has no stops",
    "EX-15": "the example has no reduce-only orders",
    "EX-16": "the example has no batches",
    "EX-17": "the example has no batches",
    "EX-19": "the example has no dead man's switch",
    "EX-33": "the example's requests are not checked for their time",
}
"""The cards that no defect of the example is for."""

SUITES: tuple[type[Suite], ...] = (MarketDataSuite, ExecutionSuite, StrategySuite, RiskRuleSuite)
CARDS = {card.id: (suite, f"test_{card.name}") for suite in SUITES for card in suite.cards}
DEFECTS: dict[str, Callable[[], Any]] = {
    **exchange.DEFECTS,
    **{card: partial(_same, subject) for card, subject in strategies.DEFECTS.items()},
    **{card: partial(_same, subject) for card, subject in rules.DEFECTS.items()},
}
HEALTHY = {StrategySuite: strategies.HEALTHY, RiskRuleSuite: rules.HEALTHY}
"""Without a defect; the exchange without one is played by test_example_plugin.py."""

TRIED = sorted(CARDS.keys() - UNTRIED.keys())


def play(card: str, subject: Any, tmp_path: Path) -> None:
    """Play one card on a plugin."""
    suite, name = CARDS[card]
    function: Callable[..., None] = getattr(suite, name)
    given = dict.fromkeys(("exchange", "strategy", "rule"), subject) | {"tmp_path": tmp_path}
    wanted = inspect.signature(function).parameters
    function(object.__new__(suite), **{key: value for key, value in given.items() if key in wanted})


def test_every_card_is_tried_or_it_is_said_why_not() -> None:
    assert CARDS.keys() == DEFECTS.keys() | UNTRIED.keys()
    assert not DEFECTS.keys() & UNTRIED.keys()


@pytest.mark.parametrize("card", TRIED)
def test_a_card_finds_its_defect(card: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, HftError, TimeoutError, LookupError)):
        play(card, DEFECTS[card](), tmp_path)


@pytest.mark.parametrize("card", [card for card in TRIED if CARDS[card][0] in HEALTHY])
def test_a_card_finds_nothing_where_there_is_nothing(card: str, tmp_path: Path) -> None:
    play(card, HEALTHY[CARDS[card][0]], tmp_path)
