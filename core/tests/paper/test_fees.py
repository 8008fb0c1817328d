"""Fee tiers: by hand, against a sum over all trades, and what a profile may say of them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.errors import ProfileError, UsageError
from hft.instrument import InstrumentId
from hft.market import Market
from hft.paper import FeeSchedule, FeeTier, PaperConfig
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.types import Side

from .conftest import MakeRig, make_instrument

DAY_NS = 86_400_000_000_000
BUY, SELL = Side.BUY, Side.SELL


def tier(volume: str | Decimal | int, maker: str, taker: str) -> FeeTier:
    return FeeTier(volume=Decimal(volume), maker=Decimal(maker), taker=Decimal(taker))


TIERS = (tier(0, "0.0002", "0.0005"), tier(1000, "0.0001", "0.0004"), tier(3000, "-0.0001", "0.0003"))


def test_without_tiers_the_rates_are_those_that_were_set() -> None:
    plain, given = FeeSchedule(PaperConfig(), 0), FeeSchedule(PaperConfig(maker_fee=Decimal("-0.1")), 0)
    assert (plain.is_tiered, plain.maker, plain.taker) == (False, Decimal("0.001"), Decimal("0.001"))
    assert (given.maker, given.taker) == (Decimal("-0.1"), Decimal("0.001"))


def test_a_tier_worked_by_hand() -> None:
    """Of 2400 in the 30 days before, 80 leave with each day; 700 are traded on the first."""
    config = PaperConfig(fee_tiers=TIERS, traded_volume=Decimal(2400))
    fees = FeeSchedule(config, 5 * DAY_NS + 1)
    assert fees.taker == Decimal("0.0004")
    fees.count(Decimal(700))
    fees.advance_to(6 * DAY_NS - 1)
    assert fees.taker == Decimal("0.0004"), "3100, but the day is not over"
    fees.advance_to(6 * DAY_NS)
    assert fees.taker == Decimal("0.0003"), "2320 + 700 = 3020"
    fees.advance_to(7 * DAY_NS)
    assert fees.taker == Decimal("0.0004"), "2240 + 700 = 2940"
    fees.advance_to(30 * DAY_NS)
    assert fees.maker == Decimal("0.0001"), "400 + 700 = 1100"
    fees.advance_to(32 * DAY_NS)
    assert fees.maker == Decimal("0.0002"), "240 + 700 = 940"


TRADES = st.lists(
    st.tuples(st.integers(0, 3 * DAY_NS), st.decimals(0, 2000, places=3, allow_nan=False)), max_size=60
)


@given(trades=TRADES, before=st.decimals(0, 5000, places=2), days=st.sampled_from([1, 7, 14, 30]))
def test_the_tier_is_that_of_all_trades_in_the_days_before(
    trades: list[tuple[int, Decimal]], before: Decimal, days: int
) -> None:
    now_ns = start_ns = 1_700_000_000_123_456_789
    fees = FeeSchedule(PaperConfig(fee_tiers=TIERS, traded_volume=before, volume_days=days), now_ns)
    past: list[tuple[int, Decimal]] = []
    for gap_ns, volume in trades:
        now_ns += gap_ns
        fees.advance_to(now_ns)
        today = now_ns // DAY_NS
        traded = Fraction(before) * max(0, days - (today - start_ns // DAY_NS)) / days
        traded += sum(Fraction(v) for when, v in past if today - days <= when // DAY_NS < today)
        expected = max((each for each in TIERS if each.volume <= traded), key=lambda each: each.volume)
        assert (fees.maker, fees.taker) == (expected.maker, expected.taker)
        fees.count(volume)
        past.append((now_ns, volume))


def test_a_fill_pays_the_rate_of_its_day(make_rig: MakeRig) -> None:
    tiers = (tier(0, "0.001", "0.002"), tier("0.2", "0.0005", "0.0010"))
    rig = make_rig(order_ms=0, response_ms=0, paper={"fee_tiers": tiers, "volume_days": 1})
    rig.show({100: 10}, {102: 10})
    rig.place(BUY, 102, 4)  # worth 102 x 4 x 0.0005 = 0.204
    rig.clock.advance_to(DAY_NS - 1)
    rig.show({100: 10}, {102: 9})
    rig.place(BUY, 102, 1)
    rig.clock.advance_to(DAY_NS)
    rig.show({100: 10}, {102: 8})
    rig.place(BUY, 102, 1)
    rig.place(SELL, 103, 1)
    rig.clock.advance_to(DAY_NS + 5)
    rig.trade(BUY, 104, 1)
    rig.clock.advance_to(2 * DAY_NS)
    rig.place(SELL, 100, 1)  # the day before had no more than 0.1025
    rig.clock.advance_to(3 * DAY_NS)
    lot = Decimal("0.0005")
    assert rig.fees == [
        102 * 4 * lot * Decimal("0.002"),
        102 * lot * Decimal("0.002"),
        102 * lot * Decimal("0.001"),
        103 * lot * Decimal("0.0005"),
        100 * lot * Decimal("0.002"),
    ]


def test_currencies_are_not_added_up(make_rig: MakeRig) -> None:
    rig = make_rig(paper={"fee_tiers": TIERS})
    other = make_instrument(id=InstrumentId("ETH/BTC", "acme"), base="ETH", quote="BTC", settle="BTC")
    with pytest.raises(UsageError, match="cannot add up"):
        rig.client.attach(Market(other))
    make_rig().client.attach(Market(other))


PROFILE = """
name: test
mode: dry-run
exchanges:
  binance: {{use: binance, paper: {paper}}}
strategies: {{}}
"""


def read(folder: Path, paper: str) -> Any:
    (folder / "p.yaml").write_text(PROFILE.format(paper=paper))
    return read_profile(folder / "p.yaml", Registry()).exchanges["binance"].paper


def test_a_profile_states_tiers(tmp_path: Path) -> None:
    paper = read(tmp_path, '{fee_tiers: [{volume: "0", maker: "0.1", taker: "0.2"}], traded_volume: "5.5"}')
    assert paper.fee_tiers == (tier(0, "0.1", "0.2"),)
    assert (paper.traded_volume, paper.volume_days) == (Decimal("5.5"), 30)


@pytest.mark.parametrize(
    ("paper", "why"),
    [
        ('{fee_tiers: [{volume: "1", maker: "0", taker: "0"}]}', 'must begin with a tier of volume "0"'),
        (
            '{fee_tiers: [{volume: "0", maker: "0", taker: "0"}, {volume: "0", maker: "0", taker: "0"}]}',
            "must rise in volume",
        ),
        (
            '{fee_tiers: [{volume: "0", maker: "0", taker: "0"}], maker_fee: "0.001"}',
            "remove the ones or the other",
        ),
        ('{fee_tiers: [{volume: "0", maker: "0.9", taker: "0"}]}', "must be a fraction"),
        ('{fee_tiers: [{volume: "-1", maker: "0", taker: "0"}]}', "must not be negative"),
        ('{traded_volume: "5"}', "add them or remove it"),
        ("{volume_days: 0}", "must be from 1 to"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, paper: str, why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        read(tmp_path, paper)
