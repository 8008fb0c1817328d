"""The journal of a run: what it means to send, what became of its orders, and what it traded."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from loguru import logger

from hft.clock import Clock
from hft.errors import OrderError, UsageError
from hft.events import Fill
from hft.instrument import Instrument
from hft.journal.database import translated
from hft.journal.intents import IntentKind, IntentLog, read_intents
from hft.journal.lock import Lock
from hft.journal.opening import INTENTS, JOURNAL, lost_intents, open_database, recovered
from hft.journal.records import NoteKind, Recovered, RunRecord
from hft.journal.salvage import keep_damaged
from hft.journal.schema import DamagedError
from hft.journal.writer import Item, Kind, Writer
from hft.order import Order
from hft.types import OrderState, Price, Size

__all__ = ["Journal", "open_journal", "recover"]

CAPACITY = 65_536
"""Items that may wait for the database: some seconds of the busiest trading, and tens of megabytes."""

COMMIT_EVERY_S = 0.005
RETRY_EVERY_S = 1.0
FLUSH_WITHIN_S = 10.0

# Members of an IntEnum cost a call to compare and to pack; what the hot path writes are plain integers.
_PLACE, _AMEND, _CANCEL = map(int, (IntentKind.PLACE, IntentKind.AMEND, IntentKind.CANCEL))
_PENDING_NEW = OrderState.PENDING_NEW
_PENDING_REPLACE = OrderState.PENDING_REPLACE
_PENDING_CANCEL = OrderState.PENDING_CANCEL
_ORDER, _FILL, _NOTE, _CHECKPOINT, _INSTRUMENT = map(int, Kind)


class Journal:
    """What one process writes of a profile's runs; `open_journal` makes it.

    ``recovered`` is what the runs before left. After `begin`, all methods return at once: a thread writes
    what they were given, a few milliseconds later. ``told`` counts what they were given, ``done`` what of it
    is in the database, in the same order. What is in the database outlives the process however it ends.

    ``fault`` is empty, or says why the journal cannot be relied on any longer; ``on_fault`` is called with
    it once. From then on no intent to place or amend is taken. Writing is tried again all the same.
    """

    def __init__(
        self,
        path: Path,
        lock: Lock,
        ring: IntentLog,
        writer: Writer,
        found: Recovered,
        clock: Clock,
        queue: deque[Item],
        commit_every_s: float,
    ) -> None:
        self.recovered = found
        self.fault = ""
        self.told = 0
        self.dropped = 0
        self._path = path
        self._lock = lock
        self._ring = ring
        self._writer = writer
        self._now_ns = clock.now_ns
        self._queue = queue
        self._commit_every_s = commit_every_s
        self._on_fault: Callable[[str], None] | None = None
        self._call_soon: Callable[[Callable[[str], None], str], object] | None = None
        self._instruments: dict[Instrument, int] = {}
        self._strategies: dict[str, int] = {}
        self._stop = False
        self._closed = False
        self._busy = False
        self._wake = threading.Event()
        self._written = threading.Condition()
        self._thread: threading.Thread | None = None

    # -- setting up ------------------------------------------------------------------------------

    def begin(
        self,
        record: RunRecord,
        *,
        on_fault: Callable[[str], None],
        call_soon: Callable[[Callable[[str], None], str], object] | None = None,
    ) -> int:
        """Begin a run and return its number; the record of it is on the disk when this returns.

        ``on_fault`` is called in the event loop that runs now, or through ``call_soon``, which another
        thread must be able to call. Raises `UsageError` if the disk cannot be written.
        """
        run = max(self._writer.run, *(one.run for one in self.recovered.runs), 0) + 1
        time_ns = self._now_ns()
        try:
            self._writer.begin(run, time_ns, record)
        except sqlite3.Error as error:
            raise self._usage_error(error) from None
        self._ring.begin(run, record.prefix, self._writer.seq)
        self._writer.ring = self._ring
        self._strategies = {name: number for number, name in enumerate(record.strategies)}
        self._on_fault = on_fault
        self._call_soon = call_soon or asyncio.get_running_loop().call_soon_threadsafe
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()
        return run

    def add(self, instruments: Iterable[Instrument]) -> None:
        """Let orders of these instruments be placed; they are on the disk when this returns.

        Not for the hot path: it waits for the disk. Raises `UsageError` if that cannot be written.
        """
        wanted = list(instruments)
        for instrument in wanted:
            self._put((_INSTRUMENT, self._now_ns(), instrument))
        self.flush()
        for instrument in wanted:
            self._instruments[instrument] = self._writer.numbers[instrument]

    # -- the hot path ----------------------------------------------------------------------------

    def intend_place(self, order: Order) -> None:
        """Note that an order is about to be sent; raise `OrderError` if it must not be.

        When this returns the intent outlives the process: a later run knows that the order may exist.
        """
        self._intend(_PLACE, "place", order, order.created_ns, _PENDING_NEW, None, None)

    def intend_amend(self, order: Order, price: Price, size: Size) -> None:
        """Note that an amendment is about to be sent; raise `OrderError` if it must not be."""
        self._intend(_AMEND, "amend", order, self._now_ns(), _PENDING_REPLACE, price, size)

    def intend_cancel(self, order: Order) -> None:
        """Note that a cancel is about to be sent; never speaks against it, since it lessens the risk.

        Where there is no room the order stays one that may be open, about which a later run asks.
        """
        price, size = order.pending_price, order.pending_size
        try:
            self._intend(_CANCEL, "cancel", order, self._now_ns(), _PENDING_CANCEL, price, size)
        except OrderError:  # contextlib.suppress costs half a microsecond
            return

    def order(self, order: Order) -> None:
        """Note what an order is now, after its state or anything else about it has changed."""
        if len(self._queue) >= CAPACITY:
            self._drop()
            return
        # The order is changed while this waits; only what never changes about it may be read later.
        self._queue.append(
            (
                _ORDER,
                self._now_ns(),
                order,
                "",
                0,
                order.state,
                order.price,
                order.size,
                order.filled,
                order.pending_price,
                order.pending_size,
                order.exchange_order_id,
                order.reason,
            )
        )
        self.told += 1

    def fill(self, fill: Fill) -> None:
        """Note a fill."""
        self._put((_FILL, self._now_ns(), fill))

    def note(self, kind: NoteKind, **facts: Any) -> None:
        """Note what else happened; ``facts`` are texts, numbers, decimals, and lists and mappings of such.

        Raises `TypeError` for anything else, so that no secret gets in by mistake.
        """
        self._put((_NOTE, self._now_ns(), kind, _json(facts)))

    def checkpoint(self, ledger: Mapping[str, Any]) -> None:
        """Note the state of the ledger, of the same kinds of values as `note`: a later run starts from it.

        It stands for every fill and note that this was given before.
        """
        self._put((_CHECKPOINT, self._now_ns(), _json(ledger)))

    def _intend(
        self,
        kind: int,
        event: str,
        order: Order,
        time_ns: int,
        state: OrderState,
        pending_price: Price | None,
        pending_size: Size | None,
    ) -> None:
        if self.fault:
            raise OrderError(f"the journal cannot be written: {self.fault}")
        if len(self._queue) >= CAPACITY:
            raise OrderError("the journal is behind, no further intent can be kept")
        try:
            instrument = self._instruments[order.instrument]
            strategy = self._strategies[order.strategy]
        except KeyError:
            raise OrderError(
                f"the journal was not told of {order.instrument} or of strategy {order.strategy!r}"
            ) from None
        number = self._ring.append(kind, order, instrument, strategy, time_ns, pending_price, pending_size)
        self._queue.append(
            (
                _ORDER,
                time_ns,
                order,
                event,
                number,
                state,
                order.price,
                order.size,
                order.filled,
                pending_price,
                pending_size,
                order.exchange_order_id,
                order.reason,
            )
        )
        self.told += 1

    def _put(self, item: Item) -> None:
        if len(self._queue) >= CAPACITY:
            self._drop()
            return
        self._queue.append(item)
        self.told += 1

    def _drop(self) -> None:
        self.dropped += 1
        self._report(f"{CAPACITY:,} records wait for the disk, further ones are lost")

    # -- writing ---------------------------------------------------------------------------------

    @property
    def done(self) -> int:
        """How many of the ``told`` are in the database."""
        return self._writer.done

    def flush(self) -> None:
        """Wait until everything told so far is in the database; raise `UsageError` if that fails.

        Not for the hot path.
        """
        told = self.told
        with self._written:
            if self.done < told:
                self._wake.set()
            self._written.wait_for(
                lambda: not self._busy and (self.done >= told or self.fault), FLUSH_WITHIN_S
            )
        if self.done < told:
            raise UsageError(self.fault or f"the journal was not written within {FLUSH_WITHIN_S:g} s")

    def close(self) -> None:
        """Write what waits, and let the next run have the journal; a journal at fault is closed as it is."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            if self.dropped:
                facts = _json({"lost": f"{self.dropped:,} records that the disk was too slow for"})
                self._queue.append((_NOTE, self._now_ns(), NoteKind.DAMAGE, facts))
            self._stop = True
            self._wake.set()
            self._thread.join(FLUSH_WITHIN_S)
            if self._thread.is_alive():
                return  # the disk hangs: nothing of what the thread uses may be taken from it
        self._writer.close()
        self._ring.close()
        self._lock.close()

    def _write(self) -> None:
        wait_s = self._commit_every_s
        while True:
            self._wake.wait(wait_s)
            self._busy = True
            stopping = self._stop
            self._wake.clear()
            try:
                while self._writer.write():
                    pass
                wait_s = self._commit_every_s
            except sqlite3.Error as error:
                self._report(str(self._usage_error(error)))
                wait_s = RETRY_EVERY_S
            except Exception as error:  # the thread must go on: what was not written is written later
                self._report(f"{type(error).__name__}: {error}")
                wait_s = RETRY_EVERY_S
            if self._writer.refused:
                self._report(f"{self._writer.refused} records could not be written: {self._writer.refusal}")
            with self._written:
                self._busy = False
                self._written.notify_all()
            if stopping:
                return

    def _report(self, reason: str) -> None:
        if self.fault:
            return
        self.fault = reason
        if self._call_soon is not None and self._on_fault is not None:
            try:
                self._call_soon(self._on_fault, reason)
            except RuntimeError:  # the loop is closed: the run is over
                logger.error("{}", reason)

    def _usage_error(self, error: sqlite3.Error) -> UsageError:
        return _usage_error(error, self._path)


