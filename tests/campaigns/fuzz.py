"""Damage what exchanges send, at random and by coverage, and look what comes of it.

    python -m tests.campaigns.fuzz --seconds 60
    python -m tests.campaigns.fuzz --engine atheris --only okx-public --seconds 300

For each exchange the public stream and the execution client are given frames as its simulator and its capture
bring them, damaged. A failing input is saved; `--replay FILE` with `--only` tries it again.
"""

from __future__ import annotations

import argparse
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from loguru import logger

from hft.testing.conformance.exchange import ExchangeUnderTest
from tests.campaigns.fuzz_mutations import mutated
from tests.campaigns.fuzz_private import PrivateTarget
from tests.campaigns.fuzz_public import PublicTarget
from tests.exchanges import VENUES

__all__ = ["TARGETS", "Outcome", "fuzz", "main", "make", "try_input"]

CAPTURES = Path(__file__).resolve().parents[2].parent / "shared" / "captures"
"""Recorded sessions, beside the repository where there are any."""

_SIMULATED = 0.98
"""How often the session of the simulator is damaged; to list thousands of instruments takes long."""

_HEADER = struct.Struct(">BBH")
"""How an input begins: what is done (0: the rest takes the place of a frame), tape, and place on it."""

_DAMAGE, _REWORD, _SHUFFLE = range(3)

_SPOT, _SWAPS = ("BTC/USDT", "ETH/USDT"), ("BTC/USDT:USDT", "ETH/USDT:USDT")

_EXCHANGES: dict[str, dict[str, Any]] = {
    "binance-spot": {"plugin": "binance", "symbols": _SPOT, "capture": "binance/spot_4symbols_2021-10-12"},
    "binance-usdm": {"plugin": "binance", "symbols": _SWAPS, "capture": "binance/usdm_4symbols_2021-07-22"},
    "okx": {
        "plugin": "okx",
        "symbols": _SWAPS,
        "credentials": VENUES["okx"].credentials,
        "capture": "okx/books_2022-05-13",
    },
    "bybit": {"plugin": "bybit", "symbols": _SWAPS, "capture": "bybit/linear_spot_2026-08-09_first20s"},
    "hyperliquid": {
        "plugin": "hyperliquid",
        "symbols": ("BTC/USDC:USDC", "ETH/USDC:USDC"),
        "credentials": VENUES["hyperliquid"].credentials,
        "capture": "hyperliquid/btc_2025-01-26_first12s",
    },
}
TARGETS = [f"{name}-{side}" for name in _EXCHANGES for side in ("public", "private")]

Target = PublicTarget | PrivateTarget


def make(name: str) -> Target:
    """Make what is to be tried, by its name."""
    exchange, _, side = name.rpartition("-")
    options = dict(_EXCHANGES[exchange])
    options["capture"] = CAPTURES / f"{options['capture']}.jsonl.gz"
    made = ExchangeUnderTest(**options)
    return PublicTarget(made) if side == "public" else PrivateTarget(made)


def try_input(target: Target, data: bytes) -> list[str]:
    """Try one input, which may be any bytes, and return what went wrong."""
    if len(data) < _HEADER.size:
        return []
    what, tape, at = _HEADER.unpack_from(data)
    rest = data[_HEADER.size :]
    if isinstance(target, PublicTarget):
        if what == _REWORD:
            return target.reword(tape, at, rest)
        if what == _SHUFFLE:
            return target.shuffle(tape, at, rest)
    return target.damage(tape, at, rest)


@attrs.define
class Outcome:
    """What came of one target."""

    name: str
    tries: int = 0
    wrong: dict[str, bytes] = attrs.Factory(dict)
    """The first input for each thing that went wrong."""


def fuzz(name: str, seed: int, *, seconds: float = 0.0, tries: int = 0) -> Outcome:
    """Try so many inputs, or for so long; the same seed draws the same ones."""
    with closing(make(name)) as target:
        return _fuzz(target, name, seed, seconds=seconds, tries=tries)


