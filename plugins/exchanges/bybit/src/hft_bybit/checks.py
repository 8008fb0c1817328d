"""What is looked at before anything is traded: what the key may do, and how the account is set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from hft import Backoff, DecodeError, Instrument, Link, TransportError, UsageError, decoder
from hft_bybit.config import Config, MarginMode, PositionMode
from hft_bybit.endpoints import Product, product_traded
from hft_bybit.private_codec import AccountInfo, ApiKeyInfo, PositionState, decode_positions
from hft_bybit.refusals import BAD_KEY
from hft_bybit.rest_api import Refusal, RestApi

__all__ = ["check_account", "check_key", "persistently"]

_INITIAL_NS, _MAXIMUM_NS = 500_000_000, 30_000_000_000
_LARGE_OFFSET_NS = 1_000_000_000

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
            if error.code in BAD_KEY or error.status == 401:
                raise UsageError(
                    f"{link.exchange}: {error}; check key, secret, environment {link.environment!r},"
                    " the key's rights and the addresses it is bound to"
                ) from None
            if error.status == 404:
                raise
            link.warn(str(error))
        except (TransportError, DecodeError) as error:
            link.warn(str(error))


async def check_key(api: RestApi, link: Link, config: Config, instruments: Sequence[Instrument]) -> None:
    """Raise `UsageError` if the key may withdraw money, or may not trade what it is meant to."""
    try:
        result = await persistently(link, lambda: api.fetch("/v5/user/query-api"))
    except Refusal:
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
    _warn_of_time(api, link)
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


def _warn_of_time(api: RestApi, link: Link) -> None:
    offset_ns = api.clock.offset_ns
    if abs(offset_ns) > _LARGE_OFFSET_NS:
        ahead = "behind" if offset_ns > 0 else "ahead"
        link.warn(
            f"{link.exchange}: this clock is {abs(offset_ns) / 1e9:.3f} s {ahead} of the exchange's;"
            " requests are given the exchange's time, latencies are wrong; synchronise it"
        )
