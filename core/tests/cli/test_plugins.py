"""``hft plugins`` lists what is installed and imports none of it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.registry import discovery

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def installed(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a good plugin and two of one name, all of which cannot be imported."""
    site.install(
        "hft-plugin-acme",
        {"hft.exchanges": {"acme": "acme_boom"}},
        version="1.2",
        direct_url={"url": "file:///src/[acme]", "dir_info": {"editable": True}},
        acme_boom="raise RuntimeError('imported')",
    )
    for name in ("one", "two"):
        site.install(name, {"hft.risk": {"twice": "acme_boom"}})
    distributions = discovery.distributions
    monkeypatch.setattr(discovery, "distributions", lambda: distributions(path=[str(site.folder)]))


@pytest.mark.usefixtures("installed")
def test_json_is_a_list_of_objects(capsys: Capture) -> None:
    assert main(["plugins", "--json"]) == ExitCode.STOPPED

    out = capsys.readouterr().out
    assert out.count("\n") == 1
    acme, *twice = json.loads(out)
    assert acme == {
        "name": "acme",
        "kind": "exchange",
        "module": "acme_boom",
        "distribution": "hft-plugin-acme",
        "version": "1.2",
        "source": "editable /src/[acme]",
        "state": "ok",
    }
    assert [each["state"] for each in twice] == ["duplicated by two", "duplicated by one"]
    assert "acme_boom" not in sys.modules


@pytest.mark.usefixtures("installed")
def test_the_table_has_a_line_for_each(capsys: Capture) -> None:
    assert main(["plugins"]) == ExitCode.STOPPED

    head, _, *rows = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert head.split() == ["name", "kind", "distribution", "version", "source", "state"]
    assert [row.split(maxsplit=4) for row in rows] == [
        ["acme", "exchange", "hft-plugin-acme", "1.2", "editable /src/[acme]   ok"],
        ["twice", "risk", "one", "1.0", "index                  duplicated by two"],
        ["twice", "risk", "two", "1.0", "index                  duplicated by one"],
    ]
    assert "acme_boom" not in sys.modules


def test_without_any_it_says_what_to_install(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "distributions", list)

    assert main(["plugins"]) == ExitCode.STOPPED
    assert capsys.readouterr().out.startswith("no plugin is installed: pip install hft-plugin-")
