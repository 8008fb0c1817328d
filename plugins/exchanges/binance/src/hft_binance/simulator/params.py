"""The parameters of a request to the simulated Binance, and its words for what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec

__all__ = ["ApiError", "Params", "missing"]

_SYMBOL = re.compile(r"[A-Z0-9-_.]{1,20}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9-_]{1,36}")

ValueT = TypeVar("ValueT")


class ApiError(Exception):
    """An answer ``{"code": ..., "msg": ...}``, perhaps with ``data``, and its HTTP status."""

    def __init__(self, code: int, msg: str, status: int = 400, data: object = None) -> None:
        self.code = code
        self.msg = msg
        self.status = status
        self.data = data
        super().__init__(f"{code}: {msg}")


class Params:
    """The query of one request; what is read is remembered, what nobody read is refused at the end."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self._read: set[str] = set()

    def text(self, name: str) -> str | None:
        """Return a parameter, None when it was not sent."""
        self._read.add(name)
        value = self._query.get(name)
        if value == "":
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        return value

    def has(self, name: str) -> bool:
        """Whether a parameter was sent, without reading it."""
        return name in self._query

    def required(self, name: str) -> str:
        """Return a parameter that must be there."""
        value = self.text(name) if self._query.get(name) else None
        if value is None:
            self._read.add(name)
            raise missing(name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """Return an amount, None when it was not sent."""
        value = self.text(name)
        if value is None:
            return None
        if not _DECIMAL.fullmatch(value):
            raise _illegal(name, r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
        return Decimal(value)

    def choice(self, name: str, choices: Mapping[str, ValueT], error: ApiError) -> ValueT | None:
        """Return what a word stands for, None when it was not sent; raise ``error`` for other words."""
        value = self.text(name)
        if value is None:
            return None
        if value not in choices:
            raise error
        return choices[value]

    def flag(self, name: str) -> bool:
        """Return a yes or no; what was not sent is no."""
        value = self.text(name)
        if value is None:
            return False
        if value.lower() not in ("true", "false"):
            raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value.lower() == "true"

    def client_id(self, name: str) -> str | None:
        """Return a client's own id of an order, if it is one."""
        value = self.text(name)
        if value is not None and not _CLIENT_ID.fullmatch(value):
            raise _illegal(name, "^[a-zA-Z0-9-_]{1,36}$")
        return value

    def symbol(self) -> str | None:
        """Return ``symbol`` if it could be one."""
        value = self.text("symbol")
        if value is not None and not _SYMBOL.fullmatch(value):
            raise _illegal("symbol", "^[A-Z0-9-_.]{1,20}$")
        return value

    def symbols(self) -> list[str] | None:
        """Return ``symbols``, a JSON array, which excludes ``symbol``."""
        value = self.text("symbols")
        if value is None:
            return None
        if "symbol" in self._query:
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        try:
            names = msgspec.json.decode(value.encode(), type=list[str])
        except msgspec.DecodeError:
            names = []
        if not names or not all(_SYMBOL.fullmatch(name) for name in names):
            raise _illegal("symbols", r'^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$')
        return names

    def number(self, name: str) -> int | None:
        """Return a parameter that is a whole number."""
        value = self.text(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise _illegal(name, "^[0-9]{1,20}$")
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """Return ``limit``, cut to what is answered at most."""
        value = self.number("limit")
        if value is None:
            return default
        if value < 1:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(value, most)

    def finish(self) -> None:
        """Refuse what nobody read."""
        known = self._read & set(self._query)
        if len(known) < len(self._query):
            raise ApiError(
                -1104,
                f"Not all sent parameters were read; read '{len(known)}' parameter(s) "
                f"but was sent '{len(self._query)}'.",
            )


def missing(name: str) -> ApiError:
    """Say that a parameter must be there."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def _illegal(name: str, pattern: str) -> ApiError:
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")
