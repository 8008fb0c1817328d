"""Who has an account at the simulated OKX: keys, made-up secrets, what they begin with."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import attrs

from hft import Account
from hft.sim import FeeRates
from hft_okx.simulator.auth import ApiKey

__all__ = ["SPOT_FEES", "SWAP_FEES", "Person", "people", "start_balances"]

SPOT_FEES = FeeRates(maker=Decimal("0.0008"), taker=Decimal("0.001"))
SWAP_FEES = FeeRates(maker=Decimal("0.0002"), taker=Decimal("0.0005"))

_START_USD = Decimal(100_000)
_START_COINS = {"BTC": Decimal(2), "ETH": Decimal(40)}
_START_OTHER = Decimal(1_000)


@attrs.frozen(kw_only=True)
class Person:
    """One holder of an account, and the key to it."""

    credential: Account
    key: ApiKey

    @property
    def id(self) -> str:
        """The account's name."""
        return self.key.account


def people(seed: int, count: int, permissions: str) -> list[Person]:
    """Make up people, the same for the same seed."""

    def digest(what: str) -> str:
        return hashlib.sha256(f"okx simulator {seed} {what}".encode()).hexdigest()

    found = []
    for number in range(1, count + 1):
        secrets = {
            "key": digest(f"key {number}")[:36],
            "secret": digest(f"secret {number}")[:32].upper(),
            "passphrase": f"Pass-{digest(f'passphrase {number}')[:8]}",
        }
        name = f"account{number}"
        key = ApiKey(**secrets, account=name, permissions=permissions)
        found.append(Person(credential=Account(**secrets, name=name), key=key))
    return found


def start_balances(assets: set[str]) -> dict[str, Decimal]:
    """Return what an account begins with."""
    return {
        asset: _START_USD if "USD" in asset else _START_COINS.get(asset, _START_OTHER)
        for asset in sorted(assets)
    }
