"""The account endpoints of the simulated USD-M futures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hft.sim import IncomeKind, Leg, LinearDesk, MarginAccount
from hft_binance.simulator.calls import Call
from hft_binance.simulator.listing import NS_PER_MS, Listing
from hft_binance.simulator.usdm_bodies import amount, plain
from hft_binance.simulator.usdm_events import LEGS
from hft_binance.simulator.words import invalid_symbol

__all__ = ["UsdmAccounts"]

Body = dict[str, Any]

_INCOMES = {
    IncomeKind.PROFIT: "REALIZED_PNL",
    IncomeKind.FEE: "COMMISSION",
    IncomeKind.FUNDING: "FUNDING_FEE",
    IncomeKind.TRANSFER: "TRANSFER",
    IncomeKind.INSURANCE: "INSURANCE_CLEAR",
}


class UsdmAccounts:
    """Balances, positions and incomes of futures accounts."""

    def __init__(self, desk: LinearDesk, listings: Mapping[str, Listing]) -> None:
        self._desk = desk
        self._listings = listings

    # -- what there is ---------------------------------------------------------------------------

    def balance(self, call: Call) -> Any:
        """List the wallets."""
        call.params.finish()
        account = self._account(call)
        return [
            {
                "accountAlias": f"sim{account.id}",
                "asset": asset,
                "balance": amount(wallet),
                "crossWalletBalance": amount(wallet - account.isolated_margin(asset)),
                "crossUnPnl": amount(account.unrealised(asset, cross_only=True)),
                "availableBalance": amount(max(Decimal(0), account.available(asset))),
                "maxWithdrawAmount": amount(max(Decimal(0), min(account.available(asset), wallet))),
                "marginAvailable": True,
                "updateTime": account.updated_ns // NS_PER_MS,
            }
            for asset, wallet in sorted(account.wallets.items())
        ]

    def account_v3(self, call: Call) -> Any:
        """Describe the account with the positions that are open."""
        return self._describe(call, every=False)

    def account_v2(self, call: Call) -> Any:
        """Describe the account with all positions that could be."""
        return self._describe(call, every=True)

    def position_risk_v3(self, call: Call) -> Any:
        """List positions, and symbols with open orders."""
        return self._risk(call, every=False)

    def position_risk_v2(self, call: Call) -> Any:
        """List all positions that could be."""
        return self._risk(call, every=True)

    def _risk(self, call: Call, *, every: bool) -> Any:
        account = self._account(call)
        wanted = self._listing(call) if call.params.has("symbol") else None
        call.params.finish()
        return [
            self._position(account, listing, leg, every=every)
            for listing, leg in self._legs(account, every=every)
            if wanted is None or listing is wanted
        ]

    def _legs(self, account: MarginAccount, *, every: bool) -> list[tuple[Listing, Leg]]:
        legs = (Leg.LONG, Leg.SHORT) if account.is_hedged else (Leg.NET,)
        found = []
        for listing in self._listings.values():
            for leg in legs:
                position = account.positions.get((listing.synthetic(), leg))
                held = position is not None and position.size != 0
                if (
                    every
                    or held
                    or any(order.leg is leg for order in account.open_orders(listing.synthetic()))
                ):
                    found.append((listing, leg))
        return found

    def _position(self, account: MarginAccount, listing: Listing, leg: Leg, *, every: bool) -> Body:
        market = listing.synthetic()
        position, instrument = account.position(market, leg), market.instrument
        assert market.mark is not None
        mark, tick = market.mark.mark, instrument.tick_size
        initial = account.position_margin(market, leg)
        orders = account.order_margin(market)
        isolated = market in account.isolated
        body: Body = {
            "symbol": listing.symbol,
            "positionSide": LEGS[leg],
            "positionAmt": listing.signed_size(position.size),
            "entryPrice": plain(round(position.entry(tick), 8)),
            "breakEvenPrice": plain(round(position.entry(tick, with_fees=True), 8)),
            "markPrice": f"{mark:f}",
            "unRealizedProfit": amount(position.unrealised(mark, tick)),
            "liquidationPrice": plain(self._desk.liquidation_price(account, market, leg)),
            "isolatedMargin": plain(position.isolated + position.unrealised(mark, tick)) if isolated else "0",
            "notional": plain(position.value(mark, tick)),
            "marginAsset": instrument.settle,
            "isolatedWallet": plain(position.isolated),
            "initialMargin": plain(initial + orders),
            "maintMargin": plain(account.maintenance(market, leg, self._desk.maintenance_rate)),
            "positionInitialMargin": plain(initial),
            "openOrderInitialMargin": plain(orders),
            "adl": 1 if position.size else 0,
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": position.updated_ns // NS_PER_MS,
        }
        if every:
            body |= {
                "leverage": str(account.leverage(market)),
                "maxNotionalValue": "1000000000",
                "marginType": "isolated" if isolated else "cross",
                "isAutoAddMargin": "false",
            }
        return body

    def _describe(self, call: Call, *, every: bool) -> Any:
        account = self._account(call)
        call.params.finish()
        positions = []
        for listing, leg in self._legs(account, every=every):
            risk = self._position(account, listing, leg, every=every)
            entry = {
                name: risk[name]
                for name in (
                    "symbol",
                    "positionSide",
                    "positionAmt",
                    "isolatedMargin",
                    "notional",
                    "isolatedWallet",
                    "initialMargin",
                    "maintMargin",
                    "updateTime",
                )
            } | {"unrealizedProfit": risk["unRealizedProfit"]}
            if every:
                entry |= {
                    "leverage": risk["leverage"],
                    "isolated": risk["marginType"] == "isolated",
                    "entryPrice": risk["entryPrice"],
                    "breakEvenPrice": risk["breakEvenPrice"],
                    "positionInitialMargin": risk["positionInitialMargin"],
                    "openOrderInitialMargin": risk["openOrderInitialMargin"],
                    "maxNotional": risk["maxNotionalValue"],
                    "bidNotional": "0",
                    "askNotional": "0",
                }
            positions.append(entry)
        assets = [self._asset(account, asset) for asset in sorted(account.wallets)]
        sums = {
            f"total{name[0].upper()}{name[1:]}": amount(
                sum((Decimal(entry[name]) for entry in assets), Decimal(0))
            )
            for name in (
                "initialMargin",
                "maintMargin",
                "walletBalance",
                "marginBalance",
                "positionInitialMargin",
                "openOrderInitialMargin",
                "crossWalletBalance",
                "crossUnPnl",
            )
        }
        unrealised = sum((Decimal(entry["unrealizedProfit"]) for entry in assets), Decimal(0))
        available = sum((Decimal(entry["availableBalance"]) for entry in assets), Decimal(0))
        body: Body = sums | {
            "totalUnrealizedProfit": amount(unrealised),
            "availableBalance": amount(available),
            "maxWithdrawAmount": amount(available),
            "assets": assets,
            "positions": positions,
        }
        if every:
            body |= {
                "feeTier": 0,
                "canTrade": True,
                "canDeposit": True,
                "canWithdraw": False,
                "multiAssetsMargin": account.is_multi_asset,
                "updateTime": account.updated_ns // NS_PER_MS,
            }
        return body

    def _asset(self, account: MarginAccount, asset: str) -> Body:
        wallet, unrealised = account.wallets[asset], account.unrealised(asset)
        positions = sum(
            (account.position_margin(market, leg) for market, leg, _ in account.legs(asset)), Decimal(0)
        )
        orders = sum(
            (
                account.order_margin(listing.synthetic())
                for listing in self._listings.values()
                if listing.market.instrument.settle == asset
            ),
            Decimal(0),
        )
        maintenance = sum(
            (
                account.maintenance(market, leg, self._desk.maintenance_rate)
                for market, leg, _ in account.legs(asset)
            ),
            Decimal(0),
        )
        available = max(Decimal(0), account.available(asset))
        return {
            "asset": asset,
            "walletBalance": amount(wallet),
            "unrealizedProfit": amount(unrealised),
            "marginBalance": amount(wallet + unrealised),
            "maintMargin": amount(maintenance),
            "initialMargin": amount(positions + orders),
            "positionInitialMargin": amount(positions),
            "openOrderInitialMargin": amount(orders),
            "crossWalletBalance": amount(wallet - account.isolated_margin(asset)),
            "crossUnPnl": amount(account.unrealised(asset, cross_only=True)),
            "availableBalance": amount(available),
            "maxWithdrawAmount": amount(min(available, max(Decimal(0), wallet))),
            "marginAvailable": True,
            "updateTime": account.updated_ns // NS_PER_MS,
        }

    def income(self, call: Call) -> Any:
        """List what changed the wallets."""
        params = call.params
        wanted = self._listing(call) if params.has("symbol") else None
        kind, start, end = params.text("incomeType"), params.number("startTime"), params.number("endTime")
        page, limit = params.number("page") or 1, params.limit(100, 1000)
        params.finish()
        found = [
            {
                "symbol": "" if income.market is None else income.market.instrument.native_symbol,
                "incomeType": _INCOMES[income.kind],
                "income": amount(income.amount),
                "asset": income.asset,
                "info": str(income.trade_id or _INCOMES[income.kind]),
                "time": income.time_ns // NS_PER_MS,
                "tranId": income.id,
                "tradeId": str(income.trade_id) if income.trade_id else "",
            }
            for income in self._account(call).incomes
            if (wanted is None or income.market is wanted.market)
            and (kind is None or _INCOMES[income.kind] == kind)
            and (start is None or income.time_ns // NS_PER_MS >= start)
            and (end is None or income.time_ns // NS_PER_MS <= end)
        ]
        return found[(page - 1) * limit : page * limit] if start is not None else found[-limit:]

    # -- what they share -------------------------------------------------------------------------

    def _account(self, call: Call) -> MarginAccount:
        return self._desk.accounts[call.account]

    def _listing(self, call: Call) -> Listing:
        symbol = call.params.required("symbol") and call.params.symbol()
        listing = self._listings.get(symbol or "")
        if listing is None:
            raise invalid_symbol()
        return listing
