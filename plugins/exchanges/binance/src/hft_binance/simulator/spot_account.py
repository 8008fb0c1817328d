"""The account endpoints of the simulated spot exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hft_binance.simulator import spot_bodies
from hft_binance.simulator.calls import Call
from hft_binance.simulator.order_limits import OrderCounter
from hft_binance.simulator.spot_orders import SpotOrders, discount_body

__all__ = ["SpotAccounts"]

_NONE = {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"}


class SpotAccounts:
    """Balances, fees and rights of spot accounts."""

    def __init__(self, orders: SpotOrders, counter: OrderCounter) -> None:
        self._orders = orders
        self._counter = counter

    def account(self, call: Call) -> Any:
        """Describe the account."""
        omit_zero = call.params.flag("omitZeroBalances")
        call.params.finish()
        assert call.key is not None
        rights = call.key.permissions
        return spot_bodies.account_body(
            self._orders.account(call),
            omit_zero=omit_zero,
            can_trade=rights.spot,
            can_withdraw=rights.withdrawals,
        )

    def commission(self, call: Call) -> Any:
        """Tell the fees of a symbol."""
        listing = self._orders.listing(call.params)
        call.params.finish()
        fees = self._orders.account(call).fees
        return {
            "symbol": listing.symbol,
            "standardCommission": _NONE
            | {"maker": spot_bodies.amount(fees.maker), "taker": spot_bodies.amount(fees.taker)},
            "specialCommission": _NONE,
            "taxCommission": _NONE,
            "discount": discount_body(fees.discount_asset, fees.discount),
        }

    def order_counts(self, call: Call) -> Any:
        """Tell how many orders the account has placed."""
        call.params.finish()
        return self._counter.state(call.account)

    def restrictions(self, call: Call) -> Any:
        """Tell what the key may do."""
        call.params.finish()
        assert call.key is not None
        rights = call.key.permissions
        return {
            "ipRestrict": rights.ip_restricted,
            "createTime": call.key.created_ms,
            "enableReading": rights.reading,
            "enableWithdrawals": rights.withdrawals,
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": rights.futures,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": rights.spot,
            "enablePortfolioMarginTrading": False,
        }

    def coins(self, call: Call) -> Any:
        """List the assets, as clients ask that load everything at once."""
        call.params.finish()
        wallet = self._orders.account(call).wallet
        return [
            {
                "coin": asset,
                "depositAllEnable": True,
                "withdrawAllEnable": False,
                "name": asset,
                "free": spot_bodies.amount(wallet.free(asset)),
                "locked": spot_bodies.amount(wallet.locked(asset)),
                "freeze": "0",
                "withdrawing": "0",
                "ipoing": "0",
                "ipoable": "0",
                "storage": "0",
                "isLegalMoney": False,
                "trading": True,
                "networkList": [],
            }
            for asset in wallet.assets()
        ]

    def trade_fee(self, call: Call) -> Any:
        """Tell the fees of symbols, as the wallet's endpoint does."""
        listing = self._orders.listing(call.params) if call.params.has("symbol") else None
        call.params.finish()
        fees = self._orders.account(call).fees
        symbols = [listing.symbol] if listing is not None else self._orders.symbols()
        return [
            {"symbol": symbol, "makerCommission": _short(fees.maker), "takerCommission": _short(fees.taker)}
            for symbol in symbols
        ]


def _short(rate: Decimal) -> str:
    return f"{rate.normalize():f}"
