"""The settings of accounts of the simulated USD-M futures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hft.sim import LinearDesk, MarginAccount
from hft_binance.simulator.calls import Call
from hft_binance.simulator.listing import Listing
from hft_binance.simulator.params import ApiError
from hft_binance.simulator.usdm_bodies import plain
from hft_binance.simulator.usdm_events import UsdmEvents
from hft_binance.simulator.words import invalid_symbol

__all__ = ["UsdmSettings"]

_MOST_LEVERAGE = 125


class UsdmSettings:
    """Leverage, margin types, modes and fees."""

    def __init__(self, desk: LinearDesk, listings: Mapping[str, Listing], events: UsdmEvents) -> None:
        self._desk = desk
        self._listings = listings
        self._events = events

    def dual(self, call: Call) -> Any:
        """Tell whether the account is in hedge mode."""
        call.params.finish()
        return {"dualSidePosition": self._account(call).is_hedged}

    def set_dual(self, call: Call) -> Any:
        """Change between one-way and hedge mode."""
        call.params.required("dualSidePosition")
        wanted = call.params.flag("dualSidePosition")
        call.params.finish()
        account = self._account(call)
        if account.is_hedged is wanted:
            raise ApiError(-4059, "No need to change position side.")
        if account.open_orders():
            raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
        if any(position.size for _, _, position in account.legs()):
            raise ApiError(-4068, "Position side cannot be changed if there exists position.")
        account.is_hedged = wanted
        return {"code": 200, "msg": "success"}

    def multi_assets(self, call: Call) -> Any:
        """Tell whether all assets are margin for each other."""
        call.params.finish()
        return {"multiAssetsMargin": self._account(call).is_multi_asset}

    def set_multi_assets(self, call: Call) -> Any:
        """Change whether all assets are margin for each other."""
        call.params.required("multiAssetsMargin")
        wanted = call.params.flag("multiAssetsMargin")
        call.params.finish()
        account = self._account(call)
        if account.is_multi_asset is wanted:
            raise ApiError(-4171, "No need to change multi-assets mode.")
        account.is_multi_asset = wanted
        self._events.multi_assets(account)
        return {"code": 200, "msg": "success"}

    def set_leverage(self, call: Call) -> Any:
        """Change the leverage of a symbol."""
        listing = self._listing(call)
        call.params.required("leverage")
        leverage = call.params.number("leverage") or 0
        call.params.finish()
        if not 1 <= leverage <= _MOST_LEVERAGE:
            raise ApiError(-4028, f"Leverage {leverage} is not valid")
        account, market = self._account(call), listing.synthetic()
        before = account.leverage(market)
        account.set_leverage(market, leverage)
        if leverage < before and account.available(market.instrument.settle) < 0:
            account.set_leverage(market, before)
            raise ApiError(-2027, "Exceeded the maximum allowable position at current leverage.")
        self._events.leverage(account, listing, leverage)
        return {"leverage": leverage, "maxNotionalValue": "1000000000", "symbol": listing.symbol}

    def set_margin_type(self, call: Call) -> Any:
        """Change a symbol between cross and isolated margin."""
        listing = self._listing(call)
        call.params.required("marginType")
        isolated = call.params.choice(
            "marginType", {"ISOLATED": True, "CROSSED": False}, ApiError(-1130, "Invalid marginType.")
        )
        call.params.finish()
        account, market = self._account(call), listing.synthetic()
        if (market in account.isolated) is isolated:
            raise ApiError(-4046, "No need to change margin type.")
        if account.open_orders(market):
            raise ApiError(-4047, "Margin type cannot be changed if there exists open orders.")
        if any(held is market and position.size for held, _, position in account.legs()):
            raise ApiError(-4048, "Margin type cannot be changed if there exists position.")
        if isolated:
            account.isolated.add(market)
        else:
            account.isolated.discard(market)
        return {"code": 200, "msg": "success"}

    def config(self, call: Call) -> Any:
        """Describe the account's settings."""
        call.params.finish()
        account = self._account(call)
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": False,
            "dualSidePosition": account.is_hedged,
            "updateTime": 0,
            "multiAssetsMargin": account.is_multi_asset,
            "tradeGroupId": -1,
        }

    def symbol_config(self, call: Call) -> Any:
        """Describe the settings of symbols."""
        account = self._account(call)
        wanted = self._listing(call) if call.params.has("symbol") else None
        call.params.finish()
        return [
            {
                "symbol": listing.symbol,
                "marginType": "ISOLATED" if listing.market in account.isolated else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": account.leverage(listing.synthetic()),
                "maxNotionalValue": "1000000000",
            }
            for listing in self._listings.values()
            if wanted is None or listing is wanted
        ]

    def commission_rate(self, call: Call) -> Any:
        """Tell the fees of a symbol."""
        listing = self._listing(call)
        call.params.finish()
        fees = self._account(call).fees
        return {
            "symbol": listing.symbol,
            "makerCommissionRate": plain(fees.maker),
            "takerCommissionRate": plain(fees.taker),
            "rpiCommissionRate": plain(fees.maker),
        }

    def leverage_bracket(self, call: Call) -> Any:
        """Tell the leverage that positions of any size may have."""
        wanted = self._listing(call) if call.params.has("symbol") else None
        call.params.finish()
        bracket = {
            "bracket": 1,
            "initialLeverage": _MOST_LEVERAGE,
            "notionalCap": 1_000_000_000,
            "notionalFloor": 0,
            "maintMarginRatio": float(self._desk.maintenance_rate),
            "cum": 0.0,
        }
        found = [
            {"symbol": listing.symbol, "notionalCoef": 1.0, "brackets": [bracket]}
            for listing in self._listings.values()
            if wanted is None or listing is wanted
        ]
        return found[0] if wanted is not None else found

    def _account(self, call: Call) -> MarginAccount:
        return self._desk.accounts[call.account]

    def _listing(self, call: Call) -> Listing:
        symbol = call.params.required("symbol") and call.params.symbol()
        listing = self._listings.get(symbol or "")
        if listing is None:
            raise invalid_symbol()
        return listing
