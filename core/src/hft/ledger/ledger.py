"""The shadow ledger: what we hold and what we earned, from our own fills and payments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import attrs
import msgspec

from hft.errors import DataError, GridError
from hft.events import BalanceReport, Fill, Funding
from hft.instrument import Instrument
from hft.ledger.account import InstrumentAccount
from hft.ledger.adjustment import Adjustment
from hft.ledger.assets import AssetFigures, AssetTotals
from hft.ledger.balance import Balance, BalanceView
from hft.ledger.checkpoint import (
    VERSION,
    AssetState,
    InstrumentState,
    LedgerState,
    PositionState,
)
from hft.ledger.fees import Fees
from hft.ledger.position import Paid, Position, PositionView
from hft.ledger.wide import MOST, Wide
from hft.money import Amount, amount_to_decimal, to_amount, total, trim
from hft.seen import Horizon
from hft.types import PositionSide, Side, Size

__all__ = ["Ledger"]

NS_PER_DAY = 86_400_000_000_000

_ADJUSTMENTS_KEPT = 1_000

_BUY, _BOTH = Side.BUY, PositionSide.BOTH
_MOST = MOST


class Ledger:
    """Positions, profit and loss, fees, funding and balances, exact to the last digit.

    A position is one instrument's on one position side; the account is the instrument's exchange key. An
    inverse contract, whose arithmetic is another, raises `UsageError`.

    A fee counts in the asset it was paid in. One that an exchange took from the base currency just
    bought (spot) does not change `position`, which is what was traded; `holding` is what is left of it.

    A fill is booked once: a second one of the same instrument, ``trade_id`` and side is counted in
    ``duplicates`` and not booked (a trade with ourselves is two fills with one id). So is a funding payment
    of the same instrument and ``payment_id``. The order manager refuses repeated fills first; here it costs
    a lookup, and a position that is counted twice costs more.

    ``hedged`` are the instruments that were traded in hedge mode, ``adjustments`` what `adopt` booked, the
    newest last. ``day_start_ns`` is when the day begins, after midnight UTC. ``wallet_of`` says which
    wallet of its account an instrument is paid from, see `ExecutionClient.wallet_of`; it is set before
    anything is booked.
    """

    def __init__(self, *, day_start_ns: int = 0) -> None:
        self.duplicates = 0
        self.adjustments: list[Adjustment] = []
        self.hedged: set[Instrument] = set()
        self.day_start_ns = day_start_ns
        self.wallet_of: Callable[[Instrument], str] = _one_wallet
        self._day: int | None = None
        self._accounts: dict[Instrument, InstrumentAccount] = {}
        self._latest: InstrumentAccount | None = None
        """That of the last fill: the next is most often of the same."""
        self._stale: list[InstrumentAccount] = []
        self._fees = Fees()
        self._assets: dict[str, AssetFigures] = {}
        """Without what the stale accounts have changed."""
        self._balances: dict[tuple[str, str], dict[str, Balance]] = {}
        """By exchange and asset, then by wallet."""
        self._dormant: dict[str, InstrumentState] = {}
        self._horizons: dict[str, Horizon] = {}

    # -- being told ------------------------------------------------------------------------------

    def on_fill(self, fill: Fill) -> bool:
        """Book a fill, once; all of it or, if its fee cannot be added exactly, nothing.

        Returns False for one that was booked before.
        """
        price: int
        size: int
        instrument = fill.instrument
        account = self._latest
        if account is None or account.instrument is not instrument:
            account = self._accounts.get(instrument)
            if account is None:
                account = self._open(instrument, instrument.price_to_decimal(fill.price))
            self._latest = account
        trade_id, side, exchange_ns = fill.trade_id, fill.side, fill.exchange_ns
        try:
            try:
                price, size = fill.price, fill.size
            except OverflowError:  # too large for what counts fast
                price = size = _MOST
            fee = self._fees.of(fill.fee, price, size)
            stated = None if fill.realized is None else Wide(to_amount(fill.realized))
        except Exception:  # whatever it is, it says nothing of what is booked already
            if not account.trades.knows(trade_id, side):
                raise
            self.duplicates += 1
            return False
        # What cannot be booked has raised until here, and can be told again.
        if not account.trades.add(trade_id, side, exchange_ns):
            self.duplicates += 1
            return False
        position = self._position(account, fill.position_side)
        signed = size if side is _BUY else -size
        is_counted = account.book(position, signed, price)
        if not is_counted:
            lots = fill.size if side is _BUY else -fill.size
            value = lots * fill.price * account.point.get()
            account.trade(position, lots, value)
        if not fee.is_zero():
            paid = self._paid(account, position, fill.fee_asset)
            paid.add(fee)
            paid.balance.flow(fee, -1, exchange_ns)
        self._revalue_later(account)
        if not account.is_spot:
            if stated is not None:
                self._flow(account, account.settle, stated, 1, exchange_ns)
            else:
                self._flow(account, account.settle, position.lost, -1, exchange_ns)
        elif is_counted:
            self._flow(account, account.base, account.lot, signed, exchange_ns)
            self._flow(account, account.settle, account.point, -signed * price, exchange_ns)
        else:
            self._flow(account, account.base, Wide(lots * account.lot.get()), 1, exchange_ns)
            self._flow(account, account.settle, Wide(value), -1, exchange_ns)
        return True

    def on_funding(self, funding: Funding) -> bool:
        """Book a funding payment, once; return False for one that was booked before."""
        account = self._accounts.get(funding.instrument) or self._open(funding.instrument, Decimal(0))
        if funding.payment_id in account.payments:
            self.duplicates += 1
            return False
        amount = to_amount(funding.amount)
        account.payments.add(funding.payment_id, funding.exchange_ns)
        account.funding[funding.asset] = account.funding.get(funding.asset, 0) + amount
        self._earn(funding.asset, amount)
        self._flow(account, funding.asset, Wide(amount), 1, funding.exchange_ns)
        return True

    def on_balance(self, report: BalanceReport) -> bool:
        """Take the exchange's word for a balance; return False for one older than the last."""
        return self._balance(report.exchange, report.wallet, report.asset).report(report)

    def adopt(
        self,
        instrument: Instrument,
        position_side: PositionSide,
        size: Size,
        price: Decimal,
        *,
        at_ns: int = 0,
    ) -> Adjustment | None:
        """Make a position what the exchange says it is: signed lots, the difference traded at ``price``.

        It is no fill: it has no fee and moves no balance, and it stays visible in ``adjustments`` and in
        `PositionView.adjusted`. Returns None where there is nothing to adjust.
        """
        account = self._accounts.get(instrument) or self._open(instrument, price)
        position = self._position(account, position_side)
        before = Size(position.size)
        if size == before:
            return None
        account.trade(position, size - before, account.lot_price(price) * (size - before))
        position.adjusted += size - before
        self._revalue_later(account)
        adjustment = Adjustment(
            instrument=instrument,
            position_side=position_side,
            before=before,
            after=size,
            price=price,
            at_ns=at_ns,
        )
        self.adjustments.append(adjustment)
        del self.adjustments[:-_ADJUSTMENTS_KEPT]
        return adjustment

    def keep_since(self, exchange: str, since_ns: int) -> None:
        """Forget no fill or payment of an exchange key since then, by its time: they may be told again.

        Without this only the newest thousands are known, which is enough where nobody asks an exchange for
        what has happened.
        """
        self._horizon(exchange).since_ns = since_ns

    def mark(self, instrument: Instrument, price: Decimal) -> None:
        """Value an instrument at this price; until then the price of its first fill serves."""
        account = self._accounts.get(instrument)
        if account is None:
            account = self._open(instrument, price)
        account.mark(price)
        self._revalue_later(account)

    def mark_mid(self, instrument: Instrument, twice_ticks: int) -> bool:
        """Value an instrument at half of bid + ask, in ticks; say whether that changed any profit.

        An instrument that was never traded is left out: it has nothing to value.
        """
        account = self._accounts.get(instrument)
        if account is None or not account.mark_mid(twice_ticks) or not account.is_open:
            return False
        self._revalue_later(account)
        return True

    def roll_day(self, now_ns: int) -> int:
        """Begin the day that ``now_ns`` is in, unless it has begun; return when the next one does."""
        day = (now_ns - self.day_start_ns) // NS_PER_DAY
        if self._day is None or day > self._day:
            self._day = day
            self._revalue()
            for figures in self._assets.values():
                figures.opening = figures.profit
        return (day + 1) * NS_PER_DAY + self.day_start_ns

    def reset_peaks(self) -> None:
        """Let drawdown count anew from the profit as it is."""
        self._revalue()
        for figures in self._assets.values():
            figures.peak = figures.profit

    # -- reading ---------------------------------------------------------------------------------

    def position(self, instrument: Instrument) -> Size:
        """Return what is held, in signed lots, of all position sides together."""
        account = self._accounts.get(instrument)
        return 0 if account is None else account.size  # type: ignore[return-value]  # Size() is a call

    def position_of(self, instrument: Instrument, position_side: PositionSide) -> Size:
        """Return one position side's signed lots."""
        account = self._accounts.get(instrument)
        position = None if account is None else account.positions.get(position_side)
        return 0 if position is None else position.size  # type: ignore[return-value]  # as above

    def sides(self) -> list[tuple[Instrument, PositionSide]]:
        """Return which positions were ever traded or adopted."""
        return [
            (account.instrument, side) for account in self._accounts.values() for side in account.positions
        ]

    def holding(self, instrument: Instrument) -> Decimal:
        """Return what is held of it in base currency or contracts, less fees taken from what was bought.

        Of spot that is what can be sold again: an exchange that takes its fee from the coins leaves fewer
        of them than were traded.
        """
        account = self._accounts.get(instrument)
        return Decimal(0) if account is None else account.holding()

    def account(self, instrument: Instrument) -> PositionView:
        """Return an instrument's figures as they are now, of all position sides together."""
        account = self._accounts.get(instrument)
        return (account or InstrumentAccount(instrument, Decimal(0), Horizon())).net()

    def accounts(self) -> list[PositionView]:
        """Return the figures of every instrument that was traded or marked, in that order."""
        return [account.net() for account in self._accounts.values()]

    def positions(self) -> list[PositionView]:
        """Return the figures of every position side, without funding, which is the instrument's."""
        return [
            account.view(position_side)
            for account in self._accounts.values()
            for position_side in account.positions
        ]

    def totals(self) -> dict[str, AssetTotals]:
        """Return the totals by asset; a fee asset nothing settles in has fees alone."""
        totals: dict[str, AssetTotals] = {}
        for view in self.accounts():
            settle = view.instrument.settle
            so_far = totals.get(settle, AssetTotals())
            totals[settle] = attrs.evolve(
                so_far,
                realized=trim(total((so_far.realized, view.realized))),
                unrealized=trim(total((so_far.unrealized, view.unrealized))),
            )
            for asset, fee in view.fees.items():
                so_far = totals.get(asset, AssetTotals())
                totals[asset] = attrs.evolve(so_far, fees=trim(total((so_far.fees, fee))))
            for asset, amount in view.funding.items():
                so_far = totals.get(asset, AssetTotals())
                totals[asset] = attrs.evolve(so_far, funding=trim(total((so_far.funding, amount))))
        return totals

    def figures(self, asset: str) -> AssetFigures:
        """Return the running totals of an asset, all 0 if nothing happened in it."""
        self._revalue()
        return self._figures(asset)

    def balance(self, exchange: str, asset: str) -> Amount | None:
        """Return what an account must have of an asset: as last reported, and our own trades since.

        That is in all its wallets together; None if the exchange never stated any.
        """
        wallets = self._balances.get((exchange, asset))
        return None if wallets is None else _sum(wallets.values())

    def balances_at(self, exchange: str, wallet: str, asset: str, exchange_ns: int) -> list[Amount]:
        """Return what a wallet must have had at a time of the exchange's, now if that is 0.

        Empty if the exchange never stated it; more than one, the likeliest first, where the exchange's times
        are too coarse to tell which.
        """
        balance = self._balances.get((exchange, asset), {}).get(wallet)
        return [] if balance is None else balance.totals_at(exchange_ns)

    def balance_over_all(self, asset: str) -> Amount | None:
        """Return the sum of an asset's balances over the accounts that stated it, None if none did."""
        return _sum(balance for balance in self._each_balance() if balance.asset == asset)

    def balances(self) -> list[BalanceView]:
        """Return every balance that an exchange has stated."""
        views = (balance.view() for balance in self._each_balance())
        return [view for view in views if view is not None]

    # -- across restarts -------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """Return all figures for a checkpoint, exact, as JSON can hold them; see `load`."""
        self._revalue()
        instruments = {str(account.instrument.id): _dump(account) for account in self._accounts.values()}
        assets = {
            asset: AssetState(
                opening=amount_to_decimal(figures.opening),
                peak=amount_to_decimal(figures.peak),
            )
            for asset, figures in self._assets.items()
        }
        state = LedgerState(
            version=VERSION,
            day=self._day,
            instruments=self._dormant | instruments,
            assets=assets,
            balances=[balance.dump() for balance in self._each_balance()],
        )
        built: dict[str, Any] = msgspec.to_builtins(state)
        return built

    def load(self, state: dict[str, Any], instruments: Iterable[Instrument]) -> None:
        """Become the ledger that was dumped; this one must be new.

        Only instruments of this run can be valued: those of others are kept as they are and dumped again.
        Raises `DataError` for a state that is damaged, of another version, or off an instrument's grid as
        it is now.
        """
        if self._accounts or self._balances:
            raise ValueError("a checkpoint can be loaded into a new ledger only")
        if state.get("version") != VERSION:
            raise DataError(
                f"checkpoint of the ledger has version {state.get('version')}, expected {VERSION}; move the"
                " journal away to start anew"
            )
        try:
            loaded = msgspec.convert(state, LedgerState)
        except (msgspec.ValidationError, ArithmeticError) as error:
            raise DataError(f"checkpoint of the ledger is damaged: {error}") from error
        known = {str(instrument.id): instrument for instrument in instruments}
        try:
            for balance in loaded.balances:
                wallets = self._balances.setdefault((balance.exchange, balance.asset), {})
                wallets[balance.wallet] = Balance.load(balance)
            for name, each in loaded.instruments.items():
                instrument = known.get(name)
                if instrument is None:
                    self._leave(name, each)
                else:
                    self._load(instrument, each)
            for asset, figures in loaded.assets.items():
                self._figures(asset).opening = to_amount(figures.opening)
                self._figures(asset).peak = to_amount(figures.peak)
        except (ArithmeticError, ValueError) as error:
            raise DataError(f"checkpoint of the ledger is damaged: {error}") from error
        self._day = loaded.day

    # -- keeping totals --------------------------------------------------------------------------

    def _open(self, instrument: Instrument, mark: Decimal) -> InstrumentAccount:
        account = self._accounts[instrument] = InstrumentAccount(
            instrument, mark, self._horizon(instrument.exchange), self.wallet_of(instrument)
        )
        return account

    def _horizon(self, exchange: str) -> Horizon:
        return self._horizons.setdefault(exchange, Horizon())

    def _position(self, account: InstrumentAccount, side: PositionSide) -> Position:
        position = account.position
        if position is not None and side is account.side:
            return position
        position = account.positions.get(side)
        if position is None:
            position = account.positions[side] = Position(account.point)
            if side is not _BOTH:
                self.hedged.add(account.instrument)
        account.side, account.position = side, position
        return position

    def _paid(self, account: InstrumentAccount, position: Position, asset: str) -> Paid:
        paid = position.last_paid
        if paid is not None and asset is paid.asset:
            return paid
        paid = position.paid.get(asset)
        if paid is None:
            balance = self._balance_of(account, asset)
            paid = position.paid[asset] = Paid(asset, self._figures(asset), balance)
        position.last_paid = paid
        return paid

    def _figures(self, asset: str) -> AssetFigures:
        figures = self._assets.get(asset)
        if figures is None:
            figures = self._assets[asset] = AssetFigures()
        return figures

    def _earn(self, asset: str, amount: int) -> None:
        figures = self._figures(asset)
        figures.profit += amount

    def _revalue_later(self, account: InstrumentAccount) -> None:
        """Let the totals be brought up to date with an instrument when somebody looks at them."""
        if not account.is_stale:
            account.is_stale = True
            self._stale.append(account)

    def _revalue(self) -> None:
        """Bring the totals of the settlement assets up to date."""
        for account in self._stale:
            figures = self._figures(account.settle)
            profit, gross, open_value = account.worth()
            figures.profit += profit - account.profit
            figures.gross += gross - account.gross
            figures.open_value += open_value - account.open_value
            account.profit, account.gross, account.open_value = profit, gross, open_value
            account.settle_fees()
            account.is_stale = False
        self._stale.clear()

    def _flow(
        self, account: InstrumentAccount, asset: str, amount: Wide, count: int, exchange_ns: int
    ) -> None:
        if count and not amount.is_zero():
            balance = self._balance_of(account, asset)
            balance.flow(amount, count, exchange_ns)

    def _balance_of(self, account: InstrumentAccount, asset: str) -> Balance:
        balance = account.balance
        if balance is None or asset is not account.asset:
            balance = account.balances.get(asset)
            if balance is None:
                balance = self._balance(account.instrument.exchange, account.wallet, asset)
                account.balances[asset] = balance
            account.asset, account.balance = asset, balance
        return balance

    def _balance(self, exchange: str, wallet: str, asset: str) -> Balance:
        wallets = self._balances.get((exchange, asset))
        if wallets is None:
            wallets = self._balances[exchange, asset] = {}
        balance = wallets.get(wallet)
        if balance is None:
            balance = wallets[wallet] = Balance(exchange, wallet, asset)
        return balance

    def _each_balance(self) -> Iterator[Balance]:
        return (balance for wallets in self._balances.values() for balance in wallets.values())

    def _leave(self, name: str, state: InstrumentState) -> None:
        """Keep an instrument that this run does not have; its profit so far counts as it was."""
        self._dormant[name] = state
        self._earn(state.settle, to_amount(state.profit))
        for position in state.positions.values():
            for asset, fee in position.fees.items():
                self._earn(asset, -to_amount(fee))
        for asset, amount in state.funding.items():
            self._earn(asset, to_amount(amount))

    def _load(self, instrument: Instrument, state: InstrumentState) -> None:
        account = self._open(instrument, state.mark)
        for name, each in state.positions.items():
            position = self._position(account, PositionSide(name))
            position.put(_lots(instrument, each.size), to_amount(each.cash), to_amount(each.cost))
            position.adjusted = _lots(instrument, each.adjusted)
            account.size += position.size
            for asset, fee in each.fees.items():
                if fee:
                    paid = self._paid(account, position, asset)
                    paid.add(Wide(to_amount(fee)))
        for asset, amount in state.funding.items():
            account.funding[asset] = to_amount(amount)
            self._earn(asset, account.funding[asset])
        for trade_id, side, at_ns in state.trades:
            account.trades.add(trade_id, Side(side), at_ns)
        for payment_id, at_ns in state.payments:
            account.payments.add(payment_id, at_ns)
        self._revalue_later(account)


