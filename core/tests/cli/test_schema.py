"""``hft schema``: made of what is installed, the broken included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.cli import schema
from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.errors import PluginError
from hft.plugin.config import option
from hft.plugin.strategy import Strategy
from hft.registry.discovery import Found, PluginKind


@attrs.frozen(kw_only=True)
class Config:
    """Some options."""

    levels: int = option(5, doc="levels a side")


class Maker(Strategy[Config]):
    """Quote."""


class _Plugin:
    name = "maker"

    def market_data(self) -> None:
        return None

    def simulator(self) -> None:
        return None

    def strategy(self) -> type[Strategy[Any]]:
        return Maker


class _Registry:
    def load(self, kind: PluginKind, use: str, *, base: Path | None) -> _Plugin:
        if use == "broken":
            raise PluginError("hft-plugin-broken 1.0: cannot be imported")
        return _Plugin()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put two strategies in place of what is installed."""
    found = [
        Found(
            name=name,
            kind=PluginKind.STRATEGY,
            module=name,
            distribution=f"hft-plugin-{name}",
            version="1.0",
            source="index",
        )
        for name in ("broken", "maker")
    ]
    monkeypatch.setattr(schema, "discover", lambda *_: found)
    monkeypatch.setattr(schema, "Registry", _Registry)


@pytest.mark.usefixtures("installed")
def test_broken_plugin_costs_its_own_options_only(capsys):
    assert main(["schema"]) == ExitCode.STOPPED
    captured = capsys.readouterr()
    entry = json.loads(captured.out)["properties"]["strategies"]["additionalProperties"]
    assert entry["properties"]["use"]["anyOf"][0] == {"enum": ["broken", "maker"]}
    assert entry["allOf"][0]["if"]["properties"] == {"use": {"const": "maker"}}
    assert entry["allOf"][0]["then"]["properties"]["levels"]["default"] == 5
    assert "hft-plugin-broken 1.0: cannot be imported" in captured.err


@pytest.mark.usefixtures("installed")
def test_written_to_a_file(tmp_path, capsys):
    path = tmp_path / "profile.schema.json"
    assert main(["schema", "-o", str(path)]) == ExitCode.STOPPED
    assert json.loads(path.read_text())["title"] == "hft profile"
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("installed")
def test_file_that_cannot_be_written(tmp_path, capsys):
    assert main(["schema", "-o", str(tmp_path / "none" / "x.json")]) == ExitCode.USAGE
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_what_is_really_installed_has_a_schema(capsys):
    assert main(["schema"]) == ExitCode.STOPPED
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")
