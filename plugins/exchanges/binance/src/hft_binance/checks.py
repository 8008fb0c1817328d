"""What is looked at before anything is traded: what the key may do, and how the account is set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from hft import Link, PositionMode, RequestRefused, UsageError, decoder, persistently
from hft_binance.config import Config
from hft_binance.endpoints import Product
from hft_binance.private_codec import FuturesConfig, Restrictions, SpotAccount, SymbolConfig
from hft_binance.rest_api import RestApi

__all__ = ["check_account", "check_key"]

_decode_restrictions = decoder(Restrictions, "rights of the key")
_decode_account = decoder(SpotAccount, "account")
_decode_config = decoder(FuturesConfig, "account")
_decode_symbols = decoder(list[SymbolConfig], "settings of symbols")

T = TypeVar("T")


def _is_unknown(error: RequestRefused) -> bool:
    """Say whether the environment has no such question."""
    return error.status == 404


async def _look(
    api: RestApi,
    link: Link,
    path: str,
    decode: Callable[[bytes], T],
    *,
    weight: int,
    params: Mapping[str, str] | None = None,
    give_up: Callable[[RequestRefused], bool] = lambda _: False,
) -> T:
    """Ask until there is an answer that can be understood: one that was cut short or garbled is none."""

    async def ask() -> T:
        return decode((await api.fetch("GET", path, params, weight=weight)).body)

    return await persistently(link, ask, give_up=give_up)


async def check_account(api: RestApi, link: Link, config: Config, symbols: Collection[str]) -> None:
    """Raise `UsageError` if the key cannot or must not trade ``symbols``."""
    if api.product is Product.SPOT:
        params = {"omitZeroBalances": "true"}
        account = await _look(api, link, "/api/v3/account", _decode_account, weight=20, params=params)
        can_trade = account.can_trade
    else:
        can_trade = await _check_futures(api, link, config, symbols)
    if not can_trade:
        raise UsageError(f"{link.exchange}: the {api.product.value} account may not trade")


async def check_key(api: RestApi, link: Link, config: Config, products: Collection[Product]) -> None:
    """Raise `UsageError` if the key may withdraw money, or may not trade what it is meant to."""
    path = "/sapi/v1/account/apiRestrictions"
    try:
        rights = await _look(api, link, path, _decode_restrictions, weight=1, give_up=_is_unknown)
    except RequestRefused:
        link.warn(f"{link.exchange}: whether the key may withdraw money cannot be asked here")
        return
    if rights.withdrawals and not config.allow_withdrawals:
        raise UsageError(
            f"{link.exchange}: the key may withdraw money, make one that may not,"
            " or set 'allow_withdrawals: true'"
        )
    for product, allowed in ((Product.SPOT, rights.spot), (Product.USDM, rights.futures)):
        if product in products and not allowed:
            raise UsageError(f"{link.exchange}: the key may not trade {product.value}, enable that for it")


async def _check_futures(api: RestApi, link: Link, config: Config, symbols: Collection[str]) -> bool:
    try:
        found = await _look(
            api, link, "/fapi/v1/accountConfig", _decode_config, weight=5, give_up=_is_unknown
        )
    except RequestRefused:
        # Not everywhere is it all told at once.
        found = await _look(api, link, "/fapi/v1/positionSide/dual", _decode_config, weight=30)
    mode = PositionMode.HEDGE if found.hedge else PositionMode.ONE_WAY
    if mode is not config.position_mode:
        raise UsageError(
            f"{link.exchange}: the futures account is in {mode.value} mode, the profile says"
            f" {config.position_mode.value!r}; change it there, or set 'position_mode: {mode.value}'"
        )
    if config.multi_assets is not None and found.multi_assets is not config.multi_assets:
        raise UsageError(
            f"{link.exchange}: the futures account's multi-assets mode is {found.multi_assets}, the profile"
            f" says {config.multi_assets}; change it there or in the profile"
        )
    if config.max_leverage is not None:
        await _check_leverage(api, link, config.max_leverage, symbols)
    return found.can_trade


async def _check_leverage(api: RestApi, link: Link, most: int, symbols: Collection[str]) -> None:
    for each in await _look(api, link, "/fapi/v1/symbolConfig", _decode_symbols, weight=5):
        if each.symbol in symbols and each.leverage > most:
            raise UsageError(
                f"{link.exchange}: {each.symbol} has leverage {each.leverage}, the profile says at most"
                f" {most}; lower it at the exchange"
            )
