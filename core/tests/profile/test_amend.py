"""Other values in a profile's text: each in its place, and all else as it was."""

from __future__ import annotations

import pytest

from hft.profile.amend import amend, places

TEXT = """\
# a comment
name: "a name"  # another
exchanges: {one: {use: binance, paper: {queue: 'power'}}}
risk:
  - use: max_position
    limit: "0.1"
  - use: other
empty:
block: |
  text
'quoted key': 1
"""


def test_paths_are_those_of_faults_with_their_lines() -> None:
    assert {path: place.line for path, place in places(TEXT).items()} == {
        "name": 2,
        "exchanges.one.use": 3,
        "exchanges.one.paper.queue": 3,
        "risk[0].use": 5,
        "risk[0].limit": 6,
        "risk[1].use": 7,
        "'quoted key'": 11,
    }


def test_only_the_values_change() -> None:
    changed = amend(TEXT, {"risk[0].limit": '"12.5"', "exchanges.one.paper.queue": "log", "name": "b"})
    assert changed == (
        TEXT.replace('"a name"', "b").replace("'power'", "log").replace('limit: "0.1"', 'limit: "12.5"')
    )
    assert amend(TEXT, {}) == TEXT


def test_what_is_not_there_is_not_put_there() -> None:
    with pytest.raises(KeyError, match="empty"):
        amend(TEXT, {"empty": "1"})
