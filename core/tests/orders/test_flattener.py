"""Closing positions after a halt: all of them, no further, and for as long as it takes."""

from __future__ import annotations

from decimal import Decimal

from hft.events import Fill, ReportKind
from hft.order import Order
from hft.orders import Flattener
from hft.plugin.execution import ApprovedOrder
from hft.testing.orders import ModelExchange, NotedOwner, OrderWorld
from hft.testing.trading import make_instrument, make_market
from hft.types import BookState, Liquidity, OrderState, OrderType, Price, Side, Size

S = 1_000_000_000


class MarketExchange(ModelExchange):
    """A model exchange that notes market orders, and fills them when a test says so."""

    market_orders: list[ApprovedOrder]

    def place(self, order: ApprovedOrder) -> None:
        if order.type is OrderType.MARKET:
            self.market_orders.append(order)
        else:
            super().place(order)


class World(OrderWorld):
    """An order world with a position and a flattener."""

    def __init__(self, position: int, *, fee: str = "0", min_size: int = 1) -> None:
        super().__init__(make_market(make_instrument(min_size=Size(min_size))), MarketExchange)
        assert isinstance(self.exchange, MarketExchange)
        self.market_orders = self.exchange.market_orders = []
        self.lines: list[str] = []
        self.flattener = Flattener(self.manager, self.ledger, self.clock, self.lines.append)
        if position:
            self.fill("opening", position, Decimal(fee))

    def fill(self, client_order_id: str, signed: int, fee: Decimal = Decimal(0)) -> None:
        """Trade for an order, or for one of an earlier run."""
        name = client_order_id
        if name == "opening":
            name = f"{self.manager._ids.profile_prefix}before1"
        self.manager.on_fill(
            Fill(
                client_order_id=name,
                instrument=self.instrument,
                trade_id=f"{name} {signed}",
                side=Side.BUY if signed > 0 else Side.SELL,
                price=Price(9_000),
                size=Size(abs(signed)),
                liquidity=Liquidity.TAKER,
                fee=fee,
                fee_asset=self.instrument.base,
                exchange_ns=self.clock.now_ns(),
            )
        )


def only(orders: list[ApprovedOrder]) -> Order:
    [order] = orders
    return order


def test_a_position_is_closed_though_trading_is_halted() -> None:
    world = World(10)
    world.manager.halt("a test")
    world.flattener.start()
    assert not world.flattener.is_done
    order = only(world.market_orders)
    assert (order.side, order.size) == (Side.SELL, 10)
    assert order.reduce_only
    world.fill(order.client_order_id, -10)
    world.clock.advance(S)
    assert world.flattener.is_done
    assert world.ledger.position(world.instrument) == 0
    assert len(world.market_orders) == 1


def test_what_is_open_goes_first() -> None:
    world, owner = World(10), NotedOwner()
    quote = world.manager.place(owner, world.instrument, Side.SELL, Size(4), Price(9_100))
    world.exchange.settle()
    world.manager.halt("a test")
    world.flattener.start()
    world.clock.advance(S)
    assert not world.market_orders  # the quote may still fill, and would turn the position over
    world.exchange.settle()
    assert quote.state is OrderState.CANCELED
    world.clock.advance(S)
    assert only(world.market_orders).size == 10


def test_what_a_close_leaves_is_closed_again() -> None:
    world = World(-10)
    world.flattener.start()
    first = only(world.market_orders)
    assert first.side is Side.BUY
    world.fill(first.client_order_id, 6)
    world.exchange.report(first.client_order_id, kind=ReportKind.CANCELED, filled=Size(6))
    world.exchange.tell()
    world.clock.advance(2 * S)
    assert [order.size for order in world.market_orders] == [10, 4]


def test_it_waits_for_a_book_and_says_so() -> None:
    world = World(10)
    world.market.book.state = BookState.STALE
    world.flattener.start()
    world.clock.advance(3 * S)
    assert not world.market_orders
    assert not world.flattener.is_done
    assert len(world.lines) == 4  # once a second
    assert "cannot be closed now" in world.lines[0]
    world.market.book.state = BookState.LIVE
    world.clock.advance(S)
    assert only(world.market_orders).size == 10


def test_of_a_spot_position_only_what_is_held_is_sold() -> None:
    world = World(10, fee="0.00002")
    world.flattener.start()
    assert only(world.market_orders).size == 8


def test_what_is_too_small_to_trade_is_left_and_said() -> None:
    world = World(3, min_size=5)
    world.flattener.start()
    world.clock.advance(5 * S)
    assert world.flattener.is_done
    assert len(world.lines) == 1
    assert "is below" in world.lines[0]
