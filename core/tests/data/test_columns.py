"""Columns: what is written is read back, also by numpy alone, and what is not whole is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")

from hft.data import COLUMNS, ColumnsWriter, Kind, day_folder, find_days, read_day  # noqa: E402
from hft.errors import DataError  # noqa: E402
from hft.instrument import Instrument, InstrumentId  # noqa: E402
from hft.types import InstrumentKind, Size  # noqa: E402

INSTRUMENT = Instrument(
    id=InstrumentId("BTC/USDT:USDT", "acme"),
    native_symbol="BTCUSDT",
    kind=InstrumentKind.PERPETUAL,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.10"),
    lot_size=Decimal("0.001"),
    min_size=Size(5),
    max_size=Size(1_000_000),
    min_notional=Decimal(5),
    contract_multiplier=Decimal("0.01"),
)


def columns(start: int, length: int) -> dict[str, Any]:
    times = np.arange(start, start + length)
    return {
        "exchange_ns": times,
        "recv_ns": times + 5,
        "kind": np.full(length, Kind.LEVEL),
        "side": np.where(times % 2, 1, -1),
        "price": times * 2**40,
        "size": times * 3,
        "flags": np.ones(length),
    }


def write(folder: Path, *parts: dict[str, Any]) -> None:
    with ColumnsWriter(folder, INSTRUMENT, maker_fee=Decimal("-0.00005")) as writer:
        for part in parts:
            writer.append(part)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write(tmp_path, columns(0, 1000), columns(1000, 1), columns(1001, 0), columns(1001, 2000))
    day = read_day(tmp_path)
    assert len(day) == 3001
    for name, whole in columns(0, 3001).items():
        assert day.columns[name].dtype.str == COLUMNS[name]
        assert (day.columns[name] == whole).all()
        assert (np.load(tmp_path / f"{name}.npy") == whole).all()
    assert (day.maker_fee, day.taker_fee) == (Decimal("-0.00005"), None)
    for field in ("id", "kind", "settle", "tick_size", "lot_size", "min_size", "max_size", "min_notional"):
        assert getattr(day.instrument, field) == getattr(INSTRUMENT, field)
    assert day.instrument.point_value == INSTRUMENT.point_value
    assert read_day(tmp_path, "mine").instrument.id == InstrumentId("BTC/USDT:USDT", "mine")


def test_what_numpy_wrote_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    for name, whole in columns(7, 20).items():
        np.save(tmp_path / f"{name}.npy", np.asarray(whole, dtype=COLUMNS[name]))
    assert (read_day(tmp_path).columns["price"] == columns(7, 20)["price"]).all()


def test_released_memory_can_still_be_read(tmp_path: Path) -> None:
    write(tmp_path, columns(0, 10_000))
    day = read_day(tmp_path)
    day.release(9_000)
    assert (day.columns["size"] == columns(0, 10_000)["size"]).all()


def test_days_are_found_in_order(tmp_path: Path) -> None:
    folders = [day_folder(tmp_path, INSTRUMENT.id, date(2024, 8, day)) for day in (9, 8)]
    for folder in folders:
        write(folder, columns(0, 1))
    assert folders[0] == tmp_path / "acme" / "BTC-USDT-USDT" / "2024-08-09"
    assert find_days(tmp_path) == find_days(*folders) == sorted(folders)
    with pytest.raises(DataError, match="no columns here"):
        find_days(tmp_path / "elsewhere")


def test_an_unfinished_day_is_none(tmp_path: Path) -> None:
    write(tmp_path, columns(0, 5))
    with pytest.raises(DataError, match="not sorted"):
        write(tmp_path, columns(0, 5), columns(3, 5))
    with pytest.raises(DataError, match=r"instrument\.json"):
        read_day(tmp_path)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / "size.npy").unlink(), "No such file"),
        (lambda f: (f / "size.npy").write_bytes((f / "size.npy").read_bytes()[:-1]), "cut short"),
        (lambda f: np.save(f / "size.npy", np.zeros(10, "<f8")), "expected <i8"),
        (lambda f: np.save(f / "size.npy", np.zeros(9, "<i8")), "not of one length"),
        (lambda f: (f / "size.npy").write_bytes(b"noise"), "size.npy"),
        (lambda f: (f / "instrument.json").write_text("{}"), "instrument.json"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: Any, says: str) -> None:
    write(tmp_path, columns(0, 10))
    damage(tmp_path)
    with pytest.raises(DataError, match=says):
        read_day(tmp_path)
