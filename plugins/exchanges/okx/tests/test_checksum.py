"""The checksum of older captures, against the documentation's own example."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from hft_okx.checksum import TextBook, checksum


def test_the_documented_example() -> None:
    bids, asks = [("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8")]
    assert checksum(bids, asks) == -1881014294


def test_a_side_that_is_shorter_is_skipped() -> None:
    # "3366.1:7:3366.8:9:3368:8:3372:8", as the documentation writes a book of one bid
    assert checksum([("3366.1", "7")], [("3366.8", "9"), ("3368", "8"), ("3372", "8")]) == 831078360


@given(st.permutations([("3366.1", "7"), ("3366", "6"), ("3365.9", "5"), ("3365.8", "0")]))
def test_levels_are_sorted_by_price_and_empty_ones_are_gone(levels: list[tuple[str, str]]) -> None:
    book = TextBook()
    text = "[" + ",".join(f'["{price}","{size}","0","1"]' for price, size in levels) + "]"
    book.apply(Raw(b'[["3365.8","4","0","1"]]'), Raw(b"[]"))
    book.apply(Raw(text.encode()), Raw(b'[["3366.8","9","0","1"]]'))
    assert book.checksum() == checksum([("3366.1", "7"), ("3366", "6"), ("3365.9", "5")], [("3366.8", "9")])


def test_only_the_best_25_levels_count() -> None:
    asks = [(str(price), "1") for price in range(100, 140)]
    assert checksum([], asks) == checksum([], asks[:25]) != checksum([], asks[:24])
