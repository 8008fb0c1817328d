"""Enums that are quick are enums all the same."""

from __future__ import annotations

import enum
import pickle

import pytest

from hft.events import ReportKind
from hft.market import Channel
from hft.orders.states import Event
from hft.synchroniser import Step
from hft.types import BookState, InstrumentKind, Liquidity, OrderState, OrderType, Side, TimeInForce

QUICK: list[type[enum.Enum]] = [
    BookState, Channel, Event, InstrumentKind, Liquidity, OrderState, OrderType, ReportKind, Side, Step,
    TimeInForce,
]  # fmt: skip


@pytest.mark.parametrize("kind", QUICK)
def test_a_quick_enum_behaves_as_any(kind: type[enum.Enum]) -> None:
    assert list(kind) == list(kind.__members__.values())
    for name, member in kind.__members__.items():
        assert getattr(kind, name) is kind[name] is kind(member.value) is member
        assert isinstance(member, kind)
        assert member.name == name
        assert pickle.loads(pickle.dumps(member)) is member
        assert {member: 1}[kind(member.value)] == 1
    with pytest.raises(AttributeError):
        setattr(kind, name, None)


@pytest.mark.parametrize("kind", QUICK)
def test_its_members_are_found_and_hashed_without_a_python_function(kind: type[enum.Enum]) -> None:
    assert kind.__hash__ is object.__hash__
    assert all(kind.__dict__[name] is member for name, member in kind.__members__.items())
