"""Compare what the journal says of every order with what the exchange says of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal

from hft.events import Fill
from hft.instrument import Instrument
from hft.journal import OrderLife
from hft.ledger import Ledger
from hft.testing.truth import Truth

__all__ = ["compare_balances", "compare_funding", "compare_histories"]

_OPEN = ("pending-new", "new", "partially-filled")


def compare_histories(
    truth: Truth, profile_prefix: str, lives: Iterable[OrderLife], fills: Iterable[Fill], *, twice: bool
) -> list[str]:
    """Return where state, filled size or average price of any order differ.

    With ``twice`` the exchange was made to carry out requests twice, so it may have two orders of one id.
    """
    wrong = []
    known = {life.order.client_order_id: life.order for life in lives}
    ours: dict[str, list[Fill]] = defaultdict(list)
    for fill in fills:
        ours[fill.client_order_id].append(fill)
    taken = [each for each in truth.orders() if each["client_id"].startswith(profile_prefix)]
    times = Counter(each["client_id"] for each in taken if each["refused"] is None)
    for client_id, n in times.items():
        if n > 1 and not twice:
            wrong.append(f"order {client_id} was taken {n} times")
    for theirs in taken:
        client_id, state = theirs["client_id"], theirs["state"]
        order = known.get(client_id)
        if order is None:
            wrong.append(f"order {client_id} ({state}) is not in the journal")
            continue
        if times[client_id] > 1 or (theirs["refused"] is not None and times[client_id]):
            continue
        if state in _OPEN:
            wrong.append(
                f"order {client_id} is {state} at the exchange at the end, {order.state.value} to us"
            )
        elif order.state.value != state:
            wrong.append(
                f"order {client_id} is {state} ({theirs['refused'] or theirs['end']}) at the exchange,"
                f" {order.state.value} ({order.reason}) to us"
            )
        instrument = order.instrument
        filled = instrument.size_to_decimal(order.filled)
        if filled != Decimal(theirs["filled"]):
            wrong.append(f"order {client_id} filled {theirs['filled']} at the exchange, {filled} to us")
        turnover = sum(
            (
                instrument.price_to_decimal(each.price) * instrument.size_to_decimal(each.size)
                for each in ours[client_id]
            ),
            Decimal(0),
        )
        if turnover * instrument.contract_multiplier != Decimal(theirs["quote_filled"]):
            wrong.append(
                f"order {client_id} traded for {theirs['quote_filled']} at the exchange, {turnover} to us"
            )
    seen = {each["client_id"] for each in taken}
    for client_id, order in known.items():
        if not order.state.is_final:
            wrong.append(f"order {client_id} is {order.state.value} to us at the end")
        elif client_id not in seen and order.filled:
            wrong.append(f"order {client_id} has fills, and the exchange never had it")
    return wrong


def compare_funding(truth: Truth, ledger: Ledger, instruments: Iterable[Instrument]) -> list[str]:
    """Return where funding was not booked as it was paid."""
    wrong = []
    incomes = truth.account["usdm"]["incomes"]
    for instrument in instruments:
        paid = sum(
            (
                Decimal(each["amount"])
                for each in incomes
                if each["kind"] == "funding" and each["symbol"] == instrument.symbol
            ),
            Decimal(0),
        )
        booked = ledger.account(instrument).funding.get(instrument.settle, Decimal(0))
        if paid != booked:
            wrong.append(f"{instrument}: funding is {booked} to us and {paid} at the exchange")
    return wrong


def compare_balances(truth: Truth, ledger: Ledger) -> list[str]:
    """Return which balances that the ledger has are not what the exchange has in that wallet."""
    wrong = []
    theirs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for asset, balance in truth.account["spot"]["balances"].items():
        theirs["spot", asset] = Decimal(balance["free"]) + Decimal(balance["locked"])
    for asset, amount in truth.account["usdm"]["wallets"].items():
        theirs["usdm", asset] = Decimal(amount)
    for view in ledger.balances():
        there = theirs[view.wallet, view.asset]
        if view.total != there:
            wrong.append(f"{view.wallet}: {view.asset} is {view.total} to us and {there} at the exchange")
    return wrong
