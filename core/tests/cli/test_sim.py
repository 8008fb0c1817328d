"""``hft sim`` as a user and as a profile start it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

from hft import Duration, Side, SimulatorConfig, UsageError, option
from hft.cli import sim
from hft.sim.arguments import config_arguments
from hft.sim.child import start_child

pytest.importorskip("hft_binance", reason="needs an exchange plugin to play")

LONG = 20.0


@pytest.fixture
async def process() -> AsyncIterator[Any]:
    """Give a function that starts ``hft sim binance``."""
    started: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hft", "sim", "binance", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), LONG)).decode()


async def test_json_prints_one_line_and_serves_until_a_signal(process: Any) -> None:
    running = await process("--json", "--symbols", "ETH/USDT", "--seed", "3")
    ready = json.loads(await first_line(running))
    assert set(ready) == {"exchange", "rest", "ws", "accounts"}
    assert ready["exchange"] == "binance"
    assert set(ready["accounts"][0]) == {"key", "secret", "name", "passphrase"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(ready["rest"] + "/api/v3/ticker/price") as answer,
        session.ws_connect(ready["ws"]["public"] + "/ws/ethusdt@bookTicker") as ws,
    ):
        assert [entry["symbol"] for entry in await answer.json()] == ["ETHUSDT"]
        assert (await asyncio.wait_for(ws.receive_json(), LONG))["s"] == "ETHUSDT"
        running.send_signal(signal.SIGTERM)
        rest, log = await asyncio.wait_for(running.communicate(), LONG)
    assert (running.returncode, rest) == (0, b"")
    assert b"Traceback" not in log


async def test_faults_come_from_a_file_and_while_it_runs(process: Any, tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("faults:\n  - {kind: refuse, where: request/GET *, status: 502}\n")
    running = await process("--json", "--symbols", "ETH/USDT", "--faults", str(file))
    rest = json.loads(await first_line(running))["rest"]
    async with aiohttp.ClientSession(rest) as session:

        async def ask(method: str, path: str, body: str = "") -> tuple[int, Any]:
            async with session.request(method, path, data=body) as answer:
                return answer.status, await answer.json(content_type=None)

        assert [(await ask("GET", "/api/v3/ping"))[0] for _ in range(2)] == [502, 200]
        wrong = '{"faults": [{"kind": "drop", "where": "GET /x"}]}'
        status, said = await ask("POST", "/_sim/faults", wrong)
        assert status == 400
        assert "write 'request/GET /x'" in said["errors"][0]
        more = '{"faults": [{"kind": "refuse", "where": "request/GET */time", "status": 429, "count": 0}]}'
        assert await ask("POST", "/_sim/faults", more) == (201, {"injected": 1})
        assert (await ask("GET", "/api/v3/time"))[0] == 429
        status, shown = await ask("GET", "/_sim/faults")
        assert (status, shown["hits"]) == (200, 2)
        assert [(one["state"], one["hits"]) for one in shown["faults"]] == [("over", 1), ("armed", 1)]
        assert shown["faults"][1]["where"] == "request/GET */time"
        assert await ask("DELETE", "/_sim/faults") == (200, {"cleared": 1})
        assert (await ask("GET", "/api/v3/time"))[0] == 200


async def test_a_wrong_file_of_faults_starts_nothing(process: Any, tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("faults:\n  - {kind: dorp, where: x}\n")
    running = await process("--faults", str(file))
    out, err = await asyncio.wait_for(running.communicate(), LONG)
    assert (running.returncode, out) == (2, b"")
    assert b"faults.yaml:2: faults[0].kind: 'dorp' is not one of" in err


async def test_people_get_a_banner_and_it_ends_when_its_stdin_closes(process: Any) -> None:
    running = await process("--symbols", "ETH/USDT", "--until-stdin-closes")
    assert "simulated binance is ready (synthetic order flow, seed 1: ETH/USDT)" in await first_line(running)
    running.stdin.close()
    rest, _ = await asyncio.wait_for(running.communicate(), LONG)
    assert b"http://127.0.0.1:" in rest
    assert running.returncode == 0


async def test_a_taken_port_is_one_clear_line(process: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = await process("--port", str(port), "--symbols", "ETH/USDT")
        out, err = await asyncio.wait_for(running.communicate(), LONG)
    assert running.returncode == 2
    assert not out
    (line,) = err.decode().splitlines()
    assert f"port {port} on 127.0.0.1 is taken by another program, give another --port" in line


async def test_a_child_lives_as_long_as_it_is_wanted() -> None:
    child = await start_child("binance", ["--set", "symbols=ETH/USDT"])
    async with aiohttp.ClientSession() as session, session.get(child.rest + "/api/v3/ping") as answer:
        assert answer.status == 200
    assert child.is_running
    await child.stop()
    assert not child.is_running


async def test_a_child_that_dies_says_why() -> None:
    with pytest.raises(UsageError, match=r"simulator of binance did not start: .*'BTCUSDT' is not a symbol"):
        await start_child("binance", ["--set", "symbols=BTCUSDT"])


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, os\n"
        "from hft.sim.child import start_child\n"
        "async def main():\n"
        "    child = await start_child('binance', ['--set', 'symbols=ETH/USDT'])\n"
        "    print(child._process.pid, flush=True)\n"
        "    os._exit(9)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, check=False, timeout=LONG)
    state = Path(f"/proc/{int(parent.stdout)}/stat")
    deadline = time.monotonic() + LONG
    with contextlib.suppress(FileNotFoundError):
        while " Z " not in state.read_text():
            assert time.monotonic() < deadline, "the child outlives its parent"
            time.sleep(0.02)


# -- options -------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class AcmeConfig(SimulatorConfig):
    lifetime: Duration = option(Duration(1), doc="how long")
    name: str = option("x", doc="a name")
    strict: bool = option(False, doc="how strict")
    side: Side = option(Side.BUY, doc="which side")


def parse(*arguments: str) -> Any:
    parser = argparse.ArgumentParser()
    sim.configure(parser)
    return sim.simulator_config(AcmeConfig, parser.parse_args(["acme", *arguments]))


def test_options_are_the_config() -> None:
    assert parse() == AcmeConfig()
    config = parse(
        "--symbols", "BTC/USDT, ETH/USDT", "--seed", "7", "--rate", "2.5", "--set", "lifetime=1.5s"
    )
    assert config == AcmeConfig(
        symbols=("BTC/USDT", "ETH/USDT"), seed=7, rate=2.5, lifetime=Duration(1_500_000_000)
    )


@pytest.mark.parametrize(
    "config",
    [
        AcmeConfig(),
        AcmeConfig(symbols=("A/B",), seed=-1, rate=0.1, capture="x=y.jsonl", speed=0.0, name="-- =,"),
        AcmeConfig(lifetime=Duration(123_456_789)),
        AcmeConfig(strict=True, side=Side.SELL),
    ],
)
def test_a_config_survives_the_command_line(config: AcmeConfig) -> None:
    assert parse(*config_arguments(config)) == config


def test_files_are_meant_from_the_profiles_folder() -> None:
    config = AcmeConfig(capture="day.jsonl.gz", faults="storm.yaml")
    parsed = parse(*config_arguments(config, base=Path("/profiles")))
    assert (parsed.capture, parsed.faults) == ("/profiles/day.jsonl.gz", "/profiles/storm.yaml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "many"], "seed: 'many' is not a whole number"),
        (["--rate", "fast"], "rate: 'fast' is not a number"),
        (["--rate", "0"], "rate"),
        (["--speed", "-1"], "speed"),
        (["--speed", "nan"], "speed"),
        (["--rate", "inf"], "rate"),
        (["--symbols", ","], "symbols"),
        (["--set", "lifetime=5"], "lifetime: '5' is not a length of time, write it as 100ms"),
        (["--set", "strict=yes"], "strict: 'yes' is none of true, false"),
        (["--set", "side=left"], "side: 'left' is none of buy, sell"),
        (["--set", "lifetme=5s"], "'lifetme' is no option of this simulator, did you mean 'lifetime'"),
        (["--set", "lifetime"], "--set 'lifetime' has no value, write it as NAME=VALUE"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(*arguments)
