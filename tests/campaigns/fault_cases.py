"""Which faults a campaign injects: every kind at every place alone, then pairs."""

from __future__ import annotations

import random
from collections.abc import Collection

import attrs

from hft.sim import Fault, FaultKind, FaultPlaces, random_fault
from hft.sim.fault import Place
from hft.types import Duration

__all__ = ["CASES", "PLACES", "Case", "Plan", "plan_of"]

S = 1_000_000_000

PLACES = FaultPlaces(
    streams=(
        "spot/*@depth*",
        "public/*@depth*",
        "user/*/executionReport",
        "user/*/outboundAccountPosition",
        "user/*/ORDER_TRADE_UPDATE",
        "user/*/ACCOUNT_UPDATE",
        "user/*",
    ),
    methods=(
        "order.place",
        "order.cancel",
        "order.modify",
        "order.amend.keepPriority",
        "userDataStream.subscribe.signature",
        "session.logon",
    ),
    requests=(
        "GET /api/v3/time",
        "GET /fapi/v1/time",
        "GET /api/v3/exchangeInfo",
        "GET /fapi/v1/exchangeInfo",
        "GET /api/v3/depth",
        "GET /fapi/v1/depth",
        "POST /api/v3/order",
        "POST /fapi/v1/order",
        "POST /fapi/v1/batchOrders",
        "DELETE /api/v3/order",
        "DELETE /fapi/v1/order",
        "PUT /fapi/v1/order",
        "PUT /api/v3/order/amend/keepPriority",
        "GET /api/v3/order",
        "GET /fapi/v1/order",
        "GET /api/v3/openOrders",
        "GET /fapi/v1/openOrders",
        "GET /api/v3/myTrades",
        "GET /fapi/v1/userTrades",
        "GET /fapi/v1/income",
        "GET /fapi/v3/positionRisk",
        "GET /fapi/v3/balance",
        "GET /api/v3/account",
        "POST /fapi/v1/listenKey",
        "GET /sapi/v1/account/apiRestrictions",
        "GET /fapi/v1/accountConfig",
        "GET /fapi/v1/positionSide/dual",
    ),
    connects=("stream*", "public/stream*", "private/ws*", "ws-api/v3", "ws-fapi/v1"),
)
"""Where the client of the simulated Binance can be struck."""

_AT_START = (
    "exchangeInfo",
    "apiRestrictions",
    "accountConfig",
    "positionSide",
    "/time",
    "subscribe",
    "logon",
)
"""What is asked for as a run begins, and hardly ever afterwards."""

_PROVOKED = {
    "connect/stream*": ("spot/*@depth*",),
    "connect/public/stream*": ("public/*@depth*",),
    "connect/private/ws*": ("user/*/ORDER_TRADE_UPDATE",),
    "connect/ws-api/v3": ("reply/order.*",),
    "connect/ws-fapi/v1": ("reply/order.*",),
    "GET /api/v3/depth": ("spot/*@depth*",),
    "GET /fapi/v1/depth": ("public/*@depth*",),
    "GET /api/v3/order": ("reply/order.place", "reply/POST /api/v3/order"),
    "GET /fapi/v1/order": ("reply/order.place", "reply/POST /fapi/v1/order"),
    "POST /fapi/v1/listenKey": ("user/*/ORDER_TRADE_UPDATE",),
    "GET /fapi/v1/positionSide/dual": ("request/GET /fapi/v1/accountConfig",),
}
"""What is cut or lost, so that a connection is made or a question asked that otherwise is not."""

_COMPARING = ("openOrders", "myTrades", "userTrades", "income", "positionRisk", "balance", "/v3/account")

_REGULAR = (*_COMPARING, "ACCOUNT_UPDATE", "batchOrders", "keepPriority")
"""What is asked or told every few seconds only."""

_WITHIN_NS = 6 * S
_BANNED = 418

_COUNTS = (1, 3, 10, 30, 0, 0)
"""How often a fault strikes; 0: as long as the storm lasts."""

_CHANCES = (0.05, 0.3, 0.7)
"""How likely each time, where it strikes as long as the storm lasts."""


_LONG_BANS = 0.3
"""How many bans do not say for how long."""

_EARLY = 0.2
"""How often faults are armed before the run begins."""


