"""The account requests of the simulated Bybit: executions, positions, wallet, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hft.sim import IncomeKind, Leg, LinearDesk, MarginAccount, SpotDesk
from hft_bybit.endpoints import Product
from hft_bybit.simulator import bodies
from hft_bybit.simulator.auth import ApiKey
from hft_bybit.simulator.calls import Answer, Call
from hft_bybit.simulator.dead_man import DeadManSwitches
from hft_bybit.simulator.listing import Listing
from hft_bybit.simulator.orders import page_of
from hft_bybit.simulator.params import ApiError, invalid
from hft_bybit.simulator.words import unknown_symbol

__all__ = ["Accounts"]

_MOST_LEVERAGE = 100
_WINDOW_MS = 7 * 86_400_000
_SWITCH_PRODUCTS = {"DERIVATIVES": Product.LINEAR, "SPOT": Product.SPOT}


class Accounts:
    """What an account has, and how it is set; ``switches`` is None where nobody is offered any."""

    def __init__(
        self,
        spot: SpotDesk,
        linear: LinearDesk,
        listings: Mapping[tuple[Product, str], Listing],
        keys: Mapping[str, ApiKey],
        switches: DeadManSwitches | None,
    ) -> None:
        self._spot = spot
        self._linear = linear
        self._listings = listings
        self._keys = keys
        self._switches = switches
        self._by_market = {listing.market: listing for listing in listings.values()}

    # -- what there is ---------------------------------------------------------------------------

    def executions(self, call: Call) -> Answer:
        """List trades and payments of funding, the newest first."""
        params, product = call.params, call.product
        begin_ms, end_ms = params.number("startTime"), params.number("endTime")
        if begin_ms is not None and end_ms is not None and end_ms - begin_ms > _WINDOW_MS:
            raise ApiError(10001, "The time range between startTime and endTime cannot exceed 7 days")
        desk = self._linear if product is Product.LINEAR else self._spot
        rows = [bodies.execution(fill) for fill in desk.accounts[call.account].fills]
        if product is Product.LINEAR:
            rows += self._fundings(self._linear.accounts[call.account])
        # Executions of one millisecond keep their order.
        rows = sorted(rows, key=lambda row: int(row["execTime"]))[::-1]
        names = {
            "symbol": "symbol",
            "orderId": "orderId",
            "orderLinkId": "orderLinkId",
            "execType": "execType",
        }
        found = [
            row
            for row in rows
            if all(params.text(name) in ("", row[field]) for name, field in names.items())
            and (begin_ms is None or int(row["execTime"]) >= begin_ms)
            and (end_ms is None or int(row["execTime"]) <= end_ms)
        ]
        listed, cursor = page_of(found, params, default=50, most=100)
        for row in listed:
            del row["category"]  # stated once, for all of them
        return Answer({"category": product.value, "nextPageCursor": cursor, "list": listed})

    def _fundings(self, account: MarginAccount) -> list[dict[str, Any]]:
        return [
            bodies.funding(self._by_market[income.market], income)
            for income in account.incomes
            if income.kind is IncomeKind.FUNDING and income.market is not None
        ]

    def positions(self, call: Call) -> Answer:
        """List positions: all that could be of a symbol, those that are held of a currency."""
        params, account = call.params, self._linear.accounts[call.account]
        if call.product is not Product.LINEAR:
            raise invalid("category")
        symbol, coin = params.text("symbol"), params.text("settleCoin")
        if not symbol and not coin:
            raise ApiError(10001, "Missing some parameters that must be filled in, symbol or settleCoin")
        if symbol:
            listings = [self._linear_listing(symbol)]
        else:
            listings = [
                listing
                for (product, _), listing in self._listings.items()
                if product is Product.LINEAR and listing.instrument.settle == coin
            ]
        legs = (Leg.LONG, Leg.SHORT) if account.is_hedged else (Leg.NET,)
        found = [
            bodies.position(self._linear, account, listing, leg)
            for listing in listings
            for leg in legs
            if symbol or account.position(listing.synthetic(), leg).size
        ]
        listed, cursor = page_of(found, params, default=20, most=200)
        for row in listed:
            del row["category"], row["entryPrice"]
        return Answer({"category": Product.LINEAR.value, "nextPageCursor": cursor, "list": listed})

    def wallet(self, call: Call) -> Answer:
        """Tell the wallet."""
        if call.params.text("accountType") != "UNIFIED":
            raise ApiError(10001, "accountType only support UNIFIED.")
        spot, margin = self._spot.accounts[call.account], self._linear.accounts[call.account]
        assets = sorted({*spot.wallet.assets(), *margin.wallets})
        wanted = [asset for asset in call.params.text("coin").split(",") if asset]
        return Answer({"list": [bodies.wallet(spot, margin, wanted or assets)]})

    # -- settings --------------------------------------------------------------------------------

    def info(self, call: Call) -> Answer:
        """Tell how the account is set."""
        return Answer(
            {
                "marginMode": "REGULAR_MARGIN",
                "updatedTime": "0",
                "unifiedMarginStatus": 5,
                "dcpStatus": "OFF" if self._switches is None else "ON",
                "timeWindow": 10,
                "smpGroup": 0,
                "isMasterTrader": False,
                "spotHedgingStatus": "OFF",
            }
        )

    def key(self, call: Call) -> Answer:
        """Tell what the key may do."""
        key = next(each for each in self._keys.values() if each.account == call.account)
        rights = key.permissions
        wallet = ["AccountTransfer", *(["Withdraw"] if rights.withdrawals else [])]
        return Answer(
            {
                "id": "1",
                "note": "simulated",
                "apiKey": key.key,
                "readOnly": 0 if rights.trading else 1,
                "secret": "",
                "permissions": {
                    "ContractTrade": ["Order", "Position"],
                    "Spot": ["SpotTrade"],
                    "Wallet": wallet,
                    "Options": [],
                    "Derivatives": ["DerivativesTrade"],
                    "Exchange": [],
                },
                "ips": ["*"],
                "type": 1,
                "unified": 0,
                "uta": 1,
                "userID": 1,
                "isMaster": True,
                "parentUid": "0",
            }
        )

    def fee_rate(self, call: Call) -> Answer:
        """Tell the fees of symbols."""
        product = call.product
        desk = self._linear if product is Product.LINEAR else self._spot
        fees = desk.accounts[call.account].fees
        wanted = call.params.text("symbol")
        return Answer(
            {
                "list": [
                    {
                        "symbol": symbol,
                        "takerFeeRate": bodies.plain(fees.taker),
                        "makerFeeRate": bodies.plain(fees.maker),
                    }
                    for other, symbol in self._listings
                    if other is product and wanted in ("", symbol)
                ]
            }
        )

    def set_leverage(self, call: Call) -> Answer:
        """Change the leverage of a symbol."""
        listing = self._linear_listing(call.params.required("symbol"))
        leverage = call.params.decimal("buyLeverage")
        if leverage is None or not 1 <= leverage <= _MOST_LEVERAGE:
            raise ApiError(110013, "cannot set leverage gt maxLeverage by risk limit")
        account, market = self._linear.accounts[call.account], listing.synthetic()
        if account.leverage(market) == int(leverage):
            raise ApiError(110043, "leverage not modified")
        account.set_leverage(market, int(leverage))
        return Answer({})

    def switch_mode(self, call: Call) -> Answer:
        """Change between one-way and hedge mode, of the whole account."""
        hedged = call.params.choice("mode", {"0": False, "3": True})
        account = self._linear.accounts[call.account]
        if account.is_hedged is hedged:
            raise ApiError(110025, "Position mode is not modified")
        if account.open_orders() or any(position.size for _, _, position in account.legs()):
            raise ApiError(110024, "You have an existing position, so the position mode cannot be switched")
        account.is_hedged = hedged
        return Answer({})

    def set_dead_man(self, call: Call) -> Answer:
        """Set after how long without a connection orders are cancelled."""
        product = call.params.choice("product", _SWITCH_PRODUCTS)
        seconds = call.params.number("timeWindow")
        if self._switches is None:
            raise ApiError(10005, "Permission denied, please check your API key permissions.")
        if seconds is None or not 3 <= seconds <= 300:
            raise invalid("timeWindow")
        self._switches.set_window(call.account, product, seconds)
        return Answer({})

    def dead_man(self, call: Call) -> Answer:
        """Tell after how long without a connection orders are cancelled."""
        if self._switches is None:
            return Answer({"dcpInfos": []})
        return Answer(
            {
                "dcpInfos": [
                    {
                        "product": word,
                        "dcpStatus": "ON",
                        "timeWindow": str(self._switches.window_s(call.account, product)),
                    }
                    for word, product in _SWITCH_PRODUCTS.items()
                ]
            }
        )

    def coin_info(self, call: Call) -> Answer:
        """Describe assets, as clients ask that load everything at once."""
        assets = self._spot.accounts[call.account].wallet.assets()
        rows = [{"name": asset, "coin": asset, "remainAmount": "0", "chains": []} for asset in assets]
        return Answer({"rows": rows})

    def _linear_listing(self, symbol: str) -> Listing:
        listing = self._listings.get((Product.LINEAR, symbol))
        if listing is None:
            raise unknown_symbol(Product.LINEAR)
        return listing
