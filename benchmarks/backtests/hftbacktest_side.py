"""What hftbacktest does with the same columns; run by its own Python, which has nothing of hft.

``python hftbacktest_side.py FOLDER quotes|look [RUNS]`` plays the day several times, first compiling and then
warm, and prints one JSON object. ``python hftbacktest_side.py FOLDER plan PLAN QUEUE`` sends a plan of orders
at their times and prints what became of each.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import (
    ADD_ORDER_EVENT,
    BUY,
    BUY_EVENT,
    CANCEL_ORDER_EVENT,
    DEPTH_CLEAR_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    FILL_EVENT,
    GTC,
    GTX,
    LIMIT,
    LOCAL_EVENT,
    MODIFY_ORDER_EVENT,
    SELL,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

LATENCY_NS = 1_000_000
RENEW_NS = 100_000_000
TICK, LOT = 0.1, 0.001
SIZE = 10


def events(folder: Path) -> Any:
    """Return the columns of a day as hftbacktest wants them."""
    columns = {name.stem: np.load(name) for name in folder.glob("*.npy")}
    kinds = np.zeros(9, np.uint64)
    kinds[[1, 2, 3]] = DEPTH_EVENT, TRADE_EVENT, DEPTH_CLEAR_EVENT
    kinds[[5, 6, 7, 8]] = ADD_ORDER_EVENT, MODIFY_ORDER_EVENT, CANCEL_ORDER_EVENT, FILL_EVENT
    rows = np.zeros(len(columns["kind"]), event_dtype)
    sides = np.where(columns["side"] > 0, BUY_EVENT, SELL_EVENT).astype(np.uint64)
    rows["ev"] = kinds[columns["kind"]] | sides | np.uint64(EXCH_EVENT | LOCAL_EVENT)
    rows["exch_ts"], rows["local_ts"] = columns["exchange_ns"], columns["recv_ns"]
    rows["px"], rows["qty"] = columns["price"] * TICK, columns["size"] * LOT
    if "order_id" in columns:
        rows["order_id"] = columns["order_id"]
    # A clear is of both sides where it names none.
    clear = columns["kind"] == 3
    rows["ev"][clear] = DEPTH_CLEAR_EVENT | EXCH_EVENT | LOCAL_EVENT
    return rows


def backtest(rows: Any, queue: str = "risk-averse") -> Any:
    """Make a backtest with the models that the profiles name."""
    asset = BacktestAsset().data([rows]).linear_asset(1.0).constant_order_latency(LATENCY_NS, LATENCY_NS)
    if queue == "risk-averse":
        asset = asset.risk_adverse_queue_model()
    elif queue == "power":
        asset = asset.power_prob_queue_model(3.0)
    elif queue == "l3":
        asset = asset.l3_fifo_queue_model()
    else:
        asset = asset.log_prob_queue_model()
    # Its other exchange, which fills in part, ends a backtest with an error half-way (its issues 301, 312).
    asset = asset.no_partial_fill_exchange().trading_value_fee_model(0.0002, 0.0005)
    return HashMapMarketDepthBacktest([asset.tick_size(TICK).lot_size(LOT).last_trades_capacity(0)])


@njit
def look(hbt: Any) -> Any:
    """See `look.py`."""
    seen = 0
    while hbt.elapse(RENEW_NS) == 0:
        seen += hbt.depth(0).best_bid_tick
    return seen


@njit
def quotes(hbt: Any) -> int:
    """See `quotes.py`."""
    order_id = 0
    while hbt.elapse(RENEW_NS) == 0:
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        has_bid = has_ask = False
        values = hbt.orders(0).values()
        while values.has_next():
            order = values.get()
            wanted = bid if order.side == BUY else ask
            if order.price_tick == wanted or not order.cancellable:
                has_bid |= order.side == BUY
                has_ask |= order.side == SELL
            else:
                hbt.cancel(0, order.order_id, False)
        if not has_bid:
            order_id += 1
            hbt.submit_buy_order(0, order_id, bid * TICK, SIZE * LOT, GTX, LIMIT, False)
        if not has_ask:
            order_id += 1
            hbt.submit_sell_order(0, order_id, ask * TICK, SIZE * LOT, GTX, LIMIT, False)
    return order_id


@njit
def follow(hbt: Any, times: Any, actions: Any, sides: Any, prices: Any, sizes: Any, start: int) -> None:
    """Send the orders of a plan."""
    now = start
    for i in range(len(times)):
        if times[i] > now:
            if hbt.elapse(times[i] - now) != 0:
                break
            now = times[i]
        order_id = actions[i]
        if order_id < 0:
            order = hbt.orders(0).get(-order_id)
            if order is not None and order.cancellable:
                hbt.cancel(0, -order_id, False)
        elif sides[i] > 0:
            hbt.submit_buy_order(0, order_id, prices[i] * TICK, sizes[i] * LOT, GTC, LIMIT, False)
        else:
            hbt.submit_sell_order(0, order_id, prices[i] * TICK, sizes[i] * LOT, GTC, LIMIT, False)
    hbt.elapse(10_000_000_000)


def measure(rows: Any, strategy: Any) -> tuple[float, int]:
    """Return the seconds of the processor and the trades."""
    hbt = backtest(rows)
    began = time.process_time()
    strategy(hbt)
    seconds = time.process_time() - began
    trades = hbt.state_values(0).num_trades
    hbt.close()
    return seconds, int(trades)


def main() -> None:
    """Do what the arguments say."""
    folder, what = Path(sys.argv[1]), sys.argv[2]
    rows = events(folder)
    if what == "plan":
        plan = np.load(sys.argv[3])
        hbt = backtest(rows, sys.argv[4])
        # The clock of a backtest stands at the first event that is seen.
        follow(hbt, *plan.T, int(rows["local_ts"][0]))
        values = hbt.orders(0).values()
        found = {}
        while values.has_next():
            order = values.get()
            filled = round((order.qty - order.leaves_qty) / LOT)
            found[int(order.order_id)] = [filled, int(order.exch_timestamp), int(order.status)]
        print(json.dumps(found))
        return
    strategy = {"look": look, "quotes": quotes}[what]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    cold, fills = measure(rows, strategy)
    warm = min((measure(rows, strategy)[0] for _ in range(runs - 1)), default=cold)
    figures = {"cold_s": cold, "warm_s": warm, "events": len(rows), "fills": fills}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
