"""Requests of the simulated futures about several orders, and the countdown that cancels them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from hft import Clock, Timer
from hft.sim import MarginAccount, SyntheticMarket
from hft_binance.simulator.calls import Call
from hft_binance.simulator.listing import NS_PER_MS
from hft_binance.simulator.params import ApiError, Params
from hft_binance.simulator.usdm_orders import UsdmOrders

__all__ = ["UsdmBatches", "batch_size"]

ArgT = TypeVar("ArgT")

_MOST_PLACED, _MOST_CANCELED = 5, 10

_decode_orders = msgspec.json.Decoder(list[dict[str, Any]]).decode
_decode_ids = msgspec.json.Decoder(list[int]).decode
_decode_client_ids = msgspec.json.Decoder(list[str]).decode


class UsdmBatches:
    """Carries out each part of a batch by itself: some may be refused where others are not."""

    def __init__(self, orders: UsdmOrders, clock: Clock) -> None:
        self._orders = orders
        self._clock = clock
        self._countdowns: dict[tuple[str, SyntheticMarket], Timer] = {}

    def place(self, call: Call) -> Any:
        """Place up to five orders."""
        account = self._orders.account(call)

        def place(params: Params) -> Any:
            order, answer = self._orders.reader.read(params, account)
            params.finish()
            return self._orders.submit(order, answer)

        return self._each(call, place)

    def modify(self, call: Call) -> Any:
        """Modify up to five orders."""
        account = self._orders.account(call)
        return self._each(call, lambda params: self._orders.modify_with(params, account, finish=True))

    def cancel(self, call: Call) -> Any:
        """Cancel up to ten orders."""
        params, account = call.params, self._orders.account(call)
        listing = self._orders.listing(params)
        ids, client_ids = params.text("orderIdList"), params.text("origClientOrderIdList")
        params.finish()
        found = []
        try:
            if ids is not None:
                found = [account.find(listing.synthetic(), order_id=one) for one in _decode_ids(ids)]
            elif client_ids is not None:
                found = [
                    account.find(listing.synthetic(), client_id=one) for one in _decode_client_ids(client_ids)
                ]
        except msgspec.DecodeError:
            raise ApiError(-1130, "Data sent for parameter 'orderIdList' is not valid.") from None
        if not found:
            raise ApiError(-1102, "Param 'origClientOrderIdList' or 'orderIdList' must be sent.")
        if len(found) > _MOST_CANCELED:
            raise ApiError(-4083, f"Max {_MOST_CANCELED} orders in a batch.")
        return [_or_error(self._orders.end, order) for order in found]

    def count_down(self, call: Call) -> Any:
        """Cancel all orders of a symbol unless this is called again in time; 0 calls it off."""
        params, account = call.params, self._orders.account(call)
        listing = self._orders.listing(params)
        params.required("countdownTime")
        countdown_ms = params.number("countdownTime") or 0
        params.finish()
        market = listing.synthetic()
        timer = self._countdowns.pop((account.id, market), None)
        if timer is not None:
            timer.cancel()
        if countdown_ms:
            self._countdowns[account.id, market] = self._clock.call_later(
                countdown_ms * NS_PER_MS, lambda: self._run_out(account, market)
            )
        return {"symbol": listing.symbol, "countdownTime": str(countdown_ms)}

    def stop(self) -> None:
        """Cancel every timer."""
        for timer in self._countdowns.values():
            timer.cancel()

    def _run_out(self, account: MarginAccount, market: SyntheticMarket) -> None:
        self._countdowns.pop((account.id, market), None)
        for order in account.open_orders(market):
            self._orders.desk.cancel(order)

    @staticmethod
    def _each(call: Call, act: Callable[[Params], Any]) -> list[Any]:
        text = call.params.required("batchOrders")
        call.params.finish()
        try:
            wanted = _decode_orders(text)
        except msgspec.DecodeError:
            raise ApiError(-1130, "Data sent for parameter 'batchOrders' is not valid.") from None
        if not wanted or len(wanted) > _MOST_PLACED:
            raise ApiError(-4082, f"Invalid number of batch place orders, at most {_MOST_PLACED}.")
        texts = [
            {
                name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
                for name, value in one.items()
            }
            for one in wanted
        ]
        return [_or_error(act, Params(one)) for one in texts]


def batch_size(query: Any) -> int:
    """Return how many orders a request places, for the counters."""
    try:
        return len(_decode_orders(query.get("batchOrders", "")))
    except msgspec.DecodeError:
        return 1


def _or_error(act: Callable[[ArgT], Any], argument: ArgT) -> Any:
    try:
        return act(argument)
    except ApiError as error:
        return {"code": error.code, "msg": error.msg}
