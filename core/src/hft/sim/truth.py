"""The out-of-band port of a simulator: what really is, and the means to change it.

Tests and drills ask here what a client should have understood; no exchange has such paths.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

from hft.errors import HftError
from hft.sim.archive import order_record
from hft.sim.desk import Desk
from hft.sim.filters import lots_of, ticks_of
from hft.sim.linear import LinearDesk
from hft.sim.liquidation import Liquidations
from hft.sim.margin import MarginAccount
from hft.sim.market import SyntheticMarket
from hft.sim.refusals import Refused
from hft.sim.spot import SpotAccount, SpotDesk
from hft.types import Side, TimeInForce

if TYPE_CHECKING:  # only whoever serves pays for importing aiohttp
    from aiohttp import web

__all__ = ["PREFIX", "Truth"]

PREFIX = "/_sim"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, str]).decode

_Action = Callable[[Mapping[str, str]], Any]


class _Wrong(Exception):
    """A request that makes no sense; its text says why."""


class Truth:
    """Tells all of the desks of a simulator, to the last digit, and carries out what they are told.

    ``desks`` are named as the products are. All amounts are exact decimals as text, times are
    nanoseconds. Orders are all that ever were, refused ones with them, each with its fills.
    """

    def __init__(
        self,
        spot: Mapping[str, SpotDesk],
        linear: Mapping[str, LinearDesk],
        liquidations: Mapping[str, Liquidations],
    ) -> None:
        self._desks: dict[str, Desk[Any]] = {**spot, **linear}
        self._spot = dict(spot)
        self._linear = dict(linear)
        self._liquidations = dict(liquidations)
        self.actions: dict[str, _Action] = {
            "deposit": self.deposit,
            "balance": self.set_balance,
            "liquidate": self.liquidate,
            "funding": self.pay_funding,
            "trade": self.trade,
        }

    def routes(self) -> list[web.RouteDef]:
        """Return ``GET /_sim/truth``, ``GET /_sim/fills`` and one ``POST`` for each action."""
        from aiohttp import web

        def get(answer: Callable[[str | None], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
            async def handle(request: web.Request) -> web.Response:
                return web.Response(
                    body=_encode(answer(request.query.get("account"))), content_type="application/json"
                )

            return handle

        def post(action: _Action) -> Callable[[web.Request], Awaitable[web.Response]]:
            async def handle(request: web.Request) -> web.Response:
                try:
                    body = await request.read()
                    result = action(_decode(body) if body else {})
                except (_Wrong, Refused, HftError, msgspec.DecodeError) as error:
                    return web.Response(
                        status=400, body=_encode({"error": str(error)}), content_type="application/json"
                    )
                await asyncio.sleep(0)
                return web.Response(body=_encode(result or {}), content_type="application/json")

            return handle

        return [
            web.get(f"{PREFIX}/truth", get(self.tell)),
            web.get(f"{PREFIX}/fills", get(self.fills)),
            *(web.post(f"{PREFIX}/{name}", post(action)) for name, action in self.actions.items()),
        ]

    # -- what is ---------------------------------------------------------------------------------

    def tell(self, account: str | None = None) -> dict[str, Any]:
        """Return accounts by name, each with its products."""
        told: dict[str, dict[str, Any]] = {}
        for product, spot in self._spot.items():
            for name, holder in spot.accounts.items():
                told.setdefault(name, {})[product] = _tell_wallet(holder)
        for product, linear in self._linear.items():
            for name, margin in linear.accounts.items():
                told.setdefault(name, {})[product] = _tell_margin(margin)
        for product, desk in self._desks.items():
            for products in told.values():
                products.setdefault(product, {})["orders"] = []
            for record in self._orders(desk):
                told[record["account"]][product]["orders"].append(record)
        return {"accounts": {name: body for name, body in told.items() if account in (None, name)}}

    def fills(self, account: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Return all fills of each product, those of each order in a row."""
        return {
            product: [
                {"account": record["account"], **fill}
                for record in self._orders(desk)
                if account in (None, record["account"])
                for fill in record["fills"]
            ]
            for product, desk in self._desks.items()
        }

    @staticmethod
    def _orders(desk: Desk[Any]) -> list[dict[str, Any]]:
        still_open = [
            order_record(order) for account in desk.accounts.values() for order in account.open_orders()
        ]
        return [*desk.archive, *still_open]

    # -- what is to be ---------------------------------------------------------------------------

    def deposit(self, asked: Mapping[str, str]) -> None:
        """Add ``amount`` of ``asset`` to ``account`` of ``product``; negative withdraws."""
        product, name = _text(asked, "product"), _text(asked, "account")
        asset, amount = _text(asked, "asset"), _amount(asked, "amount")
        if product in self._spot:
            spot = self._spot[product]
            spot.transfer(_of(spot.accounts, name), asset, amount)
        else:
            linear = _of(self._linear, product)
            linear.transfer(_of(linear.accounts, name), asset, amount)

    def set_balance(self, asked: Mapping[str, str]) -> None:
        """Make what is free of ``asset`` (on margin: the wallet) ``amount``, as a transfer."""
        product, name = _text(asked, "product"), _text(asked, "account")
        asset, amount = _text(asked, "asset"), _amount(asked, "amount")
        if product in self._spot:
            now = _of(self._spot[product].accounts, name).wallet.free(asset)
        else:
            now = _of(_of(self._linear, product).accounts, name).wallets.get(asset, Decimal(0))
        if amount != now:
            self.deposit({**asked, "amount": str(amount - now)})

    def liquidate(self, asked: Mapping[str, str]) -> None:
        """Close all positions of ``account`` of ``product``, as if its margin were gone."""
        product = _text(asked, "product")
        liquidations = _of(self._liquidations, product)
        liquidations.liquidate(_of(self._linear[product].accounts, _text(asked, "account")))

    def pay_funding(self, asked: Mapping[str, str]) -> None:
        """Let funding be paid now for ``symbol`` of ``product``, at ``rate`` where that is given."""
        desk = _of(self._linear, _text(asked, "product"))
        market = self._market(desk, _text(asked, "symbol"))
        assert market.mark is not None
        rate = _amount(asked, "rate") if "rate" in asked else market.mark.funding_rate
        desk.pay_funding(market, market.mark, rate)

    def trade(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Let a stranger send an order of ``size`` for ``symbol`` of ``product`` that does not rest.

        With a ``price`` it trades no worse than that.
        """
        market = self._market(_of(self._desks, _text(asked, "product")), _text(asked, "symbol"))
        side = {"buy": Side.BUY, "sell": Side.SELL}.get(_text(asked, "side"))
        if side is None:
            raise _Wrong(f"side: must be 'buy' or 'sell', got {asked['side']!r}")
        order = market.submit(
            side,
            lots_of(market.instrument, _amount(asked, "size")),
            ticks_of(market.instrument, _amount(asked, "price")) if "price" in asked else None,
            time_in_force=TimeInForce.IOC,
        )
        return {"filled": market.instrument.format_size(order.filled)}

    @staticmethod
    def _market(desk: Desk[Any], symbol: str) -> SyntheticMarket:
        found: SyntheticMarket = _of({market.instrument.symbol: market for market in desk.filters}, symbol)
        return found


def _tell_wallet(account: SpotAccount) -> dict[str, Any]:
    wallet = account.wallet
    return {
        "balances": {
            asset: {"free": f"{wallet.free(asset):f}", "locked": f"{wallet.locked(asset):f}"}
            for asset in wallet.assets()
        }
    }


def _tell_margin(account: MarginAccount) -> dict[str, Any]:
    return {
        "wallets": {asset: f"{amount:f}" for asset, amount in sorted(account.wallets.items())},
        "is_hedged": account.is_hedged,
        "positions": [
            {
                "symbol": market.instrument.symbol,
                "leg": leg.value,
                "size": market.instrument.format_size(position.size),
                "cost": f"{position.cost:f}",
                "entry": f"{position.entry(market.instrument.tick_size):f}",
                "realised": f"{position.realised:f}",
                "isolated": f"{position.isolated:f}",
                "leverage": account.leverage(market),
            }
            for market, leg, position in account.legs()
        ],
        "incomes": [
            {
                "id": income.id,
                "kind": income.kind.value,
                "asset": income.asset,
                "amount": f"{income.amount:f}",
                "symbol": None if income.market is None else income.market.instrument.symbol,
                "trade_id": income.trade_id,
                "time_ns": income.time_ns,
            }
            for income in account.incomes
        ],
    }


def _text(asked: Mapping[str, str], name: str) -> str:
    if name not in asked:
        raise _Wrong(f"{name} is missing")
    return asked[name]


def _amount(asked: Mapping[str, str], name: str) -> Decimal:
    try:
        amount = Decimal(_text(asked, name))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise _Wrong(f"{name}: {asked[name]!r} is not a decimal")
    return amount


def _of(things: Mapping[str, Any], name: str) -> Any:
    if name not in things:
        raise _Wrong(f"there is no {name!r}, there is {', '.join(map(repr, things))}")
    return things[name]
