"""What a journal was told is what a later run finds."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hft.errors import GridError, OrderError, UsageError
from hft.events import Fill
from hft.instrument import InstrumentId
from hft.journal import JournalReader, NoteKind, Recovered, intents, journal, on_grid, schema
from hft.order import Order
from hft.secret import Secret
from hft.testing.journal import JournalDesk
from hft.testing.trading import make_instrument
from hft.types import OrderState, OrderType, PositionSide, Price, Side, Size, TimeInForce

UNDER_WAY = (OrderState.PENDING_NEW, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE)


def facts(record: Order | Fill) -> dict[str, object]:
    """Return all that the journal keeps of an order or fill."""
    names = [field.name for field in attrs.fields(type(record)) if field.name != "stamps"]
    return {name: getattr(record, name) for name in names} | {"instrument": record.instrument.id}


def told(order: Order) -> dict[str, object]:
    """Return an order as a later run is to find it."""
    values = facts(order)
    return values | {"state": OrderState.UNKNOWN} if order.state in UNDER_WAY else values


def orders_of(found: Recovered) -> dict[str, dict[str, object]]:
    """Return all recovered orders."""
    return {key: facts(order) for key, order in found.orders.items()}


def test_every_field_of_an_order_comes_back(desk: JournalDesk, tmp_path: Path) -> None:
    order = desk.order(
        1,
        side=Side.SELL,
        type=OrderType.STOP_LIMIT,
        time_in_force=TimeInForce.GTD,
        post_only=True,
        reduce_only=True,
        trigger_price=Price(999),
        expire_ns=desk.clock.now_ns() + 10**12,
        position_side=PositionSide.SHORT,
        replaces="abc10",
        filled=Size(3),
        pending_price=Price(1005),
        pending_size=Size(8),
        exchange_order_id="77",
        reason="why: Grüße",
        state=OrderState.PARTIALLY_FILLED,
    )
    desk.journal.order(order)
    desk.journal.flush()
    found = desk.recover(desk.killed(tmp_path / "copy"))
    assert orders_of(found) == {"abc11": facts(order)}
    assert found.damage == ""


@pytest.mark.parametrize("type", OrderType)
@pytest.mark.parametrize("time_in_force", TimeInForce)
@pytest.mark.parametrize("position_side", PositionSide)
def test_an_intent_alone_says_all_about_an_order(
    make_desk: Callable[..., JournalDesk],
    tmp_path: Path,
    type: OrderType,
    time_in_force: TimeInForce,
    position_side: PositionSide,
) -> None:
    desk = make_desk()
    desk.begin()
    order = desk.order(
        1,
        type=type,
        time_in_force=time_in_force,
        position_side=position_side,
        price=None if type is OrderType.MARKET else Price(7),
        trigger_price=Price(5) if type is OrderType.STOP_LIMIT else None,
        reduce_only=time_in_force is TimeInForce.IOC,
        post_only=time_in_force is TimeInForce.GTC,
        replaces="abc10",
        expire_ns=7,
    )
    desk.journal.intend_place(order)
    assert desk.journal.done < desk.journal.told
    found = desk.recover(desk.killed(tmp_path / "copy"))
    assert orders_of(found) == {"abc11": facts(order) | {"state": OrderState.UNKNOWN}}
    assert found.damage == ""


def test_every_field_of_a_fill_comes_back(desk: JournalDesk, tmp_path: Path) -> None:
    order = desk.order(1)
    fill = attrs.evolve(
        desk.fill(order, 1),
        fee=Decimal("-0.0100"),
        realized=Decimal("-7.50"),
        position_side=PositionSide.LONG,
        exchange_made=True,
        exchange_order_id="9",
    )
    desk.journal.fill(fill)
    desk.journal.flush()
    found = desk.recover(desk.killed(tmp_path / "copy"))
    assert [facts(one) for one in found.fills] == [facts(fill)]
    assert str(found.fills[0].fee) == "-0.0100"
    assert {key: facts(one) for key, one in found.last_fills.items()} == {desk.instrument.id: facts(fill)}
    assert found.fills[0].instrument.tick_size == desk.instrument.tick_size


def test_an_amendment_under_way_makes_the_order_unknown(desk: JournalDesk, tmp_path: Path) -> None:
    order = desk.order(1, state=OrderState.NEW)
    desk.journal.order(order)
    desk.journal.flush()
    desk.journal.intend_amend(order, Price(1), Size(20))
    found = desk.recover(desk.killed(tmp_path / "copy"))
    recovered = found.orders["abc11"]
    assert (recovered.state, recovered.price, recovered.pending_price, recovered.pending_size) == (
        OrderState.UNKNOWN,
        order.price,
        1,
        20,
    )
    assert recovered.largest_size == 20


def test_a_checkpoint_stands_for_what_came_before(desk: JournalDesk, tmp_path: Path) -> None:
    open_, gone = desk.order(1, state=OrderState.NEW), desk.order(2, state=OrderState.CANCELED)
    for order in (open_, gone):
        desk.journal.intend_place(order)
        desk.journal.order(order)
    first, second = desk.fill(open_, 1), desk.fill(open_, 2)
    desk.journal.fill(first)
    desk.journal.note(NoteKind.KILL, by="hft kill")
    desk.journal.checkpoint({"cash": {"USDT": Decimal("1.50")}, "trades": ["1"]})
    desk.journal.note(NoteKind.FUNDING, amount=Decimal("-0.1"), asset="USDT")
    desk.journal.fill(second)
    desk.journal.flush()
    found = desk.recover(desk.killed(tmp_path / "copy"))
    assert found.ledger == {"cash": {"USDT": "1.50"}, "trades": ["1"]}
    assert orders_of(found) == {"abc11": facts(open_)}
    funding, fill = found.entries
    assert (funding, fill) == (found.notes[0], found.fills[0])
    assert found.notes[0].facts == {"amount": "-0.1", "asset": "USDT"}
    assert facts(found.fills[0]) == facts(second)
    assert found.last_notes[NoteKind.KILL].facts == {"by": "hft kill"}


def test_an_order_that_is_open_again_outlives_a_checkpoint(desk: JournalDesk, tmp_path: Path) -> None:
    order = desk.order(1, state=OrderState.CANCELED)
    desk.journal.intend_place(order)
    desk.journal.order(order)
    desk.journal.checkpoint({})
    # The exchange lists it still: it is taken over as one that never ended.
    again = attrs.evolve(order, state=OrderState.PARTIALLY_FILLED, filled=Size(3))
    desk.journal.order(again)
    desk.journal.flush()
    assert orders_of(desk.recover(desk.killed(tmp_path / "copy"))) == {"abc11": facts(again)}
    desk.journal.close()
    with JournalReader(desk.folder) as reader:
        assert reader.run().orders == 1
        assert [life.order.client_order_id for life in reader.orders(1)] == ["abc11"]


def test_later_runs_go_on_in_the_same_file(make_desk: Callable[..., JournalDesk]) -> None:
    for prefix in ("abc1", "abc2"):
        desk = make_desk()
        desk.begin(prefix)
        desk.journal.intend_place(desk.order(0, client_order_id=f"{prefix}1"))
        desk.journal.close()
    found = make_desk().journal.recovered
    assert [(run.run, run.prefix, run.strategies) for run in found.runs] == [
        (1, "abc1", ("maker",)),
        (2, "abc2", ("maker",)),
    ]
    assert list(found.orders) == ["abc11", "abc21"]
    first, second = found.orders.values()
    assert first.instrument is second.instrument


def test_a_run_is_known_from_its_beginning(desk: JournalDesk, tmp_path: Path) -> None:
    found = desk.recover(desk.killed(tmp_path / "copy"))
    assert [(run.profile_prefix, run.prefix, run.mode, run.pid) for run in found.runs] == [
        ("abc", "abc1", "live", os.getpid())
    ]


Call = tuple[str, int, int]


@settings(max_examples=100, deadline=None)
@given(
    calls=st.lists(
        st.tuples(
            st.sampled_from(["place", "amend", "cancel", "order", "fill", "checkpoint", "flush"]),
            st.integers(1, 4),
            st.integers(1, 9),
        ),
        max_size=40,
    )
)
@example([("place", 1, 1), ("order", 1, 5), ("checkpoint", 1, 1), ("amend", 1, 1), ("flush", 1, 1)])
def test_nothing_that_was_told_as_done_is_lost(calls: list[Call]) -> None:
    with tempfile.TemporaryDirectory() as base:
        desk = JournalDesk(Path(base) / "journal")
        desk.begin()
        # What is in the database, and what an intent says that is not.
        done: dict[str, dict[str, object]] = {}
        fills: list[dict[str, object]] = []
        waiting: list[Callable[[], None]] = []
        intended: dict[str, dict[str, object]] = {}
        orders: dict[int, Order] = {}

        def later(action: Callable[..., Any], *arguments: object) -> None:
            waiting.append(lambda: action(*arguments))

        for call, number, amount in calls:
            order = orders.get(number)
            if call == "place" and order is None:
                order = orders[number] = desk.order(number, size=Size(amount + 1))
                desk.journal.intend_place(order)
                intended[order.client_order_id] = told(order)
                later(done.__setitem__, order.client_order_id, told(order))
            elif call == "amend" and order is not None:
                desk.journal.intend_amend(order, Price(amount), Size(20))
                seen = facts(order) | {
                    "state": OrderState.UNKNOWN,
                    "pending_price": Price(amount),
                    "pending_size": Size(20),
                }
                intended[order.client_order_id] = seen
                later(done.__setitem__, order.client_order_id, seen)
            elif call == "cancel" and order is not None:
                desk.journal.intend_cancel(order)
                seen = facts(order) | {"state": OrderState.UNKNOWN}
                intended[order.client_order_id] = seen
                later(done.__setitem__, order.client_order_id, seen)
            elif call == "order" and order is not None:
                order.state = list(OrderState)[amount]
                order.filled = Size(amount)
                desk.journal.order(order)
                later(done.__setitem__, order.client_order_id, told(order))
            elif call == "fill" and order is not None:
                fill = desk.fill(order, amount)
                desk.journal.fill(fill)
                later(fills.append, facts(fill))
            elif call == "checkpoint":
                desk.journal.checkpoint({"at": amount})
                later(fills.clear)
            elif call == "flush":
                desk.journal.flush()
                for action in waiting:
                    action()
                waiting.clear()
                intended.clear()
        found = desk.recover(desk.killed(Path(base) / "copy"))
        desk.journal.close()
        assert found.damage == ""
        assert [facts(fill) for fill in found.fills] == fills
        recovered = orders_of(found)
        # A checkpoint forgets finished orders, and no other.
        for key, expected in (done | intended).items():
            assert recovered.get(key, expected) == expected
            assert key in recovered or OrderState(expected["state"]).is_final
        assert set(recovered) <= set(done | intended)


# -- what must not be done -------------------------------------------------------------------------


def test_what_nobody_was_told_of_is_not_sent(desk: JournalDesk) -> None:
    other = make_instrument("ETH/USDT")
    with pytest.raises(OrderError, match="was not told of ETH/USDT@test"):
        desk.journal.intend_place(desk.order(1, instrument=other))
    with pytest.raises(OrderError, match="strategy 'other'"):
        desk.journal.intend_place(desk.order(1, strategy="other"))
    with pytest.raises(OrderError, match="36 characters at most"):
        desk.journal.intend_place(desk.order(1, client_order_id="x" * 37))


def test_an_intent_is_kept_until_the_database_has_it(
    make_desk: Callable[..., JournalDesk], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(intents.IntentLog.__init__, "__kwdefaults__", {"slots": 4})
    desk = make_desk()
    desk.begin()
    orders = [desk.order(number) for number in range(9)]
    for order in orders[:4]:
        desk.journal.intend_place(order)
    with pytest.raises(OrderError, match="the journal is behind"):
        desk.journal.intend_place(orders[4])
    desk.journal.intend_cancel(orders[0])
    assert list(desk.recover(desk.killed(tmp_path / "full")).orders) == ["abc10", "abc11", "abc12", "abc13"]
    desk.journal.flush()
    for order in orders[4:8]:
        desk.journal.intend_place(order)
    found = desk.recover(desk.killed(tmp_path / "turned"))
    assert list(found.orders) == [order.client_order_id for order in orders[:8]]
    assert found.damage == ""


def test_a_full_queue_is_a_fault_and_no_more(
    desk: JournalDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(journal, "CAPACITY", 3)
    order = desk.order(1, state=OrderState.NEW)
    for _ in range(5):
        desk.journal.order(order)
    desk.journal.fill(desk.fill(order, 1))
    assert desk.faults == ["3 records wait for the disk, further ones are lost"]
    assert desk.journal.dropped == 3
    with pytest.raises(OrderError, match="cannot be written"):
        desk.journal.intend_place(desk.order(2))
    desk.journal.intend_cancel(order)
    desk.journal.close()
    found = desk.recover(desk.folder)
    assert found.last_notes[NoteKind.DAMAGE].facts == {"lost": "3 records that the disk was too slow for"}


def test_a_full_disk_is_a_fault_and_what_waits_is_written_when_there_is_room(
    desk: JournalDesk, tmp_path: Path
) -> None:
    connection = desk.journal._writer._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    order = desk.order(1, state=OrderState.NEW)
    for number in range(200):
        desk.journal.fill(desk.fill(order, number))
    with pytest.raises(UsageError, match="the disk is full, make room"):
        desk.journal.flush()
    assert len(desk.faults) == 1
    assert "the disk is full" in desk.faults[0]
    with pytest.raises(OrderError, match="the disk is full"):
        desk.journal.intend_place(order)
    connection.execute("PRAGMA max_page_count = 1000000")
    desk.journal.close()
    found = desk.recover(desk.folder)
    assert [fill.trade_id for fill in found.fills] == [f"t{number}" for number in range(200)]
    assert len(desk.faults) == 1


def test_what_cannot_be_a_record_is_a_fault_and_the_rest_is_written(desk: JournalDesk) -> None:
    order = desk.order(1, state=OrderState.NEW)
    desk.journal.fill(attrs.evolve(desk.fill(order, 1), exchange_ns=2**70))
    desk.journal.fill(attrs.evolve(desk.fill(order, 2), exchange_ns=2**63))
    desk.journal.order(order)
    desk.journal.close()
    assert len(desk.faults) == 1
    assert "records could not be written" in desk.faults[0]
    assert list(desk.recover(desk.folder).orders) == ["abc11"]


@pytest.mark.parametrize("value", [Secret("hunter2"), object(), {"inner": Secret("hunter2")}])
def test_no_secret_gets_in(desk: JournalDesk, value: object) -> None:
    with pytest.raises(TypeError, match="a journal holds no"):
        desk.journal.note(NoteKind.HALT, reason=value)
    with pytest.raises(TypeError, match="a journal holds no"):
        desk.journal.checkpoint({"reason": value})
    desk.journal.close()
    assert all(b"hunter2" not in file.read_bytes() for file in desk.folder.iterdir())


def test_one_process_at_a_time(desk: JournalDesk, make_desk: Callable[..., JournalDesk]) -> None:
    with pytest.raises(UsageError, match=f"in use by process {os.getpid()}"):
        make_desk()
    desk.journal.close()
    make_desk()


def test_a_newer_journal_is_left_alone(desk: JournalDesk, make_desk: Callable[..., JournalDesk]) -> None:
    connection = desk.journal._writer._connection
    connection.execute(schema.FORMAT.insert, schema.FORMAT.seal(-9, 0, 0, 9))
    connection.execute("PRAGMA user_version = 9")
    desk.journal.close()
    before = (desk.folder / "journal.sqlite").read_bytes()
    with pytest.raises(UsageError, match="has format 9, this hft knows formats up to 2"):
        make_desk()
    assert (desk.folder / "journal.sqlite").read_bytes() == before


def test_an_older_journal_is_brought_up_to_date(desk: JournalDesk) -> None:
    connection = desk.journal._writer._connection
    made = []
    schema.migrate(connection, 2, 5, migrations={2: lambda _: made.append(1), 3: made.append}, target=4)
    assert made == [1, connection]
    assert [row[3] for row in schema.FORMAT.read(connection)] == [4, 3, 2]
    assert connection.execute("PRAGMA user_version").fetchone() == (4,)


def make_older(folder: Path) -> None:
    """Make a journal one of version 1, which did not keep what a fill realized."""
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as connection:
        at = 3 + schema.FILLS.columns.index("realized TEXT")
        rows = [schema.FILLS_1.seal(*row[:at], *row[at + 1 : -1]) for row in schema.FILLS.read(connection)]
        connection.execute("DROP TABLE fills")
        connection.execute(schema.FILLS_1.ddl)
        connection.executemany(schema.FILLS_1.insert, rows)
        connection.execute("DELETE FROM format")
        connection.execute(schema.FORMAT.insert, schema.FORMAT.seal(-1, 0, 0, 1))
        connection.execute("PRAGMA user_version = 1")


@pytest.mark.parametrize("damaged", [False, True])
def test_fills_of_version_1_are_kept(
    desk: JournalDesk, make_desk: Callable[..., JournalDesk], damaged: bool
) -> None:
    order = desk.order(1)
    desk.journal.order(order)
    fills = [attrs.evolve(desk.fill(order, number), realized=Decimal(number)) for number in range(3)]
    for fill in fills:
        desk.journal.fill(fill)
    desk.journal.close()
    make_older(desk.folder)
    with pytest.raises(UsageError, match=r"the journal has format 1, .* run the profile"):
        JournalReader(desk.folder)
    if damaged:
        with closing(sqlite3.connect(desk.folder / "journal.sqlite", isolation_level=None)) as connection:
            connection.execute("UPDATE fills SET price = 1 WHERE trade_id = 't0'")
    make_desk(desk.folder)
    with JournalReader(desk.folder) as reader:
        kept = [facts(attrs.evolve(fill, realized=None)) for fill in fills[1 if damaged else 0 :]]
        assert [facts(fill) for fill in reader.fills(1)] == kept


def test_a_migration_that_fails_changes_nothing(desk: JournalDesk) -> None:
    connection = desk.journal._writer._connection

    def fail(_: object) -> None:
        connection.execute("CREATE TABLE more (a)")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        schema.migrate(connection, 2, 5, migrations={2: fail}, target=3)
    assert [row[3] for row in schema.FORMAT.read(connection)] == [2]
    assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'more'").fetchone() is None


def test_a_folder_that_cannot_be_is_said(tmp_path: Path, make_desk: Callable[..., JournalDesk]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made: Not a directory, mend that first"):
        make_desk(tmp_path / "file" / "journal")


# -- grids -----------------------------------------------------------------------------------------


def test_a_finer_grid_is_exact() -> None:
    old = make_instrument(tick_size="0.05", lot_size="0.001")
    new = make_instrument(tick_size="0.01", lot_size="0.0005")
    order = Order(
        client_order_id="1",
        strategy="maker",
        instrument=old,
        side=Side.BUY,
        size=Size(3),
        filled=Size(1),
        price=Price(7),
        trigger_price=Price(8),
        pending_price=Price(9),
    )
    moved = on_grid(order, new)
    assert (moved.instrument, moved.size, moved.filled, moved.pending_size) == (new, 6, 2, None)
    assert (moved.price, moved.trigger_price, moved.pending_price) == (35, 40, 45)


def test_a_coarser_grid_is_exact_or_refused() -> None:
    old, new = make_instrument(tick_size="0.01"), make_instrument(tick_size="0.05")
    order = Order(
        client_order_id="1", strategy="", instrument=old, side=Side.BUY, size=Size(3), price=Price(105)
    )
    assert on_grid(order, new).price == 21
    order.price = Price(106)
    with pytest.raises(GridError, match=r"BTC/USDT@test: price 1.06 is not a multiple of 0.05 now"):
        on_grid(order, new)


def test_another_contract_is_refused() -> None:
    old = make_instrument()
    order = Order(
        client_order_id="1", strategy="", instrument=old, side=Side.BUY, size=Size(3), price=Price(105)
    )
    with pytest.raises(GridError, match="contract_multiplier was 1 in the journal and is 10 now"):
        on_grid(order, attrs.evolve(old, contract_multiplier=Decimal(10)))
    with pytest.raises(GridError, match="id was BTC/USDT@test"):
        on_grid(order, attrs.evolve(old, id=InstrumentId("BTC/USDT", "other")))
