"""One step of the machine each: in Python here, and as compiled modules have them where they call them."""

from __future__ import annotations

import sys

import attrs
import pytest

from hft.latency import Stage, Stamps, Trace
from hft.primitives import MOST, bit_length, copied, elapsed, joined, within


def test_a_copy_has_all_that_its_source_has_and_is_another() -> None:
    source = Stamps(*range(1, 9))
    copy = copied(source)
    assert copy == source
    copy.written_ns = 0
    assert source.written_ns == 7


def test_a_copy_has_what_its_class_adds_to_another() -> None:
    class Marked(Stamps):
        __slots__ = ("mark",)

    source = Marked(*range(1, 9))
    source.mark = 7
    copy = copied(source)
    assert (type(copy), copy.mark, copy.written_ns) == (Marked, 7, 7)


def test_what_keeps_more_than_slots_is_not_copied() -> None:
    class Marked(Stamps):
        pass

    with pytest.raises(TypeError, match="Marked keeps more than slots"):
        copied(Marked(*range(1, 9)))


@pytest.mark.parametrize("number", [0, 1, 2, 31, 32, 63, 2**62, 2**63 - 1])
def test_bits_are_counted(number: int) -> None:
    assert bit_length(number) == number.bit_length()


TIMES = [0, 1, 2**30 - 1, 2**30, 2**60 - 1, 2**60, 10**18, 17 * 10**17, MOST, MOST + 1, 10**30]


@pytest.mark.parametrize("later", [*TIMES, -1, -(10**18), -(10**30)])
@pytest.mark.parametrize("earlier", [*TIMES, -1, -(10**18), -(10**30)])
def test_what_elapsed_is_never_negative_and_fits_into_63_bits(later: int, earlier: int) -> None:
    exact = min(max(0, later - earlier), MOST)
    assert elapsed(later, earlier) == exact
    # As the compiled module counts it.
    trace = Trace(lambda: earlier)
    stamps = trace.sent()
    trace.acknowledged(stamps, later)
    counted = trace.stages[Stage.ACKNOWLEDGE]
    assert (counted.count, counted.maximum_ns) == (1, exact)


@pytest.mark.parametrize("number", [-(10**30), -1, 0, 1, 2, 7, 8, 2**40, 10**30, 1.5, 7.5])
def test_numbers_lie_within_limits_or_do_not(number: int) -> None:
    assert within(number, 1, 7) is (1 <= number <= 7)


def test_texts_are_joined() -> None:
    assert joined("one", "two") == "onetwo"
    assert joined("", "zwölf") == "zwölf"


def test_what_is_copied_is_held_once_more_and_let_go_with_the_copy() -> None:
    # Stamps are copies of others: as compiled modules make them, where these are compiled.
    time_ns = 10**18
    trace = Trace(lambda: time_ns)
    trace.decided_ns = trace.approved_ns = time_ns
    before = sys.getrefcount(time_ns)
    stamps = [trace.sent() for _ in range(100)]
    assert sys.getrefcount(time_ns) == before + 4 * len(stamps)
    assert attrs.astuple(stamps[0]) == (0, 0, 0, 0, time_ns, time_ns, time_ns, time_ns, 0)
    del stamps
    assert sys.getrefcount(time_ns) == before
