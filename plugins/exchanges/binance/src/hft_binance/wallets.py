"""What an account has of each asset, over all the wallets that one key trades from."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from hft import BalanceReport
from hft.money import total
from hft_binance.endpoints import Product

__all__ = ["Wallets"]


class Wallets:
    """Adds up the balances of both products, since the kernel knows one balance of an asset on an exchange.

    With one product there is nothing to add. With both, an asset is told once each product's wallet has
    been listed: until then a sum would lack a part of it.
    """

    def __init__(self) -> None:
        self._products: set[Product] = set()
        self._listed: set[Product] = set()
        self._balances: dict[str, dict[Product, BalanceReport]] = {}

    def open(self, product: Product) -> None:
        """Learn that a product's wallet counts."""
        self._products.add(product)

    def listed(self, product: Product, balances: Iterable[BalanceReport]) -> None:
        """Take the list of all that a product's wallet has."""
        self._listed.add(product)
        for wallets in self._balances.values():
            wallets.pop(product, None)
        for balance in balances:
            self._balances.setdefault(balance.asset, {})[product] = balance

    def changed(self, product: Product, balance: BalanceReport) -> BalanceReport | None:
        """Take one balance; return what the account has of the asset, None where that is not known."""
        self._balances.setdefault(balance.asset, {})[product] = balance
        return self._sum(balance.asset) if self._products <= self._listed | {product} else None

    def all(self) -> list[BalanceReport]:
        """Return what the account has of every asset of which it has any."""
        sums = [self._sum(asset) for asset, wallets in self._balances.items() if wallets]
        return [balance for balance in sums if balance.total]

    def _sum(self, asset: str) -> BalanceReport:
        balances = list(self._balances[asset].values())
        if len(balances) == 1:
            return balances[0]
        return attrs.evolve(
            balances[0],
            total=total(balance.total for balance in balances),
            locked=total(balance.locked for balance in balances),
            exchange_ns=max(balance.exchange_ns for balance in balances),
        )
