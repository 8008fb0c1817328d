"""The rows about order books."""

from __future__ import annotations

import timeit
from collections import ChainMap
from collections.abc import Sequence
from decimal import Decimal

from benchmarks.books import BookUnderTest, Levels, load_books
from benchmarks.inputs import Depth, DepthInput, depth_input
from benchmarks.schedule import Contestant, Row

__all__ = ["book_rows"]

LEVELS = 1_000
UPDATES = 1_000

Books = dict[str, BookUnderTest]

_SHORT = 20
"""How often a short statement is written into one, so that the loop around it does not count."""

_TOP = 20

# Published by another system of this kind, written in Rust; machine and method are not stated there.
_PUBLISHED_NS = {"create": 27.0, "best": 25.0, "top": 322.0, "load": 121_000.0, "apply": 182_000.0}


class _Slots:
    """What a read of two attributes costs."""

    __slots__ = ("best_ask", "best_bid")

    def __init__(self) -> None:
        self.best_bid, self.best_ask = 1, 2


def book_rows() -> list[Row]:
    """Return the rows, once every book has shown that it comes to the distinct levels."""
    classes, missing = load_books()
    books = _prepare(classes, LEVELS)
    distinct = _distinct(books)
    halves = _distinct(_prepare(classes, LEVELS // 2))
    frames = depth_input(LEVELS, UPDATES).frames

    def row(name: str, contestants: list[Contestant], published: str = "") -> Row:
        return Row(
            name=name, contestants=contestants, missing=missing, published_ns=_PUBLISHED_NS.get(published)
        )

    slots = Contestant(
        name="two attributes of a slots class",
        statement=_repeated("book.best_bid; book.best_ask"),
        names={"book": _Slots()},
        operations=_SHORT,
    )
    own, raw = "given in the book's own form", "from raw bytes"
    return [
        row("create an empty book", _short("create", distinct), "create"),
        row("read best bid and best ask", [*_short("best", distinct), slots], "best"),
        row(
            "best 20 bids with their sizes, as a list, book unchanged since the last",
            _short("top", distinct),
            "top",
        ),
        row(
            "one of the best 20 bids set to another size, then the best 20 as a list",
            _listed("resize", distinct),
        ),
        row(
            "one of the best 20 bids removed or put back, then the best 20 as a list",
            _listed("remove", distinct),
        ),
        row(f"snapshot of {LEVELS:,} levels a side, {own}", _loads("load", distinct), "load"),
        row(f"snapshot of {LEVELS // 2:,} levels a side, {own}", _loads("load", halves), "load"),
        row(f"{UPDATES:,} one-level updates, {own}", _applies(distinct), "apply"),
        row(f"snapshot of {LEVELS:,} levels a side, {raw}", _loads("load_raw", distinct)),
        row(f"snapshot of {LEVELS // 2:,} levels a side, {raw}", _loads("load_raw", halves), "load"),
        row(f"{UPDATES:,} one-level messages, {raw}", _frames(books, frames)),
        row(
            f"{UPDATES:,} one-level messages, {raw}, best bid and ask read after each",
            _frames(books, frames, read=True),
        ),
    ]


def _distinct(books: Books) -> Books:
    """Leave out what differs from another only in what it does of a message."""
    return {name: book for name, book in books.items() if name != "hft, through its codec"}


def _prepare(classes: dict[str, type[BookUnderTest]], levels: int) -> Books:
    depth = depth_input(levels, UPDATES)
    books = {name: make() for name, make in classes.items()}
    for name, book in books.items():
        book.prepare(depth)
        _check(name, book, depth)
    return books


def _short(kind: str, books: Books) -> list[Contestant]:
    return [
        Contestant(
            name=name,
            statement=_repeated(getattr(book, kind)),
            names=book.names,
            operations=_SHORT,
            note=book.notes.get(kind, ""),
        )
        for name, book in books.items()
    ]


def _listed(kind: str, books: Books) -> list[Contestant]:
    """Change a level and list the best 20, then change it back and list them again."""
    return [
        Contestant(
            name=name,
            statement="; ".join([f"{first}; {book.top}; {second}; {book.top}"] * (_SHORT // 2)),
            names=book.names,
            operations=_SHORT,
            note=book.notes.get("top", ""),
        )
        for name, book in books.items()
        for first, second in [getattr(book, kind)]
    ]


def _loads(kind: str, books: Books) -> list[Contestant]:
    # A read behind it: a book that sorts when it is first asked has not done its work before.
    return [
        Contestant(
            name=name,
            statement=f"contestant.{kind}(); {book.best_of_loaded or book.best}",
            names=ChainMap({"contestant": book}, book.names),
            note=book.notes.get(kind, ""),
        )
        for name, book in books.items()
    ]


def _applies(books: Books) -> list[Contestant]:
    return [
        Contestant(
            name=name,
            statement=f"contestant.apply(0, {UPDATES}); {book.best}",
            names=ChainMap({"contestant": book}, book.names),
        )
        for name, book in books.items()
    ]


def _frames(books: Books, frames: Sequence[bytes], *, read: bool = False) -> list[Contestant]:
    return [
        Contestant(
            name=name,
            statement=f"{book.begin}\nfor frame in frames:\n    {book.frame}"
            + (f"\n    {book.best}" if read else f"\n{book.best}"),
            names=ChainMap({"frames": frames}, book.names),
            note=book.notes.get("frame", ""),
        )
        for name, book in books.items()
    ]


def _repeated(statement: str) -> str:
    return "; ".join([statement] * _SHORT)


def _check(name: str, book: BookUnderTest, depth: DepthInput) -> None:
    """Raise unless the book comes to the true levels by either way, half-way and at the end."""
    middle, end = len(depth.updates) // 2, len(depth.updates)
    whole, halfway = (depth.bids, depth.asks), (depth.half_bids, depth.half_asks)
    book.load_raw()
    _compare(name, book, whole)
    _play(book, book.begin)
    for frames, truth in ((depth.frames[:middle], halfway), (depth.frames[middle:], whole)):
        for frame in frames:
            _play(book, book.frame, frame)
        _compare(name, book, truth)
    book.load()
    _compare(name, book, whole)
    for start, stop, truth in ((0, middle, halfway), (middle, end, whole)):
        book.apply(start, stop)
        _compare(name, book, truth)
    for statements in (book.resize, book.remove):
        for statement in statements:
            _play(book, statement)
        _compare(name, book, whole)


def _play(book: BookUnderTest, statement: str, frame: bytes = b"") -> None:
    timeit.Timer(statement, globals={**book.names, "frame": frame}).timeit(1)


def _compare(name: str, book: BookUnderTest, truth: tuple[Depth, Depth]) -> None:
    for mine, expected in zip(book.levels(), truth, strict=True):
        exact: Levels = [(Decimal(price), Decimal(size)) for price, size in expected[:_TOP]]
        if mine != exact:
            raise AssertionError(f"{name} comes to other levels: {mine[:3]}, not {exact[:3]}")
