"""Reach the accounts of a profile without trading: what a person asks for from a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import attrs

from hft.clock import SystemClock
from hft.errors import TransportError, UsageError
from hft.events import BalanceReport, Fill, OrderReport, PositionReport
from hft.instrument import Instrument, InstrumentId
from hft.latency import Trace
from hft.orders import ClientOrderIds
from hft.plugin.execution import ExecutionClient, ExecutionEvents, OrderStatus
from hft.profile import Profile
from hft.run.exchange import Budgets, ExchangeSession
from hft.run.wanted import wanted_instruments

__all__ = ["Operator", "operating"]

_PATIENCE_S = 30.0
"""Who sits at a terminal wants to hear that an exchange does not answer; a trader waits for ever."""


class _Silence(ExecutionEvents):
    """Takes what clients tell of their own accord, which nobody asked for here."""

    def on_report(self, report: OrderReport) -> None:
        """Nothing follows from it."""

    def on_fill(self, fill: Fill) -> None:
        """Nothing follows from it."""


@attrs.define
class Operator:
    """The accounts of a profile: a client for each exchange key, and what the profile trades there."""

    profile: Profile
    ids: ClientOrderIds
    clients: dict[str, ExecutionClient[Any]]
    instruments: dict[str, list[Instrument]]

    async def open_orders(self) -> list[OrderStatus]:
        """Return every open order of the accounts in the instruments of the profile, whoever's it is."""
        return [order for client in self.clients.values() for order in await client.open_orders()]

    async def positions(self) -> list[PositionReport]:
        """Return the derivatives positions in the instruments of the profile."""
        return [report for client in self.clients.values() for report in await client.positions()]

    async def balances(self) -> list[BalanceReport]:
        """Return what the accounts have."""
        return [report for client in self.clients.values() for report in await client.balances()]

    async def cancel(self, orders: Iterable[OrderStatus]) -> list[str]:
        """Cancel orders of this profile; return the client ids of those that the exchange says are gone."""
        gone: list[str] = []
        for key, client in self.clients.items():
            ours = [order for order in orders if order.instrument.exchange == key and self.owns(order)]
            if ours:
                gone += await client.cancel_orders(ours)
        return gone

    def owns(self, order: OrderStatus) -> bool:
        """Say whether an order is of this profile: no other is ever touched."""
        return self.ids.owns_profile(order.client_order_id)


@asynccontextmanager
async def operating(profile: Profile, warn: Callable[[str, str], None]) -> AsyncIterator[Operator]:
    """Give the accounts while the context lasts; raise `UsageError` where keys or instruments cannot work,
    `TransportError` where an exchange does not answer in time."""
    clock = SystemClock()
    wanted = wanted_instruments(profile)
    if not wanted:
        raise UsageError(f"{profile.path}: names no instrument, give its strategies some")
    operator = Operator(profile, ClientOrderIds(profile.name, ""), {}, {})
    budgets: Budgets = {}
    async with AsyncExitStack() as opened:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                for key, entry in profile.exchanges.items():
                    session = ExchangeSession(
                        entry,
                        base=profile.path.parent,
                        seed=profile.seed,
                        clock=clock,
                        trace=Trace(clock.now_ns),
                        tap=None,
                        budgets=budgets,
                        warn=warn,
                    )
                    opened.push_async_callback(session.close)
                    await session.open()
                    await _log_in(
                        operator, key, session, [each for each in wanted if each.exchange == key], warn
                    )
        except TimeoutError:
            raise TransportError(f"{key}: no answer within {_PATIENCE_S:g} s, try again") from None
        yield operator
        for client in operator.clients.values():
            await client.stop()


async def _log_in(
    operator: Operator,
    key: str,
    session: ExchangeSession,
    wanted: list[InstrumentId],
    warn: Callable[[str, str], None],
) -> None:
    instruments = await session.load_instruments(wanted)
    client = session.trade(_Silence(), lambda reason: warn(reason[:60], reason))
    operator.clients[key] = client
    operator.instruments[key] = instruments
    await client.start(instruments)
