"""A simulated exchange in a process of its own, as ``hft sim`` starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["served"]


@contextmanager
def served(plugin: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Run ``hft sim`` on a free port, and give what it says of itself."""
    command = [sys.executable, "-m", "hft", "sim", plugin, "--port", "0", "--json", "--until-stdin-closes"]
    with subprocess.Popen(
        [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
