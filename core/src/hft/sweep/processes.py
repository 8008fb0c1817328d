"""Run tasks in processes of this machine. One that dies is replaced, and its task begun once more."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Collection
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait

import attrs

from hft.run.runtime import collect_rarely
from hft.sweep.work import Outcome, Task, evaluate

__all__ = ["Processes"]

_ATTEMPTS = 2
"""How often a task is begun whose process dies: it may be what kills it."""


@attrs.define(eq=False)
class _Job:
    key: object
    task: Task
    attempts: int = 0


class Processes:
    """Workers that are processes; they begin at once, and import what they need while nobody waits for it.

    They are made anew, not forked: whoever starts them may have threads.
    """

    def __init__(self, count: int) -> None:
        self._workers = [_Worker() for _ in range(count)]

    def has_room(self) -> bool:
        """Say whether a process is idle."""
        return any(each.job is None for each in self._workers)

    def submit(self, key: object, task: Task) -> None:
        """Give a task to an idle process."""
        worker = next(each for each in self._workers if each.job is None)
        self._give(worker, _Job(key, task))

    def wait(self, timeout_s: float) -> Collection[tuple[object, Outcome]]:
        """Return what has ended."""
        busy = {each.connection: each for each in self._workers if each.job is not None}
        ended = []
        for connection in wait(list(busy), timeout_s):
            worker = busy[connection]  # type: ignore[index]  # connections were given, and come back
            job = worker.job
            assert job is not None
            try:
                outcome: Outcome | None = worker.connection.recv()
                worker.job = None
            except (EOFError, OSError):
                outcome = self._replace(worker, job)
            if outcome is not None:
                ended.append((job.key, outcome))
        return ended

    def close(self) -> None:
        """Kill the processes: what they do is begun anew when the sweep goes on."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _give(self, worker: _Worker, job: _Job) -> None:
        job.attempts += 1
        worker.job = job
        with contextlib.suppress(OSError):  # it has died while it was idle, which `wait` notices
            worker.connection.send(job.task)

    def _replace(self, worker: _Worker, job: _Job) -> Outcome | None:
        """Begin the task of a process that died in another one, or give up; return the outcome then."""
        code = worker.end()
        self._workers.remove(worker)
        self._workers.append(_Worker())
        if job.attempts < _ATTEMPTS:
            self._give(self._workers[-1], job)
            return None
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return Outcome.failed(f"its process died {job.attempts} times ({how})")


class _Worker:
    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.job: _Job | None = None
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        # Where that is begun, with the first process, signals are let through.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()

    def end(self) -> int:
        """End the process and return its exit code, negative for a signal."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        return code or 0


def _serve(connection: Connection[Outcome, Task]) -> None:
    """Run tasks until nobody sends any."""
    # Ctrl-C reaches every process of a terminal; ours is told by whoever started it, who held it back so far.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # What a strategy prints does not belong into the result.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    collect_rarely()
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        outcome = evaluate(task)
        # What the first one has imported stays, and need not be looked through after each.
        if not gc.get_freeze_count():
            gc.freeze()
        try:
            connection.send(outcome)
        except OSError:
            return
