"""What the private side is asked, by path and by method, and what it weighs (docs of 2026)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hft_binance.simulator.calls import Call, Endpoint, Security, Weight, always, one_or_all
from hft_binance.simulator.gate import Gate
from hft_binance.simulator.params import ApiError
from hft_binance.simulator.private_rest import Route
from hft_binance.simulator.spot_account import SpotAccounts
from hft_binance.simulator.spot_orders import SpotOrders
from hft_binance.simulator.usdm_account import UsdmAccounts
from hft_binance.simulator.usdm_algo import UsdmAlgos
from hft_binance.simulator.usdm_batch import UsdmBatches, batch_size
from hft_binance.simulator.usdm_orders import UsdmOrders
from hft_binance.simulator.usdm_settings import UsdmSettings
from hft_binance.simulator.user_stream import ListenKeys

__all__ = ["spot_methods", "spot_routes", "usdm_methods", "usdm_routes"]


def _asks(answer: Any, weight: int | Weight, security: Security = Security.SIGNED) -> Endpoint:
    return Endpoint(
        answer=answer, weight=always(weight) if isinstance(weight, int) else weight, security=security
    )


def _orders(answer: Any, weight: int, *, orders: int = 0, free: bool = False) -> Endpoint:
    return Endpoint(answer=answer, weight=always(weight), orders=lambda _: orders, trades=True, free=free)


def _batch(answer: Any) -> Endpoint:
    return Endpoint(answer=answer, weight=always(5), orders=batch_size, trades=True)


def _my_trades_weight(query: Mapping[str, str]) -> int:
    return 5 if "orderId" in query else 20


def _spot(orders: SpotOrders, accounts: SpotAccounts) -> dict[str, Endpoint]:
    return {
        "order.place": _orders(orders.place, 1, orders=1, free=True),
        "order.test": _orders(orders.test, 1),
        "order.cancel": _orders(orders.cancel, 1, free=True),
        "order.cancelReplace": _orders(orders.replace, 1, orders=1, free=True),
        "order.amend.keepPriority": _orders(orders.amend, 4),
        "order.status": _asks(orders.query, 4),
        "openOrders.status": _asks(orders.open_orders, one_or_all(6, 80)),
        "openOrders.cancelAll": _orders(orders.cancel_all, 1),
        "allOrders": _asks(orders.all_orders, 20),
        "myTrades": _asks(orders.my_trades, _my_trades_weight),
        "account.status": _asks(accounts.account, 20),
        "account.commission": _asks(accounts.commission, 20),
        "account.rateLimits.orders": _asks(accounts.order_counts, 40),
    }


def spot_methods(orders: SpotOrders, accounts: SpotAccounts, gate: Gate) -> dict[str, Endpoint]:
    """Return what spot's websocket API answers."""
    return _spot(orders, accounts) | _plain(gate)


def spot_routes(orders: SpotOrders, accounts: SpotAccounts) -> list[Route]:
    """Return spot's private REST endpoints."""
    methods = _spot(orders, accounts)
    table = [
        ("POST", "/api/v3/order", methods["order.place"]),
        ("POST", "/api/v3/order/test", methods["order.test"]),
        ("GET", "/api/v3/order", methods["order.status"]),
        ("DELETE", "/api/v3/order", methods["order.cancel"]),
        ("POST", "/api/v3/order/cancelReplace", methods["order.cancelReplace"]),
        ("PUT", "/api/v3/order/amend/keepPriority", methods["order.amend.keepPriority"]),
        ("GET", "/api/v3/openOrders", methods["openOrders.status"]),
        ("DELETE", "/api/v3/openOrders", methods["openOrders.cancelAll"]),
        ("GET", "/api/v3/allOrders", methods["allOrders"]),
        ("GET", "/api/v3/myTrades", methods["myTrades"]),
        ("GET", "/api/v3/account", methods["account.status"]),
        ("GET", "/api/v3/account/commission", methods["account.commission"]),
        ("GET", "/api/v3/rateLimit/order", methods["account.rateLimits.orders"]),
        ("GET", "/sapi/v1/account/apiRestrictions", _asks(accounts.restrictions, 1)),
        ("GET", "/sapi/v1/capital/config/getall", _asks(accounts.coins, 10)),
        # There is no margin trading on spot, which clients ask before they begin.
        ("GET", "/sapi/v1/margin/allPairs", _asks(lambda _: [], 1, Security.KEY)),
        ("GET", "/sapi/v1/margin/isolated/allPairs", _asks(lambda _: [], 1, Security.KEY)),
        ("GET", "/sapi/v1/asset/tradeFee", _asks(accounts.trade_fee, 1)),
    ]
    return table + [(method, "/api/v3/userDataStream", _GONE) for method in ("POST", "PUT", "DELETE")]


def _usdm(
    orders: UsdmOrders, algos: UsdmAlgos, accounts: UsdmAccounts, keys: ListenKeys
) -> dict[str, Endpoint]:
    return {
        "order.place": _orders(orders.place, 0, orders=1),
        "order.modify": _orders(orders.modify, 1, orders=1),
        "order.cancel": _orders(orders.cancel, 1),
        "order.status": _asks(orders.query, 1),
        "algoOrder.place": _orders(algos.place, 0, orders=1),
        "algoOrder.cancel": _orders(algos.cancel, 1),
        "account.balance": _asks(accounts.balance, 5),
        "v2/account.balance": _asks(accounts.balance, 5),
        "account.status": _asks(accounts.account_v2, 5),
        "v2/account.status": _asks(accounts.account_v3, 5),
        "account.position": _asks(accounts.position_risk_v2, 5),
        "v2/account.position": _asks(accounts.position_risk_v3, 5),
        "userDataStream.start": _asks(keys.start, 5, Security.KEY),
        "userDataStream.ping": _asks(keys.keep, 1, Security.KEY),
        "userDataStream.stop": _asks(keys.close, 1, Security.KEY),
    }


