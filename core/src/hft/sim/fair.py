"""The fair price behind a synthetic market: it drifts, reverts and has nervous minutes."""

from __future__ import annotations

import math
import random
from collections import deque

__all__ = ["FairPrice"]

STEP_NS = 50_000_000

_HISTORY = 600
"""Steps that stay readable, for markets whose timers run a little late: half a minute."""

_DRIFT = 1.5e-5
"""Standard deviation of the slow, lasting part per square root of a second: 0.9 on 60,000."""

_SWING = 2.5e-5
"""Standard deviation of the part that reverts: 1.5 on 60,000."""

_SWING_S = 3.0
"""Time in which that part loses two thirds of itself."""

_HOME = 1e-7
"""Share of its distance from the start that the slow part loses in a second."""

_BURST = 4.0
"""How much faster everything moves in a burst of volatility."""

_BURST_EVERY_S, _BURST_LASTS_S = 60.0, 4.0


class FairPrice:
    """A path of prices, a function of seed and time alone.

    A random walk plus an Ornstein-Uhlenbeck process, both of which a two-state chain of calm and
    burst speeds up. Several markets share one (spot and perpetual of one pair), so that their
    prices stay together. The path is made in steps of 50 ms as far as somebody asks.
    """

    def __init__(self, start_price: float, start_ns: int, rng: random.Random) -> None:
        self._random = rng
        self._start_ns = start_ns
        self._anchor = self._reference = start_price
        self._swing = 0.0
        self._in_burst = False
        self._step = 0
        self._path: deque[float] = deque([start_price], _HISTORY)

    def at(self, when_ns: int) -> float:
        """Return the price at a time; long ago is answered by the oldest price still known."""
        step = (when_ns - self._start_ns) // STEP_NS
        while self._step < step:
            self._advance()
        return self._path[max(-len(self._path), step - self._step - 1)]

    def _advance(self) -> None:
        rng, dt = self._random, STEP_NS / 1e9
        self._in_burst = rng.random() < (1 - dt / _BURST_LASTS_S if self._in_burst else dt / _BURST_EVERY_S)
        speed = _BURST if self._in_burst else 1.0
        # The walk is pulled home weakly, so that a simulator left running for days stays plausible.
        home = _HOME * dt * math.log(self._reference / self._anchor)
        self._anchor *= math.exp(home + _DRIFT * speed * math.sqrt(dt) * rng.gauss(0, 1))
        decay = math.exp(-dt / _SWING_S)
        self._swing = decay * self._swing + _SWING * speed * math.sqrt(1 - decay * decay) * rng.gauss(0, 1)
        self._step += 1
        self._path.append(self._anchor * (1 + self._swing))
