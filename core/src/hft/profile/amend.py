"""Put other values into a profile's text, each in its place: all else stays as it is, and on its line."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import yaml

from hft.profile.fault import Mark

__all__ = ["Place", "amend", "places"]

_ONE_LINE = (None, "'", '"')
"""Styles of a scalar: plain or in quotes, and not a block."""


@attrs.frozen
class Place:
    """Where a value stands in a profile: its line, and the characters from ``begin`` to ``end``."""

    line: int
    begin: int
    end: int


def places(text: str) -> dict[str, Place]:
    """Find the single values of a profile that reads, by the paths that its faults have: ``risk[0].limit``.

    What is written as a block or stands empty is left out.
    """
    found: dict[str, Place] = {}
    _walk(yaml.compose(text, Loader=yaml.SafeLoader), Mark(""), found)
    return found


def amend(text: str, values: Mapping[str, str]) -> str:
    """Put YAML of one line in the places of these paths; raise `KeyError` for one that is not there."""
    where = places(text)
    for path in sorted(values, key=lambda path: where[path].begin, reverse=True):
        text = text[: where[path].begin] + values[path] + text[where[path].end :]
    return text


def _walk(node: yaml.Node | None, mark: Mark, found: dict[str, Place]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _walk(value, mark.key(str(key.value), 1), found)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, mark.item(index, 1), found)
    elif isinstance(node, yaml.ScalarNode) and node.style in _ONE_LINE:
        begin, end = node.start_mark, node.end_mark
        if begin.line == end.line and begin.index < end.index:
            found[mark.path] = Place(begin.line + 1, begin.index, end.index)
