"""The public REST endpoints of the simulated Binance: routes, weights, errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import attrs
import msgspec
from aiohttp import web

from hft import Clock
from hft_binance.simulator import answers
from hft_binance.simulator.listing import NS_PER_MS, SPOT, Listing, ProductRules
from hft_binance.simulator.params import ApiError, Params
from hft_binance.simulator.weights import Charge, WeightCounter

__all__ = ["Rest", "refusal"]

_READY_STEP_NS = 20_000_000
_READY_NS = 5_000_000_000
"""How long a request for a recorded book waits for its capture to have got that far."""

_FUTURES_DEPTHS = (5, 10, 20, 50, 100, 500, 1000)

_encode = msgspec.json.Encoder().encode


@attrs.frozen
class _Endpoint:
    weight: Callable[[Mapping[str, str]], int]
    answer: Callable[[Params], Awaitable[Any]]


class Rest:
    """One product's public endpoints over its listings.

    ``described`` maps symbols to what ``exchangeInfo`` says of them. ``wake`` is called by requests
    for market data: a playback that waits for its first client begins. ``limits`` is a multiple of the
    published ones, 0 means none. Weights are those of the
    documentation of 2026.
    """

    def __init__(
        self,
        product: ProductRules,
        listings: Iterable[Listing],
        described: Mapping[str, Mapping[str, Any]],
        clock: Clock,
        wake: Callable[[], None],
        limits: float = 1.0,
    ) -> None:
        self.weights = WeightCounter(int(product.weight_per_min * limits), clock)
        self._product = product
        self._listings = {listing.symbol: listing for listing in listings}
        self._described = described
        self._clock = clock
        self._wake = wake

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoints as routes."""
        endpoints = self._endpoints()
        routes = {self._product.rest + path: endpoint for path, endpoint in endpoints.items()}
        if self._product is not SPOT:
            routes["/fapi/v2/ticker/price"] = endpoints["/ticker/price"]
            # Clients that load every product at once ask for the futures margined in coins as well.
            routes["/dapi/v1/exchangeInfo"] = _Endpoint(_always(1), self._no_symbols)
        return [web.get(path, self._handler(endpoint)) for path, endpoint in routes.items()]

    def _endpoints(self) -> dict[str, _Endpoint]:
        spot = self._product is SPOT
        endpoints = {
            "/ping": _Endpoint(_always(1), self._ping),
            "/time": _Endpoint(_always(1), self._time),
            "/exchangeInfo": _Endpoint(_always(20 if spot else 1), self._exchange_info),
            "/depth": _Endpoint(_spot_depth_weight if spot else _futures_depth_weight, self._depth),
            "/trades": _Endpoint(_always(25 if spot else 5), self._trades),
            "/aggTrades": _Endpoint(_always(4 if spot else 20), self._agg_trades),
            "/ticker/price": _Endpoint(_one_or_all(2, 4) if spot else _one_or_all(1, 2), self._price_ticker),
            "/ticker/bookTicker": _Endpoint(
                _one_or_all(2, 4) if spot else _one_or_all(2, 5), self._book_ticker
            ),
            "/ticker/24hr": _Endpoint(_one_or_all(2, 80) if spot else _one_or_all(1, 40), self._day_ticker),
        }
        if spot:
            endpoints["/avgPrice"] = _Endpoint(_always(2), self._average_price)
        else:
            endpoints["/premiumIndex"] = _Endpoint(_one_or_all(1, 10), self._premium_index)
            # It has a limit of its own, 500 in five minutes, which weighs nothing here.
            endpoints["/fundingRate"] = _Endpoint(_always(0), self._funding)
        return endpoints

    def _handler(self, endpoint: _Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            address = request.remote or ""
            charge = self.weights.charge(address, endpoint.weight(request.query))
            headers = {"X-MBX-USED-WEIGHT": str(charge.used), "X-MBX-USED-WEIGHT-1M": str(charge.used)}
            if charge.status != 200:
                headers["Retry-After"] = str(charge.retry_after_s)
                return _error(self._too_much(address, charge), headers)
            try:
                body = await endpoint.answer(Params(request.query))
            except ApiError as error:
                return _error(error, headers)
            return web.Response(body=_encode(body), content_type="application/json", headers=headers)

        return handle

    def _too_much(self, address: str, charge: Charge) -> ApiError:
        if charge.status == 418:
            msg = f"Way too much request weight used; IP banned until {charge.banned_until_ms}. "
            return ApiError(-1003, msg + "Please use WebSocket Streams for live updates to avoid bans.", 418)
        msg = f"Too much request weight used; current limit is {self._product.weight_per_min} "
        msg += f"request weight per 1 MINUTE for IP {address}. "
        return ApiError(-1003, msg + "Please use WebSocket Streams for live updates to avoid polling.", 429)

    # -- endpoints -------------------------------------------------------------------------------

    async def _ping(self, params: Params) -> Any:
        params.finish()
        return {}

    async def _time(self, params: Params) -> Any:
        params.finish()
        return {"serverTime": self._now_ms()}

    async def _exchange_info(self, params: Params) -> Any:
        names: list[str] | None = None
        if self._product is SPOT:
            names = params.symbols()
            symbol = params.symbol()
            names = [symbol] if symbol is not None else names
            # Every symbol has the permission SPOT, is TRADING and shows its permissions.
            for ignored in ("permissions", "showPermissionSets", "symbolStatus"):
                params.text(ignored)
            params.finish()
        if names is None:
            names = list(self._described)
        if not all(name in self._described for name in names):
            raise _invalid_symbol()
        symbols = [self._described[name] for name in names]
        return answers.exchange_info(self._product, symbols, self._now_ms())

    async def _no_symbols(self, params: Params) -> Any:
        params.finish()
        return answers.exchange_info(self._product, [], self._now_ms())

    async def _depth(self, params: Params) -> Any:
        listing = self._listing(params)
        if self._product is SPOT:
            limit = params.limit(100, 5000)
        else:
            limit = params.limit(500, 10**9)
            if limit not in _FUTURES_DEPTHS:
                raise ApiError(-4021, f"'{limit}' is not valid depth limit.")
        params.finish()
        await self._ready(listing)
        return answers.depth(listing, limit, self._now_ms())

    async def _trades(self, params: Params) -> Any:
        listing = self._listing(params)
        limit = params.limit(500, 1000)
        params.finish()
        self._wake()
        return [answers.trade(listing, trade) for trade in list(listing.market.trades)[-limit:]]

    async def _agg_trades(self, params: Params) -> Any:
        listing = self._listing(params)
        limit, first_id = params.limit(500, 1000), params.number("fromId")
        start_ms, end_ms = params.number("startTime"), params.number("endTime")
        params.finish()
        self._wake()
        found = [
            trade
            for trade in listing.agg_trades
            if (first_id is None or trade.agg_id >= first_id)
            and (start_ms is None or trade.first.time_ns >= start_ms * NS_PER_MS)
            and (end_ms is None or trade.first.time_ns <= end_ms * NS_PER_MS)
        ]
        # Without a beginning the newest are meant, with one the oldest behind it.
        cut = found[-limit:] if first_id is None and start_ms is None else found[:limit]
        return [answers.agg_trade(listing, trade) for trade in cut]

    async def _price_ticker(self, params: Params) -> Any:
        return await self._one_or_many(params, answers.price_ticker)

    async def _book_ticker(self, params: Params) -> Any:
        return await self._one_or_many(params, answers.book_ticker)

    async def _day_ticker(self, params: Params) -> Any:
        if self._product is SPOT:
            params.text("type")
        return await self._one_or_many(params, answers.day_ticker)

    async def _average_price(self, params: Params) -> Any:
        listing = self._listing(params)
        params.finish()
        return answers.average_price(listing, self._now_ms())

    async def _premium_index(self, params: Params) -> Any:
        asked = params.symbol() is not None
        listings = [self._listing(params)] if asked else list(self._listings.values())
        params.finish()
        self._wake()
        found = [
            answers.premium_index(listing, listing.market.mark, self._now_ms())
            for listing in listings
            if listing.market.mark is not None
        ]
        if not asked:
            return found
        if not found:  # a capture without mark prices
            raise _not_ready()
        return found[0]

    async def _funding(self, params: Params) -> Any:
        asked = params.symbol() is not None
        listings = [self._listing(params)] if asked else list(self._listings.values())
        limit = params.limit(100, 1000)
        start_ms, end_ms = params.number("startTime"), params.number("endTime")
        params.finish()
        paid = [
            answers.funding(listing, mark)
            for listing in listings
            for mark in listing.market.settled
            if (start_ms is None or mark.next_funding_ns >= start_ms * NS_PER_MS)
            and (end_ms is None or mark.next_funding_ns <= end_ms * NS_PER_MS)
        ]
        paid.sort(key=lambda entry: int(entry["fundingTime"]))
        return paid[-limit:] if start_ms is None else paid[:limit]

    # -- what they share -------------------------------------------------------------------------

    async def _one_or_many(self, params: Params, answer: Callable[[Listing, int], Any]) -> Any:
        names = params.symbols() if self._product is SPOT else None
        if params.symbol() is not None:
            listing = self._listing(params)
            params.finish()
            await self._ready(listing)
            return answer(listing, self._now_ms())
        params.finish()
        if names is None:
            listings = list(self._listings.values())
        elif all(name in self._listings for name in names):
            listings = [self._listings[name] for name in names]
        else:
            raise _invalid_symbol()
        self._wake()
        return [answer(listing, self._now_ms()) for listing in listings if listing.market.is_ready]

    def _listing(self, params: Params) -> Listing:
        symbol = params.symbol()
        if symbol is None:
            raise ApiError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        listing = self._listings.get(symbol)
        if listing is None:
            raise _invalid_symbol()
        return listing

    async def _ready(self, listing: Listing) -> None:
        self._wake()
        deadline_ns = self._clock.now_ns() + _READY_NS
        while not listing.market.is_ready:
            if self._clock.now_ns() >= deadline_ns:
                raise _not_ready()
            await self._clock.sleep(_READY_STEP_NS)

    def _now_ms(self) -> int:
        return self._clock.now_ns() // NS_PER_MS


def _always(weight: int) -> Callable[[Mapping[str, str]], int]:
    return lambda _: weight


def _one_or_all(one: int, everything: int) -> Callable[[Mapping[str, str]], int]:
    return lambda query: one if "symbol" in query else everything


def _spot_depth_weight(query: Mapping[str, str]) -> int:
    return _by_limit(query, ((100, 5), (500, 25), (1000, 50)), 250, default=100)


def _futures_depth_weight(query: Mapping[str, str]) -> int:
    return _by_limit(query, ((50, 2), (100, 5), (500, 10)), 20, default=500)


def _by_limit(
    query: Mapping[str, str], steps: Iterable[tuple[int, int]], beyond: int, *, default: int
) -> int:
    text = query.get("limit", "")
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
    return next((weight for most, weight in steps if limit <= most), beyond)


def refusal(status: int, retry_after_s: int, now_ms: int) -> web.Response:
    """Refuse a request for no reason of its own: too many, a ban, or a bad day of the exchange's."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    if status == 418:
        until_ms = now_ms + 1000 * retry_after_s
        msg = f"Way too much request weight used; IP banned until {until_ms}. "
        msg += "Please use WebSocket Streams for live updates to avoid bans."
        return _error(ApiError(-1003, msg, status), headers)
    if status == 429:
        msg = "Too much request weight used. Please use WebSocket Streams for live updates to avoid polling."
        return _error(ApiError(-1003, msg, status), headers)
    msg = "An unknown error occurred while processing the request."
    return _error(ApiError(-1000, msg, status), headers)


def _invalid_symbol() -> ApiError:
    return ApiError(-1121, "Invalid symbol.")


def _not_ready() -> ApiError:
    return ApiError(-1001, "Internal error; unable to process your request. Please try again.", 503)


def _error(error: ApiError, headers: Mapping[str, str]) -> web.Response:
    body = _encode({"code": error.code, "msg": error.msg})
    return web.Response(body=body, status=error.status, content_type="application/json", headers=headers)
