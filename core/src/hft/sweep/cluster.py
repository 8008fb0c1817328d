"""Run tasks on a Ray cluster. What its nodes lose is begun once more by Ray."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from hft.errors import UsageError
from hft.sweep.work import Outcome, Task, evaluate

__all__ = ["Cluster"]

_RETRIES = 1


class Cluster:
    """Workers that are the nodes of a cluster: ``ray`` for the one of this machine, or ``ray://HOST:PORT``.

    Each has hft, the plugins, the data and the profile's folder under the same paths as this machine.
    """

    def __init__(self, address: str, jobs: int | None) -> None:
        # Nothing is reported to anybody; said before Ray is imported, which reads it then.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise UsageError(f"--on {address} needs Ray, type: pip install 'hft-core[ray]'") from None
        self._ray: Any = ray
        self._ours = not ray.is_initialized()
        if self._ours:
            try:
                ray.init(None if address == "ray" else address, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                reason = str(error).partition("\n")[0]
                raise UsageError(f"--on {address}: the cluster cannot be reached: {reason}") from None
        self._jobs = jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._evaluate: Any = ray.remote(num_cpus=1, max_retries=_RETRIES)(evaluate)
        self._keys: dict[Any, object] = {}

    def has_room(self) -> bool:
        """Say whether fewer tasks are under way than the cluster runs at a time."""
        return len(self._keys) < self._jobs

    def submit(self, key: object, task: Task) -> None:
        """Hand a task to the cluster."""
        self._keys[self._evaluate.remote(task)] = key

    def wait(self, timeout_s: float) -> Collection[tuple[object, Outcome]]:
        """Return what has ended."""
        if not self._keys:
            return []
        ready, _ = self._ray.wait(list(self._keys), timeout=timeout_s)
        return [(self._keys.pop(each), self._get(each)) for each in ready]

    def close(self) -> None:
        """Cancel what is under way, and leave the cluster."""
        for each in self._keys:
            self._ray.cancel(each, force=True)
        self._keys.clear()
        if self._ours:
            self._ray.shutdown()

    def _get(self, reference: Any) -> Outcome:
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return Outcome.failed(f"the cluster lost it: {type(error).__name__}: {error}")
        return outcome
