"""A live session that was recorded, run again without the exchange: the same orders, fills and ledger."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs
import pytest

from hft import Order, OrderReport, OrderType, Price, ReportKind, Side, Size
from hft.capture import CaptureWriter
from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.clock import NS_PER_S
from hft.errors import CaptureError, OrderError
from hft.journal import Journal, JournalReader
from hft.orders.orphanage import Orphanage
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.risk import KillSwitch
from hft.run.kernel import Kernel
from hft.run.live import Errand, run_live
from hft.run.session.told import ToldWriter, redacted
from hft.run.summary import Summary
from hft.sim import Fault, FaultKind, serve
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.virtual_time import VirtualClock, run
from hft_binance.execution import BinanceExecution
from tests.test_session import DRAWER, change, replayed

PROFILE = """
name: live-session
mode: live
live: true
seed: 3
exchanges:
  {name}:
    use: {name}
    url: http://127.0.0.1:{port}
    environment: mainnet
    key: ${{SESSION_KEY}}
    secret: ${{SESSION_SECRET}}
{passphrase}    account: {{interval: 3s, on_disconnect: {on_disconnect}}}
strategies:
  maker:
    use: market_making
    instruments: ["{symbol}@{name}"]
    target_spread: "2"
    order_size: "{size}"
    max_position: "{limit}"
    refresh: 700ms
  drawer: {{use: ./drawer.py, instruments: ["{symbol}@{name}"]}}
risk:
  - {{use: max_position, instrument: "{symbol}@{name}", limit: "{limit}"}}
{rules}
"""

CHECKED = (
    "orders_sent",
    "amends_sent",
    "cancels_sent",
    "fills",
    "refused",
    "currencies",
    "positions",
    "halted",
)


@attrs.frozen
class Venue:
    """What is traded on one exchange, and where the account is struck."""

    symbol: str
    user: str
    size: str
    limit: str
    amends: bool = True
    """Whether it changes an order in one message."""


VENUES = {
    "binance": Venue("BTC/USDT:USDT", "user/*", "0.002", "0.2"),
    "okx": Venue("BTC/USDT:USDT", "user/*", "0.2", "20"),
    "bybit": Venue("BTC/USDT:USDT", "user/*", "0.002", "0.2"),
    "hyperliquid": Venue("BTC/USDC:USDC", "orderUpdates/*", "0.002", "0.2", amends=False),
}


@attrs.define
class Recorded:
    """A folder with the recording, what it came to, and what must not be in it."""

    folder: Path
    secrets: list[str] = attrs.Factory(list)
    warnings: list[str] = attrs.Factory(list)
    summaries: list[Summary] = attrs.Factory(list)

    @property
    def file(self) -> Path:
        return self.folder / "session.jsonl"

    @property
    def text(self) -> str:
        return self.file.read_text()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def told(self, what: str) -> list[Any]:
        """Return what the recording says that accounts told."""
        return [
            json.loads(line["data"]) for line in self.lines() if (line["dir"], line["conn"]) == ("told", what)
        ]

    def replay(self) -> Path:
        """Return the profile that replays it, which has no secrets."""
        text = (self.folder / "profile.yaml").read_text()
        kept = [line for line in text.splitlines() if "SESSION_" not in line]
        text = "\n".join(kept).replace("mode: live", "mode: replay\ncaptures: [session.jsonl]")
        path = self.folder / "replay.yaml"
        path.write_text(text)
        return path


Script = Callable[[VirtualClock, Any, Path], Coroutine[Any, Any, None]]


def recorded(
    folder: Path,
    environment: pytest.MonkeyPatch,
    name: str = "binance",
    *,
    script: Script | None = None,
    errands: Sequence[Errand | None] = (None,),
    seconds: int = 14,
    rules: str = "",
    on_disconnect: str = "cancel",
    before_last: Callable[[], object] = lambda: None,
) -> Recorded:
    """Trade on a simulated exchange, one run or errand after the other, and record the last one."""
    result = Recorded(folder)

    async def session() -> None:
        clock, venue = VirtualClock(), VENUES[name]
        exchange = ExchangeUnderTest(plugin=name, symbols=(venue.symbol,) * 2)
        world = exchange.make_world(clock, [venue.symbol], seed=7, rate=1.0)
        simulator = exchange.make_simulator(world)
        async with serve(simulator) as port:
            account = simulator.accounts()[0]
            for what in ("key", "secret", "passphrase"):
                value = getattr(account, what) or ""
                environment.setenv(f"SESSION_{what.upper()}", value)
                # Hyperliquid's key is an address, which is in nothing that is recorded either.
                result.secrets += [value] if value else []
            path = folder / "profile.yaml"
            passphrase = "    passphrase: ${SESSION_PASSPHRASE}\n" if account.passphrase else ""
            path.write_text(
                PROFILE.format(
                    name=name,
                    port=port,
                    symbol=venue.symbol,
                    size=venue.size,
                    limit=venue.limit,
                    passphrase=passphrase,
                    rules=rules,
                    on_disconnect=on_disconnect,
                )
            )
            (folder / "drawer.py").write_text(DRAWER)
            for number, errand in enumerate(errands, 1):
                is_last = number == len(errands)
                scripted = None
                if is_last:
                    before_last()
                if script is not None and is_last:
                    scripted = asyncio.ensure_future(script(clock, simulator, folder))
                trading = run_live(
                    read_profile(path, Registry()),
                    duration_ns=seconds * NS_PER_S,
                    console=None,
                    write=lambda line: None,
                    warn=lambda key, line: result.warnings.append(line),
                    clock=clock,
                    errand=errand,
                    record=result.file if is_last else None,
                )
                result.summaries.append(await trading)
                if scripted is not None:
                    await scripted
            world.stop()
            await clock.sleep(20 * NS_PER_S)

    run(session())
    return result


async def troubled(clock: VirtualClock, simulator: Any, _: Path) -> None:
    """Lose answers to requests, and then the account's connection."""
    await clock.sleep(4 * NS_PER_S)
    simulator.faults.inject(Fault(kind=FaultKind.DROP, where="reply/*", count=3))
    await clock.sleep(4 * NS_PER_S)
    where = next(venue.user for name, venue in VENUES.items() if name in type(simulator).__module__)
    simulator.faults.inject(Fault(kind=FaultKind.DISCONNECT, where=where))


