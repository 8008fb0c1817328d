"""Read orders of the simulated USD-M futures from the parameters of a request."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hft import Clock, Price, Side, Size, TimeInForce
from hft.sim import ClientOrder, Leg, MarginAccount, Refused, SelfTrade, lots_of, ticks_of
from hft_binance.simulator import usdm_bodies
from hft_binance.simulator.listing import NS_PER_MS, Listing
from hft_binance.simulator.native import NativeOrder
from hft_binance.simulator.params import ApiError, Params, missing
from hft_binance.simulator.spot_reader import SIDES, new_client_id
from hft_binance.simulator.words import api_error, invalid_symbol

__all__ = ["SELF_TRADE_MODES", "UsdmReader"]

_TIMES = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTX": TimeInForce.GTC,
    "GTD": TimeInForce.GTD,
}
_CONDITIONAL_TYPES = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
_LEGS = {"BOTH": Leg.NET, "LONG": Leg.LONG, "SHORT": Leg.SHORT}
SELF_TRADE_MODES = {
    "NONE": SelfTrade.ALLOW,
    "EXPIRE_TAKER": SelfTrade.EXPIRE_TAKER,
    "EXPIRE_MAKER": SelfTrade.EXPIRE_MAKER,
    "EXPIRE_BOTH": SelfTrade.EXPIRE_BOTH,
}
_MATCHES = re.compile(r"(OPPONENT|QUEUE)(?:_(5|10|20))?")
_CLIENT_ID = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")
_MIN_GTD_MS = 600_000


class UsdmReader:
    """Makes orders of requests: symbols, grids, sides, ids."""

    def __init__(self, listings: Mapping[str, Listing], clock: Clock, seed: int) -> None:
        self._listings = listings
        self._clock = clock
        self._random = random.Random(f"{seed}:futures client ids")

    def listing(self, params: Params) -> Listing:
        """Return the symbol that is asked about."""
        symbol = params.required("symbol") and params.symbol()
        listing = self._listings.get(symbol or "")
        if listing is None:
            raise invalid_symbol()
        return listing

    def read(
        self, params: Params, account: MarginAccount
    ) -> tuple[ClientOrder, Callable[[ClientOrder], Any]]:
        """Read an order from its parameters."""
        listing = self.listing(params)
        params.required("side")
        side = params.choice("side", SIDES, ApiError(-1117, "Invalid side."))
        assert side is not None
        kind = params.required("type")
        if kind in _CONDITIONAL_TYPES:
            raise ApiError(
                -4120,
                "Order type not supported for this endpoint. "
                "Please use the Algo Order API endpoints instead.",
            )
        if kind not in ("LIMIT", "MARKET"):
            raise ApiError(-1116, "Invalid orderType.")
        words = params.choice(
            "timeInForce", {name: name for name in _TIMES}, ApiError(-1115, "Invalid timeInForce.")
        )
        if kind == "LIMIT" and words is None:
            raise missing("timeInForce")
        if kind == "MARKET" and words is not None:
            raise ApiError(-1106, "Parameter 'timeInForce' sent when not required.")
        match = params.text("priceMatch")
        price, quantity = params.decimal("price"), params.decimal("quantity")
        if quantity is None:
            raise missing("quantity")
        if kind == "MARKET" and (price is not None or match not in (None, "NONE")):
            raise ApiError(-1106, "Parameter 'price' sent when not required.")
        if kind == "LIMIT" and match in (None, "NONE") and price is None:
            raise missing("price")
        if match not in (None, "NONE") and price is not None:
            raise ApiError(-1106, "Parameter 'price' sent when not required.")
        market, good_till_ms = listing.synthetic(), self._good_till(params, words)
        ticks, lots = self.grid(listing, price, quantity)
        if kind == "LIMIT" and ticks is None:
            ticks = self._matched(listing, side, match or "")
        mode = params.text("selfTradePreventionMode") or "EXPIRE_MAKER"
        if mode not in SELF_TRADE_MODES:
            raise ApiError(-4188, "Invalid selfTradePreventionMode.")
        leg, reduce_only = self.position_side(params, account)
        time_in_force = _TIMES[words or "GTC"]
        order = ClientOrder(
            account=account,
            market=market,
            side=side,
            size=lots,
            price=ticks,
            client_id=self.client_id(params, "newClientOrderId"),
            time_in_force=time_in_force,
            post_only=words == "GTX",
            reduce_only=reduce_only,
            leg=leg,
            self_trade=SELF_TRADE_MODES[mode],
            good_till_ns=good_till_ms * NS_PER_MS,
            native=NativeOrder(
                listing=listing,
                type=kind,
                time_in_force=words or "GTC",
                self_trade=mode,
                position_side=leg.name if leg is not Leg.NET else "BOTH",
                price_match=match or "NONE",
                good_till_ms=good_till_ms,
            ),
        )
        answers = {"ACK": usdm_bodies.order_ack, "RESULT": usdm_bodies.order_result}
        wanted = params.choice("newOrderRespType", answers, ApiError(-1130, "Invalid newOrderRespType."))
        return order, wanted or usdm_bodies.order_ack

    def grid(self, listing: Listing, price: Decimal | None, quantity: Decimal) -> tuple[Price | None, Size]:
        """Put price and quantity on the grid; raise `ApiError` where they are not."""
        instrument = listing.market.instrument
        _check_digits(price, _digits(instrument.tick_size) + 1)
        _check_digits(quantity, _digits(instrument.lot_size))
        if quantity <= 0:
            raise ApiError(-4003, "Quantity less than or equal to zero.")
        try:
            return (
                None if price is None else ticks_of(instrument, price),
                lots_of(instrument, quantity),
            )
        except Refused as refused:
            raise api_error(listing, refused) from None

    def position_side(self, params: Params, account: MarginAccount) -> tuple[Leg, bool]:
        """Read which position is meant, and whether it may only shrink."""
        leg = params.choice("positionSide", _LEGS, ApiError(-1130, "Invalid positionSide."))
        leg = leg or Leg.NET
        if params.has("reduceOnly") and account.is_hedged and leg is not Leg.NET:
            raise ApiError(-1106, "Parameter 'reduceonly' sent when not required.")
        return leg, params.flag("reduceOnly")

    def client_id(self, params: Params, name: str) -> str:
        """Read the client's own id, or make one."""
        value = params.text(name)
        if value is None:
            return new_client_id(self._random)
        if not _CLIENT_ID.fullmatch(value):
            raise ApiError(-4015, "Client order id is not valid.")
        return value

    def _good_till(self, params: Params, words: str | None) -> int:
        date = params.number("goodTillDate")
        if words != "GTD":
            return 0
        if date is None:
            raise missing("goodTillDate")
        if date < self._clock.now_ns() // NS_PER_MS + _MIN_GTD_MS:
            raise ApiError(-4197, "goodTillDate must be greater than the current time plus 600 seconds.")
        return date // 1000 * 1000

    @staticmethod
    def _matched(listing: Listing, side: Side, match: str) -> Price:
        found = _MATCHES.fullmatch(match)
        if found is None:
            raise ApiError(-1130, "Invalid priceMatch.")
        other = side.opposite if found[1] == "OPPONENT" else side
        place = int(found[2] or 1)
        levels = listing.market.levels(other, place)
        if len(levels) < place:
            raise ApiError(
                -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
            )
        return levels[-1][0]


def _digits(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _check_digits(value: Decimal | None, most: int) -> None:
    if value is not None and value != round(value, most):
        raise ApiError(-1111, "Precision is over the maximum defined for this asset.")
