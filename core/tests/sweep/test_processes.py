"""The processes that run trials."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

from hft.sweep.processes import Processes
from hft.sweep.work import Task


def test_ctrl_c_ends_no_process_that_is_still_importing() -> None:
    with closing(Processes(1)) as processes:
        (worker,) = processes._workers
        pid = worker._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGINT)
        processes.submit("key", Task(path=Path("p.yaml"), text="", version="another"))
        ((key, outcome),) = processes.wait(30)
        assert key == "key"
        assert "another where the sweep began" in (outcome.error or "")
        assert processes._workers == [worker]
