"""What is looked at before anything is traded: what the key may do, and how the account is set."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from hft import DecodeError, Instrument, Link, PositionMode, RequestRefused, UsageError, decoder, persistently
from hft_bybit.config import Config, MarginMode
from hft_bybit.endpoints import Product, product_traded
from hft_bybit.private_codec import AccountInfo, ApiKeyInfo, PositionState, decode_positions
from hft_bybit.rest_api import RestApi

__all__ = ["check_account", "check_key"]


_FIRST_UNIFIED = 3
"""From this value of ``unifiedMarginStatus`` on an account is a unified one."""

_MARGIN_MODES = {
    "REGULAR_MARGIN": MarginMode.CROSS,
    "ISOLATED_MARGIN": MarginMode.ISOLATED,
    "PORTFOLIO_MARGIN": MarginMode.PORTFOLIO,
}

_WITHDRAW = "Withdraw"
_RIGHTS = {
    Product.SPOT: (("Spot", "SpotTrade"),),
    # Unified accounts call it the second, older keys have the first.
    Product.LINEAR: (("ContractTrade", "Order"), ("Derivatives", "DerivativesTrade")),
}

_decode_key = decoder(ApiKeyInfo, "rights of the key")
_decode_account = decoder(AccountInfo, "account")


async def check_key(api: RestApi, link: Link, config: Config, instruments: Sequence[Instrument]) -> None:
    """Raise `UsageError` if the key may withdraw money, or may not trade what it is meant to."""
    try:
        result = await persistently(
            link, lambda: api.fetch("/v5/user/query-api"), give_up=lambda error: error.status == 404
        )
    except RequestRefused:
        link.warn(f"{link.exchange}: whether the key may withdraw money cannot be asked here")
        return
    key = _decode_key(result.body)
    rights = {right for group in key.permissions.values() for right in group}
    if _WITHDRAW in rights and not config.allow_withdrawals:
        raise UsageError(
            f"{link.exchange}: the key may withdraw money, make one that may not,"
            " or set 'allow_withdrawals: true'"
        )
    if key.read_only:
        raise UsageError(f"{link.exchange}: the key may only read, make one that may trade")
    for product in dict.fromkeys(map(product_traded, instruments)):
        if not any(right in key.permissions.get(group, ()) for group, right in _RIGHTS[product]):
            raise UsageError(f"{link.exchange}: the key may not trade {product.value}, enable that for it")


async def check_account(api: RestApi, link: Link, config: Config, contracts: Sequence[Instrument]) -> None:
    """Raise `UsageError` if the account is not as the profile says."""
    result = await persistently(link, lambda: api.fetch("/v5/account/info"))
    account = _decode_account(result.body)
    if account.unified < _FIRST_UNIFIED:
        raise UsageError(f"{link.exchange}: the account is no unified trading account, upgrade it there")
    mode = _MARGIN_MODES.get(account.margin_mode)
    if config.margin_mode is not None and mode is not config.margin_mode:
        raise UsageError(
            f"{link.exchange}: the account's margin mode is {account.margin_mode[:40]!r}, the profile says"
            f" {config.margin_mode.value!r}; change it there or in the profile"
        )
    for instrument in contracts:
        await _check_position(api, link, config, instrument)


async def _check_position(api: RestApi, link: Link, config: Config, instrument: Instrument) -> None:
    params = {"category": Product.LINEAR.value, "symbol": instrument.native_symbol}
    result = await persistently(link, lambda: api.fetch("/v5/position/list", params))
    positions = decode_positions(result.body).positions
    if positions:
        hedge = any(position.position_idx for position in positions)
        found = PositionMode.HEDGE if hedge else PositionMode.ONE_WAY
        if found is not config.position_mode:
            raise UsageError(
                f"{link.exchange}: positions in {instrument.native_symbol} are in {found.value} mode, the"
                f" profile says {config.position_mode.value!r}; change it there, or set"
                f" 'position_mode: {found.value}'"
            )
    if config.max_leverage is not None:
        _check_leverage(link, config.max_leverage, instrument, positions)


def _check_leverage(
    link: Link, most: int, instrument: Instrument, positions: Sequence[PositionState]
) -> None:
    for position in positions:
        try:
            leverage = Decimal(position.leverage or "0")
        except InvalidOperation:
            raise DecodeError(f"leverage {position.leverage[:40]!r} is no number") from None
        if leverage > most:
            raise UsageError(
                f"{link.exchange}: {instrument.native_symbol} has leverage {leverage}, the profile says at"
                f" most {most}; lower it at the exchange"
            )
