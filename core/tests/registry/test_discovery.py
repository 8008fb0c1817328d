"""What is installed is read from metadata, faults included, and nothing is imported."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from hft.registry import discovery
from hft.registry.discovery import Found, PluginKind, discover


def only(name: str) -> Found:
    (found,) = [each for each in discover() if each.name == name]
    return found


def test_lists_every_kind_without_importing(site: Any) -> None:
    site.install(
        "acme-plugins",
        {
            "hft.exchanges": {"acme": "acme_boom"},
            "hft.strategies": {"acme_maker": "acme_boom"},
            "hft.risk": {"acme_limit": "acme_boom"},
            "hft.commands": {"acme_tools": "acme_boom"},
            "console_scripts": {"acme": "acme_boom:main"},
        },
        acme_boom="raise RuntimeError('imported')",
    )

    found = [each for each in discover() if each.distribution == "acme-plugins"]

    assert [(each.name, each.kind, each.module, each.version, each.source, each.state) for each in found] == [
        ("acme", PluginKind.EXCHANGE, "acme_boom", "1.0", "index", "ok"),
        ("acme_maker", PluginKind.STRATEGY, "acme_boom", "1.0", "index", "ok"),
        ("acme_limit", PluginKind.RISK, "acme_boom", "1.0", "index", "ok"),
        ("acme_tools", PluginKind.COMMAND, "acme_boom", "1.0", "index", "ok"),
    ]
    assert "acme_boom" not in sys.modules
    assert {each.kind for each in discover(PluginKind.RISK)} == {PluginKind.RISK}


def test_one_name_by_two_distributions_is_a_fault_of_both(site: Any) -> None:
    for name in ("acme-one", "acme-two"):
        site.install(name, {"hft.exchanges": {"acme": "acme"}})
    site.install("acme-three", {"hft.risk": {"acme": "acme"}})

    states = {each.distribution: each.state for each in discover() if each.name == "acme"}

    assert states == {
        "acme-one": "duplicated by acme-two",
        "acme-two": "duplicated by acme-one",
        "acme-three": "ok",
    }


def test_a_distribution_found_twice_is_the_one_that_is_imported(
    site: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("ACME", {"hft.risk": {"acme": "acme"}}, version="1.0")
    other = tmp_path / "in-front"
    other.mkdir()
    type(site)(other).install("Acme", {"hft.risk": {"acme": "acme"}}, version="2.0")
    monkeypatch.syspath_prepend(other)

    assert (only("acme").version, only("acme").state) == ("2.0", "ok")


def test_what_an_interrupted_pip_left_behind_is_passed_over(site: Any) -> None:
    site.install("acme", {"hft.risk": {"acme": "acme"}})
    for metadata in site.folder.glob("*/METADATA"):
        metadata.write_text("")

    assert not [each for each in discover() if each.name == "acme"]


@pytest.mark.parametrize(
    ("requirement", "state"),
    [
        ("hft-core>=0.1,<0.2", "ok"),
        ("HFT_Core>=0.1", "ok"),
        ("hft-core>=0.2", "needs hft-core>=0.2, installed is 0.1.5"),
        ("hft-core[fast]<0.1", "needs hft-core<0.1, installed is 0.1.5"),
        ("hft-core>=9; extra == 'later'", "ok"),
        ("attrs>=999", "ok"),
        ("hft-core >> 1", "requirement 'hft-core >> 1' cannot be read"),
    ],
)
def test_the_core_that_is_required_is_compared(
    site: Any, monkeypatch: pytest.MonkeyPatch, requirement: str, state: str
) -> None:
    monkeypatch.setattr(discovery, "core_version", lambda: "0.1.5")
    site.install("acme", {"hft.risk": {"acme": "acme"}}, requires=[requirement])

    assert only("acme").state == state


def test_a_prerelease_of_the_core_satisfies(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "core_version", lambda: "0.2.0rc1")
    site.install("acme", {"hft.risk": {"acme": "acme"}}, requires=["hft-core>=0.1,<0.3"])

    assert only("acme").state == "ok"


@pytest.mark.parametrize("value", ["acme:plugin", "acme plugin", "acme.", "1acme"])
def test_an_entry_point_must_be_a_module(site: Any, value: str) -> None:
    site.install("acme", {"hft.risk": {"acme": value}})

    assert only("acme").state == f"entry point {value!r} is not a module"


@pytest.mark.parametrize(
    ("direct_url", "source"),
    [
        ({"url": "file:///src/my%20acme", "dir_info": {"editable": True}}, "editable /src/my acme"),
        ({"url": "file:///src/acme", "dir_info": {}}, "path /src/acme"),
        (
            {"url": "file:///tmp/acme-1.0-py3-none-any.whl", "archive_info": {}},
            "file /tmp/acme-1.0-py3-none-any.whl",
        ),
        (
            {"url": "https://me:password@example.org/acme.git", "vcs_info": {"vcs": "git"}},
            "https://example.org/acme.git",
        ),
        ({"no": "url"}, "unknown"),
        (["not", "an", "object"], "unknown"),
    ],
)
def test_says_where_it_was_installed_from(site: Any, direct_url: object, source: str) -> None:
    site.install("acme", {"hft.risk": {"acme": "acme"}}, direct_url=direct_url)

    assert only("acme").source == source
