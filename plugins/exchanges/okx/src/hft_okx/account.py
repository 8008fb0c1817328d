"""What the exchange is asked by REST about the account: orders, trades, funding, positions, balances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby

from hft import (
    BalanceReport,
    DecodeError,
    Fill,
    Funding,
    Instrument,
    InstrumentKind,
    NoSuchOrder,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionReport,
    PositionSide,
    Priority,
    RequestRefused,
    Size,
    TimeInForce,
    reading,
)
from hft_okx import limits
from hft_okx.codec import NS_PER_MS, milliseconds
from hft_okx.evidence import POSITION_SIDES, SIDES, Evidence
from hft_okx.instruments import instrument_type
from hft_okx.order_params import is_contract
from hft_okx.private_codec import (
    AccountState,
    Balance,
    Bill,
    OrderRow,
    OwnTrade,
    Position,
    error_of,
    rows,
)
from hft_okx.refusals import NO_SUCH_ORDER
from hft_okx.rest_api import RestApi

__all__ = ["Account"]

_PAGE = 100
_DAY_MS = 86_400_000
_RECENT_FILLS_MS = 3 * _DAY_MS - 3_600_000
_RECENT_BILLS_MS = 7 * _DAY_MS - 3_600_000
"""How far back the quicker lists go, less an hour."""

_FUNDING_TYPE = "8"

_decode_orders = rows(OrderRow, "orders")
_decode_trades = rows(OwnTrade, "trades")
_decode_bills = rows(Bill, "bills")
_decode_positions = rows(Position, "positions")
_decode_accounts = rows(AccountState, "account")

_TYPES = {"market": OrderType.MARKET, "optimal_limit_ioc": OrderType.MARKET}
_TIMES = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK, "optimal_limit_ioc": TimeInForce.IOC}
_POST_ONLY = ("post_only", "elp", "mmp_and_post_only")


class Account:
    """The account of one key. Raises `TransportError` where there is no answer."""

    def __init__(
        self,
        api: RestApi,
        evidence: Evidence,
        exchange: str,
        instruments: Sequence[Instrument],
        position_mode: PositionMode,
    ) -> None:
        self.instruments = {instrument.native_symbol: instrument for instrument in instruments}
        self.contracts = {
            name: instrument for name, instrument in self.instruments.items() if is_contract(instrument)
        }
        """Those that have positions; what margin trading has in a pair of spot is none of ours."""
        self._api = api
        self._evidence = evidence
        self._exchange = exchange
        self._hedge = position_mode is PositionMode.HEDGE

    # -- orders ------------------------------------------------------------------------------------

    async def open_orders(self) -> list[OrderStatus]:
        """Return the open orders in the instruments of the run."""
        found: list[OrderStatus] = []
        for native, instrument in self.instruments.items():
            page: dict[str, str] = {}
            while True:
                # Not by type: spot that trades on margin is of another one.
                params = {"instId": native, **page}
                answer = await self._api.fetch(
                    "GET", "/api/v5/trade/orders-pending", params, costs=limits.account("pending")
                )
                listed = _decode_orders(answer.body)
                found += [
                    self._status(row, instrument, answer.recv_ns) for row in listed if row.inst_id == native
                ]
                if len(listed) < _PAGE:
                    break
                page = _behind(listed[-1].order_id)
        return found

    async def order(self, instrument: Instrument, client_order_id: str) -> OrderStatus | NoSuchOrder:
        """Return how an order stands, or that the exchange knows no such order."""
        params = {"instId": instrument.native_symbol, "clOrdId": client_order_id}
        try:
            answer = await self._api.fetch(
                "GET", "/api/v5/trade/order", params, costs=limits.account("order")
            )
        except RequestRefused as error:
            if error.code in NO_SUCH_ORDER:
                return NoSuchOrder(error.asked_ns)
            raise
        listed = _decode_orders(answer.body)
        if not listed:
            return NoSuchOrder(answer.sent_ns)
        return self._status(listed[0], instrument, answer.recv_ns)

    async def cancel(self, orders: Sequence[OrderStatus]) -> None:
        """Cancel listed orders, in batches of one instrument each; those that are gone are gone."""
        by_name = sorted(orders, key=lambda status: status.instrument.native_symbol)
        for native, group in groupby(by_name, key=lambda status: status.instrument.native_symbol):
            listed = list(group)
            for start in range(0, len(listed), limits.BATCH):
                await self._cancel(native, listed[start : start + limits.BATCH])

    async def _cancel(self, native: str, orders: Sequence[OrderStatus]) -> None:
        single = len(orders) == 1
        named = [{"instId": native, "ordId": status.report.exchange_order_id} for status in orders]
        costs = limits.new_order_costs("cancel", native, len(orders), capped=False)
        path = "/api/v5/trade/cancel-order" if single else "/api/v5/trade/cancel-batch-orders"
        try:
            await self._api.fetch(
                "POST", path, named[0] if single else named, costs=costs, priority=Priority.CANCEL
            )
        except RequestRefused as error:
            # "1" and "2": some were not cancelled; that they had ended is told by the orders themselves.
            if error.code not in ("1", "2"):
                raise
            for status in orders:
                await self._check_gone(status)

    async def _check_gone(self, status: OrderStatus) -> None:
        params = {"instId": status.instrument.native_symbol, "ordId": status.report.exchange_order_id}
        try:
            answer = await self._api.fetch(
                "GET", "/api/v5/trade/order", params, costs=limits.account("order"), priority=Priority.CANCEL
            )
        except RequestRefused as error:
            if error.code in NO_SUCH_ORDER:
                return
            raise
        if any(row.state in ("live", "partially_filled") for row in _decode_orders(answer.body)):
            raise RequestRefused(
                f"order {status.client_order_id} of {status.instrument} was not cancelled",
                status=200,
                code=error_of(answer.body).code,
                asked_ns=answer.sent_ns,
            )

    def _status(self, row: OrderRow, instrument: Instrument, recv_ns: int) -> OrderStatus:
        with reading(f"order {row.order_id[:40]} of {instrument}"):
            report = self._evidence.report(row, instrument, recv_ns, whole=True)
            return OrderStatus(
                report=report,
                instrument=instrument,
                side=SIDES[row.side],
                size=instrument.size(row.size),
                price=report.price,
                type=_TYPES.get(row.type, OrderType.LIMIT),
                time_in_force=_TIMES.get(row.type, TimeInForce.GTC),
                post_only=row.type in _POST_ONLY,
                reduce_only=row.reduce_only == "true",
                position_side=POSITION_SIDES[row.position_side],
                created_ns=milliseconds(row.created_ms) * NS_PER_MS,
            )

    # -- trades ------------------------------------------------------------------------------------

    async def fills_of(self, instrument: Instrument, order_id: str, client_order_id: str) -> list[Fill]:
        """Return all trades of one order, in their order."""
        return await self._trades(instrument, {"ordId": order_id}, "fills", client_order_id)

    async def executions(self, instrument: Instrument, since_ns: int) -> list[Fill]:
        """Return all trades since then, whoever's order made them, in their order."""
        since_ms = max(0, since_ns // NS_PER_MS)
        is_recent = since_ms >= self._api.now_ms() - _RECENT_FILLS_MS
        return await self._trades(
            instrument, {"begin": str(since_ms)}, "fills" if is_recent else "fills-history", ""
        )

    async def _trades(
        self, instrument: Instrument, wanted: Mapping[str, str], which: str, client_order_id: str
    ) -> list[Fill]:
        native = instrument.native_symbol
        found: list[Fill] = []
        page: dict[str, str] = {}
        while True:
            params = {"instId": native, **wanted, **page}
            answer = await self._api.fetch(
                "GET", f"/api/v5/trade/{which}", params, costs=limits.account(which)
            )
            listed = _decode_trades(answer.body)
            found += [
                self._fill(trade, client_order_id, instrument, answer.recv_ns)
                for trade in listed
                if trade.inst_id == native
            ]
            if len(listed) < _PAGE:
                # The newest are listed first.
                return found[::-1]
            page = _behind(listed[-1].bill_id)

    def _fill(self, trade: OwnTrade, client_order_id: str, instrument: Instrument, recv_ns: int) -> Fill:
        with reading(f"trade {trade.trade_id[:40]} of {instrument}"):
            return self._evidence.trade(trade, client_order_id, instrument, recv_ns)

    # -- money -------------------------------------------------------------------------------------

    async def fundings(self, instrument: Instrument, since_ns: int) -> list[Funding]:
        """Return the funding payments since then, in their order."""
        if instrument.kind is not InstrumentKind.PERPETUAL:
            return []
        since_ms = max(0, since_ns // NS_PER_MS)
        is_recent = since_ms >= self._api.now_ms() - _RECENT_BILLS_MS
        path = "/api/v5/account/bills" if is_recent else "/api/v5/account/bills-archive"
        paid: list[Funding] = []
        page: dict[str, str] = {}
        while True:
            params = {
                "instType": instrument_type(instrument),
                "type": _FUNDING_TYPE,
                "begin": str(since_ms),
                **page,
            }
            answer = await self._api.fetch("GET", path, params, costs=limits.account("bills"))
            listed = _decode_bills(answer.body)
            paid += [
                self._funding(bill, instrument)
                for bill in listed
                if bill.inst_id == instrument.native_symbol and milliseconds(bill.ts) >= since_ms
            ]
            if len(listed) < _PAGE:
                return paid[::-1]
            page = _behind(listed[-1].bill_id)

    def _funding(self, bill: Bill, instrument: Instrument) -> Funding:
        with reading(f"bill {bill.bill_id[:40]!r}"):
            # What an isolated position pays leaves the account's balance alone, and is its loss.
            amount = _amount(bill.change) or _amount(bill.profit)
        return Funding(
            instrument=instrument,
            payment_id=bill.bill_id,
            amount=amount,
            asset=bill.asset,
            exchange_ns=milliseconds(bill.ts) * NS_PER_MS,
        )

    async def positions(self) -> list[PositionReport]:
        """Return the positions in the instruments of the run, flat ones as 0."""
        if not self.contracts:
            return []
        answer = await self._api.fetch("GET", "/api/v5/account/positions", costs=limits.account("positions"))
        sides = (PositionSide.LONG, PositionSide.SHORT) if self._hedge else (PositionSide.BOTH,)
        reports = {
            (instrument, side): PositionReport(instrument=instrument, size=Size(0), position_side=side)
            for instrument in self.contracts.values()
            for side in sides
        }
        for row in _decode_positions(answer.body):
            if instrument := self.contracts.get(row.inst_id):
                report = self.position(row, instrument)
                reports[instrument, report.position_side] = report
        return list(reports.values())

    def position(self, row: Position, instrument: Instrument) -> PositionReport:
        """Return a position from the exchange's words: shorts are negative in net mode only."""
        with reading(f"position in {instrument}"):
            side = POSITION_SIDES[row.side]
            size = instrument.size(row.size.removeprefix("-") or "0")
            if row.size.startswith("-") or side is PositionSide.SHORT:
                size = Size(-size)
            entry = _amount(row.entry_price)
            return PositionReport(
                instrument=instrument,
                size=size,
                position_side=side,
                entry_price=entry if size and entry else None,
                exchange_ns=milliseconds(row.updated_ms) * NS_PER_MS,
            )

    async def balances(self) -> list[BalanceReport]:
        """Return what the account has."""
        answer = await self._api.fetch("GET", "/api/v5/account/balance", costs=limits.account("balance"))
        reports = [
            self.balance(balance) for state in _decode_accounts(answer.body) for balance in state.details
        ]
        return [report for report in reports if report.total]

    def balance(self, balance: Balance) -> BalanceReport:
        """Return a balance from the exchange's words: cash, of which a part may be locked in orders."""
        with reading(f"balance of {balance.asset[:40]!r}"):
            return BalanceReport(
                exchange=self._exchange,
                asset=balance.asset,
                total=_amount(balance.cash),
                locked=_amount(balance.in_orders),
                exchange_ns=milliseconds(balance.updated_ms) * NS_PER_MS,
            )


def _behind(last_id: str) -> dict[str, str]:
    """Return how the next page is asked for; raise `DecodeError` where it cannot be."""
    if not last_id:
        raise DecodeError("a full page whose last row has no id")
    return {"after": last_id}


def _amount(text: str) -> Decimal:
    value = Decimal(text or 0)
    if not value.is_finite():
        raise ValueError(f"{text[:40]!r} is no amount")
    return value
