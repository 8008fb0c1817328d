"""What an unquoted word of a profile is, by the core schema of YAML 1.2 (section 10.3.2)."""

from __future__ import annotations

import re

__all__ = ["Plain", "resolve"]

Plain = None | bool | int | float | str

_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")

_MAX_NUMBER = 64
"""Longer digits stay text: no setting is written so, and int() refuses or takes quadratic time."""


def resolve(text: str) -> Plain:
    """Return what an unquoted text stands for.

    PyYAML follows YAML 1.1, where ``no`` is False, ``1:30`` is 90, ``010`` is 8, ``1e5`` is text and
    ``2024-01-01`` is a date; here they are text, text, 10, a float and text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MAX_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NO_NUMBER.fullmatch(text):
        return float(text.replace(".", ""))
    return text