def usdm_methods(
    orders: UsdmOrders, algos: UsdmAlgos, accounts: UsdmAccounts, keys: ListenKeys, gate: Gate
) -> dict[str, Endpoint]:
    """Return what the futures' websocket API answers."""
    return _usdm(orders, algos, accounts, keys) | _plain(gate)


def usdm_routes(
    orders: UsdmOrders,
    batches: UsdmBatches,
    algos: UsdmAlgos,
    accounts: UsdmAccounts,
    settings: UsdmSettings,
    keys: ListenKeys,
) -> list[Route]:
    """Return the futures' private REST endpoints."""
    methods = _usdm(orders, algos, accounts, keys)
    return [
        ("POST", "/fapi/v1/order", methods["order.place"]),
        ("POST", "/fapi/v1/order/test", _orders(orders.test, 1)),
        ("PUT", "/fapi/v1/order", methods["order.modify"]),
        ("GET", "/fapi/v1/order", methods["order.status"]),
        ("DELETE", "/fapi/v1/order", methods["order.cancel"]),
        ("POST", "/fapi/v1/batchOrders", _batch(batches.place)),
        ("PUT", "/fapi/v1/batchOrders", _batch(batches.modify)),
        ("DELETE", "/fapi/v1/batchOrders", _orders(batches.cancel, 1)),
        ("POST", "/fapi/v1/countdownCancelAll", _orders(batches.count_down, 10)),
        ("POST", "/fapi/v1/algoOrder", methods["algoOrder.place"]),
        ("DELETE", "/fapi/v1/algoOrder", methods["algoOrder.cancel"]),
        ("GET", "/fapi/v1/algoOrder", _asks(algos.query, 1)),
        ("DELETE", "/fapi/v1/algoOpenOrders", _orders(algos.cancel_all, 1)),
        ("GET", "/fapi/v1/openAlgoOrders", _asks(algos.open_orders, one_or_all(1, 40))),
        ("GET", "/fapi/v1/allAlgoOrders", _asks(algos.all_orders, 5)),
        ("DELETE", "/fapi/v1/allOpenOrders", _orders(orders.cancel_all, 1)),
        ("GET", "/fapi/v1/openOrder", _asks(orders.query_open, 1)),
        ("GET", "/fapi/v1/openOrders", _asks(orders.open_orders, one_or_all(1, 40))),
        ("GET", "/fapi/v1/allOrders", _asks(orders.all_orders, 5)),
        ("GET", "/fapi/v1/userTrades", _asks(orders.user_trades, 5)),
        ("GET", "/fapi/v1/income", _asks(accounts.income, 30)),
        ("GET", "/fapi/v2/balance", methods["account.balance"]),
        ("GET", "/fapi/v3/balance", methods["v2/account.balance"]),
        ("GET", "/fapi/v2/account", methods["account.status"]),
        ("GET", "/fapi/v3/account", methods["v2/account.status"]),
        ("GET", "/fapi/v2/positionRisk", methods["account.position"]),
        ("GET", "/fapi/v3/positionRisk", methods["v2/account.position"]),
        ("GET", "/fapi/v1/accountConfig", _asks(settings.config, 5)),
        ("GET", "/fapi/v1/symbolConfig", _asks(settings.symbol_config, 5)),
        ("GET", "/fapi/v1/commissionRate", _asks(settings.commission_rate, 20)),
        ("GET", "/fapi/v1/leverageBracket", _asks(settings.leverage_bracket, 1)),
        ("GET", "/fapi/v1/positionSide/dual", _asks(settings.dual, 30)),
        ("POST", "/fapi/v1/positionSide/dual", _orders(settings.set_dual, 1)),
        ("GET", "/fapi/v1/multiAssetsMargin", _asks(settings.multi_assets, 30)),
        ("POST", "/fapi/v1/multiAssetsMargin", _orders(settings.set_multi_assets, 1)),
        ("POST", "/fapi/v1/leverage", _orders(settings.set_leverage, 1)),
        ("POST", "/fapi/v1/marginType", _orders(settings.set_margin_type, 1)),
        ("POST", "/fapi/v1/listenKey", _asks(keys.start, 1, Security.KEY)),
        ("PUT", "/fapi/v1/listenKey", _asks(keys.keep, 1, Security.KEY)),
        ("DELETE", "/fapi/v1/listenKey", _asks(keys.close, 1, Security.KEY)),
    ]


def _plain(gate: Gate) -> dict[str, Endpoint]:
    return {
        "ping": _asks(lambda _: {}, 1, Security.NONE),
        "time": _asks(lambda _: {"serverTime": gate.now_ms()}, 1, Security.NONE),
    }


def _gone(_: Call) -> Any:
    raise ApiError(
        -1000, "This endpoint was removed, subscribe to the user data stream on the WebSocket API.", 410
    )


_GONE = Endpoint(answer=_gone, weight=always(2), security=Security.NONE)
