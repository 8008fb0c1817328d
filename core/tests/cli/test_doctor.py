"""``hft doctor`` tells which order book is in use, and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from hft.book import choice
from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from hft.registry import discovery

Capture = pytest.CaptureFixture[str]


def doctor(**environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "hft", "doctor", "--json"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("\n") == 1
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_environment_forces_pure_python() -> None:
    report = doctor(HFT_PURE_PYTHON="1")
    for what in ("book", "orders"):
        assert report[what] == {"implementation": "pure", "reason": "HFT_PURE_PYTHON=1 asks for it"}


def test_what_was_compiled_is_used_where_it_is_there() -> None:
    pytest.importorskip("hft.book._native", reason="the native module was not compiled", exc_type=ImportError)
    report = doctor(HFT_PURE_PYTHON="0")
    assert report["book"]["implementation"] == "native"
    # The same compiler made it: here it is missing only if sources were changed since.
    assert report["orders"]["implementation"] == "compiled", report["orders"]["reason"]


def test_without_the_native_module_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HFT_PURE_PYTHON", raising=False)
    monkeypatch.delitem(sys.modules, "hft.book.native_book", raising=False)
    monkeypatch.setitem(sys.modules, "hft.book._native", None)
    book = choice.choose_book()
    assert book.name == "pure"
    assert book.reason.startswith("the native module is not there: ")


def test_it_reports_packages_clock_and_plugins(
    site: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("hft-plugin-acme", {"hft.exchanges": {"acme": "acme boom"}}, version="1.2")
    distributions = discovery.distributions
    monkeypatch.setattr(discovery, "distributions", lambda: distributions(path=[str(site.folder)]))

    assert main(["doctor", "--json"]) == ExitCode.STOPPED
    report = json.loads(capsys.readouterr().out)
    state = "entry point 'acme boom' is not a module"
    assert report["plugins"] == [{"name": "acme", "kind": "exchange", "version": "1.2", "state": state}]
    assert {"uvloop", "keyring"} <= report["packages"].keys()
    assert report["clock"]["resolution_ns"] > 0

    assert main(["doctor"]) == ExitCode.STOPPED
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"exchange    acme 1.2: {state}"
    for name, what in (("order book", "book"), ("orders    ", "orders")):
        assert any(line.startswith(f"{name}  {report[what]['implementation']}: ") for line in lines)
