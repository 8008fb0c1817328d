"""Who has an account at the simulated Hyperliquid: made-up keys, API wallets, sub-accounts."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import attrs

from hft import Account, Secret
from hft.sim import FeeRates
from hft_hyperliquid.signing import Signer

__all__ = ["PERP_FEES", "SPOT_FEES", "Person", "people", "start_balances"]

PERP_FEES = FeeRates(maker=Decimal("0.00015"), taker=Decimal("0.00045"))
SPOT_FEES = FeeRates(maker=Decimal("0.0004"), taker=Decimal("0.0007"))

_START_USD, _START_OTHER = Decimal(1_000_000), Decimal(10_000)


@attrs.frozen(kw_only=True)
class Person:
    """One holder of an account, with an API wallet that may trade for it and for its sub-account."""

    name: str
    address: str
    agent: str
    sub_name: str
    sub_address: str
    credentials: tuple[Account, ...]


def people(seed: int, count: int) -> list[Person]:
    """Make up people, the same for the same seed; each has the API wallet's key, and the account's own."""
    found = []
    for number in range(1, count + 1):
        name = f"account{number}"
        keys = [_key(f"{seed} {name} {what}") for what in ("wallet", "agent", "sub-account")]
        address, agent, sub_address = (Signer(Secret(key), "a").address for key in keys)
        found.append(
            Person(
                name=name,
                address=address,
                agent=agent,
                sub_name=f"{name}-sub",
                sub_address=sub_address,
                credentials=(
                    Account(key=address, secret=keys[1], name=name),
                    Account(key=address, secret=keys[0], name=name),
                ),
            )
        )
    return found


def _key(what: str) -> str:
    return "0x" + hashlib.sha256(f"hyperliquid simulator {what}".encode()).hexdigest()


def start_balances(assets: set[str]) -> dict[str, Decimal]:
    """Return what an account begins with."""
    return {asset: _START_USD if "USD" in asset else _START_OTHER for asset in sorted(assets)}
