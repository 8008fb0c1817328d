"""A recorded session beside the backtest of the same time: none, little or much drift, and why."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.clock import NS_PER_S
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.drift.deeds import Traded
from hft.run.drift.matching import match_fills
from hft.run.live import run_live
from hft.sim import World, serve
from hft.testing.virtual_time import VirtualClock, run
from hft.types import Liquidity, Side
from hft_binance.simulator import BinanceSimulator, BinanceSimulatorConfig
from tests.test_live_session import recorded
from tests.test_session import PROFILE, SYMBOLS, change, replayed, write_profile


def dry_run(folder: Path) -> Path:
    """Record a dry run whose clock is exact, and return its profile."""

    async def session() -> None:
        clock = VirtualClock()
        world = World.synthetic(clock, SYMBOLS, "binance", seed=5, rate=3.0)
        simulator = BinanceSimulator(BinanceSimulatorConfig(symbols=SYMBOLS, seed=5), world)
        async with serve(simulator) as port:
            path = write_profile(folder, PROFILE.format(seed=5, port=port))
            await run_live(
                read_profile(path, Registry()),
                duration_ns=12 * NS_PER_S,
                console=None,
                write=lambda line: None,
                warn=lambda key, line: None,
                clock=clock,
                record=folder / "session.jsonl",
            )
            world.stop()
            await clock.sleep(20 * NS_PER_S)

    run(session())
    return folder / "profile.yaml"


def drift(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    """Return what the command prints as JSON."""
    code = main(["drift", str(path), str(path.with_name("session.jsonl")), "--json", *more])
    out, err = capsys.readouterr()
    assert code == ExitCode.STOPPED, err
    said: dict[str, Any] = json.loads(out)
    return said


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recorded dry run."""
    return dry_run(tmp_path_factory.mktemp("drift")).parent


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """The profile in a copy of it, to be changed."""
    shutil.copytree(whole, tmp_path / "copy", ignore=shutil.ignore_patterns(".hft"))
    return tmp_path / "copy" / "profile.yaml"


def sums(said: dict[str, Any], currency: str = "USDT") -> tuple[Decimal, Decimal]:
    """Return the difference in net profit, and the sum of its causes."""
    each = said["currencies"][currency]
    return Decimal(each["difference"]["net"]), sum(
        (Decimal(cause["amount"]) for cause in each["causes"]), Decimal(0)
    )


