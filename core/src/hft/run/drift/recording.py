"""Take a recorded session apart: its market data as columns, what it did, and how long its orders took."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import attrs
import msgspec

from hft.book import OrderBook
from hft.capture import CaptureRecord
from hft.clock import SimulatedClock
from hft.data.rows import Rows
from hft.data.store import Store
from hft.errors import CaptureError, UsageError
from hft.funding import FundingRate
from hft.instrument import Instrument, InstrumentId
from hft.market import Channel, Market
from hft.net.spec import Request
from hft.plugin.feed import RecordedFeed
from hft.profile import Mode, Profile
from hft.run.drift.deeds import Deeds
from hft.run.drift.value import Middles
from hft.run.kernel import pick_instrument
from hft.run.market_recorder import MarketRecorder
from hft.run.session.header import Header
from hft.run.session.reading import SessionReader, Step
from hft.run.wanted import wanted_instruments
from hft.types import BookState

__all__ = ["Recording", "read_recording"]

_BUFFERED_ROWS = 8_192
_NAME = re.compile(r" \S+@(\S+)")

_ANSWERS = {"place": "accepted", "amend": "replaced", "cancel": "canceled"}
"""What says that a request has arrived."""

_MARKET_DATA = ("open", "close", "recv", "http", "failed")


class _Report(msgspec.Struct):
    """What is looked at of a report that an account told."""

    client_order_id: str
    kind: str
    exchange_ns: int = 0


class _Payment(msgspec.Struct):
    """What is looked at of a funding payment."""

    payment_id: str
    instrument: str
    asset: str
    amount: Decimal
    exchange_ns: int = 0


class _Position(msgspec.Struct):
    size: Decimal


class _Held(msgspec.Struct):
    positions: dict[str, _Position]


class _Ledger(msgspec.Struct):
    """What is looked at of the ledger that a session began with."""

    instruments: dict[str, _Held]


@attrs.define(kw_only=True)
class Recording:
    """A session: from ``begin_ns``, when its strategies started, to ``end_ns``, when they were stopped.

    ``latencies`` are, by exchange key, when requests were sent, arrived and were acknowledged; there are none
    of a dry run. ``fundings`` are when what of which asset was received for an instrument. ``held`` are the
    instruments in which it had a position when it began. ``incomplete`` says why this is not all of it.
    """

    header: Header
    deeds: Deeds
    middles: dict[str, Middles]
    begin_ns: int = 0
    end_ns: int = 0
    stopped_ns: int | None = None
    latencies: dict[str, list[tuple[int, int, int]]] = attrs.Factory(dict)
    fundings: list[tuple[int, str, str, Decimal]] = attrs.Factory(list)
    held: list[str] = attrs.Factory(list)
    incomplete: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it traded for real."""
        return self.header.mode == Mode.LIVE.value


def read_recording(
    profile: Profile,
    path: Path,
    store: Store,
    *,
    warn: Callable[[str, str], None],
    on_bytes: Callable[[int], None],
) -> Recording:
    """Read a session and put its market data into the store; raise `CaptureError` where that cannot be."""
    reader = SessionReader(path, on_bytes=on_bytes)
    if reader.first is None or reader.first.dir != "session":
        raise CaptureError(f"{path}: is no session, which hft run PROFILE --record FILE makes")
    header = Header.decode(path, reader.first.payload)
    reading = _Reading(profile, header, store, warn)
    for step in reader.steps():
        reading.take(step)
    reading.close()
    result = reading.result
    result.incomplete = reader.incomplete
    if not result.begin_ns:
        raise CaptureError(
            f"{path}: the session ended before its strategies started, there is nothing to compare"
        )
    return result


