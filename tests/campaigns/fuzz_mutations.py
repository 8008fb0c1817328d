"""Ways to damage a frame, and to say the same in other words."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

__all__ = ["mutated", "numbers", "reworded"]

_TOKENS = (
    b"null", b"true", b"[]", b"{}", b'""', b'"', b"-", b"0", b"-1", b"1e9", b"1e-9", b"1E400", b"NaN",
    b"9" * 40, b'"-0.0"', b'"1e5"', b'"0x10"', b'"NaN"', b'"Infinity"', b'" 1"', b'"1_0"', b"\\u0000",
    b"\xff",
    b"\xed\xa0\x80", b"[" * 200, b",", b":", b"}", b"]", "\N{ARABIC-INDIC DIGIT FIVE}".encode(),
)  # fmt: skip


def mutated(rng: random.Random, frame: bytes, others: Sequence[bytes]) -> bytes:
    """Return a frame with one to three things done to it."""
    for _ in range(rng.randint(1, 3)):
        frame = _mutated(rng, frame, others)
    return frame


def _mutated(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    at, length = rng.randrange(len(data) + 1), rng.randrange(1, 12)
    match rng.randrange(9):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + length :]
        case 2:
            return data[:at] + data[at : at + length] * 2 + data[at + length :]
        case 3:
            return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        case 4:
            return data[:at] + rng.choice(_TOKENS) + data[at + rng.randrange(12) :]
        case 5:
            digits = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
            if not digits:
                return data
            at = rng.choice(digits)
            return data[:at] + rng.choice(b"0123456789-.").to_bytes(1, "big") + data[at + 1 :]
        case 6:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            return data[:at] + other[start : start + rng.randrange(1, 200)] + data[at + length :]
        case _:
            try:
                body = json.loads(data)
            except ValueError:
                return data
            return json.dumps(_bent(rng, body), separators=(",", ":")).encode()


_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "-1",
    "0",
    "x",
    "1e5",
    [],
    {},
    [[]],
    [None],
    "nan",
)


def _bent(rng: random.Random, body: Any) -> Any:
    """Return JSON in which one value is another, is missing, or is there twice."""
    if isinstance(body, dict) and body:
        key = rng.choice(list(body))
        if rng.random() < 0.6 and isinstance(body[key], dict | list) and body[key]:
            return {**body, key: _bent(rng, body[key])}
        if rng.random() < 0.3:
            return {name: value for name, value in body.items() if name != key}
        return {**body, key: rng.choice(_VALUES)}
    if isinstance(body, list) and body:
        at = rng.randrange(len(body))
        if rng.random() < 0.6 and isinstance(body[at], dict | list) and body[at]:
            return [*body[:at], _bent(rng, body[at]), *body[at + 1 :]]
        if rng.random() < 0.3:
            return [*body[:at], body[at], *body[at:]]
        return [*body[:at], rng.choice(_VALUES), *body[at + 1 :]]
    return rng.choice(_VALUES)


def reworded(frame: bytes, rng: random.Random) -> bytes:
    """Return JSON that means the same: keys in another order, more blanks, keys that nobody knows."""
    try:
        body = json.loads(frame)
    except ValueError:
        return frame
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,\n", "\t:  ")))
    return json.dumps(_shuffled(rng, body), separators=separators).encode()


def _shuffled(rng: random.Random, body: Any) -> Any:
    if isinstance(body, list):
        return [_shuffled(rng, each) for each in body]
    if not isinstance(body, dict):
        return body
    items = [(name, _shuffled(rng, value)) for name, value in body.items()]
    if rng.random() < 0.5:
        rng.shuffle(items)
    if rng.random() < 0.3:
        items.insert(rng.randrange(len(items) + 1), ("of the future", rng.choice(_VALUES)))
    return dict(items)


def numbers(frame: bytes) -> set[Decimal] | None:
    """Return every number that stands in a frame, as text or as such; None where it is no JSON."""
    found: set[Decimal] = set()

    def look(body: Any) -> None:
        if isinstance(body, dict):
            for value in body.values():
                look(value)
        elif isinstance(body, list):
            for value in body:
                look(value)
        elif isinstance(body, str | int | Decimal) and not isinstance(body, bool):
            try:
                found.add(Decimal(body))
            except InvalidOperation:
                return

    try:
        look(
            json.loads(frame.decode(errors="replace"), parse_float=Decimal)
        )  # what is not read is not checked
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return found
