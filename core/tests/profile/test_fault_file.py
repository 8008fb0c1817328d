"""Fault files: read strictly, all that is wrong in one run, and written down again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import Duration, ProfileError
from hft.profile.fault_file import parse_faults, read_faults, written
from hft.sim import Fault, FaultKind, FaultPlaces, random_faults

TEXT = """
faults:
  - kind: drop
    where: spot/btcusdt@depth*
    after: 20
  - {kind: delay, where: reply/order.place, delay: 250ms, delay_max: 1.5s, count: 0, chance: 0.5}
  - {kind: clock-skew, where: clock, start: 5s, behind: 1500ms}
"""


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "storm.yaml"
    file.write_text(TEXT)
    assert read_faults(file) == (
        Fault(kind=FaultKind.DROP, where="spot/btcusdt@depth*", after=20),
        Fault(
            kind=FaultKind.DELAY,
            where="reply/order.place",
            delay=Duration(250_000_000),
            delay_max=Duration(1_500_000_000),
            count=0,
            chance=0.5,
        ),
        Fault(
            kind=FaultKind.CLOCK_SKEW,
            where="clock",
            start=Duration(5_000_000_000),
            behind=Duration(1_500_000_000),
        ),
    )


def test_everything_that_is_wrong_is_said_at_once_with_its_line() -> None:
    text = b"""
faults:
  - {kind: drop, where: a, after: "3"}
  - kind: gap
    where: topic
    lenth: 3
  - {kind: refuse, where: topic}
  - {kind: delay, where: topic, delay: 5, delay_max: 1s}
  - {kind: dorp, where: x, chance: 2}
  - {}
fautls: []
"""
    with pytest.raises(ProfileError) as caught:
        parse_faults("f.yaml", text)
    assert [str(one).partition(",")[0] for one in caught.value.faults] == [
        "f.yaml:3: faults[0].after: wants a whole number",
        "f.yaml:6: faults[1].lenth: the key is unknown",
        "f.yaml:7: faults[2]: kind 'refuse' cannot happen at a stream",
        "f.yaml:8: faults[3].delay: wants a length of time with its unit",
        "f.yaml:9: faults[4].chance: must be <= 1",
        "f.yaml:9: faults[4].kind: 'dorp' is not one of drop",
        "f.yaml:10: faults[5]: the key 'kind' is missing",
        "f.yaml:10: faults[5]: the key 'where' is missing",
        "f.yaml:11: fautls: the key is unknown",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty, a fault file starts with: faults:"),
        (b"- kind: drop", "a fault file is a mapping, it starts with: faults:"),
        (b"faults: drop", "wants a list"),
        (b"faults: [", "f.yaml:"),
        (b'{"faults": [{"kind": "drop", "where": "${HOME}"}]}', "HOME"),
    ],
)
def test_what_is_no_fault_file_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        parse_faults("f.yaml", text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read: No such file"):
        read_faults(tmp_path / "none.yaml")


PLACES = FaultPlaces(streams=("a/*", "b"), methods=("m",), requests=("GET /x",), connects=("ws",))


@given(st.integers(), st.integers(1, 5))
def test_what_was_written_down_reads_as_it_was(seed: int, n: int) -> None:
    faults = tuple(random_faults(seed, n, PLACES))
    shown: list[dict[str, Any]] = [written(fault) for fault in faults]
    assert parse_faults("request", json.dumps({"faults": shown}).encode()) == faults
