"""Mode live as a user types it, against a simulated Binance in another process; its truth is what counts."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.journal import is_in_use
from tests.served import served

SPOT = "BTC/USDT@binance"
FUTURE = "BTC/USDT:USDT@binance"

PROFILE = """
name: test
mode: live
live: true
exchanges:
  binance: {{use: binance, url: "{url}", key: "${{KEY}}", secret: "${{SECRET}}"{account}}}
strategies:
  resting: {{use: ./resting.py, instruments: ["{future}", "{spot}"]}}
"""

RESTING = '''
"""Buy once at the market, and rest one order far below it."""
import attrs
from hft import BookState, OrderType, Price, Side, Size, Strategy

@attrs.frozen(kw_only=True)
class Config:
    pass

class Resting(Strategy[Config]):
    def on_start(self):
        self.begun = set()

    def on_book(self, book):
        instrument = book.instrument
        if instrument in self.begun or book.best_bid is None or book.best_ask is None:
            return
        size = Size(instrument.min_size * (10 if instrument.symbol.endswith(":USDT") else 100))
        bought = self.trading.place(instrument, Side.BUY, size, type=OrderType.MARKET)
        rests = self.trading.place(instrument, Side.BUY, size, Price(book.best_bid * 97 // 100))
        if not bought.state.is_final and not rests.state.is_final:
            self.begun.add(instrument)
'''


@attrs.frozen
class Exchange:
    """The simulator, and what it says of the account that the tests trade on."""

    url: str
    account: dict[str, str]

    def ask(self, path: str, body: dict[str, str] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_sim/{path}", data, timeout=10) as answer:
            return json.load(answer)

    @property
    def truth(self) -> dict[str, Any]:
        said = self.ask(f"truth?account={self.account['name']}")
        result: dict[str, Any] = said["accounts"][self.account["name"]]
        return result

    def open_orders(self) -> list[str]:
        orders = [order for desk in ("spot", "usdm") for order in self.truth[desk]["orders"]]
        return sorted(each["client_id"] for each in orders if each["state"] in ("new", "open", "partial"))

    def position(self) -> Decimal:
        return sum((Decimal(each["size"]) for each in self.truth["usdm"]["positions"]), Decimal())


@contextlib.contextmanager
def started(*arguments: str, **pipes: Any) -> Iterator[subprocess.Popen[str]]:
    """Start ``hft`` in a process of its own, which does not outlive the context, whatever fails in it."""
    command = [sys.executable, "-m", "hft", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with served("binance", "--symbols", "BTC/USDT,BTC/USDT:USDT") as said:
        yield Exchange(said["rest"], said["accounts"][0])


@attrs.frozen
class User:
    """Types commands about one profile."""

    profile: Path
    exchange: Exchange
    capsys: pytest.CaptureFixture[str]

    def types(self, command: str, *arguments: str) -> tuple[int, Any]:
        """Run a command with ``--json``; return its exit code and what it printed."""
        code = main([command, str(self.profile), *arguments, "--json"])
        out, err = self.capsys.readouterr()
        return code, json.loads(out) if out else err

    @contextlib.contextmanager
    def run(self) -> Iterator[subprocess.Popen[str]]:
        """Trade in a process of its own, and go on when both orders rest and both were bought."""
        with started("run", str(self.profile), "--json", stderr=subprocess.PIPE) as process:
            wait_for(lambda: len(self.exchange.open_orders()) >= 2 and bool(self.exchange.position()))
            yield process


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "it does not come to that"
        time.sleep(0.05)


@pytest.fixture
def user(
    tmp_path: Path,
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> User:
    account = getattr(request, "param", "")
    profile = tmp_path / "test.yaml"
    profile.write_text(PROFILE.format(url=exchange.url, account=account, future=FUTURE, spot=SPOT))
    (tmp_path / "resting.py").write_text(RESTING)
    monkeypatch.setenv("KEY", exchange.account["key"])
    monkeypatch.setenv("SECRET", exchange.account["secret"])
    return User(profile, exchange, capsys)


def test_a_run_trades_is_looked_at_and_leaves_nothing(user: User) -> None:
    with user.run() as process:
        code, orders = user.types("orders")
        assert code == ExitCode.STOPPED
        assert [each["order"] for each in orders if each["whose"] == "ours"]
        assert sorted(each["order"] for each in orders) == user.exchange.open_orders()
        code, positions = user.types("positions")
        assert [Decimal(each["size"]) for each in positions] == [user.exchange.position()]
        code, _ = user.types("balances")
        assert code == ExitCode.STOPPED
        code, refused = user.types("order", SPOT, "buy", "0.001", "--price", "50000")
        assert code == ExitCode.USAGE
        assert f"in use by process {process.pid}" in refused
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == ExitCode.STOPPED, err
        assert json.loads(out)["open_orders_left"] == 0
    assert user.exchange.open_orders() == []


def test_an_order_by_hand_rests_and_is_cancelled_and_nobody_elses_is(user: User) -> None:
    code, placed = user.types("order", SPOT, "buy", "0.001", "--price", "50000")
    assert (code, placed["state"]) == (ExitCode.STOPPED, "new")
    other = user.profile.with_name("other.yaml")
    other.write_text(user.profile.read_text().replace("name: test", "name: other"))
    by_another = attrs.evolve(user, profile=other)
    code, foreign = by_another.types("order", SPOT, "buy", "0.001", "--price", "50000")
    assert code == ExitCode.STOPPED
    assert user.exchange.open_orders() == sorted((placed["order"], foreign["order"]))
    code, error = user.types("cancel", foreign["order"])
    assert code == ExitCode.USAGE
    assert "no open order of this profile" in error
    code, done = user.types("cancel", "--all")
    assert (code, done) == (ExitCode.STOPPED, {"cancelled": [placed["order"]], "left": []})
    code, killed = user.types("kill", "--flatten")
    assert code == ExitCode.STOPPED, killed
    assert user.exchange.open_orders() == [foreign["order"]]


def test_kill_ends_a_run_flattens_and_latches(user: User) -> None:
    with user.run() as process:
        began = time.monotonic()
        code, killed = user.types("kill", "--flatten", "--reason", "drill")
        assert time.monotonic() - began < 15
        assert (code, killed["open_orders_left"]) == (ExitCode.STOPPED, 0)
        process.communicate(timeout=20)
        assert process.returncode == ExitCode.HALTED
    assert user.exchange.open_orders() == []
    assert user.exchange.position() == 0
    code, refused = user.types("run", "--duration", "5s")
    assert code == ExitCode.HALTED
    assert "drill" in refused
    assert "--reset" in refused
    assert user.types("kill", "--reset")[0] == ExitCode.STOPPED
    code, _ = user.types("run", "--duration", "1s")
    assert code == ExitCode.STOPPED


def test_kill_cleans_up_behind_a_run_that_is_dead(user: User) -> None:
    with user.run() as process:
        process.kill()
    assert len(user.exchange.open_orders()) == 2
    code, killed = user.types("kill", "--flatten")
    assert code == ExitCode.STOPPED, killed
    assert user.exchange.open_orders() == []
    assert user.exchange.position() == 0


def test_kill_cancels_behind_a_run_that_is_frozen(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hft.cli.kill._PATIENCE_S", 0.5)
    monkeypatch.setattr("hft.cli.kill._OTHER_S", 0.5)
    with user.run() as process:
        process.send_signal(signal.SIGSTOP)
        code, killed = user.types("kill")
        assert (code, killed["open_orders_left"]) == (ExitCode.FAULT, 0)
        assert "has not ended" in killed["faults"][0]
        assert user.exchange.open_orders() == []


def test_kill_needs_no_secret_to_latch(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET")
    code, error = user.types("kill")
    assert code == ExitCode.USAGE
    assert "'SECRET' is not set" in error
    monkeypatch.setenv("SECRET", user.exchange.account["secret"])
    assert user.types("run")[0] == ExitCode.HALTED


def test_kill_reaches_a_run_whose_exchange_does_not_answer(user: User) -> None:
    text = user.profile.read_text().replace(user.exchange.url, "http://127.0.0.1:9")
    user.profile.write_text(text)
    with started("run", str(user.profile), stderr=subprocess.PIPE) as process:
        wait_for(lambda: is_in_use(user.profile.parent / ".hft" / "test" / "live"))
        # The kill itself would ask the exchange for a long time.
        user.profile.with_name("latch.yaml").write_text(text.replace("${SECRET}", "${NOT_SET}"))
        latch = attrs.evolve(user, profile=user.profile.with_name("latch.yaml"))
        assert latch.types("kill")[0] == ExitCode.USAGE
        process.communicate(timeout=10)
        assert process.returncode == ExitCode.HALTED


@pytest.mark.parametrize(
    ("user", "kept"), [("", False), (", account: {earlier_orders: adopt}", True)], indirect=["user"]
)
def test_orders_of_an_earlier_run_are_cancelled_or_adopted(user: User, kept: bool) -> None:
    with user.run() as process:
        process.kill()
    earlier = user.exchange.open_orders()
    user.profile.with_name("resting.py").write_text(RESTING.replace("def on_book", "def nothing"))
    with started("run", str(user.profile), "--json", stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "started in mode live" in line:
                break
        assert user.exchange.open_orders() == (earlier if kept else [])
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert user.exchange.open_orders() == []


@pytest.mark.parametrize("wrong", ["KEY", "SECRET"])
def test_a_wrong_key_is_one_line_without_the_secret(
    user: User, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(wrong, "0123456789wrong")
    code = main(["-q", "run", str(user.profile), "--json"])
    out, err = user.capsys.readouterr()
    assert (code, out) == (ExitCode.USAGE, "")
    assert len(err.splitlines()) == 1
    assert "check the credentials" in err
    shown = {user.exchange.account["name"], ""}
    for secret in {*user.exchange.account.values(), "0123456789wrong"} - shown:
        assert secret not in err