@pytest.mark.parametrize("name", VENUES)
def test_a_live_session_run_again_makes_the_same_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    session = recorded(tmp_path, monkeypatch, name, script=troubled, seconds=20)
    then = session.summaries[-1]
    assert then.fills > 5
    assert min(then.orders_sent, then.cancels_sent) > 5
    assert (then.amends_sent > 5) is VENUES[name].amends
    kinds = {report["kind"] for report in session.told("report")}
    assert {"accepted", "canceled", "unknown"} <= kinds
    assert len(session.told("lost")) >= 2
    assert len(session.told("ready")) >= 2
    for what in ("KEY", "SECRET", "PASSPHRASE"):
        monkeypatch.delenv(f"SESSION_{what}", raising=False)
    journal = {path: path.read_bytes() for path in (tmp_path / ".hft").rglob("*") if path.is_file()}
    with patch("hft.run.exchange.ExchangeSession.open", side_effect=AssertionError("it connects")):
        code, now = replayed(session.replay(), capsys)
    assert now["session"]["difference"] is None
    assert now["session"] == {
        "equal": True,
        "inputs": now["session"]["inputs"],
        "effects": then.orders_sent + then.amends_sent + then.cancels_sent + then.fills,
        "incomplete": None,
        "difference": None,
        # There it is an address, which is no secret.
        "changed": [f"exchanges.{name}.key: then ${{SESSION_KEY}}, now not set"] * (name == "hyperliquid"),
    }
    assert code == ExitCode.STOPPED
    before = then.to_json()
    assert {key: now[key] for key in CHECKED} == {key: before[key] for key in CHECKED}
    assert len(session.secrets) >= 2
    signs = ("signature", '"sign"', "sign=", "listenKey", "apiKey", "OK-ACCESS", "X-BAPI", "X-MBX-APIKEY")
    assert not [secret for secret in (*session.secrets, *signs) if secret in session.text]
    assert {path: path.read_bytes() for path in (tmp_path / ".hft").rglob("*") if path.is_file()} == journal


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """A session with nothing special."""
    return recorded(tmp_path, monkeypatch, seconds=8)


