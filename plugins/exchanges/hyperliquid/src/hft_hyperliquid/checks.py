"""What is looked at before anything is traded: whose the key is, and how the account is set."""

from __future__ import annotations

from collections.abc import Iterable

from hft import Link, UsageError, decoder, persistently
from hft_hyperliquid.codec import NS_PER_MS
from hft_hyperliquid.private_codec import ActiveAsset, Agent, Role
from hft_hyperliquid.rest_api import RestApi

__all__ = ["check_leverage", "check_signer", "warn_of_expiry"]

_DAY_NS = 86_400_000_000_000
_SOON_DAYS = 7

_decode_role = decoder(Role, "role of an address")
_decode_agents = decoder(list[Agent], "API wallets")
_decode_asset = decoder(ActiveAsset, "settings of a perpetual")


async def check_signer(api: RestApi, link: Link, account: str, signer: str, vault: str | None) -> None:
    """Raise `UsageError` if a signature would be another's, or the account does not own ``vault``."""
    # Such a question is dear: a wallet that was approved says that the account is one.
    role = await _role(api, link, signer)
    if signer != account:
        if role.role != "agent" or role.data.user.lower() != account:
            raise UsageError(
                f"{link.exchange}: the private key is that of {signer}, which is no API wallet of {account};"
                f" approve it there, check key, secret and environment {link.environment!r}"
            )
    elif role.role == "agent":
        raise UsageError(
            f"{link.exchange}: key {account} is an API wallet, write the account's address,"
            f" {role.data.user or 'which approved it'}"
        )
    elif role.role == "missing":
        raise UsageError(f"{link.exchange}: the exchange knows no account {account}, deposit first")
    if vault is None:
        return
    traded = await _role(api, link, vault)
    if traded.role == "subAccount" and traded.data.master.lower() == account:
        return
    if traded.role != "vault":
        raise UsageError(
            f"{link.exchange}: {vault} is neither a vault nor a sub-account of {account}, correct 'vault'"
        )


async def check_leverage(api: RestApi, link: Link, user: str, coins: Iterable[str], most: int) -> None:
    """Raise `UsageError` if a traded perpetual has more leverage than the profile allows."""
    for coin in coins:
        asked = {"type": "activeAssetData", "user": user, "coin": coin}

        async def ask(asked: dict[str, str] = asked) -> ActiveAsset:
            return _decode_asset((await api.ask(asked)).body)

        leverage = (await persistently(link, ask)).leverage.value
        if leverage > most:
            raise UsageError(
                f"{link.exchange}: {coin} has leverage {leverage}, the profile says at most {most};"
                " lower it at the exchange"
            )


async def warn_of_expiry(api: RestApi, link: Link, account: str, signer: str) -> None:
    """Tell of an API wallet that may sign for a few days only; those without a name do not say."""

    async def ask() -> list[Agent]:
        return _decode_agents((await api.ask({"type": "extraAgents", "user": account})).body)

    now_ns = api.server_ns(link.clock.now_ns())
    for agent in await persistently(link, ask):
        days = (agent.valid_until_ms * NS_PER_MS - now_ns) / _DAY_NS
        if agent.address.lower() == signer and days < _SOON_DAYS:
            link.warn(f"{link.exchange}: the API wallet {signer} expires in {days:.1f} days, approve another")


async def _role(api: RestApi, link: Link, address: str) -> Role:
    async def ask() -> Role:
        return _decode_role((await api.ask({"type": "userRole", "user": address})).body)

    return await persistently(link, ask)
