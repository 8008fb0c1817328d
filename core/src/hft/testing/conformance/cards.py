"""Cards and suites: what a plugin has to hold, numbered, and how nobody can quietly leave one out."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import attrs
import pytest

from hft.profile.model import LoadedPlugin
from hft.registry.discovery import PluginKind
from hft.registry.loader import Registry

__all__ = ["Card", "Subject", "Suite", "WeakenedError", "card", "loaded"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., None])

_PARTS = ("Setup", "Action", "Holds")


class WeakenedError(TypeError):
    """A suite's subclass leaves out or changes a card."""


@attrs.frozen
class Card:
    """One thing that a plugin has to hold.

    ``contract`` is the sentence of the interface that it is about; ``needs`` are capabilities without which
    it is skipped.
    """

    id: str
    name: str
    needs: tuple[str, ...]
    contract: str
    setup: str
    action: str
    holds: str

    @classmethod
    def of(cls, id: str, function: Callable[..., None], needs: tuple[str, ...]) -> Card:
        """Read a card off its function; raise `TypeError` where a part of it is missing."""
        text = inspect.getdoc(function) or ""
        contract, *rest = re.split(rf"^({'|'.join(_PARTS)}): ", text, flags=re.MULTILINE)
        parts = dict(zip(rest[::2], (" ".join(part.split()) for part in rest[1::2]), strict=True))
        missing = [part for part in _PARTS if not parts.get(part)]
        if missing or not contract.strip():
            raise TypeError(f"card {id} does not say its {', '.join(missing) or 'contract'}")
        name = function.__name__.removeprefix("test_")
        return cls(id, name, needs, " ".join(contract.split()), *(parts[part] for part in _PARTS))


class Subject:
    """What a suite is run on; see `Suite.subject`."""

    name: str
    """What the report calls it."""

    def lacks(self, need: str) -> bool:
        """Whether it declares that it cannot do what a card needs."""
        return False

    def declared(self) -> list[str]:
        """Return what it declares that it can do, for the report."""
        return []


def loaded(kind: PluginKind, plugin: str | LoadedPlugin) -> LoadedPlugin:
    """Load a plugin by the name of its entry point; let one pass that is loaded."""
    return Registry().load(kind, plugin) if isinstance(plugin, str) else plugin


def card(id: str, *needs: str) -> Callable[[FunctionT], FunctionT]:
    """Make a test of a suite a card.

    Its docstring says the contract, then ``Setup:``, ``Action:`` and ``Holds:``.
    """

    def decorate(function: FunctionT) -> FunctionT:
        function.hft_card = Card.of(id, function, needs)  # type: ignore[attr-defined]  # as pytest's marks
        return function

    return decorate


class Suite:
    """Base of the suites. An author subclasses one of these and gives its fixtures.

    ``known_failures`` names cards that are known to fail, each with the reason: they are strict expected
    failures, so that a card that holds again is noticed. Nothing else of a suite can be changed: a subclass
    that overrides or removes a card, or touches what drives the cards, is a `WeakenedError`.
    """

    known_failures: ClassVar[Mapping[str, str]] = {}

    hft_suite: ClassVar[str] = ""
    """What the suite is about; `hft_pytest` knows suites by it."""
    cards: ClassVar[tuple[Card, ...]] = ()

    _fixtures: ClassVar[tuple[str, ...]] = ()
    _functions: ClassVar[Mapping[str, Callable[..., None]]] = {}

    def __init_subclass__(
        cls, *, about: str = "", number_of_cards: int = 0, fixtures: tuple[str, ...] = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if about:
            cls._register(about, number_of_cards, fixtures)
        else:
            cls._check_whole()
            cls._check_known_failures()

    @classmethod
    def _register(cls, about: str, number_of_cards: int, fixtures: tuple[str, ...]) -> None:
        # Cards of one suite may stand in several classes that it is put together from.
        found = [item for base in cls.__mro__ for item in vars(base).items() if hasattr(item[1], "hft_card")]
        functions = dict(sorted(found, key=lambda item: item[1].hft_card.id))
        cards: list[Card] = [each.hft_card for each in functions.values()]
        prefix = cards[0].id.partition("-")[0]
        expected = [f"{prefix}-{number:02}" for number in range(1, number_of_cards + 1)]
        if [each.id for each in cards] != expected:
            raise TypeError(f"{cls.__name__} has the cards {[each.id for each in cards]}, not {expected}")
        cls.hft_suite, cls.cards = about, tuple(cards)
        cls._fixtures, cls._functions = fixtures, functions

    @classmethod
    def _check_whole(cls) -> None:
        """Raise `WeakenedError` unless every card is the kit's own."""
        kit: type[Suite] = next(base for base in cls.__mro__ if vars(base).get("hft_suite"))
        free = {"known_failures", "__module__", "__qualname__", "__doc__", "__annotations__", *kit._fixtures}
        for base in cls.__mro__[: cls.__mro__.index(kit)]:
            for name in vars(base).keys() - free:
                if hasattr(kit, name) and not name.startswith("__"):
                    raise WeakenedError(
                        f"{cls.__name__} changes {name!r} of {kit.__name__}: a suite is run as it is,"
                        f" give the fixtures {', '.join(kit._fixtures)} and name what is known to fail in"
                        f" known_failures"
                    )
        for name, function in kit._functions.items():
            if getattr(cls, name, None) is not function:
                raise WeakenedError(f"{cls.__name__} lacks the card {name!r} of {kit.__name__}")

    @classmethod
    def _check_known_failures(cls) -> None:
        ids = {each.id for each in cls.cards}
        for card_id, reason in cls.known_failures.items():
            if card_id not in ids:
                raise WeakenedError(f"{cls.__name__} has no card {card_id!r} that could be known to fail")
            if not reason.strip():
                raise WeakenedError(f"{cls.__name__} does not say why card {card_id} is known to fail")

    def subject(self, request: pytest.FixtureRequest) -> Subject:
        """Return what is tested, as the author's fixtures give it."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _card(self, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
        """Skip a card that the plugin declares not to be about, and expect the failures that are known."""
        card: Card | None = getattr(request.function, "hft_card", None)
        if card is None:
            return
        subject = self.subject(request)
        record_property("hft_card", card.id)
        record_property("hft_contract", card.contract)
        record_property("hft_subject", subject.name)
        record_property("hft_declares", json.dumps(subject.declared()))
        if card.id in self.known_failures:
            request.applymarker(pytest.mark.xfail(strict=True, reason=self.known_failures[card.id]))
        for need in card.needs:
            if subject.lacks(need):
                pytest.skip(f"card {card.id} needs {need}, which {subject.name} does not declare")

    def test_every_card_is_there(self) -> None:
        """A card that is left out, or put in another's place at run time, fails the suite."""
        type(self)._check_whole()
