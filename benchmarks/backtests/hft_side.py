"""What hft does with the columns: ``python -m benchmarks.backtests.hft_side ROOT STRATEGY``."""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.backtest import run_backtest

__all__ = ["main"]

RUNS = 3


def main() -> None:
    """Run a few times and print the best, as one JSON object."""
    root, what = Path(sys.argv[1]), sys.argv[2]
    seconds = []
    for _ in range(RUNS):
        gc.collect()
        profile = read_profile(Path(__file__).parent / f"{what}.yaml", Registry())
        began = time.process_time()
        result = run_backtest(
            profile, [root], console=None, write=lambda line: None, warn=lambda key, line: None
        )
        seconds.append(time.process_time() - began)
    figures = {
        "cold_s": seconds[0],
        "warm_s": min(seconds),
        "events": result.events,
        "fills": result.summary.fills,
        "memory_mb": _memory_mb(),
    }
    print(json.dumps(figures))


def _memory_mb() -> int:
    """Return the most memory that this process had; what `resource` says of a child may be its parent's."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    main()
