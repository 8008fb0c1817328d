"""A sweep on Ray: a local cluster of two workers finds what the processes of this machine find."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="numpy comes with hft-core[data]")
pytest.importorskip("optuna", reason="Optuna comes with hft-core[sweep]")
pytest.importorskip("ray", reason="Ray comes with hft-core[ray]; tox -e ray has it")

import ray

from hft.cli.exit_codes import ExitCode
from hft.cli.main import main
from tests.sweeping import write_sweep

# What Ray leaves behind is its own matter.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(300)]

SPACE = """\
objective: {figure: net_pnl}
sampler: tpe
trials: 8
round: 4
walk_forward: {windows: 2, train: 1}
parameters:
  strategies.buyer.lots: {low: 1, high: 16}
  strategies.buyer.mood: [MOODS]
"""


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Start a cluster on the loopback address alone, which tells nobody of itself."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    yield
    ray.shutdown()


def test_the_same_result_as_on_local_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*write_sweep(tmp_path, SPACE.replace("MOODS", "calm, raising")), "--json"]
    results = []
    for more in (["--jobs", "2"], ["--on", "ray"]):
        storage = str(tmp_path / f"{len(results)}.sqlite")
        assert main([*command, *more, "--storage", storage]) == ExitCode.STOPPED
        results.append(json.loads(capsys.readouterr().out))
    assert results[0] == results[1]
    assert all(search["judged"]["error"] is None for search in results[0]["searches"])


def test_a_worker_that_dies_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = SPACE.replace("MOODS", "calm, dying").replace("tpe", "grid").replace("trials: 8\n", "")
    space = space.replace("  strategies.buyer.lots: {low: 1, high: 16}\n", "").replace(
        "walk_forward: {windows: 2, train: 1}\n", ""
    )
    assert main([*write_sweep(tmp_path, space), "--json", "--on", "ray"]) == ExitCode.STOPPED
    (search,) = json.loads(capsys.readouterr().out)["searches"]
    errors = {trial["values"]["strategies.buyer.mood"]: trial["error"] for trial in search["trials"]}
    assert errors["calm"] is None
    assert "the cluster lost it" in errors["dying"]