def _fuzz(target: Target, name: str, seed: int, *, seconds: float, tries: int) -> Outcome:
    outcome = Outcome(name)
    rng = random.Random(f"{seed}:{name}")
    tapes: dict[int, list[tuple[int, int, bytes]]] = {}
    for frame in target.frames():
        tapes.setdefault(frame[0], []).append(frame)
    data = [frame for _, _, frame in tapes[0]]
    until = time.monotonic() + seconds
    while (outcome.tries < tries) if tries else (time.monotonic() < until):
        tape, at, frame = rng.choice(tapes[0 if rng.random() < _SIMULATED else max(tapes)])
        what = (
            rng.choice((_DAMAGE, _DAMAGE, _REWORD, _SHUFFLE)) if isinstance(target, PublicTarget) else _DAMAGE
        )
        rest = mutated(rng, frame, data) if what == _DAMAGE else rng.randbytes(8)
        tried = _HEADER.pack(what, tape, at) + rest
        for wrong in try_input(target, tried):
            outcome.wrong.setdefault(wrong[:80], tried)
        outcome.tries += 1
    return outcome


def _by_coverage(name: str, seed: int, seconds: float, folder: Path) -> bool:
    """Let atheris try inputs in a process of its own, which it ends itself; return whether all went well."""
    command = [sys.executable, "-m", "tests.campaigns.fuzz", "--engine", "atheris-child", "--only", name]
    command += ["--seed", str(seed), "--seconds", f"{seconds:g}", "--failures", str(folder)]
    return subprocess.run(command, check=False).returncode == 0


def _atheris_child(name: str, seed: int, seconds: float, folder: Path) -> None:
    import atheris

    with atheris.instrument_imports(
        include=sorted({f"hft_{each['plugin']}" for each in _EXCHANGES.values()})
    ):
        target = make(name)

    def try_one(data: bytes) -> None:
        wrong = try_input(target, bytes([_DAMAGE]) + data[1:])
        if wrong:
            raise AssertionError("; ".join(wrong))

    with tempfile.TemporaryDirectory() as corpus:
        for number, (tape, at, frame) in enumerate(target.frames()):
            if tape == 0 and len(frame) < 4_000:
                (Path(corpus) / str(number)).write_bytes(_HEADER.pack(_DAMAGE, tape, at) + frame)
        options = [f"-seed={seed + 1}", f"-max_total_time={seconds:g}", f"-artifact_prefix={folder}/{name}-"]
        atheris.Setup(
            [sys.argv[0], *options, "-max_len=6000", "-len_control=0", "-print_final_stats=1", corpus],
            try_one,
        )
        atheris.Fuzz()


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign from the command line; 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(description="Damage what exchanges send, and look what comes of it.")
    parser.add_argument("--seconds", type=float, default=60, help="how long for each target and engine")
    parser.add_argument("--seed", type=int, default=0, help="seed of what is drawn")
    parser.add_argument("--only", choices=TARGETS, action="append", help="this target alone")
    parser.add_argument("--engine", choices=("random", "atheris", "both", "atheris-child"), default="both")
    parser.add_argument("--failures", type=Path, default=Path(".hft/fuzz"), help="folder for failing inputs")
    parser.add_argument("--replay", type=Path, help="try one saved input")
    args = parser.parse_args(argv)
    logger.remove()
    args.failures.mkdir(parents=True, exist_ok=True)
    names = args.only or TARGETS
    if args.replay is not None:
        with closing(make(names[0])) as target:
            wrong = try_input(target, args.replay.read_bytes())
        print("\n".join(wrong) or "nothing is wrong")
        return bool(wrong)
    if args.engine == "atheris-child":
        _atheris_child(names[0], args.seed, args.seconds, args.failures)
    failed = False
    for name in names:
        if args.engine in ("random", "both"):
            outcome = fuzz(name, args.seed, seconds=args.seconds)
            print(
                f"{name}: seed {args.seed}, {outcome.tries:,} tries, {len(outcome.wrong)} wrong", flush=True
            )
            for number, (wrong, tried) in enumerate(outcome.wrong.items()):
                failed = True
                file = args.failures / f"{name}-{args.seed}-{number}"
                file.write_bytes(tried)
                print(f"    {wrong}\n    {tried[:300]!r}\n    saved as {file}", flush=True)
        if args.engine in ("atheris", "both") and not _by_coverage(
            name, args.seed, args.seconds, args.failures
        ):
            failed = True
            print(f"{name}: atheris found something, see above and {args.failures}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
