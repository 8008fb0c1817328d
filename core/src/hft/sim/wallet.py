"""What an account owns of each asset, exactly: free, and locked in open orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from hft.money import difference, total
from hft.sim.refusals import Reason, Refused

__all__ = ["Wallet"]

_NOTHING = Decimal(0)


class Wallet:
    """Balances of assets; neither part of one is ever negative."""

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self._free = dict(balances)
        self._locked: dict[str, Decimal] = {}

    def assets(self) -> list[str]:
        """Return the assets that it has, or had."""
        return sorted(self._free.keys() | self._locked.keys())

    def free(self, asset: str) -> Decimal:
        """Return what may be used."""
        return self._free.get(asset, _NOTHING)

    def locked(self, asset: str) -> Decimal:
        """Return what open orders hold."""
        return self._locked.get(asset, _NOTHING)

    def add(self, asset: str, amount: Decimal) -> None:
        """Change what is free; raise `Refused` if it is less than what is to be taken."""
        after = total((self.free(asset), amount))
        if after < 0:
            raise Refused(Reason.BALANCE, self.free(asset))
        self._free[asset] = after

    def lock(self, asset: str, amount: Decimal) -> None:
        """Take from what is free for an order; raise `Refused` if that is too little."""
        self.add(asset, -amount)
        self._locked[asset] = total((self.locked(asset), amount))

    def unlock(self, asset: str, amount: Decimal) -> None:
        """Give back what an order does not need any more."""
        self.spend(asset, amount)
        self.add(asset, amount)

    def spend(self, asset: str, amount: Decimal) -> None:
        """Take from what is locked."""
        after = difference(self.locked(asset), amount)
        assert after >= 0, f"{amount} {asset} were not locked"
        self._locked[asset] = after
