"""The bytes that every book is given: a snapshot and one-level updates as Binance spot sends them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import attrs

from hft import Instrument, InstrumentId, InstrumentKind

__all__ = ["INSTRUMENT", "STREAM", "Depth", "DepthInput", "Update", "depth_input"]

STREAM = "btcusdt@depth@100ms"

INSTRUMENT = Instrument(
    id=InstrumentId("BTC/USDT", "binance"),
    native_symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_notional=Decimal(5),
)

_MIDDLE = 6_000_000
"""In ticks: 60,000.00."""

_FIRST_ID = 50_000_000_000
_EVENT_MS = 1_723_100_000_000

Depth = list[tuple[str, str]]
"""Levels as the exchange writes them, best first."""


@attrs.frozen
class Update:
    """One level of one side, set to an absolute size; size 0 deletes it."""

    is_bid: bool
    price: str
    size: str


@attrs.frozen(kw_only=True)
class DepthInput:
    """A snapshot, and updates whose second half takes back the first.

    So a book is after all updates as it was before, and doing them again does the same work again.
    ``half`` is the book after the first half: what the contestants' books are checked against.
    """

    bids: Depth
    asks: Depth
    snapshot: bytes
    updates: Sequence[Update]
    frames: Sequence[bytes]
    first_id: int
    half_bids: Depth
    half_asks: Depth


@cache
def depth_input(levels: int, updates: int = 1_000, seed: int = 1) -> DepthInput:
    """Make a book of ``levels`` a side and updates of one level each, mostly near the touch.

    Half of the updates change a size, a quarter delete a level, a quarter add one.
    """
    rng = random.Random(seed)
    sides = {True: _side(rng, levels, -1), False: _side(rng, levels, 1)}
    bids, asks = _depth(sides[True], best_first=-1), _depth(sides[False], best_first=1)
    forth: list[tuple[bool, int, int]] = []
    back: list[tuple[bool, int, int]] = []
    for _ in range(updates // 2):
        is_bid = rng.random() < 0.5
        side = sides[is_bid]
        price, size = _change(rng, side, -1 if is_bid else 1)
        forth.append((is_bid, price, size))
        back.append((is_bid, price, side.get(price, 0)))
        _set(side, price, size)
    half_bids, half_asks = _depth(sides[True], best_first=-1), _depth(sides[False], best_first=1)
    changes = [Update(is_bid, _price(price), _size(size)) for is_bid, price, size in forth + back[::-1]]
    return DepthInput(
        bids=bids,
        asks=asks,
        snapshot=f'{{"lastUpdateId":{_FIRST_ID},"bids":{_json(bids)},"asks":{_json(asks)}}}'.encode(),
        updates=changes,
        frames=[_frame(number, change) for number, change in enumerate(changes, 1)],
        first_id=_FIRST_ID,
        half_bids=half_bids,
        half_asks=half_asks,
    )


def _side(rng: random.Random, levels: int, step: int) -> dict[int, int]:
    price, side = _MIDDLE, {}
    for _ in range(levels):
        price += step * rng.randint(2, 6)
        side[price] = _some_size(rng)
    return side


def _change(rng: random.Random, side: dict[int, int], step: int) -> tuple[int, int]:
    ordered = sorted(side, key=lambda price: price * step)
    price = ordered[min(int(rng.expovariate(1 / 20)), len(ordered) - 1)]
    kind = rng.random()
    if kind < 0.5:
        return price, _some_size(rng)
    if kind < 0.75:
        return price, 0
    while price in side:
        price += step
    return price, _some_size(rng)


def _set(side: dict[int, int], price: int, size: int) -> None:
    if size:
        side[price] = size
    else:
        del side[price]


def _some_size(rng: random.Random) -> int:
    return 1 + int(10 ** rng.uniform(0, 6))


def _price(ticks: int) -> str:
    return f"{ticks // 100}.{ticks % 100:02d}000000"


def _size(lots: int) -> str:
    return f"{lots // 100_000}.{lots % 100_000:05d}000"


def _depth(side: dict[int, int], *, best_first: int) -> Depth:
    return [
        (_price(price), _size(size))
        for price, size in sorted(side.items(), key=lambda level: level[0] * best_first)
    ]


def _json(levels: Depth) -> str:
    return "[" + ",".join(f'["{price}","{size}"]' for price, size in levels) + "]"


def _frame(number: int, update: Update) -> bytes:
    level = _json([(update.price, update.size)])
    bids, asks = (level, "[]") if update.is_bid else ("[]", level)
    update_id = _FIRST_ID + number
    return (
        f'{{"stream":"{STREAM}","data":{{"e":"depthUpdate","E":{_EVENT_MS + number},"s":"BTCUSDT",'
        f'"U":{update_id},"u":{update_id},"b":{bids},"a":{asks}}}}}'
    ).encode()