class _Reading:
    def __init__(
        self, profile: Profile, header: Header, store: Store, warn: Callable[[str, str], None]
    ) -> None:
        if missing := [key for key in header.urls if key not in profile.exchanges]:
            raise UsageError(f"{profile.path}: has no exchange {missing[0]!r}, which the session has")
        self._store = store
        self._warn = warn
        wanted = (*wanted_instruments(profile), *map(InstrumentId.parse, header.instruments))
        self._wanted = list(dict.fromkeys(wanted))
        self._clock = SimulatedClock()
        self._instruments: dict[str, Instrument] = {}
        self._recorders: list[MarketRecorder] = []
        self._feeds: dict[str, RecordedFeed] = {}
        self._sent: dict[str, tuple[str, str, int]] = {}
        """By client order id, of what is not answered yet: which answer that is, the exchange, the time."""
        self._paid: set[tuple[str, str]] = set()
        self.result = Recording(header=header, deeds=Deeds(self._instruments), middles={})
        for key, entry in profile.exchanges.items():
            stream_class = entry.plugin.market_data()
            assert stream_class is not None, "the profile reader has checked it"
            feed = self._feeds[key] = RecordedFeed(
                key, entry.environment, header.urls.get(key), clock=self._clock, warn=warn
            )
            feed.stream = stream_class(entry.config, feed)
            feed.stream.instrument_requests([each.symbol for each in self._wanted if each.exchange == key])

    def take(self, step: Step) -> None:
        record, result = step.record, self.result
        self._clock.advance_to(record.t)
        result.end_ns = record.t if result.stopped_ns is None else result.stopped_ns
        if record.dir in _MARKET_DATA:
            self._play(record)
        elif (record.dir, record.conn) == ("told", "terms"):
            self._list()
        elif record.dir == "told":
            self._told(record)
        elif record.dir == "start":
            self._start(record.t)
        elif record.dir == "stop":
            result.stopped_ns = record.t
        # What follows from earlier runs comes before the strategies start.
        for line in step.effects if result.begin_ns else ():
            self._note(record.t, line)

    def close(self) -> None:
        for recorder in self._recorders:
            self._write(recorder)

    # -- what the session did ----------------------------------------------------------------------

    def _note(self, time_ns: int, line: str) -> None:
        deeds = self.result.deeds
        deeds.note(time_ns, line)
        what, client_order_id = line.split(" ", 2)[:2]
        if what in _ANSWERS and self.result.is_live:
            key = _NAME.search(line)
            self._sent[client_order_id] = (_ANSWERS[what], key[1] if key else "", time_ns)

    def _told(self, record: CaptureRecord) -> None:
        if record.conn == "report":
            report = msgspec.json.decode(record.payload, type=_Report)
            answer, key, sent_ns = self._sent.get(report.client_order_id, ("", "", 0))
            if report.kind == answer:
                del self._sent[report.client_order_id]
                # Where the clocks of both sides differ by more, that says nothing: half of it each way.
                is_known = sent_ns <= report.exchange_ns <= record.t
                arrived_ns = report.exchange_ns if is_known else (sent_ns + record.t) // 2
                self.result.latencies.setdefault(key, []).append((sent_ns, arrived_ns, record.t))
        elif record.conn == "funding":
            paid = msgspec.json.decode(record.payload, type=_Payment)
            # An account tells of the same ones again and again, also of those before the session.
            is_new = (paid.instrument, paid.payment_id) not in self._paid
            self._paid.add((paid.instrument, paid.payment_id))
            if is_new and self.result.begin_ns:
                self.result.fundings.append((record.t, paid.instrument, paid.asset, paid.amount))
        elif record.conn == "ledger":
            ledger = msgspec.json.decode(record.payload, type=_Ledger)
            self.result.held += [
                name
                for name, each in ledger.instruments.items()
                if any(position.size for position in each.positions.values())
            ]

    # -- market data -------------------------------------------------------------------------------

    def _play(self, record: CaptureRecord) -> None:
        feed = self._feeds[record.exchange or ""]
        try:
            if record.dir == "http" and not self.result.begin_ns:
                request = Request(url=record.conn, body=(record.req or "").encode())
                feed.on_listing(request, record.payload, record.t)
            else:
                feed.play(record)
        except Exception as error:
            # The connection reported it then, and went on.
            self._warn(f"read {type(error).__name__}", f"{record.exchange}: {error!r}")

    def _list(self) -> None:
        for wanted in self._wanted:
            instrument = pick_instrument(self._feeds[wanted.exchange].instruments, wanted)
            self._instruments[str(wanted)] = instrument
            self.result.middles[str(wanted)] = Middles(instrument)

    def _start(self, now_ns: int) -> None:
        if not self._instruments:
            self._list()
        self.result.begin_ns = now_ns
        for key, feed in self._feeds.items():
            own = [each for each in self.result.middles.values() if each.instrument.id.exchange == key]
            feed.stream.subscribe([self._market(each) for each in own])

    def _market(self, middles: Middles) -> Market:
        recorder = MarketRecorder(
            middles.instrument, self._clock, self._write, self._add_funding, _BUFFERED_ROWS
        )
        self._recorders.append(recorder)

        def look(book: OrderBook) -> None:
            bid, ask = book.best_bid, book.best_ask
            if book.state is BookState.LIVE and bid is not None and ask is not None:
                middles.add(self._clock.now_ns(), bid + ask)

        recorder.market.listen(Channel.BOOK, look)
        return recorder.market

    def _add_funding(self, instrument: Instrument, time_ns: int, rate: FundingRate) -> None:
        # A dry run pays what its profile says, whatever the exchange says.
        if self.result.is_live:
            self._store.add_funding(instrument, time_ns, rate)

    def _write(self, recorder: MarketRecorder) -> None:
        rows: Rows = recorder.rows.take()
        if not self.result.is_live:
            # A dry run has one book: what we see is what its simulated exchange knows.
            rows = attrs.evolve(rows, exchange_ns=rows.recv_ns)
        self._store.add(recorder.instrument, rows)
