"""The user data events of the simulated USD-M futures."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from hft import Clock
from hft.sim import (
    ClientOrder,
    EndReason,
    EventQueue,
    Fill,
    IncomeKind,
    Leg,
    MarginAccount,
    OrderEvent,
    SyntheticMarket,
)
from hft_binance.simulator.listing import NS_PER_MS, Listing
from hft_binance.simulator.native import native, status
from hft_binance.simulator.usdm_bodies import amount, average_price, plain

__all__ = ["LEGS", "USDM_EVENTS", "UsdmEvents"]

USDM_EVENTS = (
    "ORDER_TRADE_UPDATE",
    "ACCOUNT_UPDATE",
    "TRADE_LITE",
    "ALGO_UPDATE",
    "ACCOUNT_CONFIG_UPDATE",
    "MARGIN_CALL",
    "CONDITIONAL_ORDER_TRIGGER_REJECT",
    "listenKeyExpired",
)
LEGS = {Leg.NET: "BOTH", Leg.LONG: "LONG", Leg.SHORT: "SHORT"}

_KINDS = {
    OrderEvent.NEW: "NEW",
    OrderEvent.TRIGGERED: "NEW",
    OrderEvent.FILL: "TRADE",
    OrderEvent.AMENDED: "AMENDMENT",
    OrderEvent.PREVENTED: "EXPIRED",
    OrderEvent.CANCELED: "CANCELED",
    OrderEvent.EXPIRED: "EXPIRED",
}
_REASONS = {
    IncomeKind.FUNDING: "FUNDING_FEE",
    IncomeKind.TRANSFER: "DEPOSIT",
    IncomeKind.INSURANCE: "INSURANCE_CLEAR",
}
_EXPIRY = {
    EndReason.SELF_TRADE: "1",
    EndReason.IMMEDIATE: "2",
    EndReason.FILL_OR_KILL: "2",
    EndReason.NOT_COVERED: "3",
    EndReason.NO_LIQUIDITY: "4",
    EndReason.REDUCE_ONLY: "5",
    EndReason.LIQUIDATION: "6",
}

_encode = msgspec.json.Encoder().encode


class UsdmEvents:
    """Publishes what happens to futures accounts under ``user/ACCOUNT/EVENT``."""

    def __init__(self, queue: EventQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Report an event of an order; a fill also by its short form, and by what it did to the account."""
        account = order.account
        assert isinstance(account, MarginAccount)
        time_ms = order.updated_ns // NS_PER_MS
        if fill is not None:
            self.publish(account.id, "TRADE_LITE", time_ms, _lite(fill))
            self._account_update(
                account,
                "ORDER",
                order.market.instrument.settle,
                Decimal(0),
                [(order.market, order.leg)],
                time_ms,
            )
        self.publish(account.id, "ORDER_TRADE_UPDATE", time_ms, {"o": _report(order, event, fill)})

    def on_money(
        self,
        account: MarginAccount,
        kind: IncomeKind,
        asset: str,
        amount: Decimal,
        market: SyntheticMarket | None,
    ) -> None:
        """Report funding, a transfer, or what the insurance paid."""
        legs: list[tuple[SyntheticMarket, Leg]] = []
        if market is not None and market in account.isolated:
            legs = [
                (held, leg) for held, leg, position in account.legs(asset) if held is market and position.size
            ]
        change = Decimal(0) if kind is IncomeKind.FUNDING else amount
        reason = "WITHDRAW" if kind is IncomeKind.TRANSFER and amount < 0 else _REASONS[kind]
        self._account_update(account, reason, asset, change, legs, self._clock.now_ns() // NS_PER_MS)

    def on_margin_call(self, account: MarginAccount, asset: str) -> None:
        """Warn that margin is nearly gone."""
        positions = []
        for market, leg, position in account.legs(asset):
            if position.size:
                instrument = market.instrument
                mark = market.mark.mark if market.mark is not None else Decimal(0)
                positions.append(
                    {
                        "s": instrument.native_symbol,
                        "ps": LEGS[leg],
                        "pa": instrument.format_size(abs(position.size))
                        if position.size >= 0
                        else "-" + instrument.format_size(abs(position.size)),
                        "mt": "ISOLATED" if market in account.isolated else "CROSSED",
                        "iw": plain(position.isolated),
                        "mp": f"{mark:f}",
                        "up": amount(position.unrealised(mark, instrument.tick_size)),
                        "mm": amount(account.position_margin(market, leg)),
                    }
                )
        body = {
            "cw": amount(account.wallets.get(asset, Decimal(0)) - account.isolated_margin(asset)),
            "p": positions,
        }
        self.publish(account.id, "MARGIN_CALL", None, body)

    def leverage(self, account: MarginAccount, listing: Listing, leverage: int) -> None:
        """Report a changed leverage."""
        self.publish(
            account.id,
            "ACCOUNT_CONFIG_UPDATE",
            self._clock.now_ns() // NS_PER_MS,
            {"ac": {"s": listing.symbol, "l": leverage}},
        )

    def multi_assets(self, account: MarginAccount) -> None:
        """Report a changed margin mode of the account."""
        self.publish(
            account.id,
            "ACCOUNT_CONFIG_UPDATE",
            self._clock.now_ns() // NS_PER_MS,
            {"ai": {"j": account.is_multi_asset}},
        )

    def publish(self, account: str, kind: str, time_ms: int | None, body: dict[str, Any]) -> None:
        """Publish an event, if somebody listens."""
        topic = f"user/{account}/{kind}"
        if self._queue.is_wanted(topic):
            event: dict[str, Any] = {"e": kind, "E": self._clock.now_ns() // NS_PER_MS}
            if time_ms is not None:
                event["T"] = time_ms
            self._queue.publish(topic, _encode(event | body).decode())

    def _account_update(
        self,
        account: MarginAccount,
        reason: str,
        asset: str,
        change: Decimal,
        legs: Iterable[tuple[SyntheticMarket, Leg]],
        time_ms: int,
    ) -> None:
        wallet = account.wallets.get(asset, Decimal(0))
        cross = wallet - account.isolated_margin(asset)
        balance = {"a": asset, "wb": amount(wallet), "cw": amount(cross), "bc": plain(change)}
        positions = [_position(account, market, leg) for market, leg in legs]
        body = {"m": reason, "B": [balance], "P": positions}
        self.publish(account.id, "ACCOUNT_UPDATE", time_ms, {"a": body})


def _position(account: MarginAccount, market: SyntheticMarket, leg: Leg) -> dict[str, Any]:
    position, instrument = account.position(market, leg), market.instrument
    assert market.mark is not None
    isolated = market in account.isolated
    return {
        "s": instrument.native_symbol,
        "pa": instrument.format_size(position.size) if position.size else "0",
        "ep": plain(round(position.entry(instrument.tick_size), 8)),
        "bep": plain(round(position.entry(instrument.tick_size, with_fees=True), 8)),
        "cr": plain(position.realised),
        "up": plain(position.unrealised(market.mark.mark, instrument.tick_size)),
        "mt": "isolated" if isolated else "cross",
        "iw": plain(position.isolated) if isolated else "0",
        "ps": LEGS[leg],
        "ma": instrument.settle,
    }


def _report(order: ClientOrder, event: OrderEvent, fill: Fill | None) -> dict[str, Any]:
    words = native(order)
    listing = words.listing
    body: dict[str, Any] = {
        "s": listing.symbol,
        "c": order.client_id,
        "S": order.side.name,
        "o": words.type,
        "f": words.time_in_force,
        "q": listing.size(order.size),
        "p": "0" if order.price is None else listing.price(order.price),
        "ap": average_price(order) if order.filled else "0",
        "sp": words.stop_price or "0",
        "x": "CALCULATED" if order.by_exchange and fill is not None else _KINDS[event],
        "X": status(order),
        "i": order.id,
        "l": "0" if fill is None else listing.size(fill.size),
        "z": listing.size(order.filled) if order.filled else "0",
        "L": "0" if fill is None else listing.price(fill.price),
    }
    if fill is not None:
        body |= {"N": fill.fee_asset, "n": amount(fill.fee)}
    return body | {
        "T": order.updated_ns // NS_PER_MS,
        "t": 0 if fill is None else fill.trade_id,
        "b": "0",
        "a": "0",
        "m": fill is not None and fill.is_maker,
        "R": order.reduce_only,
        "wt": words.working_type,
        "ot": words.original_type or words.type,
        "ps": words.position_side,
        "cp": words.close_position,
        "rp": "0" if fill is None else plain(fill.realised),
        "pP": words.price_protect,
        "si": 0,
        "ss": 0,
        "V": words.self_trade,
        "pm": words.price_match,
        "gtd": words.good_till_ms,
        "er": "0" if order.end is None else _EXPIRY.get(order.end, "0"),
    }


def _lite(fill: Fill) -> dict[str, Any]:
    order, listing = fill.order, native(fill.order).listing
    return {
        "s": listing.symbol,
        "q": listing.size(order.size),
        "p": "0" if order.price is None else listing.price(order.price),
        "m": fill.is_maker,
        "c": order.client_id,
        "S": order.side.name,
        "L": listing.price(fill.price),
        "l": listing.size(fill.size),
        "t": fill.trade_id,
        "i": order.id,
    }