def test_a_dry_run_with_an_exact_clock_does_not_drift_at_all(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = drift(path, capsys)
    assert said["equal"] is True
    assert (said["first_difference"], said["notes"], said["changed"]) == (None, [], [])
    assert sums(said) == (0, 0)
    for each in said["instruments"].values():
        ours = each["session"]
        assert ours == each["backtest"]
        assert min(ours["placed"], ours["amended"], ours["cancelled"]) > 0
        assert each["orders_matched"] == ours["placed"]
        assert each["fills_matched"] == ours["fills"] > 50
        assert each["time_ms"]["none"] == each["price_ticks"]["none"] == ours["fills"]
        assert (each["position_equal"], each["position_largest"]) == (1.0, "0")
    # Whatever the profile's mode is now, and as the ledger of the session has it.
    change(path, "mode: dry-run", "mode: live")
    assert drift(path, capsys)["equal"] is True
    end = json.loads(path.with_name("session.jsonl").read_text().splitlines()[-1])
    figures = json.loads(end["data"])["figures"]
    session = said["currencies"]["USDT"]["session"]
    assert Decimal(session["fees"]) == -Decimal(figures["fees USDT"])
    sizes = {name: each["session"]["position"] for name, each in said["instruments"].items()}
    assert {name: Decimal(figures[f"position {name}"]) for name in sizes} == {
        name: Decimal(size) for name, size in sizes.items()
    }


@pytest.mark.parametrize(
    ("before", "after", "fact"),
    [
        ("order_latency: 3ms", "order_latency: 60ms", "paper.order_latency: then 3ms, now 60ms"),
        ("response_latency: 2ms", "response_latency: 2ms, queue: log", "paper.queue: then not set, now log"),
    ],
)
def test_other_models_make_it_drift_and_say_how(
    path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, fact: str
) -> None:
    change(path, before, after)
    said = drift(path, capsys)
    assert said["equal"] is False
    assert said["changed"] == [f"exchanges.binance.{fact}"]
    assert "the session has " in said["first_difference"]
    assert ", the backtest has " in said["first_difference"]
    net, causes = sums(said)
    assert net == causes
    assert net
    worth = [abs(Decimal(each["amount"])) for each in said["currencies"]["USDT"]["causes"]]
    assert worth == sorted(worth, reverse=True)
    perpetual = said["instruments"]["BTC/USDT:USDT@binance"]
    assert perpetual["session"] != perpetual["backtest"]
    assert 0 < perpetual["fills_matched"] <= perpetual["session"]["fills"]
    assert perpetual["fills_matched"] + perpetual["fills_session_only"] == perpetual["session"]["fills"]
    assert perpetual["fills_matched"] + perpetual["fills_backtest_only"] == perpetual["backtest"]["fills"]
    assert perpetual["position_equal"] < 1
    assert Decimal(perpetual["position_largest"]) > 0


def test_what_a_person_sees_and_the_page(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(path, "order_latency: 3ms", "order_latency: 60ms")
    page = path.with_name("out.html")
    session = str(path.with_name("session.jsonl"))
    assert main(["drift", str(path), session, "--report", str(page)]) == ExitCode.STOPPED
    out = capsys.readouterr().out
    for words in (
        "Where the difference comes from, USDT",
        "first difference: the session",
        "then 3ms, now 60ms",
    ):
        assert words in out
    text = page.read_text()
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    said = drift(path, capsys)
    for each in data["instruments"]:
        told = said["instruments"][each["name"]]
        assert each["fillCounts"] == [told["session"]["fills"], told["backtest"]["fills"]]
        assert [len(fills) for fills in each["fills"]] == each["fillCounts"]
        last = [positions[-1] for positions in each["positions"]]
        assert last == pytest.approx([float(told[side]["position"]) for side in ("session", "backtest")])
    (usdt,) = data["currencies"]
    both = said["currencies"]["USDT"]
    assert [nets[-1] for nets in usdt["nets"]] == pytest.approx(
        [float(both[side]["net"]) for side in ("session", "backtest")]
    )
    for part in ("spread", "inventory", "fees"):
        assert usdt[part][-1] == pytest.approx(float(both["difference"][part]))
    assert main(["drift", str(path), session, "--report", str(page)]) == ExitCode.STOPPED
    assert page.read_text() == text


def test_a_recording_that_is_cut_off_is_compared_as_far_as_it_goes(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = path.with_name("session.jsonl")
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    said = drift(path, capsys)
    assert "cut off before the end" in said["notes"][0]
    fills = [each["session"]["fills"] for each in said["instruments"].values()]
    assert min(fills) > 20
    assert [each["backtest"]["fills"] for each in said["instruments"].values()] == fills


def test_what_cannot_be_compared_says_why(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = path.with_name("session.jsonl")

    def refused(*arguments: object) -> str:
        assert main(["drift", *map(str, arguments)]) != ExitCode.STOPPED
        return capsys.readouterr().err

    assert "is no file" in refused(path, path.with_name("none.jsonl"))
    capture = path.with_name("capture.jsonl")
    capture.write_text('{"t": 1, "conn": "x", "dir": "recv", "data": ""}\n')
    assert "is no session" in refused(path, capture)
    assert "there is no folder" in refused(path, session, "--report", "nowhere/out.html")
    lines = session.read_text().splitlines(keepends=True)
    started = next(number for number, line in enumerate(lines) if '"dir":"start"' in line)
    session.write_text("".join(lines[:started]))
    assert "before its strategies started" in refused(path, session)
    session.write_text("".join(line.replace("place sess", "plaice sess") for line in lines))
    assert "what the run did cannot be read: 'plaice" in refused(path, session)
    session.write_text("".join(lines))
    change(path, "  binance:\n    use", "  other:\n    use")
    change(path, "@binance", "@other")
    assert "has no exchange 'binance', which the session has" in refused(path, session)


# -- live sessions -------------------------------------------------------------------------------------


def test_a_live_session_beside_a_backtest_with_its_own_latencies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = recorded(tmp_path, monkeypatch, seconds=12)
    path = session.replay()
    change(path, "    account:", "    paper: {maker_fee: '0.0002', taker_fee: '0.0005'}\n    account:")
    said = drift(path, capsys)
    assert said["mode"] == "live"
    (each,) = said["instruments"].values()
    then = session.summaries[-1]
    assert each["session"]["fills"] == then.fills > 5
    assert each["session"]["placed"] == then.orders_sent
    assert each["fills_matched"] > 0
    net, causes = sums(said)
    assert net == causes
    order, response = said["latency_ms"]["binance"]["order"], said["latency_ms"]["binance"]["response"]
    assert order["count"] == response["count"] > 10
    # Bytes travel for a millisecond each way; some orders wait for their turn under the limits before.
    assert 1 <= order["median"] <= order["p99"]
    assert 0 < response["median"] <= 10
    # Five milliseconds each way instead of those change what is done when.
    other = drift(path, capsys, "--latencies", "profile")
    assert other["instruments"] != said["instruments"]
    assert other["latency_ms"] == said["latency_ms"]


def test_a_live_session_that_began_with_a_position_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = recorded(tmp_path, monkeypatch, seconds=6, errands=(None, None))
    said = drift(session.replay(), capsys)
    assert (
        "the session began with a position in BTC/USDT:USDT@binance, the backtest with none" in said["notes"]
    )


async def paid(clock: VirtualClock, simulator: Any, _: Path) -> None:
    """Let funding be paid in the middle of it."""
    await clock.sleep(6 * NS_PER_S)
    simulator.private.truth.pay_funding({"product": "usdm", "symbol": "BTC/USDT:USDT", "rate": "0.001"})


def test_funding_of_a_live_session_is_told_once_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = recorded(tmp_path, monkeypatch, script=paid)
    funding = session.summaries[-1].currencies["USDT"].funding
    assert funding
    assert len(session.told("funding")) > 1
    path = session.replay()
    said = drift(path, capsys)
    both = said["currencies"]["USDT"]
    assert (Decimal(both["session"]["funding"]), both["backtest"]["funding"]) == (funding, "0")
    assert {"what": "funding", "amount": f"{funding:f}", "count": 0} in both["causes"]
    net, causes = sums(said)
    assert net == causes
    code, now = replayed(path, capsys)
    assert (code, now["session"]["equal"]) == (ExitCode.STOPPED, True)
    assert Decimal(now["currencies"]["USDT"]["funding"]) == funding


# -- matching ------------------------------------------------------------------------------------------


def fill(time_ns: int, price: int, size: int = 1, side: Side = Side.BUY) -> Traded:
    return Traded(time_ns, 1, "A/B@x", side, price, size, Liquidity.MAKER, Decimal(0), "B")


def test_fills_are_matched_by_price_and_size_then_by_price_then_in_their_order() -> None:
    ours = [fill(10, 5), fill(20, 5, 2), fill(30, 7), fill(40, 5, 1, Side.SELL), fill(90, 5)]
    theirs = [fill(12, 5, 2), fill(25, 5), fill(35, 8), fill(41, 5), fill(150, 5)]
    found = match_fills(ours, theirs, 50)
    assert found.pairs == [
        (ours[0], theirs[1]),
        (ours[1], theirs[0]),
        (ours[2], theirs[2]),
        (ours[4], theirs[3]),
    ]
    assert (found.session, found.backtest) == ([ours[3]], [theirs[4]])


@given(
    ours=st.lists(
        st.tuples(st.integers(0, 100), st.integers(1, 3), st.integers(1, 3), st.sampled_from(Side))
    ),
    theirs=st.lists(
        st.tuples(st.integers(0, 100), st.integers(1, 3), st.integers(1, 3), st.sampled_from(Side))
    ),
    within_ns=st.integers(0, 100),
)
def test_each_fill_is_in_one_pair_or_alone(ours: list[Any], theirs: list[Any], within_ns: int) -> None:
    session, backtest = (
        [fill(*each) for each in sorted(side, key=lambda one: one[0])] for side in (ours, theirs)
    )
    found = match_fills(session, backtest, within_ns)
    assert Counter([one for one, _ in found.pairs] + found.session) == Counter(session)
    assert Counter([other for _, other in found.pairs] + found.backtest) == Counter(backtest)
    for one, other in found.pairs:
        assert one.side is other.side
        assert abs(one.time_ns - other.time_ns) <= within_ns
    # Nothing that fits is left on both sides, and a run is wholly matched with itself.
    assert not [
        1
        for one in found.session
        for other in found.backtest
        if one.side is other.side and abs(one.time_ns - other.time_ns) <= within_ns
    ]
    assert match_fills(session, session, 0).session == []
