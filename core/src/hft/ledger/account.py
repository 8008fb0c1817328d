"""All that the ledger has of one instrument: its positions by side, its mark, what was paid on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from hft.errors import UsageError
from hft.instrument import Instrument
from hft.ledger.balance import Balance
from hft.ledger.position import Position, PositionView
from hft.ledger.trades import Trades
from hft.ledger.wide import Wide
from hft.money import AMOUNT_DIGITS, Amount, amount_to_decimal, divide, product, to_amount, trim
from hft.seen import Horizon, Seen
from hft.types import InstrumentKind, PositionSide, Size

__all__ = ["InstrumentAccount"]

_HALF = Decimal("0.5")
_PRICE_DIGITS = 12
_PRICE_SCALE = 10**_PRICE_DIGITS
_PRICE_UNIT = Decimal(1).scaleb(-_PRICE_DIGITS)


class InstrumentAccount:
    """One instrument's positions, fees and funding; linear instruments only.

    ``point`` is what a lot gains when the price rises a tick, ``lot`` the base currency in one lot of a
    spot instrument. ``size`` is the net of all sides. ``profit``, ``gross`` and ``open_value`` are what
    was last added to the totals of the settlement asset for it; see `AssetFigures`. ``is_stale`` says that
    they have changed since. ``wallet`` is the wallet of the account that it is paid from, ``balances`` are
    those in it that its trades have moved. ``side`` and ``position`` are those of the last trade, ``asset``
    and ``balance`` those of the last flow: the next is most often of the same.
    """

    __slots__ = (
        "_half_point",
        "_lot_value",
        "_mark",
        "_twice_ticks",
        "asset",
        "balance",
        "balances",
        "base",
        "funding",
        "gross",
        "instrument",
        "is_spot",
        "is_stale",
        "lot",
        "lot_mark",
        "open_value",
        "payments",
        "point",
        "position",
        "positions",
        "profit",
        "settle",
        "side",
        "size",
        "trades",
        "wallet",
    )

    def __init__(self, instrument: Instrument, mark: Decimal, horizon: Horizon, wallet: str = "") -> None:
        if instrument.inverse:
            raise UsageError(f"{instrument.id}: the ledger cannot book inverse contracts, use a linear one")
        self.instrument = instrument
        self.base, self.settle = instrument.base, instrument.settle
        self.wallet = wallet
        self.is_spot = instrument.kind is InstrumentKind.SPOT
        self._lot_value = product(instrument.lot_size, instrument.contract_multiplier)
        try:
            point = to_amount(product(instrument.tick_size, self._lot_value))
            lot = to_amount(self._lot_value)
        except ArithmeticError:
            point, lot = Amount(1), Amount(0)
        if point % 2:
            raise UsageError(
                f"{instrument.id}: half a tick of a lot is finer than {AMOUNT_DIGITS} digits, the ledger"
                " cannot book it"
            )
        self.point, self.lot = Wide(point), Wide(lot)
        self._half_point = point // 2
        self.positions: dict[PositionSide, Position] = {}
        self.side: PositionSide | None = None
        self.position: Position | None = None
        self.funding: dict[str, int] = {}
        self.balances: dict[str, Balance] = {}
        self.asset = ""
        self.balance: Balance | None = None
        self.trades = Trades(horizon)
        self.payments = Seen(horizon)
        self.is_stale = False
        self.size = 0
        self.profit = self.gross = self.open_value = 0
        self._twice_ticks: int | None = None
        self._mark = Decimal(0)
        self.lot_mark = 0
        self.mark(mark)

    # -- booking ---------------------------------------------------------------------------------

    def lot_price(self, price: Decimal) -> Amount:
        """Return what one lot costs at a price that may be off the grid."""
        return to_amount(product(price, self._lot_value))

    def book(self, position: Position, signed: int, price: int) -> bool:
        """Trade some lots of a position of this account; see `Position.book`."""
        if not position.book(signed, price):
            return False
        if len(self.positions) == 1:
            self.size = position.size
        else:
            self.size += signed
        return True

    def trade(self, position: Position, signed: int, value: int) -> None:
        """Trade some lots of a position of this account; see `Position.trade`."""
        position.trade(signed, value)
        self.size += signed

    # -- valuing ---------------------------------------------------------------------------------

    def mark(self, price: Decimal) -> None:
        """Value a lot at this price from now on."""
        self.lot_mark = self.lot_price(price)
        self._mark = price
        self._twice_ticks = None

    def mark_mid(self, twice_ticks: int) -> bool:
        """Value a lot at the half of these ticks, bid + ask; say whether that is another value."""
        if twice_ticks == self._twice_ticks:
            return False
        self._twice_ticks = twice_ticks
        lot_mark = twice_ticks * self._half_point
        if lot_mark == self.lot_mark:
            return False
        self.lot_mark = lot_mark
        return True

    @property
    def mark_price(self) -> Decimal:
        """The price at which a lot is valued."""
        if self._twice_ticks is None:
            return self._mark
        return trim(product(self._twice_ticks, self.instrument.tick_size, _HALF))

    @property
    def is_open(self) -> bool:
        """Whether any side holds something; a long and a short of one size are open, and net 0."""
        return bool(self.size) or any(position.size for position in self.positions.values())

    def worth(self) -> tuple[int, int, int]:
        """Return profit without fees and funding, gross value, and value that no balance shows.

        The last is the whole position of a spot instrument, whose price left the balance, and what has
        not been realized of a derivative.
        """
        cash = cost = gross = 0
        mark = self.lot_mark
        for position in self.positions.values():
            cash += position.cash()
            cost += position.cost()
            gross += abs(position.size) * mark
        value = self.size * mark
        return cash + value, gross, value if self.is_spot else value - cost

    def settle_fees(self) -> None:
        """Bring the profit of the assets that fees were paid in up to date."""
        for position in self.positions.values():
            for paid in position.paid.values():
                paid.settle()

    def holding(self) -> Decimal:
        """Return what is held after fees taken in the base currency (spot); see `Ledger.holding`."""
        size = self.size * self.lot.get()
        if self.is_spot:
            positions = self.positions.values()
            paid = [position.paid[self.base] for position in positions if self.base in position.paid]
            size -= sum(each.fees() for each in paid)
        return amount_to_decimal(size)

    # -- showing ---------------------------------------------------------------------------------

    def view(self, side: PositionSide) -> PositionView:
        """Return the figures of one side."""
        return self._view(side, [self.positions.get(side) or Position(self.point)], {})

    def net(self) -> PositionView:
        """Return the figures of all sides together, with the funding."""
        return self._view(PositionSide.BOTH, self.positions.values(), self.funding)

    def _view(
        self, side: PositionSide, positions: Iterable[Position], funding: Mapping[str, int]
    ) -> PositionView:
        positions = list(positions)
        size = sum(position.size for position in positions)
        realized = sum(position.realized() for position in positions)
        cost = sum(position.cost() for position in positions)
        fees: dict[str, int] = {}
        for position in positions:
            for asset, paid in position.paid.items():
                fees[asset] = fees.get(asset, 0) + paid.fees()
        opened = [position for position in positions if position.size]
        return PositionView(
            instrument=self.instrument,
            position_side=side,
            size=Size(size),
            average_price=self._average_price(opened[0]) if len(opened) == 1 else None,
            mark=self.mark_price,
            cash=amount_to_decimal(realized - cost),
            realized=amount_to_decimal(realized),
            unrealized=amount_to_decimal(size * self.lot_mark - cost),
            fees={asset: amount_to_decimal(fee) for asset, fee in fees.items()},
            funding={asset: amount_to_decimal(amount) for asset, amount in funding.items()},
            adjusted=Size(sum(position.adjusted for position in positions)),
        )

    def _average_price(self, position: Position) -> Decimal:
        fine_ticks = divide(position.cost() * _PRICE_SCALE, position.size * self.point.get())
        return trim(product(fine_ticks, _PRICE_UNIT, self.instrument.tick_size))
