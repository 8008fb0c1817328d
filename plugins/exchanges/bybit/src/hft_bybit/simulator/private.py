"""The private side of the simulated Bybit: accounts, desks, and everything that reaches them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import count
from typing import Any

from aiohttp import web

from hft import Side, Size
from hft.sim import (
    ClientOrder,
    Desk,
    EventQueue,
    Filters,
    Hub,
    Leg,
    LinearDesk,
    Liquidations,
    MarginAccount,
    Outbox,
    SpotAccount,
    SpotDesk,
    SyntheticMarket,
    Truth,
    World,
)
from hft_bybit.endpoints import PRIVATE_PATH, TRADE_PATH, Product
from hft_bybit.simulator.account import Accounts
from hft_bybit.simulator.bodies import LEGS
from hft_bybit.simulator.calls import Call, Endpoint, Limit
from hft_bybit.simulator.dead_man import DeadManSwitches
from hft_bybit.simulator.events import Events
from hft_bybit.simulator.gate import Gate
from hft_bybit.simulator.listing import Listing
from hft_bybit.simulator.native import HIDDEN, NativeOrder
from hft_bybit.simulator.orders import Orders, batch_size
from hft_bybit.simulator.people import LINEAR_FEES, SPOT_FEES, Person, start_balances
from hft_bybit.simulator.private_socket import PrivateConnection
from hft_bybit.simulator.reader import OrderReader
from hft_bybit.simulator.rest import Rest
from hft_bybit.simulator.sockets import Connection, Sockets, idle_ns
from hft_bybit.simulator.trade_socket import TradeConnection

__all__ = ["PrivateSide"]

_BANDS = {
    Product.SPOT: (Decimal("0.5"), Decimal("1.5")),
    Product.LINEAR: (Decimal("0.9"), Decimal("1.1")),
}
_ORDERS: Limit = {Product.LINEAR: 10, Product.SPOT: 20}
_AMENDS: Limit = {Product.LINEAR: 10, Product.SPOT: 10}
_QUERIES: Limit = {Product.LINEAR: 50, Product.SPOT: 50, None: 50}
"""Requests a second of an account without a tier."""


class PrivateSide:
    """The accounts in a synthetic world, and the routes to them."""

    def __init__(
        self,
        world: World,
        hub: Hub,
        listings: Iterable[Listing],
        persons: Iterable[Person],
        gate: Gate,
        queue: EventQueue,
        *,
        dead_man: bool,
    ) -> None:
        clock = world.clock
        by_symbol = {(listing.product, listing.symbol): listing for listing in listings}
        self._hub = hub
        self._gate = gate
        self._queue = queue
        self._clock = clock
        self.spot, self.linear = SpotDesk(clock), LinearDesk(clock)
        # Both are taken, and end as soon as it shows.
        self.spot.refuses_takers = self.linear.refuses_takers = self.linear.refuses_fok = False
        self.desks: dict[Product, Desk[Any]] = {Product.SPOT: self.spot, Product.LINEAR: self.linear}
        for listing in by_symbol.values():
            self.desks[listing.product].trade(listing.synthetic(), _filters(listing))
        world.mark_observers.append(self.linear.on_mark)
        self._open_accounts(persons, by_symbol)
        events = Events(queue, clock, self.spot, self.linear, by_symbol)
        self.spot.listeners.append(events)
        self.spot.transfer_listeners.append(events)
        self.linear.listeners.append(events)
        self.linear.money_listeners.append(events)
        self.liquidations = Liquidations(self.linear, clock, _Takeover(by_symbol.values()))
        world.mark_observers.append(self.liquidations.on_mark)
        self._orders = Orders(OrderReader(by_symbol, self.desks), self.desks)
        self._switches = DeadManSwitches(clock, self._orders.end_all)
        self._accounts = Accounts(
            self.spot, self.linear, by_symbol, gate.keys, self._switches if dead_man else None
        )
        linear = Product.LINEAR.value
        self.truth = Truth(
            {Product.SPOT.value: self.spot}, {linear: self.linear}, {linear: self.liquidations}
        )

    def routes(self, rest: Rest, sockets: Sockets) -> list[web.RouteDef]:
        """Return REST paths and the private websockets."""
        return [
            *(rest.private("POST", path, endpoint) for path, endpoint in self._posts().items()),
            *(rest.private("GET", path, endpoint) for path, endpoint in self._gets().items()),
            *self.truth.routes(),
            web.get(PRIVATE_PATH, sockets.handler(self._connect_private)),
            web.get(TRADE_PATH, sockets.handler(self._connect_trade)),
        ]

    def stop(self) -> None:
        """Cancel every timer and let go of what was archived."""
        self._switches.stop()
        self.spot.close()
        self.linear.close()

    # -- what can be asked -------------------------------------------------------------------------

    def _methods(self) -> dict[str, Endpoint]:
        orders = self._orders
        return {
            "create": _order(orders.place, "create", _ORDERS),
            "amend": _order(orders.amend, "amend", _AMENDS),
            "cancel": _order(orders.cancel, "cancel", _ORDERS),
            "create-batch": _batch(orders.place_batch, "create-batch"),
            "amend-batch": _batch(orders.amend_batch, "amend-batch"),
            "cancel-batch": _batch(orders.cancel_batch, "cancel-batch"),
        }

    def _posts(self) -> dict[str, Endpoint]:
        accounts = self._accounts
        return {
            **{f"/v5/order/{name}": endpoint for name, endpoint in self._methods().items()},
            "/v5/order/cancel-all": _order(self._orders.cancel_all, "cancel-all", _ORDERS),
            "/v5/order/disconnected-cancel-all": Endpoint(answer=accounts.set_dead_man, trades=True),
            "/v5/position/set-leverage": Endpoint(answer=accounts.set_leverage, trades=True),
            "/v5/position/switch-mode": Endpoint(answer=accounts.switch_mode, trades=True),
        }

    def _gets(self) -> dict[str, Endpoint]:
        accounts = self._accounts
        return {
            "/v5/order/realtime": _asks(self._orders.realtime, "realtime"),
            "/v5/order/history": _asks(self._orders.history, "history"),
            "/v5/execution/list": _asks(accounts.executions, "executions"),
            "/v5/position/list": _asks(accounts.positions, "positions"),
            "/v5/account/wallet-balance": _asks(accounts.wallet, "wallet"),
            "/v5/account/info": Endpoint(answer=accounts.info),
            "/v5/account/fee-rate": Endpoint(answer=accounts.fee_rate),
            "/v5/account/query-dcp-info": Endpoint(answer=accounts.dead_man),
            "/v5/user/query-api": Endpoint(answer=accounts.key),
            "/v5/asset/coin/query-info": Endpoint(answer=accounts.coin_info),
        }

    def _connect_private(self, request: web.Request, outbox: Outbox) -> Connection:
        switches = self._switches
        return PrivateConnection(
            outbox,
            self._hub,
            self._gate.keys,
            self._clock,
            switches.watch,
            switches.leave,
            idle_ns(request),
        )

    def _connect_trade(self, request: web.Request, outbox: Outbox) -> Connection:
        methods = {f"order.{name}": endpoint for name, endpoint in self._methods().items()}
        return TradeConnection(
            outbox, self._hub, self._gate, methods, self._queue, self._clock, idle_ns(request)
        )

    def _open_accounts(
        self, persons: Iterable[Person], by_symbol: Mapping[tuple[Product, str], Listing]
    ) -> None:
        instruments = {
            product: [listing.instrument for (other, _), listing in by_symbol.items() if other is product]
            for product in Product
        }
        assets = {asset for one in instruments[Product.SPOT] for asset in (one.base, one.quote)}
        margins = {one.settle for one in instruments[Product.LINEAR]}
        for person in persons:
            self.spot.accounts[person.id] = SpotAccount(person.id, SPOT_FEES, start_balances(assets))
            self.linear.accounts[person.id] = MarginAccount(
                person.id, LINEAR_FEES, start_balances(margins), leverage=10
            )


def _order(answer: Callable[[Call], Any], bucket: str, limit: Limit) -> Endpoint:
    return Endpoint(answer=answer, bucket=bucket, limit=limit, trades=True)


def _batch(answer: Callable[[Call], Any], bucket: str) -> Endpoint:
    return Endpoint(answer=answer, bucket=bucket, limit=_ORDERS, weight=batch_size, trades=True)


def _asks(answer: Callable[[Call], Any], bucket: str) -> Endpoint:
    return Endpoint(answer=answer, bucket=bucket, limit=_QUERIES)


class _Takeover:
    """Makes the orders with which the exchange liquidates."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self._listings = {listing.market: listing for listing in listings}
        self._numbers = count(1)

    def __call__(
        self, account: MarginAccount, market: SyntheticMarket, leg: Leg, side: Side, size: Size
    ) -> ClientOrder:
        return ClientOrder(
            account=account,
            market=market,
            side=side,
            size=size,
            price=None,
            client_id=f"{HIDDEN}takeover-{next(self._numbers)}",
            reduce_only=leg is Leg.NET,
            leg=leg,
            by_exchange=True,
            native=NativeOrder(
                listing=self._listings[market],
                type="Market",
                time_in_force="IOC",
                position_idx=LEGS[leg],
            ),
        )


def _filters(listing: Listing) -> Filters:
    return Filters(
        min_notional=listing.instrument.min_notional,
        bands=_BANDS[listing.product],
        max_market_size=Size(10**7),
        max_orders=500,
        max_triggers=10,
    )