@attrs.frozen
class Case:
    """One kind at one place."""

    kind: FaultKind
    where: str

    @property
    def name(self) -> str:
        """Say it in one word."""
        return f"{self.kind.value}@{self.where}"

    @property
    def is_early(self) -> bool:
        """Whether it can hardly happen but at the start."""
        return any(word in self.where for word in _AT_START)

    def draw(self, rng: random.Random) -> list[Fault]:
        """Draw the options of the fault, with what it needs to strike at all."""
        fault = random_fault(rng, self.where, self.kind, within_ns=_WITHIN_NS)
        if self.kind is not FaultKind.CLOCK_SKEW:
            # A storm rather than a shower: what strikes once mostly strikes what does not matter.
            count = rng.choice(_COUNTS)
            fault = attrs.evolve(fault, count=count, chance=fault.chance if count else rng.choice(_CHANCES))
        if self.kind is FaultKind.REFUSE and fault.status == _BANNED and rng.random() < _LONG_BANS:
            fault = attrs.evolve(fault, retry_after=Duration(0))
        name = self.where.removeprefix("request/").removeprefix("reply/")
        seldom = self.is_early or name in _PROVOKED or any(word in name for word in _REGULAR)
        if seldom and self.kind is not FaultKind.CLOCK_SKEW:
            fault = attrs.evolve(fault, start=Duration(0), after=0, chance=1.0)
        return [fault, *(_provocation(where, rng) for where in _PROVOKED.get(name, ()))]


def _provocation(where: str, rng: random.Random) -> Fault:
    start = Duration(rng.randrange(S))
    if where.startswith("request/"):  # an environment that lacks it has the older one
        return Fault(kind=FaultKind.REFUSE, where=where, status=404, count=0)
    return Fault(kind=FaultKind.DISCONNECT, where=where, start=start, count=2)


CASES = tuple(Case(kind, where) for where, kinds in PLACES.possible().items() for kind in kinds)
"""Every kind at every place where it can happen."""


@attrs.frozen
class Plan:
    """What one run meets: its name in the table, the faults, and whether they are armed before it begins."""

    name: str
    faults: tuple[Fault, ...]
    is_early: bool

    @property
    def bans(self) -> bool:
        """Whether the exchange may ban us, which stops trading for minutes."""
        return any(fault.kind is FaultKind.REFUSE and fault.status == _BANNED for fault in self.faults)

    @property
    def repeats(self) -> bool:
        """Whether the exchange may carry out a request twice."""
        return any(
            fault.kind is FaultKind.DUPLICATE and fault.place is Place.REQUEST for fault in self.faults
        )

    @property
    def needs_rest(self) -> bool:
        """Whether a fault strikes where orders travel by REST."""
        return any(_is_order(fault.where) and " " in fault.where for fault in self.faults)

    @property
    def needs_socket(self) -> bool:
        """Whether a fault strikes where orders travel by websocket."""
        return self.needs_login or any(
            _is_order(fault.where) and " " not in fault.where for fault in self.faults
        )

    @property
    def needs_login(self) -> bool:
        """Whether a fault strikes the login of a session."""
        return any("logon" in fault.where for fault in self.faults)

    @property
    def needs_both(self) -> bool:
        """Whether a fault strikes what only one of the products has, so that both must be busy."""
        return self.needs_rest or self.needs_socket or any("user/" in fault.where for fault in self.faults)

    @property
    def needs_comparing(self) -> bool:
        """Whether a fault strikes what is asked when the account is compared."""
        return any(word in fault.where for fault in self.faults for word in _COMPARING)


def _is_order(where: str) -> bool:
    verb = where.partition("/")[2].partition(" ")
    return "order" in where.lower() and verb[0] != "GET"


def plan_of(seed: int, kinds: Collection[FaultKind]) -> Plan:
    """Return what the run of a seed meets: the cases one by one, and once they are through, random pairs."""
    rng = random.Random(f"{seed}:plan")
    cases = [case for case in CASES if case.kind in kinds]
    if seed < len(cases):
        case = cases[seed]
        early = case.is_early or rng.random() < _EARLY
        return Plan(case.kind.value, tuple(case.draw(rng)), early)
    pair = [rng.choice(cases), rng.choice(cases)]
    faults = [fault for case in pair for fault in case.draw(rng)]
    early = any(case.is_early for case in pair) or rng.random() < _EARLY
    return Plan("pair", tuple(faults), early)