def open_journal(folder: Path, clock: Clock, *, commit_every_s: float = COMMIT_EVERY_S) -> Journal:
    """Open a profile's journal, or make it, and find what its runs left.

    A damaged one is mended: what is whole goes into a fresh file, the damaged one stays beside it, and
    ``recovered.damage`` says what was lost. Raises `UsageError` if another process writes it, if the folder
    cannot be written, or if a newer hft wrote it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}, mend that first") from None
    lock = Lock(folder / "lock")
    path = folder / JOURNAL
    try:
        found = read_intents(folder / INTENTS)
        connection, loaded, damage = open_database(path, found, clock.now_ns())
        queue: deque[Item] = deque()
        writer = Writer(connection, loaded, queue)
        intents, doubt = lost_intents(found, loaded)
        damage = "; ".join(filter(None, (damage, doubt)))
        strategies = {record.run: record.strategies for record in loaded.runs}
        writer.merge(intents, strategies, loaded.instruments, damage, clock.now_ns())
        if doubt:
            keep_damaged(folder / INTENTS)
        ring = IntentLog(folder / INTENTS)
        ring.begin(0, "", writer.seq)
        _sync(folder)
    except sqlite3.Error as error:
        lock.close()
        raise _usage_error(error, path) from None
    except OSError as error:
        lock.close()
        raise UsageError(f"{folder}: cannot be written: {error.strerror}, mend that first") from None
    except BaseException:  # a bug must not leave the folder locked
        lock.close()
        raise
    return Journal(path, lock, ring, writer, recovered(loaded, damage), clock, queue, commit_every_s)


def recover(folder: Path, clock: Clock) -> Recovered:
    """Return what the runs of a journal left, mending it if it is damaged."""
    journal = open_journal(folder, clock)
    journal.close()
    return journal.recovered


def _sync(folder: Path) -> None:
    """Let the names of new files outlive a power loss, as their contents do."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _usage_error(error: sqlite3.Error, path: Path) -> UsageError:
    found = translated(error, path)
    if isinstance(found, DamagedError):
        return UsageError(f"{path}: is damaged, what is whole of it is recovered when it is opened next")
    return found


def _json(facts: Mapping[str, Any]) -> str:
    return msgspec.json.encode(facts, enc_hook=_refuse).decode()


def _refuse(value: object) -> Any:
    raise TypeError(f"a journal holds no {type(value).__name__}, give texts, numbers or decimals")
