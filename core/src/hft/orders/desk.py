"""One instrument's side of order keeping: who trades it, what the exchange allows, what is open."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

from hft.instrument import Instrument
from hft.market import Market
from hft.order import Order
from hft.plugin.execution import ApprovedOrder, ExecutionClient
from hft.primitives import MOST, within
from hft.types import BookState, OrderType, PositionSide, Price, Side, Size, TimeInForce

if TYPE_CHECKING:  # a record knows its desk
    from hft.orders.record import Record

__all__ = ["Desk"]

_MAX_SIZE = Size(2**62)
_MOST = MOST


# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_BUY = Side.BUY
_LIVE = BookState.LIVE
_LIMIT = OrderType.LIMIT
_BOTH = PositionSide.BOTH
_GTC, _GTD, _IOC, _FOK = TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK


class Desk:
    """One instrument: its market and client, its exchange's limits, and our open orders.

    ``records`` are of the orders that may still trade, oldest first: few, as a rule. ``buys`` and ``sells``
    are the lots that may still trade on each side, kept up to date by `Record.expose` so that no risk rule
    needs to add up orders. ``blank`` is an order of this instrument that asks for nothing yet, to be copied.
    ``offline`` says why nothing can be sent, empty while it can: a client that needs no connection never
    says anything of it.
    """

    __slots__ = (
        "_amends",
        "_any_price",
        "_least_price",
        "_least_size",
        "_max_size",
        "_min_size",
        "_min_value",
        "_most_size",
        "_post_only",
        "_tradable",
        "amend",
        "blank",
        "buys",
        "cancel",
        "capabilities",
        "client",
        "instrument",
        "market",
        "offline",
        "place",
        "records",
        "sells",
    )

    def __init__(self, market: Market, client: ExecutionClient[Any]) -> None:
        self.market = market
        self.client = client
        # Bound once: to find them by their names costs more than the call.
        self.place: Callable[[ApprovedOrder], None] = client.place
        self.amend: Callable[[ApprovedOrder, Price, Size], None] = client.amend
        self.cancel: Callable[[Order], None] = client.cancel
        self.instrument = instrument = market.instrument
        self.records: list[Record] = []
        self.buys = 0
        self.sells = 0
        self.offline = ""
        self.capabilities = client.capabilities_of(instrument)
        self.blank = Order(
            client_order_id="", strategy="", instrument=instrument, side=_BUY, size=Size(0), price=None
        )
        # Both an instrument and what an exchange can do stay what they are.
        self._tradable = instrument.tradable
        self._any_price = instrument.price_figures is None
        self._amends = self.capabilities.amend
        self._post_only = self.capabilities.post_only
        self._min_size = max(Size(1), instrument.min_size)
        self._max_size = _MAX_SIZE if instrument.max_size is None else instrument.max_size
        # Of an inverse contract the value does not follow from price times size.
        self._min_value = 0 if instrument.inverse else _ceil(instrument.min_notional / instrument.point_value)
        # Of what keeps to these nothing else need be asked: nearly all does.
        simple = self._tradable and self._any_price and self._min_value <= _MOST
        self._least_size = min(self._min_size, _MOST)
        self._most_size = min(self._max_size, _MAX_SIZE) if simple else 0
        self._least_price = min(max(1, self._min_value), _MOST)

    @property
    def closed(self) -> str:
        """Why nothing may be sent now, whatever it is; empty when it may."""
        state = self.market.book.state
        if state is not _LIVE:
            return f"book: {self.instrument.id} is {state.value}, orders wait until it is LIVE"
        return self.offline

    def refusal(self, order: Order, price: Price | None, size: Size) -> str:
        """Say why an order of this price and size may not be sent now; empty when it may."""
        if self.market.book.state is not _LIVE or self.offline:
            return self.closed
        if (
            price is not None
            and within(size, self._least_size, self._most_size)
            and within(price, self._least_price, _MOST)
        ):
            return ""
        return self._objection(order, price, size)

    def _objection(self, order: Order, price: Price | None, size: Size) -> str:
        """Say what the exchange has against price or size; empty when it has nothing."""
        instrument, side = self.instrument, order.side
        if not self._tradable:
            return f"instrument: {instrument.id} is not open for trading"
        if size < self._min_size:
            return f"size: {instrument.format_size(size)} is below {instrument.format_size(self._min_size)}"
        if size > self._max_size:
            return f"size: {instrument.format_size(size)} is above {instrument.format_size(self._max_size)}"
        if price is None:
            book = self.market.book
            price = book.best_ask if side is _BUY else book.best_bid
            if price is None:
                return f"book: {instrument.id} has nothing to {side} from"
        elif price <= 0:
            return f"price: {instrument.format_price(price)} is not positive"
        elif not (self._any_price or instrument.allows_price(price)):
            return _too_fine(instrument, price)
        # Exchanges let a position be closed whatever it is worth.
        if price < self._min_value and price * size < self._min_value and not order.reduce_only:
            return f"notional: {instrument.notional(price, size)} is below {instrument.min_notional}"
        return ""

    def unsupported(self, order: Order) -> str:
        """Say what of an order this exchange does not offer; empty when it offers all."""
        if (
            order.type is _LIMIT
            and order.price is not None
            and order.trigger_price is None
            and order.position_side is _BOTH
            and order.time_in_force is _GTC
            and not order.reduce_only
            and not order.expire_ns
            and (self._post_only or not order.post_only)
        ):
            return ""  # what nearly all are
        able = self.capabilities
        if order.type.has_price is (order.price is None):
            return (
                f"order: a {order.type.value} order {'needs a' if order.type.has_price else 'has no'} price"
            )
        if order.type.has_trigger is (order.trigger_price is None):
            needs = "needs a" if order.type.has_trigger else "has no"
            return f"order: a {order.type.value} order {needs} trigger price"
        if order.trigger_price is not None and not self.instrument.allows_price(order.trigger_price):
            return _too_fine(self.instrument, order.trigger_price)
        if order.position_side is not _BOTH and not able.hedge:
            return f"order: hedge mode is not offered by {self.instrument.exchange}"
        if order.post_only:
            if not able.post_only:
                return f"order: post-only is not offered by {self.instrument.exchange}"
            if order.type is not _LIMIT or order.time_in_force in (_IOC, _FOK):
                return "order: one that cannot rest cannot be post-only"
        if order.reduce_only and not able.reduce_only:
            return f"order: reduce-only is not offered by {self.instrument.exchange}"
        if order.time_in_force is not _GTC and order.time_in_force not in able.times_in_force:
            return f"order: {order.time_in_force.value} is not offered by {self.instrument.exchange}"
        if (order.time_in_force is _GTD) is not (order.expire_ns > 0):
            return "order: a GTD order needs expire_ns, any other has none"
        if order.type is not _LIMIT and order.type not in able.order_types:
            return f"order: {order.type.value} orders are not offered by {self.instrument.exchange}"
        return ""

    def amends(self, order: Order, price: Price, size: Size) -> bool:
        """Say whether the exchange makes this change of an order in one message."""
        return self._amends or (
            self.capabilities.amend_reduces and price == order.price and size < order.size
        )


def _too_fine(instrument: Instrument, price: Price) -> str:
    figures = instrument.price_figures
    return f"price: {instrument.format_price(price)} has more than {figures} figures and is no whole number"


def _ceil(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))