def _one_wallet(_: Instrument) -> str:
    """Stand in where every account has one wallet."""
    return ""


def _sum(balances: Iterable[Balance]) -> Amount | None:
    known = [balance.total for balance in balances if balance.total is not None]
    return Amount(sum(known)) if known else None


def _dump(account: InstrumentAccount) -> InstrumentState:
    instrument = account.instrument
    return InstrumentState(
        settle=instrument.settle,
        mark=account.mark_price,
        profit=amount_to_decimal(account.profit),
        positions={
            side.value: PositionState(
                size=instrument.size_to_decimal(position.size),
                cash=amount_to_decimal(position.cash()),
                cost=amount_to_decimal(position.cost()),
                adjusted=instrument.size_to_decimal(position.adjusted),
                fees={asset: amount_to_decimal(paid.fees()) for asset, paid in position.paid.items()},
            )
            for side, position in account.positions.items()
        },
        funding={asset: amount_to_decimal(amount) for asset, amount in account.funding.items()},
        trades=[(trade_id, side.value, at_ns) for trade_id, side, at_ns in account.trades.items()],
        payments=list(account.payments.items()),
    )


def _lots(instrument: Instrument, size: Decimal) -> int:
    """Count the lots of a signed size, on the grid as it is now."""
    try:
        lots = instrument.size(f"{abs(size):f}")
    except GridError as error:
        raise DataError(
            f"{instrument.id}: position {size:f} of the checkpoint does not fit the instrument: {error}"
        ) from error
    return -lots if size < 0 else lots
