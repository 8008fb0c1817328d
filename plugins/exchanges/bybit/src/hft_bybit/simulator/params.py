"""The parameters of a request to the simulated Bybit, and its words for what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

__all__ = ["ApiError", "Params", "invalid"]

_NUMBER = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")

ValueT = TypeVar("ValueT")

_PARAMETER = 10001


class ApiError(Exception):
    """An answer with a ``retCode`` that is no success."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


def invalid(name: str) -> ApiError:
    """Say that a parameter makes no sense, or is missing."""
    return ApiError(_PARAMETER, f"params error: {name} invalid")


class Params:
    """What one request asks, as text; what nobody reads is ignored."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    @classmethod
    def of_json(cls, value: Any) -> Params:
        """Read a body; numbers and flags count as the text that they are."""
        if not isinstance(value, dict):
            raise ApiError(_PARAMETER, "Request parameter error.")
        return cls({name: _text(each) for name, each in value.items() if each is not None})

    def text(self, name: str) -> str:
        """Return a parameter, empty when it was not sent."""
        return self._values.get(name, "")

    def required(self, name: str) -> str:
        """Return a parameter that must be there."""
        value = self.text(name)
        if not value:
            raise invalid(name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """Return an amount, None when it was not sent."""
        value = self.text(name)
        if not value:
            return None
        if not _DECIMAL.fullmatch(value):
            raise invalid(name)
        return Decimal(value)

    def choice(self, name: str, choices: Mapping[str, ValueT], default: str = "") -> ValueT:
        """Return what a word stands for; ``default`` is the word where none was sent."""
        value = self.text(name) or default
        if value not in choices:
            raise invalid(name)
        return choices[value]

    def flag(self, name: str) -> bool:
        """Return a yes or no; what was not sent is no."""
        return self.choice(name, {"true": True, "1": True, "false": False, "0": False}, "false")

    def number(self, name: str, default: int | None = None) -> int | None:
        """Return a whole number."""
        value = self.text(name)
        if not value:
            return default
        if not _NUMBER.fullmatch(value):
            raise invalid(name)
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """Return how much is answered at most."""
        value = self.number("limit", default)
        assert value is not None
        if value < 1:
            raise invalid("limit")
        return min(value, most)

    def client_id(self) -> str:
        """Return a client's own id of an order, empty when it was not sent."""
        value = self.text("orderLinkId")
        if value and not _CLIENT_ID.fullmatch(value):
            raise ApiError(_PARAMETER, "params error: OrderLinkId invalid")
        return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
