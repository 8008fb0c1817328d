"""What is looked at before anything is traded: what the key may do, and how the account is set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from hft import Backoff, DecodeError, Instrument, Link, TransportError, UsageError
from hft_okx import limits
from hft_okx.config import AccountLevel, Config, PositionMode
from hft_okx.order_params import is_contract
from hft_okx.private_codec import AccountConfig, Leverage, rows
from hft_okx.refusals import BAD_KEY
from hft_okx.rest_api import Refusal, RestApi

__all__ = ["check_account", "persistently"]

_INITIAL_NS, _MAXIMUM_NS = 500_000_000, 30_000_000_000
_LARGE_OFFSET_NS = 1_000_000_000

_LEVELS = {
    "1": AccountLevel.SPOT,
    "2": AccountLevel.FUTURES,
    "3": AccountLevel.MULTI_CURRENCY,
    "4": AccountLevel.PORTFOLIO,
}
_MODES = {"net_mode": PositionMode.ONE_WAY, "long_short_mode": PositionMode.HEDGE}

_decode_configs = rows(AccountConfig, "account")
_decode_leverages = rows(Leverage, "leverage")

T = TypeVar("T")


async def persistently(link: Link, ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until there is an answer; raise `UsageError` where it is that this key will not get one."""
    backoff = Backoff(link.random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)
    while True:
        delay_ns = backoff.next_ns()
        if delay_ns:
            await link.clock.sleep(delay_ns)
        try:
            return await ask()
        except Refusal as error:
            if error.code in BAD_KEY or (error.status in (401, 403) and error.code != "0"):
                raise UsageError(
                    f"{link.exchange}: {error}; check key, secret, passphrase, environment"
                    f" {link.environment!r}, the key's rights and the addresses it is bound to"
                ) from None
            link.warn(str(error))
        except (TransportError, DecodeError) as error:
            link.warn(str(error))


async def check_account(
    api: RestApi, link: Link, config: Config, instruments: Sequence[Instrument]
) -> AccountLevel:
    """Return the account's mode; raise `UsageError` if the key cannot or must not trade ``instruments``."""
    _warn_of_time(api, link)

    async def ask() -> AccountConfig:
        answer = await api.fetch("GET", "/api/v5/account/config", costs=limits.account("config"))
        configs = _decode_configs(answer.body)
        if len(configs) != 1 or configs[0].level not in _LEVELS or configs[0].position_mode not in _MODES:
            raise DecodeError(f"account: its settings are not understood: {answer.body[:200]!r}")
        return configs[0]

    found = await persistently(link, ask)
    level = _LEVELS[found.level]
    _check_rights(found, link, config)
    if config.account_level is not None and level is not config.account_level:
        raise UsageError(
            f"{link.exchange}: the account is in {level.value} mode, the profile says"
            f" {config.account_level.value!r}; change it there or in the profile"
        )
    contracts = [instrument for instrument in instruments if is_contract(instrument)]
    if contracts:
        _check_contracts(found, level, link, config)
    if config.max_leverage is not None:
        for instrument in contracts:
            await _check_leverage(api, link, config, instrument, config.max_leverage)
    return level


def _check_rights(found: AccountConfig, link: Link, config: Config) -> None:
    if found.permissions is None:
        link.warn(f"{link.exchange}: whether the key may withdraw money cannot be asked here")
        return
    rights = {right.strip() for right in found.permissions.split(",")}
    if "withdraw" in rights and not config.allow_withdrawals:
        raise UsageError(
            f"{link.exchange}: the key may withdraw money, make one that may not,"
            " or set 'allow_withdrawals: true'"
        )
    if "trade" not in rights:
        raise UsageError(f"{link.exchange}: the key may not trade, enable that for it")


def _check_contracts(found: AccountConfig, level: AccountLevel, link: Link, config: Config) -> None:
    if level is AccountLevel.SPOT:
        raise UsageError(
            f"{link.exchange}: the account is in spot mode and cannot trade contracts; change it there"
        )
    mode = _MODES[found.position_mode]
    if mode is not config.position_mode:
        raise UsageError(
            f"{link.exchange}: the account's positions are in {mode.value} mode ({found.position_mode}), the"
            f" profile says {config.position_mode.value!r}; change it there, or set"
            f" 'position_mode: {mode.value}'"
        )


async def _check_leverage(
    api: RestApi, link: Link, config: Config, instrument: Instrument, most: int
) -> None:
    params = {"instId": instrument.native_symbol, "mgnMode": config.margin_mode.value}

    async def ask() -> list[Decimal]:
        answer = await api.fetch(
            "GET", "/api/v5/account/leverage-info", params, costs=limits.account("leverage")
        )
        try:
            return [Decimal(each.leverage) for each in _decode_leverages(answer.body)]
        except InvalidOperation as error:
            raise DecodeError(f"leverage: {error}") from None

    for leverage in await persistently(link, ask):
        if not leverage <= most:
            raise UsageError(
                f"{link.exchange}: {instrument.native_symbol} has leverage {leverage}, the profile says at"
                f" most {most}; lower it at the exchange"
            )


def _warn_of_time(api: RestApi, link: Link) -> None:
    offset_ns = api.clock.offset_ns
    if abs(offset_ns) > _LARGE_OFFSET_NS:
        ahead = "behind" if offset_ns > 0 else "ahead"
        link.warn(
            f"{link.exchange}: this clock is {abs(offset_ns) / 1e9:.3f} s {ahead} of the exchange's;"
            " requests are given the exchange's time, latencies are wrong; synchronise it"
        )
