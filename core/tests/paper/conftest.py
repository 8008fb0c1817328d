"""An instrument whose ticks and lots are easy to read, and a paper exchange on a simulated clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import pytest

from hft.clock import Clock, SimulatedClock
from hft.events import Fill, OrderReport, Trade
from hft.instrument import Instrument, InstrumentId
from hft.market import Market
from hft.order import Order
from hft.paper import PaperConfig, PaperExecution
from hft.paper.delay_line import DelayLine
from hft.paper.latency import Delay
from hft.plugin.execution import ApprovedOrder, ExecutionEvents
from hft.types import BookState, Duration, InstrumentKind, OrderType, Price, Side, Size

BUY, SELL = Side.BUY, Side.SELL


def make_instrument(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "id": InstrumentId("BTC/USDT", "acme"),
        "native_symbol": "BTCUSDT",
        "kind": InstrumentKind.SPOT,
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "tick_size": Decimal("0.5"),
        "lot_size": Decimal("0.001"),
    }
    return Instrument(**(fields | changes))


@pytest.fixture
def instrument() -> Instrument:
    """A tick of 0.5 USDT and a lot of 0.001 BTC: one lot at one tick is worth 0.0005 USDT."""
    return make_instrument()


class CallLine(DelayLine):
    """Makes calls, for which it takes a time, late."""

    def __init__(self, clock: Clock, delay: Delay) -> None:
        super().__init__(clock, delay)
        self.clock = clock

    def arrive(self, message: Callable[[], Any], now_ns: int) -> None:
        message()

    def call(self, made: Callable[..., Any], *arguments: Any) -> None:
        """Make a call later."""
        self.send(partial(made, *arguments), self.clock.now_ns())


@attrs.define
class Rig(ExecutionEvents):
    """A paper exchange, the market it watches, and what it told, each with its time."""

    clock: SimulatedClock
    market: Market
    client: PaperExecution
    log: list[tuple[int, OrderReport | Fill]]
    ids: itertools.count[int]

    def on_report(self, report: OrderReport) -> None:
        self.log.append((self.clock.now_ns(), report))

    def on_fill(self, fill: Fill) -> None:
        self.log.append((self.clock.now_ns(), fill))

    def show(self, bids: dict[int, int], asks: dict[int, int], exchange_ns: int = 0) -> None:
        """Bring a whole book, as an update of a LIVE one."""
        book = self.market.book
        book.clear()
        for side, levels in ((BUY, bids), (SELL, asks)):
            for price, size in levels.items():
                book.set_level(side, Price(price), Size(size))
        book.state = BookState.LIVE
        book.exchange_ns = exchange_ns
        self.market.on_book(book)

    def trade(self, side: Side, price: int, size: int, exchange_ns: int = 0) -> None:
        self.market.on_trade(
            Trade(self.market.instrument, "", side, Price(price), Size(size), exchange_ns, 0)
        )

    def place(self, side: Side, price: int | None, size: int, **fields: Any) -> ApprovedOrder:
        fields.setdefault("type", OrderType.MARKET if price is None else OrderType.LIMIT)
        fields.setdefault("client_order_id", f"c{next(self.ids)}")
        order = ApprovedOrder(
            Order(
                strategy="test",
                instrument=self.market.instrument,
                side=side,
                price=None if price is None else Price(price),
                size=Size(size),
                **fields,
            )
        )
        self.client.place(order)
        return order

    def amend(self, order: ApprovedOrder, price: int, size: int) -> None:
        self.client.amend(order, Price(price), Size(size))

    @property
    def told(self) -> list[tuple[Any, ...]]:
        """What was told, short: (ms, client id, kind) or (ms, client id, price, size, liquidity)."""
        lines: list[tuple[Any, ...]] = []
        for now_ns, event in self.log:
            ms = now_ns / 1_000_000
            if isinstance(event, Fill):
                lines.append((ms, event.client_order_id, event.price, event.size, event.liquidity.value))
            else:
                lines.append((ms, event.client_order_id, event.kind.value))
        return lines

    @property
    def fees(self) -> list[Decimal]:
        """What the fills that were told cost."""
        return [event.fee for _, event in self.log if isinstance(event, Fill)]

    def reasons(self) -> list[str]:
        return [event.reason for _, event in self.log if isinstance(event, OrderReport)]


MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig() -> MakeRig:
    """Make a rig: 5 ms to the exchange, 3 ms back, and unless ``paper`` says maker fee 0.1 %, taker 0.2 %."""

    def make(
        order_ms: float = 5, response_ms: float = 3, paper: dict[str, Any] | None = None, **changes: Any
    ) -> Rig:
        clock = SimulatedClock()
        market = Market(make_instrument(**changes))
        fees = {"maker_fee": Decimal("0.001"), "taker_fee": Decimal("0.002")}
        config = PaperConfig(
            order_latency=Duration(int(order_ms * 1_000_000)),
            response_latency=Duration(int(response_ms * 1_000_000)),
            **(fees if paper is None else paper),
        )
        rig = Rig(clock, market, None, [], itertools.count(1))  # type: ignore[arg-type]
        rig.client = PaperExecution(config, rig, clock)
        rig.client.attach(market)
        return rig

    return make


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    return make_rig()
