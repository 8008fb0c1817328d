"""What makes no sense is said to make none, and a fault of ours stays one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import DecodeError, GridError, Side, TransportError, decoder, reading


@pytest.mark.parametrize("data", [b"", b"{", b'"text"', b"\xff", b"[" * 100_000])
def test_json_of_another_kind_is_not_understood(data: bytes) -> None:
    with pytest.raises(DecodeError, match="numbers"):
        decoder(list[int], "numbers")(data)


def test_values_without_a_meaning_are_not_understood() -> None:
    words = {"open": 1}
    for wrong in (lambda: Side("up"), lambda: words["shut"], lambda: Decimal("x"), lambda: Decimal(1) / 0):
        with pytest.raises(DecodeError, match=r"order 17: \w+: "), reading("order 17"):
            wrong()
    with pytest.raises(DecodeError, match="order 17: GridError: off"), reading("order 17"):
        raise GridError("off")


@pytest.mark.parametrize("error", [DecodeError("said already"), TransportError("cut"), TypeError("a bug")])
def test_other_errors_are_left_alone(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, reading("order 17"):
        raise error
    assert raised.value is error
