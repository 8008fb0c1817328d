"""What makes no sense is said to make none, and a fault of ours stays one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hft import DecodeError, GridError, Side, TransportError, booked_price, decoder, reading
from hft.testing.trading import make_instrument


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


@pytest.mark.parametrize(
    ("text", "ticks", "told"), [("1.25", 125, 0), ("1.254", 125, 1), ("1.255", 126, 1), ("0.001", 0, 1)]
)
def test_a_settlement_is_booked_at_the_nearest_tick_and_told(text: str, ticks: int, told: int) -> None:
    warnings: list[str] = []
    assert booked_price(make_instrument(), text, warnings.append) == ticks
    assert len(warnings) == told


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", "-1.254", "1E+400", "1E+999999999", "9" * 50])
def test_what_is_no_price_is_not_booked(text: str) -> None:
    warnings: list[str] = []
    with pytest.raises(DecodeError), reading("liquidation"):
        booked_price(make_instrument(), text, warnings.append)
    assert warnings == []
