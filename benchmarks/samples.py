"""Times of single events, of which the slowest matter as much as the median."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

__all__ = ["Distribution", "Sampled"]


@attrs.frozen(kw_only=True)
class Distribution:
    """Percentiles of one contestant's times in nanoseconds; ``times_first`` compares the medians."""

    name: str
    note: str
    count: int
    p50_ns: float
    p99_ns: float
    p999_ns: float
    maximum_ns: float
    times_first: float = 1.0

    @classmethod
    def of(cls, name: str, samples: Sequence[int], note: str = "") -> Distribution:
        """Return the percentiles of the samples; a value is always one that occurred."""
        ordered = sorted(samples)
        last = len(ordered) - 1

        def percentile(share: float) -> int:
            return ordered[round(last * share)]

        return cls(
            name=name,
            note=note,
            count=len(ordered),
            p50_ns=percentile(0.5),
            p99_ns=percentile(0.99),
            p999_ns=percentile(0.999),
            maximum_ns=ordered[-1],
        )


@attrs.frozen(kw_only=True)
class Sampled:
    """What is compared, event by event. The others' medians are compared with the first's."""

    name: str
    distributions: Sequence[Distribution]
    missing: Mapping[str, str] = attrs.Factory(dict)

    def compared(self) -> Sampled:
        """Return the same with ``times_first`` filled in."""
        if not self.distributions:
            return self
        first = self.distributions[0].p50_ns
        return attrs.evolve(
            self,
            distributions=[attrs.evolve(one, times_first=one.p50_ns / first) for one in self.distributions],
        )
