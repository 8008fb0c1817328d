"""Orders, fills, instruments and notes as rows of the journal, and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from hft.events import Fill
from hft.instrument import Instrument, InstrumentId
from hft.journal.records import Note, NoteKind, RunRecord
from hft.journal.schema import FILLS, INSTRUMENTS, NOTES, ORDERS, RUNS, STATES, Row
from hft.order import Order
from hft.types import (
    InstrumentKind,
    Liquidity,
    OrderState,
    OrderType,
    PositionSide,
    Price,
    Side,
    Size,
    TimeInForce,
)

__all__ = [
    "fill_of",
    "fill_row",
    "instrument_of",
    "instrument_row",
    "note_of",
    "note_row",
    "order_of",
    "order_row",
    "run_of",
    "run_row",
    "state_row",
]


def run_row(seq: int, run: int, time_ns: int, record: RunRecord) -> Row:
    """Make the row of a run."""
    return RUNS.seal(
        seq,
        run,
        time_ns,
        record.name,
        record.profile_prefix,
        record.prefix,
        record.mode,
        record.version,
        record.pid,
        msgspec.json.encode(record.strategies).decode(),
    )


def run_of(row: Row) -> RunRecord:
    """Read the row of a run."""
    _, run, time_ns, name, profile_prefix, prefix, mode, version, pid, strategies, _ = row
    return RunRecord(
        run=run,
        time_ns=time_ns,
        name=name,
        profile_prefix=profile_prefix,
        prefix=prefix,
        mode=mode,
        version=version,
        pid=pid,
        strategies=msgspec.json.decode(strategies, type=tuple[str, ...]),
    )


def instrument_row(seq: int, run: int, time_ns: int, one: Instrument) -> Row:
    """Make the row of an instrument as a run found it; ``seq`` is the number by which others refer to it."""
    return INSTRUMENTS.seal(
        seq,
        run,
        time_ns,
        one.id.symbol,
        one.id.exchange,
        one.native_symbol,
        one.kind.value,
        one.base,
        one.quote,
        one.settle,
        str(one.tick_size),
        str(one.lot_size),
        one.min_size,
        one.max_size,
        str(one.min_notional),
        str(one.contract_multiplier),
        int(one.inverse),
        int(one.tradable),
    )


def instrument_of(row: Row) -> Instrument:
    """Read the row of an instrument."""
    symbol, exchange, native, kind, base, quote, settle = row[3:10]
    tick, lot, low, high, notional, multiplier = row[10:16]
    return Instrument(
        id=InstrumentId(symbol, exchange),
        native_symbol=native,
        kind=InstrumentKind(kind),
        base=base,
        quote=quote,
        settle=settle,
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        min_size=Size(low),
        max_size=None if high is None else Size(high),
        min_notional=Decimal(notional),
        contract_multiplier=Decimal(multiplier),
        inverse=bool(row[16]),
        tradable=bool(row[17]),
    )


def order_row(seq: int, run: int, time_ns: int, order: Order, instrument: int) -> Row:
    """Make the row of what never changes about an order."""
    return ORDERS.seal(
        seq,
        run,
        time_ns,
        order.client_order_id,
        order.strategy,
        instrument,
        order.side.value,
        order.type.value,
        order.time_in_force.value,
        int(order.post_only),
        int(order.reduce_only),
        order.trigger_price,
        order.expire_ns,
        order.position_side.value,
        order.replaces,
        order.created_ns,
    )


def state_row(
    seq: int,
    run: int,
    time_ns: int,
    client_order_id: str,
    event: str,
    intent: int,
    state: OrderState,
    price: int | None,
    size: int,
    filled: int,
    pending_price: int | None,
    pending_size: int | None,
    exchange_order_id: str,
    reason: str,
) -> Row:
    """Make the row of what an order was from then on; ``intent`` is its number in the ring, or 0."""
    return STATES.seal(
        seq,
        run,
        time_ns,
        client_order_id,
        event,
        intent,
        state.value,
        price,
        size,
        filled,
        pending_price,
        pending_size,
        exchange_order_id,
        reason,
    )


def order_of(order: Row, state: Row, instrument: Instrument) -> Order:
    """Put an order together from its row and that of a state."""
    price, size, filled, pending_price, pending_size, exchange_order_id, reason = state[7:14]
    return Order(
        client_order_id=order[3],
        strategy=order[4],
        instrument=instrument,
        side=Side(order[6]),
        type=OrderType(order[7]),
        time_in_force=TimeInForce(order[8]),
        post_only=bool(order[9]),
        reduce_only=bool(order[10]),
        trigger_price=_price(order[11]),
        expire_ns=order[12],
        position_side=PositionSide(order[13]),
        replaces=order[14],
        created_ns=order[15],
        state=OrderState(state[6]),
        price=_price(price),
        size=Size(size),
        filled=Size(filled),
        pending_price=_price(pending_price),
        pending_size=None if pending_size is None else Size(pending_size),
        exchange_order_id=exchange_order_id,
        reason=reason,
    )


def fill_row(seq: int, run: int, time_ns: int, fill: Fill, instrument: int) -> Row:
    """Make the row of a fill."""
    return FILLS.seal(
        seq,
        run,
        time_ns,
        fill.client_order_id,
        instrument,
        fill.trade_id,
        fill.side.value,
        fill.price,
        fill.size,
        fill.liquidity.value,
        str(fill.fee),
        fill.fee_asset,
        None if fill.realized is None else str(fill.realized),
        fill.position_side.value,
        int(fill.exchange_made),
        fill.exchange_order_id,
        fill.exchange_ns,
        fill.recv_ns,
    )


def fill_of(row: Row, instrument: Instrument) -> Fill:
    """Read the row of a fill."""
    client_order_id, _, trade_id, side, price, size = row[3:9]
    liquidity, fee, fee_asset, realized, position_side, exchange_made, exchange_order_id = row[9:16]
    return Fill(
        client_order_id=client_order_id,
        instrument=instrument,
        trade_id=trade_id,
        side=Side(side),
        price=Price(price),
        size=Size(size),
        liquidity=Liquidity(liquidity),
        fee=Decimal(fee),
        fee_asset=fee_asset,
        realized=None if realized is None else Decimal(realized),
        position_side=PositionSide(position_side),
        exchange_made=bool(exchange_made),
        exchange_order_id=exchange_order_id,
        exchange_ns=row[16],
        recv_ns=row[17],
    )


def note_row(seq: int, run: int, time_ns: int, kind: NoteKind, facts: str) -> Row:
    """Make the row of a note whose facts are JSON already."""
    return NOTES.seal(seq, run, time_ns, kind.value, facts)


def note_of(row: Row) -> Note:
    """Read the row of a note."""
    _, run, time_ns, kind, facts, _ = row
    decoded: dict[str, Any] = msgspec.json.decode(facts)
    return Note(run=run, time_ns=time_ns, kind=NoteKind(kind), facts=decoded)


def _price(count: int | None) -> Price | None:
    return None if count is None else Price(count)
