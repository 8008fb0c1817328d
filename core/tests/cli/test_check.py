"""``hft check``: faults with their places, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main

EXCHANGE = """\
import attrs
from hft import MarketDataStream, Secret, hookimpl, option

HFT_API = 1


@attrs.frozen(kw_only=True)
class Config:
    key: Secret | None = option(None, doc="the API key")


class Stream(MarketDataStream[Config]):
    environments = ("mainnet", "testnet")

    def instrument_requests(self):
        raise AssertionError("nothing is started")

    def subscribe(self, markets):
        raise AssertionError("nothing is started")

    def on_frame(self, conn, data, recv_ns):
        raise AssertionError("nothing is started")

    def on_response(self, request, body, recv_ns):
        raise AssertionError("nothing is started")


@hookimpl
def hft_market_data():
    return Stream
"""
STRATEGY = """\
import attrs
from hft import Duration, Strategy, option


@attrs.frozen(kw_only=True)
class Config:
    refresh: Duration = option(Duration(1), doc="how often it looks")


class Maker(Strategy[Config]):
    pass
"""
PROFILE = """\
name: one-file
mode: dry-run
exchanges:
  acme: {use: ./acme.py, key: "${ACME_KEY}"}
strategies:
  maker: {use: ./maker.py, instruments: [BTC/USDT@acme], refresh: 1s}
"""


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "acme.py").write_text(EXCHANGE)
    (tmp_path / "maker.py").write_text(STRATEGY)
    path = tmp_path / "p.yaml"
    path.write_text(PROFILE)
    monkeypatch.setenv("ACME_KEY", "k-123456")
    return path


def test_good_profile(profile, capsys):
    assert main(["check", str(profile)]) == ExitCode.STOPPED
    assert capsys.readouterr().out == (
        f"ok {profile}: one-file, dry-run; exchanges acme (./acme.py, mainnet);"
        " strategies maker (./maker.py); risk none\n"
    )


def test_good_profile_for_machines(profile, capsys):
    assert main(["check", "--json", str(profile)]) == ExitCode.STOPPED
    assert json.loads(capsys.readouterr().out) == {"ok": True, "faults": []}


def test_faults_of_all_profiles(profile, capsys):
    bad = profile.with_name("bad.yaml")
    bad.write_text(PROFILE.replace("1s", "5").replace("./acme.py", "./acmee.py"))
    assert main(["check", str(bad), str(profile), str(bad.with_name("none.yaml"))]) == ExitCode.USAGE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{bad}:4: exchanges.acme.use: ")
    assert lines[1].startswith(f"{bad}:6: strategies.maker.refresh: wants a length of time")
    assert lines[2].startswith(f"ok {profile}: ")
    assert lines[3] == f"{bad.with_name('none.yaml')}: cannot be read: No such file or directory"


def test_faults_for_machines(profile, capsys, monkeypatch):
    monkeypatch.delenv("ACME_KEY")
    profile.write_text(PROFILE + "speed: 1\n")
    assert main(["check", "--json", str(profile)]) == ExitCode.USAGE
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert [(fault["file"], fault["line"], fault["path"]) for fault in answer["faults"]] == [
        (str(profile), 4, "exchanges.acme.key"),
        (str(profile), 7, "speed"),
    ]
    message = "environment variable 'ACME_KEY' is not set, type: export ACME_KEY=..."
    assert answer["faults"][0]["message"] == message


def test_secrets_are_not_printed(profile, capsys):
    profile.write_text(PROFILE.replace("1s", "${ACME_KEY}").replace("dry-run", "${ACME_KEY}"))
    assert main(["check", str(profile)]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert "k-123456" not in captured.out + captured.err
