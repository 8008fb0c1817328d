"""Who has an account at the simulated Bybit: keys, made-up secrets, what they begin with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import Decimal

import attrs

from hft import Account
from hft.sim import FeeRates
from hft_bybit.simulator.auth import ApiKey, Permissions

__all__ = ["LINEAR_FEES", "SPOT_FEES", "Person", "people", "start_balances"]

SPOT_FEES = FeeRates(maker=Decimal("0.001"), taker=Decimal("0.001"))
LINEAR_FEES = FeeRates(maker=Decimal("0.0002"), taker=Decimal("0.00055"))

_KEY_CHARACTERS, _SECRET_CHARACTERS = 18, 36

_START_USD = Decimal(100_000)
_START_COINS = {"BTC": Decimal(2), "ETH": Decimal(40)}
_START_OTHER = Decimal(1_000)


@attrs.frozen(kw_only=True)
class Person:
    """The holder of one unified account, and the key to it."""

    id: str
    credential: Account
    key: ApiKey


def people(seed: int, count: int, permissions: Permissions) -> list[Person]:
    """Make up people, the same for the same seed."""

    def digest(what: str, characters: int) -> str:
        return hashlib.sha256(f"bybit simulator {seed} {what}".encode()).hexdigest()[:characters]

    found = []
    for number in range(1, count + 1):
        key = digest(f"key {number}", _KEY_CHARACTERS)
        secret = digest(f"secret {number}", _SECRET_CHARACTERS)
        name = f"account{number}"
        found.append(
            Person(
                id=name,
                credential=Account(key=key, secret=secret, name=name),
                key=ApiKey(key=key, secret=secret, account=name, permissions=permissions),
            )
        )
    return found


def start_balances(assets: Iterable[str]) -> dict[str, Decimal]:
    """Return what an account begins with."""
    return {
        asset: _START_USD if "USD" in asset else _START_COINS.get(asset, _START_OTHER)
        for asset in sorted(assets)
    }
