"""What is looked at before anything is traded: what the key may do, and how the account is set."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from hft import DecodeError, Instrument, Link, PositionMode, UsageError, persistently
from hft_okx import limits
from hft_okx.config import AccountLevel, Config
from hft_okx.order_params import is_contract
from hft_okx.private_codec import AccountConfig, Leverage, rows
from hft_okx.rest_api import RestApi

__all__ = ["check_account"]

_LEVELS = {
    "1": AccountLevel.SPOT,
    "2": AccountLevel.FUTURES,
    "3": AccountLevel.MULTI_CURRENCY,
    "4": AccountLevel.PORTFOLIO,
}
_MODES = {"net_mode": PositionMode.ONE_WAY, "long_short_mode": PositionMode.HEDGE}

_decode_configs = rows(AccountConfig, "account")
_decode_leverages = rows(Leverage, "leverage")


async def check_account(
    api: RestApi, link: Link, config: Config, instruments: Sequence[Instrument]
) -> AccountLevel:
    """Return the account's mode; raise `UsageError` if the key cannot or must not trade ``instruments``."""

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
