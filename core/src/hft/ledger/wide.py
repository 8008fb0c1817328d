"""Whole numbers of many digits that are added and divided in parts, without an object for each result."""

from __future__ import annotations

__all__ = ["MOST", "Wide"]

MOST = 1 << 62
"""What a count must be below, up or down: two such can be added, and one can be multiplied with a part."""

_MOST = MOST
_LOW, _LOWER = (1 << 60) - 1, (1 << 120) - 1
_WIDEST = 1 << 238


class Wide:
    """A whole number in four parts of 60 bits, of which the highest has the sign.

    An amount, `hft.money.Amount`, has some 180 bits, and as an integer of Python's a new object for every
    sum, product and quotient. Up to 10^19 of an asset have room in the parts; what is more is kept as an
    integer, ``number``, which is None while the parts count. Where a number has no room, or the result has
    none, nothing is done, and the method says so with False: the caller does it with `get` and `put`, which
    know no limit.
    """

    __slots__ = ("a", "b", "c", "d", "number")

    def __init__(self, number: int = 0) -> None:
        self.a = self.b = self.c = self.d = 0
        """The lowest part first."""
        self.number: int | None = None
        self.put(number)

    def put(self, number: int) -> None:
        """Become that number."""
        if -_WIDEST < number < _WIDEST:
            low, high = number & _LOWER, number >> 120
            self.a, self.b, self.c, self.d = low & _LOW, low >> 60, high & _LOW, high >> 60
            self.number = None
        else:
            self.number = number

    def get(self) -> int:
        """Return the number."""
        if self.number is not None:
            return self.number
        low, high = self.b, self.d
        low, high = (low << 60) + self.a, (high << 60) + self.c
        number = high
        return (number << 120) + low

    def clear(self) -> None:
        """Become 0."""
        self.a = self.b = self.c = self.d = 0
        self.number = None

    def take(self, other: Wide) -> None:
        """Become the same number as another."""
        self.a, self.b, self.c, self.d = other.a, other.b, other.c, other.d
        self.number = other.number

    def is_zero(self) -> bool:
        """Say whether it is 0."""
        return not self.number if self.number is not None else not (self.a | self.b | self.c | self.d)

    def add(self, other: Wide) -> bool:
        """Add another number."""
        if self.number is not None or other.number is not None:
            return False
        a = self.a + other.a
        b = self.b + other.b + (a >> 60)
        c = self.c + other.c + (b >> 60)
        d = self.d + other.d + (c >> 60)
        if not -_MOST < d < _MOST:
            return False
        self.a, self.b, self.c, self.d = a & _LOW, b & _LOW, c & _LOW, d
        return True

    def add_times(self, other: Wide, count: int) -> bool:
        """Add another number a count of times, which may be negative and is less than `MOST`."""
        if self.number is not None or other.number is not None:
            return False
        times = count
        a = self.a + times * other.a
        b = self.b + times * other.b + (a >> 60)
        c = self.c + times * other.c + (b >> 60)
        d = self.d + times * other.d + (c >> 60)
        if not -_MOST < d < _MOST:
            return False
        self.a, self.b, self.c, self.d = a & _LOW, b & _LOW, c & _LOW, d
        return True

    def subtract(self, other: Wide) -> bool:
        """Subtract another number."""
        if self.number is not None or other.number is not None:
            return False
        a = self.a - other.a
        b = self.b - other.b + (a >> 60)
        c = self.c - other.c + (b >> 60)
        d = self.d - other.d + (c >> 60)
        if not -_MOST < d < _MOST:
            return False
        self.a, self.b, self.c, self.d = a & _LOW, b & _LOW, c & _LOW, d
        return True

    def reduce(self, part: int, whole: int) -> bool:
        """Multiply by a ratio from 0 to 1 of two counts below `MOST`, rounding half to even.

        The same as `hft.money.divide` of the product.
        """
        if self.number is not None:
            return False
        times, divisor = part, whole
        a = times * self.a
        b = times * self.b + (a >> 60)
        c = times * self.c + (b >> 60)
        d = times * self.d + (c >> 60)
        # What is left over of a part is less than the divisor, and counts 2^60 times in the next.
        left = d // divisor
        self.d = left
        rest = (d - left * divisor << 60) + (c & _LOW)
        left = rest // divisor
        self.c = left
        rest = (rest - left * divisor << 60) + (b & _LOW)
        left = rest // divisor
        self.b = left
        rest = (rest - left * divisor << 60) + (a & _LOW)
        left = rest // divisor
        self.a = left
        rest = 2 * (rest - left * divisor)
        if rest > divisor or (rest == divisor and self.a & 1):
            self.a += 1
            if self.a > _LOW:
                self._carry()
        return True

    def _carry(self) -> None:
        self.b += self.a >> 60
        self.c += self.b >> 60
        self.d += self.c >> 60
        self.a, self.b, self.c = self.a & _LOW, self.b & _LOW, self.c & _LOW
