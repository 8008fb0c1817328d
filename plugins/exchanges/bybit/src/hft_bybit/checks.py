"""What is looked at before anything is traded: what the key may do, and how the account is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from msgspec import Raw

from hft import Instrument, Link, PositionMode, RequestRefused, UsageError, decoder, persistently, reading
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


T = TypeVar("T")


def _is_unknown(error: RequestRefused) -> bool:
    """Say whether the environment has no such question."""
    return error.status == 404


async def _look(
    api: RestApi,
    link: Link,
    path: str,
    decode: Callable[[Raw], T],
    params: Mapping[str, str | int] | None = None,
    *,
    give_up: Callable[[RequestRefused], bool] = lambda _: False,
) -> T:
    """Ask until there is an answer that can be understood: one that was cut short or garbled is none."""

    async def ask() -> T:
        return decode((await api.fetch(path, params)).body)

    return await persistently(link, ask, give_up=give_up)


async def check_key(api: RestApi, link: Link, config: Config, instruments: Sequence[Instrument]) -> None:
    """Raise `UsageError` if the key may withdraw money, or may not trade what it is meant to."""
    try:
        key = await _look(api, link, "/v5/user/query-api", _decode_key, give_up=_is_unknown)
    except RequestRefused:
        link.warn(f"{link.exchange}: whether the key may withdraw money cannot be asked here")
        return
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
    account = await _look(api, link, "/v5/account/info", _decode_account)
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
    positions = await _look(api, link, "/v5/position/list", _decode_leveraged, params)
    if positions:
        hedge = any(position.position_idx for position, _ in positions)
        found = PositionMode.HEDGE if hedge else PositionMode.ONE_WAY
        if found is not config.position_mode:
            raise UsageError(
                f"{link.exchange}: positions in {instrument.native_symbol} are in {found.value} mode, the"
                f" profile says {config.position_mode.value!r}; change it there, or set"
                f" 'position_mode: {found.value}'"
            )
    for _, leverage in positions:
        if config.max_leverage is not None and leverage > config.max_leverage:
            raise UsageError(
                f"{link.exchange}: {instrument.native_symbol} has leverage {leverage}, the profile says at"
                f" most {config.max_leverage}; lower it at the exchange"
            )


def _decode_leveraged(data: Raw) -> list[tuple[PositionState, Decimal]]:
    """Return positions, each with its leverage."""
    found = []
    with reading("leverage"):
        for position in decode_positions(data).positions:
            leverage = Decimal(position.leverage or "0")
            if not leverage.is_finite():
                raise ValueError(f"{position.leverage[:40]!r} is no number")
            found.append((position, leverage))
    return found
