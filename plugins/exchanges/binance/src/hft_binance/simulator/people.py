"""Who has an account at the simulated Binance: keys, made-up secrets, what they begin with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from decimal import Decimal

import attrs

from hft import Account
from hft.sim import FeeRates
from hft_binance.simulator.auth import ApiKey, Permissions

__all__ = ["FUTURES_FEES", "SPOT_FEES", "Person", "people"]

SPOT_FEES = FeeRates(maker=Decimal("0.001"), taker=Decimal("0.001"), discount=Decimal("0.25"))
FUTURES_FEES = FeeRates(maker=Decimal("0.0002"), taker=Decimal("0.0005"))

_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410)."""

_START_USD = Decimal(100_000)
_START_COINS = {"BTC": Decimal(2), "ETH": Decimal(40), "BNB": Decimal(100)}
_START_OTHER = Decimal(1_000)


@attrs.frozen(kw_only=True)
class Person:
    """One holder of accounts, one on each product, and the keys to them."""

    id: str
    credentials: tuple[Account, ...]
    keys: tuple[ApiKey, ...]


def people(seed: int, count: int, permissions: Permissions, created_ms: int) -> list[Person]:
    """Make up people, the same for the same seed; the first has an Ed25519 key as well."""

    def digest(what: str) -> bytes:
        return hashlib.sha256(f"binance simulator {seed} {what}".encode()).digest()

    found = []
    for number in range(count):
        # The first person's words are those of the time when there was only one.
        suffix = "" if number == 0 else f" {number}"
        name = f"account{number + 1}"
        credentials = [
            Account(key=digest(f"key{suffix}").hex(), secret=digest(f"secret{suffix}").hex(), name=name)
        ]
        if number == 0:
            pem = base64.b64encode(_PKCS8_ED25519 + digest("ed25519 secret")).decode()
            pem = f"-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n"
            credentials.append(Account(key=digest("ed25519 key").hex(), secret=pem, name=name))
        keys = [_key(credential, name, permissions) for credential in credentials]
        found.append(
            Person(
                id=name,
                credentials=tuple(credentials),
                keys=tuple(attrs.evolve(key, created_ms=created_ms) for key in keys if key is not None),
            )
        )
    return found


def _key(credential: Account, account: str, permissions: Permissions) -> ApiKey | None:
    if not credential.secret.startswith("-----BEGIN"):
        return ApiKey.hmac(credential.key, credential.secret, account, permissions)
    try:
        return ApiKey.ed25519(credential.key, credential.secret, account, permissions)
    except ImportError:  # without the extra nobody can sign with it either
        return None


def start_balances(assets: set[str], configured: Mapping[str, Decimal] | None) -> dict[str, Decimal]:
    """Return what a spot account begins with."""
    if configured is not None:
        return dict(configured)
    return {
        asset: _START_USD if "USD" in asset else _START_COINS.get(asset, _START_OTHER)
        for asset in sorted(assets)
    }
