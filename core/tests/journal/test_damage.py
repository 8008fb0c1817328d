"""Whatever is cut off, flipped or missing: what is found is true, what is not is said to be lost."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hft.clock import SimulatedClock
from hft.journal import NoteKind, Recovered, recover
from hft.order import Order
from hft.testing.journal import JournalDesk
from hft.types import OrderState, Size

Facts = tuple[object, ...]

FILES = ("journal.sqlite", "journal.sqlite-wal", "intents.bin")


def facts(order: Order) -> Facts:
    """Return all that the journal keeps of an order."""
    fields = [field.name for field in attrs.fields(Order) if field.name not in ("stamps", "instrument")]
    return (order.instrument.id, *(getattr(order, name) for name in fields))


def shape(found: Recovered) -> object:
    """Return what was recovered, comparable."""
    return (
        [(run.run, run.prefix) for run in found.runs],
        {key: facts(order) for key, order in found.orders.items()},
        found.ledger,
        [fill.trade_id for fill in found.fills],
        [(note.kind, note.facts) for note in found.notes if note.kind is not NoteKind.DAMAGE],
        {key: fill.trade_id for key, fill in found.last_fills.items()},
    )


class Told:
    """A journal's files, what it was told, and what is to be recovered from them undamaged."""

    def __init__(self, folder: Path, states: set[Facts], fills: set[str], whole: object) -> None:
        self.folder = folder
        self.states = states
        self.fills = fills
        self.whole = whole


def tell(folder: Path, *, seed: int) -> tuple[JournalDesk, set[Facts], set[str]]:
    """Write two runs: enough for many pages, a checkpoint that runs over several, and intents at the end."""
    chance = random.Random(seed)
    states: set[Facts] = set()
    fills: set[str] = set()
    orders: list[Order] = []
    desk = JournalDesk(folder)

    def note(order: Order) -> None:
        unknown = attrs.evolve(order, state=OrderState.UNKNOWN)
        states.update((facts(order), facts(unknown)))

    for prefix in ("abc1", "abc2"):
        desk.begin(prefix)
        for number in range(150):
            order = desk.order(0, client_order_id=f"{prefix}{number}")
            desk.journal.intend_place(order)
            note(order)
            order.state, order.exchange_order_id = OrderState.NEW, f"x{number}"
            desk.journal.order(order)
            note(order)
            if chance.random() < 0.3:
                order.filled = Size(order.filled + 1)
                order.state = OrderState.PARTIALLY_FILLED
                fill = desk.fill(order, len(fills))
                fills.add(fill.trade_id)
                desk.journal.fill(fill)
                desk.journal.order(order)
                note(order)
            orders.append(order)
            if chance.random() < 0.4:
                gone = orders.pop(chance.randrange(len(orders)))
                gone.state = OrderState.CANCELED
                desk.journal.order(gone)
                note(gone)
            if number % 40 == 0:
                desk.journal.note(NoteKind.RECONCILIATION, number=number, words="w" * 5000)
                desk.journal.flush()
            if number == 100:
                desk.journal.checkpoint({"fills": len(fills)})
        if prefix == "abc1":
            desk.journal.close()
            desk = JournalDesk(folder)
    desk.journal.flush()
    for number in range(3):
        order = desk.order(0, client_order_id=f"abc2last{number}")
        desk.journal.intend_place(order)
        note(order)
    return desk, states, fills


@pytest.fixture(scope="module", params=["killed", "closed"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Return what a run left that was killed, with a WAL, or that was closed."""
    base = tmp_path_factory.mktemp("told")
    desk, states, fills = tell(base / "live", seed=7)
    if request.param == "closed":
        desk.journal.close()
    folder = desk.killed(base / "left")
    desk.journal.close()
    shutil.copytree(folder, base / "whole")
    found = recover(base / "whole", SimulatedClock(desk.clock.now_ns()))
    assert found.damage == ""
    return Told(folder, states, fills, shape(found))


def check(told: Told, folder: Path) -> Recovered:
    """Recover a damaged copy, and see that nothing false came of it and nothing is silently missing."""
    clock = SimulatedClock(2 * 10**18)
    found = recover(folder, clock)
    assert {facts(order) for order in found.orders.values()} <= told.states
    assert {fill.trade_id for fill in found.fills} <= told.fills
    assert found.damage or shape(found) == told.whole
    assert "\n" not in found.damage
    assert "malformed" not in found.damage
    again = recover(folder, clock)
    assert again.damage == ""
    assert shape(again) == shape(found)
    return found


@settings(max_examples=150, deadline=None)
@given(file=st.sampled_from(FILES), at=st.floats(0, 1, exclude_max=True))
def test_a_file_may_be_cut_anywhere(told: Told, file: str, at: float) -> None:
    with tempfile.TemporaryDirectory() as base:
        folder = shutil.copytree(told.folder, Path(base) / "cut")
        path = folder / file
        if path.exists():
            path.write_bytes(path.read_bytes()[: int(path.stat().st_size * at)])
        check(told, folder)


@settings(max_examples=300, deadline=None)
@given(
    file=st.sampled_from(FILES),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=3),
    head=st.booleans(),
)
def test_bits_may_be_flipped_anywhere(
    told: Told, file: str, flips: list[tuple[float, int]], head: bool
) -> None:
    with tempfile.TemporaryDirectory() as base:
        folder = shutil.copytree(told.folder, Path(base) / "flipped")
        path = folder / file
        if path.exists():
            content = bytearray(path.read_bytes())
            size = min(len(content), 200) if head else len(content)
            for at, bit in flips:
                content[int(size * at)] ^= 1 << bit
            path.write_bytes(content)
        check(told, folder)


@settings(max_examples=60, deadline=None)
@example(
    file="journal.sqlite-wal",
    start=0.6377312472704358,
    length=2345,
    seed=38_594_580_865_058_923_107_349_168_128,
)
@given(file=st.sampled_from(FILES), start=st.floats(0, 1), length=st.integers(1, 20_000), seed=st.integers())
def test_a_stretch_may_be_garbage(told: Told, file: str, start: float, length: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as base:
        folder = shutil.copytree(told.folder, Path(base) / "garbage")
        path = folder / file
        if path.exists():
            content = path.read_bytes()
            at = int(len(content) * start)
            garbage = random.Random(seed).randbytes(length)
            path.write_bytes((content[:at] + garbage + content[at + length :])[: len(content)])
        check(told, folder)


@pytest.mark.parametrize("file", FILES)
def test_a_file_may_be_missing(told: Told, file: str, tmp_path: Path) -> None:
    folder = shutil.copytree(told.folder, tmp_path / "missing")
    (folder / file).unlink(missing_ok=True)
    found = check(told, folder)
    assert found.damage or not (told.folder / file).exists()
