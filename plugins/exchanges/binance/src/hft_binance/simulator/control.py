"""The control frames that clients of the simulated Binance send on a stream socket."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

__all__ = ["Controlled", "answer_control"]

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_MAX_ID_LENGTH = 36

_encode = msgspec.json.Encoder().encode


class Controlled(Protocol):
    """What a control frame can change of a connection."""

    combined: bool

    def subscribe(self, stream: str) -> None:
        """Add a stream; one that does not exist is added as well, and stays silent."""
        ...

    def unsubscribe(self, stream: str) -> None:
        """Take a stream away."""
        ...

    def streams(self) -> list[str]:
        """Return the streams of the connection in the order in which they were added."""
        ...


class _Refusal(Exception):
    def __init__(self, code: int, msg: str) -> None:
        self.code = code
        self.msg = msg
        super().__init__(msg)


def answer_control(connection: Controlled, text: str, *, numeric_ids: bool) -> str:
    """Carry out a control frame and return its answer. Futures accept only unsigned numbers as ids."""
    request_id: object = None
    try:
        try:
            frame = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise _Refusal(3, f"Invalid JSON: {error}") from None
        if not isinstance(frame, dict):
            raise _Refusal(2, "Invalid request: expected an object")
        request_id = _id(frame.get("id"), numeric_ids=numeric_ids)
        result = _carry_out(connection, frame)
    except _Refusal as refusal:
        return _text({"code": refusal.code, "msg": refusal.msg, "id": request_id})
    return _text({"result": result, "id": request_id})


def _id(value: object, *, numeric_ids: bool) -> object:
    number = type(value) is int and (value >= 0 or not numeric_ids)
    word = not numeric_ids and isinstance(value, str) and value.isalnum() and len(value) <= _MAX_ID_LENGTH
    if value is None or number or word:
        return value
    kind = "an unsigned integer" if numeric_ids else "an integer or a string"
    raise _Refusal(2, f"Invalid request: request ID must be {kind}")


def _carry_out(connection: Controlled, frame: dict[str, Any]) -> object:
    method = frame.get("method")
    if method is None:
        raise _Refusal(2, "Invalid request: missing field `method`")
    if method not in _METHODS:
        expected = ", ".join(f"`{name}`" for name in _METHODS)
        raise _Refusal(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}")
    if method == "LIST_SUBSCRIPTIONS":
        return connection.streams()
    params = frame.get("params")
    if not isinstance(params, list):
        raise _Refusal(2, "Invalid request: params must be an array")
    if method in ("SET_PROPERTY", "GET_PROPERTY"):
        return _property(connection, method, params)
    if not params or not all(isinstance(stream, str) for stream in params):
        raise _Refusal(2, "Invalid request: stream names must be strings")
    for stream in params:
        (connection.subscribe if method == "SUBSCRIBE" else connection.unsubscribe)(stream)
    return None


def _property(connection: Controlled, method: str, params: list[object]) -> object:
    if not params or not isinstance(params[0], str):
        raise _Refusal(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise _Refusal(0, "Unknown property")
    if method == "GET_PROPERTY":
        return connection.combined
    if len(params) != 2 or type(params[1]) is not bool:
        raise _Refusal(1, "Invalid value type: expected Boolean")
    connection.combined = params[1]
    return None


def _text(body: dict[str, object]) -> str:
    return _encode(body).decode()