def test_a_changed_parameter_and_a_recording_that_is_cut_off(
    whole: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    path = whole.replay()
    change(path, 'target_spread: "2"', 'target_spread: "3"')
    code, summary = replayed(path, capsys)
    assert code == ExitCode.DIFFERENT
    verdict = summary["session"]
    assert verdict["changed"] == ["strategies.maker.target_spread: then 2, now 3"]
    lines = whole.lines()
    first = next(number for number, line in enumerate(lines, 1) if " maker " in line.get("data", ""))
    cause = max(n for n in range(1, first) if lines[n - 1]["dir"] not in ("order", "outcome"))
    assert verdict["difference"]["line"] == cause
    assert " maker " in verdict["difference"]["then"][0]

    data = whole.file.read_bytes()
    whole.file.write_bytes(data[: len(data) * 2 // 3])
    code, summary = replayed(whole.replay(), capsys)
    verdict = summary["session"]
    assert (code, verdict["equal"], verdict["difference"]) == (ExitCode.FAULT, None, None)
    assert "cut off before the end of the session" in verdict["incomplete"]
    assert verdict["effects"] > 10


def test_another_report_is_the_cause_where_it_stands(
    whole: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = whole.lines()
    number = next(
        n
        for n, line in enumerate(lines)
        if (line["dir"], line["conn"]) == ("told", "fill") and lines[n + 1]["dir"] == "order"
    )
    lines[number]["data"] = lines[number]["data"].replace('"fee":"', '"fee":"1')
    whole.file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, summary = replayed(whole.replay(), capsys)
    assert code == ExitCode.DIFFERENT
    found = summary["session"]["difference"]
    assert found["line"] == number + 1
    assert found["input"].startswith('told of the account: fill {"client_order_id":')
    assert found["then"][0].startswith("fill ")


async def killed(clock: VirtualClock, _: Any, folder: Path) -> None:
    """Throw the kill switch, as `hft kill --flatten` does from another process."""
    await clock.sleep(6 * NS_PER_S)
    KillSwitch(folder / ".hft" / "live-session", clock).kill("drill", flatten=True, by="somebody")


@pytest.mark.parametrize(
    ("script", "rules", "words"),
    [(killed, "", "killed by somebody"), (None, "  - {use: ./breaker.py}", "killed by risk")],
)
def test_a_halt_by_an_operator_or_a_rule_halts_again_and_closes_positions(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    script: Script | None,
    rules: str,
    words: str,
) -> None:
    (tmp_path / "breaker.py").write_text(BREAKER)
    session = recorded(tmp_path, monkeypatch, script=script, rules=rules)
    then = session.summaries[-1]
    assert then.halted is not None
    assert words in then.halted
    assert any("flatten BTC" in line["data"] for line in session.lines() if line["dir"] == "order")
    latch = tmp_path / ".hft" / "live-session" / "kill.json"
    latch.unlink()
    code, now = replayed(session.replay(), capsys)
    assert (code, now["session"]["equal"], now["halted"]) == (ExitCode.STOPPED, True, then.halted)
    assert not latch.exists()


BREAKER = '''
"""Halt and close everything at the sixtieth look."""
import attrs
from hft import APPROVED, Halt, RiskRule

@attrs.frozen(kw_only=True)
class Config:
    pass

class Breaker(RiskRule[Config]):
    reviews = 0

    def check(self, order, view):
        return APPROVED

    def review(self, view):
        self.reviews += 1
        return Halt("looked at often enough", flatten=True) if self.reviews == 60 else APPROVED
'''


class Hand(Orphanage):
    """A person, whom nothing speaks against."""

    refusal = ""


async def place_two(kernel: Kernel) -> None:
    """Buy at the market, and leave an order far below it, as `hft order` does."""
    market = next(iter(kernel.markets.values()))
    while market.book.best_bid is None:
        await kernel.clock.sleep(NS_PER_S // 10)
    price = Price(market.book.best_bid * 97 // 100)
    size = Size(market.instrument.min_size * 10)
    kernel.manager.place(Hand(), market.instrument, Side.BUY, size, type=OrderType.MARKET)
    kernel.manager.place(Hand(), market.instrument, Side.BUY, size, price)
    await kernel.clock.sleep(NS_PER_S)


def test_what_earlier_runs_left_is_in_the_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state, kept = tmp_path / ".hft", tmp_path / "kept"

    async def crash(kernel: Kernel) -> None:
        await place_two(kernel)
        journal = kernel.manager.journal
        assert isinstance(journal, Journal)
        journal.flush()
        shutil.copytree(state, kept)

    def recover() -> None:
        shutil.rmtree(state)
        kept.rename(state)

    errands = [None, Errand(work=crash, leaves_orders=True), None]
    session = recorded(tmp_path, monkeypatch, seconds=6, errands=errands, before_last=recover)
    assert len(session.told("adopt")) == 1
    assert len(session.told("remember")) == 1
    assert session.told("ledger")[0]["instruments"]
    shutil.rmtree(state)
    code, now = replayed(session.replay(), capsys)
    assert (code, now["session"]["equal"]) == (ExitCode.STOPPED, True)
    then = session.summaries[-1].to_json()
    assert {key: now[key] for key in CHECKED} == {key: then[key] for key in CHECKED}
    assert not state.exists()


def every(number: int, method: Any, error: Exception) -> Any:
    """Raise an error instead of calling, every so many times."""
    calls = count(1)

    def called(*arguments: Any) -> Any:
        if not next(calls) % number:
            raise error
        return method(*arguments)

    return called


def test_trades_are_recorded_also_where_no_strategy_wants_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = "".join(line for line in PROFILE.splitlines(keepends=True) if "drawer" not in line)
    monkeypatch.setitem(globals(), "PROFILE", alone)
    session = recorded(tmp_path, monkeypatch, seconds=6)
    then = session.summaries[-1]
    assert then.trades > 0
    code, now = replayed(session.replay(), capsys)
    assert (code, now["session"]["equal"], now["trades"]) == (ExitCode.STOPPED, True, then.trades)


def test_what_was_refused_before_it_was_sent_is_refused_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OrderError("too much waits")
    bug = ZeroDivisionError("division by zero")
    for owner, name, number, error in (
        (BinanceExecution, "place", 5, full),
        (BinanceExecution, "cancel", 4, full),
        (BinanceExecution, "amend", 15, bug),
        (Journal, "intend_place", 7, OrderError("the journal is behind")),
        (Journal, "intend_amend", 6, OrderError("the journal is behind")),
    ):
        monkeypatch.setattr(owner, name, every(number, getattr(owner, name), error))
    session = recorded(tmp_path, monkeypatch)
    then = session.summaries[-1]
    asked = {line["conn"].rpartition(" ")[0] for line in session.lines() if line["dir"] == "outcome"}
    assert asked == {"place", "cancel", "amend", "note place", "note amend"}
    assert then.halted == "binance: execution client failed amending: ZeroDivisionError: division by zero"
    code, now = replayed(session.replay(), capsys)
    assert (code, now["session"]["equal"]) == (ExitCode.STOPPED, True)
    assert {key: now[key] for key in CHECKED} == {key: then.to_json()[key] for key in CHECKED}


def test_a_client_that_tells_something_while_it_is_asked_ends_the_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = BinanceExecution.cancel

    def telling(self: BinanceExecution, order: Order) -> None:
        self.events.on_report(
            OrderReport(client_order_id=order.client_order_id, kind=ReportKind.CANCEL_REJECTED)
        )
        cancel(self, order)

    monkeypatch.setattr(BinanceExecution, "cancel", telling)
    session = recorded(tmp_path, monkeypatch, seconds=6)
    assert session.summaries[-1].orders_sent > 10
    assert "what follows cannot be replayed: the run was told something while it" in str(session.warnings)
    code, now = replayed(session.replay(), capsys)
    verdict = now["session"]
    assert (code, verdict["equal"], verdict["difference"]) == (ExitCode.FAULT, None, None)
    assert "the run was told something while it asked for 'cancel " in verdict["incomplete"]


def test_what_cannot_be_recorded_ends_the_recording_and_not_the_trading(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToldWriter, "encode", every(40, ToldWriter.encode, TypeError("no such thing")))
    session = recorded(tmp_path, monkeypatch, seconds=6)
    then = session.summaries[-1]
    assert (then.halted, then.faults) == (None, ())
    assert then.orders_sent > 10
    code, now = replayed(session.replay(), capsys)
    assert (code, now["session"]["equal"], now["session"]["difference"]) == (ExitCode.FAULT, None, None)
    assert "cannot be recorded: TypeError: no such thing" in now["session"]["incomplete"]


@pytest.mark.parametrize("error", [CaptureError("the disk is full"), ValueError("a bug")])
def test_a_recording_that_cannot_be_written_ends_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    write, good = CaptureWriter.write, count(1)

    def full(self: CaptureWriter, records: Any) -> None:
        if next(good) > 4:
            raise error
        write(self, records)

    monkeypatch.setattr(CaptureWriter, "write", full)
    session = recorded(tmp_path, monkeypatch, seconds=6)
    then = session.summaries[-1]
    assert (then.halted, then.faults, then.open_orders_left) == (None, (), 0)
    assert then.duration_s > 6
    assert any("is cut off" in line and str(error) in line for line in session.warnings)
    with JournalReader(tmp_path / ".hft" / "live-session" / "live") as journal:
        assert [run.ended for run in journal.runs()] == ["stopped"]
    code, now = replayed(session.replay(), capsys)
    assert (code, now["session"]["equal"], now["session"]["difference"]) == (ExitCode.FAULT, None, None)


def test_an_exchange_that_repeats_a_secret_does_not_bring_it_into_a_recording() -> None:
    said = 'bad request {"apiKey":"sesame","sign":"open"} at /order?symbol=BTC&signature=abba&api_key=dabra'
    shown = redacted(said)
    assert not [secret for secret in ("sesame", "open", "abba", "dabra") if secret in shown]
    assert "symbol=BTC" in shown


def test_what_an_account_told_and_nobody_can_read_is_an_error(
    whole: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = whole.lines()
    next(line for line in lines if line["conn"] == "report")["data"] = '{"kind": "novel"}'
    whole.file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["run", str(whole.replay())]) == ExitCode.FAULT
    assert "the recording has 'report' that cannot be read" in capsys.readouterr().err
