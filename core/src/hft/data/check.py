"""Look for what is wrong with days of market data, or at least worth knowing before a backtest."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np

from hft.book import OrderBook, new_book
from hft.data.catalog import Partition, read_partition
from hft.data.columns import LAST, ORDER_KINDS, Kind
from hft.data.rows import CARRIED, ROUNDED, Rows
from hft.data.store import BLOCK_ROWS
from hft.errors import DataError
from hft.instrument import MAX_COUNT
from hft.types import Price, Side, Size

__all__ = ["Checked", "Finding", "Problem", "check_day", "check_days"]

_SIDES = {1: Side.BUY, -1: Side.SELL}
_BOOK = (Kind.LEVEL, Kind.CLEAR, *ORDER_KINDS)


class Problem(enum.Enum):
    """What can be found. ``is_fault``: a backtest on this data would be wrong; ``meaning`` is for people."""

    DAMAGED = "damaged", True, "the files cannot be read"
    INVALID = "invalid", True, "rows say what cannot be: unknown kind, no side, price or size out of range"
    UNSORTED = "unsorted", True, "recv_ns goes backwards"
    CROSSED = "crossed", True, "after a message the best bid is not below the best ask"
    CUT_OFF = "cut-off", True, "the last message of the day is not ended"
    NO_SNAPSHOT = "no-snapshot", True, "the book changes before anybody said what it was"
    UNKNOWN_ORDER = "unknown-order", True, "an order is changed, removed or filled that is not in the book"
    DOUBLE_ORDER = "double-order", True, "an order is added that is in the book already"
    MIXED = "mixed", True, "levels are set in a book that is made of single orders"
    LOST = "lost", False, "the book was lost for a while"
    SILENT = "silent", False, "nothing came for longer than is normal"
    MISSING_DAY = "missing-day", False, "days before this one are not there"
    EXCHANGE_TIME = "exchange-time", False, "exchange_ns goes backwards among rows of one kind"
    EARLY = "early", False, "received before it happened: the clocks do not agree"
    OFF_GRID = "off-grid", False, "levels with a price or size off the grid, which stand rounded"
    NO_FILLS = (
        "no-fills",
        False,
        "trades fill orders, but nobody says which, without which queue: l3 fills none",
    )

    is_fault: bool
    meaning: str

    def __new__(cls, value: str, is_fault: bool, meaning: str) -> Problem:
        problem = object.__new__(cls)
        problem._value_, problem.is_fault, problem.meaning = value, is_fault, meaning
        return problem


@attrs.define(kw_only=True)
class Finding:
    """One problem of one day: how often, first when (``recv_ns``), and how long or far at worst.

    ``worst_ns`` is 0 where the problem has no extent in time. ``reason`` is the error of what is damaged.
    """

    problem: Problem
    count: int = 0
    first_ns: int = 0
    worst_ns: int = 0
    reason: str = ""

    def note(self, first_ns: int, worst_ns: int = 0, count: int = 1) -> None:
        """Count the problem once more, or several times."""
        self.first_ns = self.first_ns if self.count else first_ns
        self.count += count
        self.worst_ns = max(self.worst_ns, worst_ns)


@attrs.frozen(kw_only=True)
class Checked:
    """What a day holds and what was found, worst first; ``partition`` is None where it cannot be read."""

    folder: Path
    partition: Partition | None
    first_ns: int = 0
    last_ns: int = 0
    updates: int = 0
    trades: int = 0
    quotes: int = 0
    findings: Sequence[Finding] = ()

    @property
    def is_faulty(self) -> bool:
        """Whether a backtest on this day would be wrong."""
        return any(finding.problem.is_fault for finding in self.findings)


def check_days(
    folders: Sequence[Path], *, silent_ns: int, progress: Callable[[int], None] = lambda rows: None
) -> Iterator[Checked]:
    """Check days in the order of their instruments; ``progress`` is called with numbers of rows."""
    opened: list[Partition] = []
    for folder in folders:
        try:
            opened.append(read_partition(folder))
        except DataError as error:
            yield Checked(
                folder=folder,
                partition=None,
                findings=[Finding(problem=Problem.DAMAGED, count=1, reason=str(error))],
            )
    before: Partition | None = None
    for partition in sorted(opened, key=lambda each: (each.form, each.listing.instrument.id, each.day)):
        missing = 0
        if before is not None and _what(before) == _what(partition):
            missing = max(0, (partition.day - before.day).days - 1)
        before = partition
        yield check_day(partition, silent_ns=silent_ns, missing=missing, progress=progress)


def _what(partition: Partition) -> tuple[object, ...]:
    return partition.form, partition.listing.instrument.id


def check_day(
    partition: Partition,
    *,
    silent_ns: int,
    missing: int = 0,
    progress: Callable[[int], None] = lambda rows: None,
) -> Checked:
    """Read one day through; ``missing`` days before it are not there."""
    checking = _Checking(partition, silent_ns)
    if missing:
        checking.note(Problem.MISSING_DAY, 0, count=missing)
    try:
        for rows in partition.blocks(BLOCK_ROWS):
            checking.take(rows)
            progress(len(rows))
    except DataError as error:
        checking.note(Problem.DAMAGED, 0)
        checking.found[Problem.DAMAGED].reason = str(error)
    return checking.end()


class _Checking:
    """One day, block by block."""

    def __init__(self, partition: Partition, silent_ns: int) -> None:
        self.found: dict[Problem, Finding] = {}
        self._partition = partition
        self._silent_ns = silent_ns
        self._book: OrderBook = new_book(partition.listing.instrument)
        self._has_snapshot = False
        self._cleared_ns: int | None = None  # since when the book is empty, within a message or for long
        self._lost_ns: int | None = None
        self._is_open = False
        self._first_ns = self._last_ns = 0
        self._exchange_ns = dict.fromkeys(Kind, 0)
        self._updates = self._trades = self._quotes = self._fills = 0
        self._has_orders = partition.has_orders
        self._orders: dict[int, tuple[int, int, int]] = {}  # side, price and size

    def note(self, problem: Problem, first_ns: int, worst_ns: int = 0, count: int = 1) -> None:
        if problem not in self.found:
            self.found[problem] = Finding(problem=problem)
        self.found[problem].note(first_ns, worst_ns, count)

    def take(self, rows: Rows) -> None:
        self._look_at_times(rows)
        rows = self._valid(rows)
        self._trades += int(np.count_nonzero(rows.kind == Kind.TRADE))
        self._quotes += int(np.count_nonzero((rows.kind == Kind.QUOTE) & ((rows.flags & LAST) != 0)))
        rounded = rows.recv_ns[(rows.flags & (ROUNDED | CARRIED)) == ROUNDED]
        if len(rounded):
            self.note(Problem.OFF_GRID, int(rounded[0]), count=len(rounded))
        self._fills += int(np.count_nonzero(rows.kind == Kind.FILL))
        book = rows[np.isin(rows.kind, _BOOK)]
        if self._has_orders:
            self._play_orders(book)
        else:
            self._play(book)
        if len(rows):
            self._is_open = not rows.flags[-1] & LAST

    def end(self) -> Checked:
        if self._is_open:
            self.note(Problem.CUT_OFF, self._last_ns)
        if self._lost_ns is not None:
            self.note(Problem.LOST, self._lost_ns, self._last_ns - self._lost_ns)
        if self._has_orders and self._trades and not self._fills:
            self.note(Problem.NO_FILLS, self._first_ns)
        order = list(Problem)
        return Checked(
            folder=self._partition.folder,
            partition=self._partition,
            first_ns=self._first_ns,
            last_ns=self._last_ns,
            updates=self._updates,
            trades=self._trades,
            quotes=self._quotes,
            findings=sorted(self.found.values(), key=lambda finding: order.index(finding.problem)),
        )

    def _look_at_times(self, rows: Rows) -> None:
        times = rows.recv_ns
        if not len(times):
            return
        steps = np.diff(times, prepend=self._last_ns or times[0])
        self._note_where(Problem.UNSORTED, steps < 0, times, -steps)
        self._note_where(Problem.SILENT, steps > self._silent_ns, times - steps, steps)
        self._first_ns = self._first_ns or int(times[0])
        self._last_ns = int(times[-1])
        stated = rows[(rows.exchange_ns != 0) & ((rows.flags & CARRIED) == 0)]
        early = stated.exchange_ns - stated.recv_ns
        self._note_where(Problem.EARLY, early > 0, stated.recv_ns, early)
        for kinds in (_BOOK, (Kind.TRADE,), (Kind.QUOTE,)):
            of_kind = stated[np.isin(stated.kind, kinds)]
            if len(of_kind):
                back = -np.diff(of_kind.exchange_ns, prepend=self._exchange_ns[kinds[0]])
                self._note_where(Problem.EXCHANGE_TIME, back > 0, of_kind.recv_ns, back)
                self._exchange_ns[kinds[0]] = int(of_kind.exchange_ns[-1])

    def _note_where(self, problem: Problem, mask: object, times: object, extent: object) -> None:
        where = np.flatnonzero(np.asarray(mask))
        if len(where):
            times, extent = np.asarray(times), np.asarray(extent)
            self.note(problem, int(times[where[0]]), int(extent[where].max()), len(where))

    def _valid(self, rows: Rows) -> Rows:
        kind, side, price, size = rows.kind, rows.side, rows.price, rows.size
        sided = np.abs(side) == 1
        priced = (price > 0) & (price < MAX_COUNT)
        sized = (size >= 0) & (size < MAX_COUNT)
        good = (kind == Kind.LEVEL) | ((size > 0) & ((kind == Kind.TRADE) | (kind == Kind.QUOTE)))
        good = (kind == Kind.CLEAR) | (good & sided & priced & sized)
        if self._has_orders:
            stated = (size > 0) & sized & priced
            good |= (kind == Kind.REMOVE) | ((kind == Kind.FILL) & (size > 0) & sized)
            good |= stated & ((kind == Kind.CHANGE) | ((kind == Kind.ADD) & sided))
        self._note_where(Problem.INVALID, ~good, rows.recv_ns, np.zeros(len(rows), np.int64))
        return rows if good.all() else rows[good]

    def _play(self, rows: Rows) -> None:
        """Follow the book; lists, because an element of an array costs more than all that is done with it."""
        book = self._book
        set_level = book.set_level
        columns = (rows.kind, rows.side, rows.price, rows.size, rows.flags, rows.recv_ns)
        level = int(Kind.LEVEL)
        for kind, side, price, size, flags, recv_ns in zip(*(c.tolist() for c in columns), strict=True):
            if kind == level:
                if not self._has_snapshot and Problem.NO_SNAPSHOT not in self.found:
                    self.note(Problem.NO_SNAPSHOT, recv_ns)
                set_level(_SIDES[side], price, size)
                self._cleared_ns = None
            else:
                book.clear()
                self._has_snapshot = True
                self._cleared_ns = recv_ns
            if flags & LAST:
                self._end_message(recv_ns)

    def _play_orders(self, rows: Rows) -> None:
        """Follow the orders, and the book that they make."""
        book, orders = self._book, self._orders
        columns = (rows.kind, rows.side, rows.price, rows.size, rows.flags, rows.recv_ns, rows.order_id)
        for kind, side, price, size, flags, recv_ns, order_id in zip(
            *(np.asarray(each).tolist() for each in columns), strict=True
        ):
            if kind == Kind.LEVEL:
                self.note(Problem.MIXED, recv_ns)
            elif kind == Kind.CLEAR:
                book.clear()
                orders.clear()
                self._has_snapshot = True
                self._cleared_ns = recv_ns
            else:
                if not self._has_snapshot and Problem.NO_SNAPSHOT not in self.found:
                    self.note(Problem.NO_SNAPSHOT, recv_ns)
                known = orders.get(order_id)
                if (known is None) is not (kind == Kind.ADD):
                    problem = Problem.UNKNOWN_ORDER if known is None else Problem.DOUBLE_ORDER
                    self.note(problem, recv_ns)
                elif kind != Kind.FILL:
                    if known is not None:
                        side = known[0]
                        self._put(*known, sign=-1)
                        del orders[order_id]
                    if kind != Kind.REMOVE:
                        orders[order_id] = side, price, size
                        self._put(side, price, size, sign=1)
                    self._cleared_ns = None
            if flags & LAST:
                self._end_message(recv_ns)

    def _put(self, side: int, price: int, size: int, *, sign: int) -> None:
        shown = self._book.size_at(_SIDES[side], Price(price)) + sign * size
        self._book.set_level(_SIDES[side], Price(price), Size(shown))

    def _end_message(self, recv_ns: int) -> None:
        self._updates += 1
        if self._cleared_ns is not None:
            if self._lost_ns is None:
                self._lost_ns = self._cleared_ns
        elif self._lost_ns is not None:
            self.note(Problem.LOST, self._lost_ns, recv_ns - self._lost_ns)
            self._lost_ns = None
        if self._book.is_crossed:
            self.note(Problem.CROSSED, recv_ns)
