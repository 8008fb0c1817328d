"""What the simulated OKX answers about an account over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hft import Clock
from hft.sim import ClientOrder
from hft_okx.config import AccountLevel
from hft_okx.simulator.auth import ApiKey
from hft_okx.simulator.bodies import Bill, Body, Holder, fill_row, order_row
from hft_okx.simulator.errors import ApiError, parameter
from hft_okx.simulator.events import Events
from hft_okx.simulator.listing import NS_PER_MS, plain
from hft_okx.simulator.native import kind, native
from hft_okx.simulator.orders import Orders, text
from hft_okx.simulator.people import SPOT_FEES, SWAP_FEES
from hft_okx.simulator.trading import DeadMan

__all__ = ["Questions"]

_LEVELS = {
    AccountLevel.SPOT: "1",
    AccountLevel.FUTURES: "2",
    AccountLevel.MULTI_CURRENCY: "3",
    AccountLevel.PORTFOLIO: "4",
}
_MODES = {False: "net_mode", True: "long_short_mode"}
_PAGE = 100
_MOST_LEVERAGE = 100

Params = Mapping[str, Any]
Answer = Callable[[ApiKey, Params], list[Any]]


class Questions:
    """Everything private that is no order; ``answers`` are by method and path."""

    def __init__(
        self,
        orders: Orders,
        holders: Mapping[str, Holder],
        events: Events,
        dead_man: DeadMan,
        clock: Clock,
        level: AccountLevel,
    ) -> None:
        self._orders = orders
        self._holders = holders
        self._events = events
        self._dead_man = dead_man
        self._clock = clock
        self._level = level
        self.answers: dict[tuple[str, str], Answer] = {
            ("GET", "/trade/order"): self._order,
            ("GET", "/trade/orders-pending"): self._pending,
            ("GET", "/trade/orders-history"): self._history,
            ("GET", "/trade/orders-history-archive"): self._history,
            ("GET", "/trade/fills"): self._fills,
            ("GET", "/trade/fills-history"): self._fills,
            ("POST", "/trade/cancel-all-after"): lambda key, params: dead_man.set(key.account, params),
            ("GET", "/trade/account-rate-limit"): self._rate_limit,
            ("GET", "/account/balance"): self._balance,
            ("GET", "/account/positions"): self._positions,
            ("GET", "/account/config"): self._config,
            ("GET", "/account/bills"): self._bills,
            ("GET", "/account/bills-archive"): self._bills,
            ("GET", "/account/leverage-info"): self._leverage,
            ("POST", "/account/set-leverage"): self._set_leverage,
            ("POST", "/account/set-position-mode"): self._set_position_mode,
            ("GET", "/account/trade-fee"): self._trade_fee,
            ("GET", "/account/instruments"): self._instruments,
            ("GET", "/asset/currencies"): self._currencies,
            ("GET", "/asset/balances"): lambda key, params: [],
        }

    # -- orders and fills --------------------------------------------------------------------------

    def _order(self, key: ApiKey, params: Params) -> list[Any]:
        order = self._orders.named(key.account, self._orders.listing(params), params)
        if order is None:
            raise ApiError("51603", "Order does not exist.")
        return [self._row(key, order)]

    def _pending(self, key: ApiKey, params: Params) -> list[Any]:
        found = [order for order in self._matching(key, params) if order.is_open]
        return [self._row(key, order) for order in _page(found, params, _order_id)]

    def _history(self, key: ApiKey, params: Params) -> list[Any]:
        if not text(params, "instType"):
            raise parameter("instType")
        found = [order for order in self._matching(key, params) if not order.is_open]
        rows = [self._row(key, order) for order in _page(found, params, _order_id)]
        wanted = text(params, "state")
        return [row for row in rows if wanted in ("", row["state"])]

    def _matching(self, key: ApiKey, params: Params) -> list[ClientOrder]:
        wanted, name, order_type = (text(params, field) for field in ("instType", "instId", "ordType"))
        return [
            order
            for order in self._orders.all(key.account)
            if wanted in ("", "ANY", kind(order))
            and name in ("", native(order).listing.name)
            and (not order_type or native(order).type in order_type.split(","))
        ]

    def _row(self, key: ApiKey, order: ClientOrder) -> Body:
        margin = self._holders[key.account].margin
        listing = native(order).listing
        return order_row(order, leverage=str(margin.leverage(order.market)) if listing.is_swap else "")

    def _fills(self, key: ApiKey, params: Params) -> list[Any]:
        asked, name, order_id = (text(params, field) for field in ("instType", "instId", "ordId"))
        found = []
        for bill in self._between(key, params):
            fill = bill.fill
            if fill is None:
                continue
            listing = native(fill.order).listing
            order = fill.order
            pairs = (asked, kind(order)), (name, listing.name), (order_id, str(order.id))
            if all(one in ("", real) for one, real in pairs):
                found.append(bill)
        return [fill_row(bill) for bill in _page(found, params, lambda bill: bill.number)]

    def _bills(self, key: ApiKey, params: Params) -> list[Any]:
        asked, wanted = text(params, "instType"), text(params, "type")
        found = [
            bill
            for bill in self._between(key, params)
            if bill.fill is None
            and wanted in ("", bill.type)
            and (not asked or (bill.listing is not None and bill.listing.type == asked))
        ]
        return [self._bill(bill) for bill in _page(found, params, lambda bill: bill.number)]

    @staticmethod
    def _bill(bill: Bill) -> Body:
        listing = bill.listing
        amount = plain(bill.amount)
        return {
            "billId": str(bill.number),
            "instType": "" if listing is None else listing.type,
            "instId": "" if listing is None else listing.name,
            "ccy": bill.asset,
            "type": bill.type,
            "subType": bill.sub_type,
            "balChg": amount,
            "pnl": amount if bill.sub_type else "0",
            "fee": "0",
            "sz": "",
            "mgnMode": "cross",
            "ordId": "",
            "ts": str(bill.time_ns // NS_PER_MS),
        }

    def _between(self, key: ApiKey, params: Params) -> list[Bill]:
        begin, end = text(params, "begin"), text(params, "end")
        for name, value in (("begin", begin), ("end", end)):
            if value and not value.isdigit():
                raise parameter(name)
        return [
            bill
            for bill in reversed(self._events.bills[key.account])
            if (not begin or bill.time_ns // NS_PER_MS >= int(begin))
            and (not end or bill.time_ns // NS_PER_MS <= int(end))
        ]

    # -- the account -------------------------------------------------------------------------------

    def _balance(self, key: ApiKey, params: Params) -> list[Any]:
        return [self._holders[key.account].balance(self._now_ms(), text(params, "ccy"))]

    def _positions(self, key: ApiKey, params: Params) -> list[Any]:
        kind, names = text(params, "instType"), text(params, "instId")
        return [
            row
            for row in self._holders[key.account].positions(flat=bool(names))
            if kind in ("", "ANY", "SWAP") and (not names or row["instId"] in names.split(","))
        ]

    def _config(self, key: ApiKey, params: Params) -> list[Any]:
        return [
            {
                "uid": key.account, "mainUid": key.account, "acctLv": _LEVELS[self._level],
                "posMode": _MODES[self._holders[key.account].margin.is_hedged], "perm": key.permissions,
                "acctStpMode": "cancel_maker", "autoLoan": False, "greeksType": "PA", "level": "Lv1",
                "ctIsoMode": "automatic", "mgnIsoMode": "automatic", "roleType": "0", "label": "simulated",
                "ip": "", "kycLv": "3", "enableSpotBorrow": False, "opAuth": "0", "type": "0",
            }
        ]  # fmt: skip

    def _leverage(self, key: ApiKey, params: Params) -> list[Any]:
        margin = self._holders[key.account].margin
        found = []
        for name in text(params, "instId").split(","):
            listing = self._orders.listing({"instId": name})
            for side in ("long", "short") if margin.is_hedged else ("net",):
                leverage = str(margin.leverage(listing.synthetic())) if listing.is_swap else ""
                found.append(
                    {"instId": name, "mgnMode": text(params, "mgnMode"), "posSide": side, "lever": leverage}
                )
        return found

    def _set_leverage(self, key: ApiKey, params: Params) -> list[Any]:
        listing, lever = self._orders.listing(params), text(params, "lever")
        if not lever.isdigit() or not 1 <= int(lever) <= _MOST_LEVERAGE or not listing.is_swap:
            raise parameter("lever")
        self._holders[key.account].margin.set_leverage(listing.synthetic(), int(lever))
        mode = text(params, "mgnMode")
        return [{"lever": lever, "mgnMode": mode, "instId": listing.name, "posSide": text(params, "posSide")}]

    def _set_position_mode(self, key: ApiKey, params: Params) -> list[Any]:
        modes = {name: hedged for hedged, name in _MODES.items()}
        mode = text(params, "posMode")
        if mode not in modes:
            raise parameter("posMode")
        margin = self._holders[key.account].margin
        busy = margin.open_orders() or any(position.size for _, _, position in margin.legs())
        if modes[mode] is not margin.is_hedged and busy:
            raise ApiError("59000", "Setting failed. Cancel any open orders and close positions first.")
        margin.is_hedged = modes[mode]
        return [{"posMode": mode}]

    def _rate_limit(self, key: ApiKey, params: Params) -> list[Any]:
        return [
            {"fillRatio": "0", "mainFillRatio": "0", "accRateLimit": "1000", "nextAccRateLimit": "1000",
             "ts": str(self._now_ms())}
        ]  # fmt: skip

    def _trade_fee(self, key: ApiKey, params: Params) -> list[Any]:
        rates = SPOT_FEES if text(params, "instType") == "SPOT" else SWAP_FEES
        return [
            {"instType": text(params, "instType"), "level": "Lv1", "maker": plain(-rates.maker),
             "taker": plain(-rates.taker), "makerU": plain(-rates.maker), "takerU": plain(-rates.taker),
             "ts": str(self._now_ms())}
        ]  # fmt: skip

    def _instruments(self, key: ApiKey, params: Params) -> list[Any]:
        kind, name = text(params, "instType"), text(params, "instId")
        return [
            listing.described()
            for listing in self._orders.listings.values()
            if listing.type == kind and name in ("", listing.name)
        ]

    def _currencies(self, key: ApiKey, params: Params) -> list[Any]:
        assets = self._holders[key.account].spot.wallet.assets()
        return [
            {"ccy": asset, "name": asset, "chain": asset, "canDep": False, "canWd": False,
             "canInternal": False, "mainNet": True, "minFee": "0", "maxFee": "0", "minWd": "0", "maxWd": "0",
             "minDep": "0", "wdTickSz": "8", "logoLink": "", "fee": "0"}
            for asset in assets
        ]  # fmt: skip

    def _now_ms(self) -> int:
        return self._clock.now_ns() // NS_PER_MS


def _order_id(order: ClientOrder) -> int:
    return order.id


def _page(found: Iterable[Any], params: Params, number: Callable[[Any], int]) -> list[Any]:
    """Return the newest of what comes behind ``after`` (older) or before ``before`` (newer)."""
    after, before, limit = (text(params, name) for name in ("after", "before", "limit"))
    for name, value in (("after", after), ("before", before), ("limit", limit)):
        if value and not value.isdigit():
            raise parameter(name)
    kept = [
        one
        for one in found
        if (not after or number(one) < int(after)) and (not before or number(one) > int(before))
    ]
    return kept[: min(_PAGE, int(limit or _PAGE))]
