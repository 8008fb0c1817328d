"""The file of funding rates: both forms of it, back and forth, and what is none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.funding import FundingRate, read_funding, write_funding

ROWS = st.builds(
    FundingRate,
    st.integers(0, 2**63 - 1),
    st.sampled_from(["BTC/USDT:USDT", "ETH/USDC:USDC"]),
    st.decimals(-1, 1, places=12),
    st.none() | st.decimals(Decimal("0.000001"), 10**9, places=9),
)


@given(rows=st.lists(ROWS, max_size=20))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[FundingRate]) -> None:
    path = tmp_path_factory.getbasetemp() / "funding.csv"
    write_funding(path, rows)
    assert read_funding(path) == rows


def test_marks_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("time_ns,symbol,rate\n5,BTC/USDT:USDT,-0.1\n")
    assert read_funding(path) == [FundingRate(5, "BTC/USDT:USDT", Decimal("-0.1"))]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the first line must be"),
        ("time,rate\n", "the first line must be"),
        ("time_ns,symbol,rate,mark\n1,A/B,0.1\n", "3 columns, expected 4"),
        ("time_ns,symbol,rate,mark\n1,A/B,0.1,x\n", "no number"),
        ("time_ns,symbol,rate,mark\n1,A/B,0.1,-5\n", "no mark price"),
        ("time_ns,symbol,rate\n1,A/B,nan\n", "no rate"),
        ("time_ns,symbol,rate\nx,A/B,0.1\n", "invalid literal"),
    ],
)
def test_what_is_no_file_of_rates_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(ValueError, match=says):
        read_funding(tmp_path / "f.csv")
