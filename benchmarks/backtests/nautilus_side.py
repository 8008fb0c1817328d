"""What nautilus_trader does with the same columns; run by its own Python, which has nothing of hft.

``python nautilus_side.py FOLDER EVENTS`` plays the first events of the day to a strategy that is called for
every update of the book and then states a bid and an ask at the best prices, and prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import nautilus_trader
import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
    RecordFlag,
)
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

LATENCY_NS = 1_000_000
LEVEL, TRADE, CLEAR = 1, 2, 3
TICK, LOT = Decimal("0.1"), Decimal("0.001")
SIZE = Quantity(0.010, 3)
VENUE = Venue("BINANCE")


def instrument() -> CryptoPerpetual:
    """Return the perpetual of the feed, with the fees of the profiles."""
    return CryptoPerpetual(
        instrument_id=InstrumentId(Symbol("BTCUSDT-PERP"), VENUE),
        raw_symbol=Symbol("BTCUSDT"),
        base_currency=BTC,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=1,
        size_precision=3,
        price_increment=Price(0.1, 1),
        size_increment=Quantity(0.001, 3),
        max_quantity=None,
        min_quantity=Quantity(0.001, 3),
        max_notional=None,
        min_notional=None,
        max_price=None,
        min_price=None,
        margin_init=Decimal("0.01"),
        margin_maint=Decimal("0.005"),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        ts_event=0,
        ts_init=0,
    )


def events(folder: Path, count: int, of: InstrumentId) -> list[Any]:
    """Return the first events in nautilus_trader's own form: deltas that end their message, and trades."""
    columns = {
        name: np.load(folder / f"{name}.npy")[:count].tolist()
        for name in ("exchange_ns", "recv_ns", "kind", "side", "price", "size", "flags")
    }
    data: list[Any] = []
    for number, (at, seen, kind, side, price, size, flags) in enumerate(zip(*columns.values(), strict=True)):
        if kind == CLEAR:
            data.append(OrderBookDelta.clear(of, number, at, seen))
        elif kind == LEVEL:
            order = BookOrder(
                OrderSide.BUY if side > 0 else OrderSide.SELL,
                Price(price / 10, 1),
                Quantity(size / 1000, 3),
                0,
            )
            action = BookAction.UPDATE if size else BookAction.DELETE
            last = RecordFlag.F_LAST if flags & 1 else 0
            data.append(OrderBookDelta(of, action, order, last, number, at, seen))
        elif kind == TRADE:
            aggressor = AggressorSide.BUYER if side > 0 else AggressorSide.SELLER
            data.append(
                TradeTick(
                    of,
                    Price(price / 10, 1),
                    Quantity(size / 1000, 3),
                    aggressor,
                    TradeId(str(number)),
                    at,
                    seen,
                )
            )
    return data


class Config(StrategyConfig, frozen=True):  # type: ignore[misc, call-arg]
    """Nothing to set."""

    instrument_id: InstrumentId


class Active(Strategy):  # type: ignore[misc]
    """See `active.py`."""

    def on_start(self) -> None:
        """Ask for the book."""
        self.updates = self.fills = 0
        self.orders: dict[OrderSide, Any] = {}
        self.subscribe_order_book_deltas(self.config.instrument_id, book_type=BookType.L2_MBP)

    def on_order_filled(self, event: Any) -> None:
        """Count a fill."""
        self.fills += 1

    def on_order_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """State the quotes as they are to be now."""
        self.updates += 1
        book: OrderBook = self.cache.order_book(self.config.instrument_id)
        for side, best in ((OrderSide.BUY, book.best_bid_price()), (OrderSide.SELL, book.best_ask_price())):
            order = self.orders.get(side)
            if best is None:
                continue
            if order is not None and not order.is_closed:
                if order.price == best or order.is_pending_cancel or order.is_inflight:
                    continue
                self.cancel_order(order)
                continue
            order = self.orders[side] = self.order_factory.limit(
                self.config.instrument_id, side, SIZE, best, post_only=True
            )
            self.submit_order(order)


def main() -> None:
    """Play once, and say how long it took without the making of the data."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    perpetual = instrument()
    data = events(folder, count, perpetual.id)
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(1_000_000, USDT)],
        book_type=BookType.L2_MBP,
        latency_model=LatencyModel(base_latency_nanos=LATENCY_NS),
    )
    engine.add_instrument(perpetual)
    engine.add_data(data)
    strategy = Active(Config(instrument_id=perpetual.id))
    engine.add_strategy(strategy)
    began = time.process_time()
    engine.run()
    seconds = time.process_time() - began
    figures = {
        "version": nautilus_trader.__version__,
        "events": len(data),
        "updates": strategy.updates,
        "fills": strategy.fills,
        "orders": engine.cache.orders_total_count(),
        "run_s": seconds,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
