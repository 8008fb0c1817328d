"""``hft order``: place one order on an exchange of a profile, judged by the profile's risk rules."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from loguru import logger

from hft.cli.exit_codes import ExitCode
from hft.cli.options import warner
from hft.clock import NS_PER_S
from hft.errors import GridError, OrderError, UsageError
from hft.events import Fill
from hft.instrument import Instrument, InstrumentId
from hft.market import Market
from hft.order import Order
from hft.orders import Owner
from hft.profile import Mode, read_profile
from hft.registry.loader import Registry
from hft.run.kernel import Kernel
from hft.run.live import Errand, run_live
from hft.run.runtime import run_async
from hft.spelling import did_you_mean
from hft.types import BookState, OrderState, OrderType, Price, Side, TimeInForce

__all__ = ["configure", "run"]

_BOOK_NS = 30 * NS_PER_S
"""How long to wait for the book that the order is checked against."""

_ANSWER_NS = 30 * NS_PER_S
_LOOK_NS = 10_000_000
_WAITING = (OrderState.PENDING_NEW, OrderState.UNKNOWN, OrderState.PENDING_CANCEL)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", type=Path, help="profile whose account and risk rules are used")
    parser.add_argument("instrument", help="what to trade, such as BTC/USDT@binance")
    parser.add_argument("side", choices=[side.value for side in Side], help="buy or sell")
    parser.add_argument("size", help="how much, in the exchange's own units")
    parser.add_argument("--price", help="limit; without one it is a market order")
    parser.add_argument("--trigger", help="price at which a stop becomes active")
    parser.add_argument(
        "--tif", default="GTC", choices=["GTC", "IOC", "FOK"], help="how long it stays, GTC by default"
    )
    parser.add_argument("--post-only", action="store_true", help="refuse it rather than take")
    parser.add_argument("--reduce-only", action="store_true", help="let it do no more than close")
    parser.add_argument("--yes", action="store_true", help="send it without being asked")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


class _Person(Owner):
    """The owner of an order that a person placed."""

    name = ""
    refusal = ""

    def on_order(self, order: Order) -> None:
        """Nothing: it is looked at until there is an answer."""

    def on_fill(self, fill: Fill) -> None:
        """Nothing: the order says how much was filled."""


def run(args: argparse.Namespace) -> ExitCode:
    """Place the order and say what the exchange made of it; what rests stays after the command."""
    profile = read_profile(args.profile, Registry())
    if profile.mode is not Mode.LIVE:
        raise UsageError(f"{args.profile}: mode {profile.mode.value!r} sends no orders, use mode: live")
    if not (args.yes or profile.live):
        raise UsageError("this sends a real order: add --yes, or live: true to the profile")
    placed: list[Order] = []

    async def work(kernel: Kernel) -> None:
        market = _market(kernel, args.instrument)
        await _wait_for_book(kernel, market)
        order = _place(kernel, market.instrument, args)
        placed.append(order)
        logger.info("order {}", order.client_order_id)
        until_ns = kernel.clock.now_ns() + _ANSWER_NS
        while order.state in _WAITING and kernel.clock.now_ns() < until_ns:
            await kernel.clock.sleep(_LOOK_NS)

    errand = Errand(work=work, leaves_orders=True)
    run_async(
        run_live(profile, duration_ns=None, console=None, write=logger.info, warn=warner(), errand=errand)
    )
    if not placed:
        raise OrderError("nothing was sent")
    return _show(placed[0], args)


def _market(kernel: Kernel, name: str) -> Market:
    try:
        market = kernel.markets.get(InstrumentId.parse(name))
    except ValueError as error:
        raise UsageError(str(error)) from None
    if market is None:
        known = [str(instrument) for instrument in kernel.markets]
        raise UsageError(f"{name} is not part of this profile{did_you_mean(name, known)}")
    return market


async def _wait_for_book(kernel: Kernel, market: Market) -> None:
    until_ns = kernel.clock.now_ns() + _BOOK_NS
    while market.book.state is not BookState.LIVE:
        if kernel.clock.now_ns() > until_ns:
            raise OrderError(f"{market.instrument}: its book is {market.book.state.value}, try again")
        await kernel.clock.sleep(_LOOK_NS)


def _place(kernel: Kernel, instrument: Instrument, args: argparse.Namespace) -> Order:
    try:
        size = instrument.size(args.size)
        price = None if args.price is None else instrument.price(args.price)
        trigger = None if args.trigger is None else instrument.price(args.trigger)
    except GridError as error:
        raise UsageError(f"{instrument}: {error}") from None
    return kernel.manager.place(
        _Person(),
        instrument,
        Side(args.side),
        size,
        price,
        type=_type(price, trigger),
        time_in_force=TimeInForce(args.tif),
        post_only=args.post_only,
        reduce_only=args.reduce_only,
        trigger_price=trigger,
    )


def _type(price: Price | None, trigger: Price | None) -> OrderType:
    if trigger is None:
        return OrderType.MARKET if price is None else OrderType.LIMIT
    return OrderType.STOP_MARKET if price is None else OrderType.STOP_LIMIT


def _show(order: Order, args: argparse.Namespace) -> ExitCode:
    instrument = order.instrument
    shown: dict[str, Any] = {
        "order": order.client_order_id,
        "exchange_order_id": order.exchange_order_id,
        "state": order.state.value,
        "size": instrument.format_size(order.size),
        "filled": instrument.format_size(order.filled),
        "reason": order.reason,
    }
    if args.json:
        print(json.dumps(shown))
    else:
        reason = f": {order.reason}" if order.reason else ""
        filled = f", {shown['filled']} of {shown['size']} filled" if order.filled else ""
        print(f"{order.client_order_id} is {order.state.value}{filled}{reason}")
    refused = order.state in (OrderState.REJECTED, OrderState.UNKNOWN)
    return ExitCode.FAULT if refused else ExitCode.STOPPED
