"""What the simulated exchange says really happened, and where our own books say otherwise."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs

from hft.instrument import Instrument
from hft.ledger import Ledger
from hft.types import PositionSide

__all__ = ["Truth", "compare_ledger", "compare_orders", "fetch_truth"]


@attrs.frozen
class Truth:
    """One account of the simulated exchange: every order that ever was, each with its fills."""

    account: Mapping[str, Any]

    def orders(self, product: str = "") -> Iterator[Mapping[str, Any]]:
        """Yield the orders of a product, or of all."""
        for name, body in self.account.items():
            if not product or name == product:
                yield from body["orders"]

    def fills(self, instrument: Instrument) -> list[Mapping[str, Any]]:
        """Return the fills of an instrument."""
        return [
            fill for order in self.orders() if order["symbol"] == instrument.symbol for fill in order["fills"]
        ]


def fetch_truth(url: str, account: str | None = None) -> Truth:
    """Ask a simulator in another process; the first account by default."""
    with urllib.request.urlopen(f"{url}/_sim/truth", timeout=30) as answer:  # loopback
        accounts = json.load(answer)["accounts"]
    return Truth(accounts[account or next(iter(accounts))])


def compare_orders(truth: Truth, profile_prefix: str, journal: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the orders; ``journal`` maps the client ids that we know to their states.

    Every order of ours that the exchange ever took is known, none was sent twice, and where we think that
    an order has ended the exchange has ended it.
    """
    wrong = []
    taken = Counter(order["client_id"] for order in truth.orders())
    for client_id, times in taken.items():
        if client_id.startswith(profile_prefix) and times > 1:
            wrong.append(f"order {client_id} was sent {times} times")
    for order in truth.orders():
        client_id, state = order["client_id"], order["state"]
        if not client_id.startswith(profile_prefix):
            continue
        known = journal.get(client_id)
        if known is None:
            wrong.append(f"order {client_id} ({state}) is not accounted for")
        elif state in ("new", "partially-filled"):
            wrong.append(f"order {client_id} is still {state}, and {known} to us")
    return wrong


def compare_ledger(truth: Truth, ledger: Ledger, instruments: list[Instrument]) -> list[str]:
    """Return where the ledger is not equal to the exchange's fills, to the last digit."""
    wrong = []
    for instrument in instruments:
        position, cash = Decimal(0), Decimal(0)
        fees: dict[str, Decimal] = defaultdict(Decimal)
        for fill in truth.fills(instrument):
            size, price = Decimal(fill["size"]), Decimal(fill["price"])
            sign = 1 if fill["side"] == "buy" else -1
            position += sign * size
            cash -= sign * size * price * instrument.contract_multiplier
            fees[fill["fee_asset"]] += Decimal(fill["fee"])
        view = ledger.account(instrument)
        ours = instrument.size_to_decimal(ledger.position_of(instrument, PositionSide.BOTH))
        theirs = {asset: fee for asset, fee in fees.items() if fee}
        mine = {asset: fee for asset, fee in view.fees.items() if fee}
        for what, here, there in (
            ("position", ours, position),
            ("cash", view.cash, cash),
            ("fees", mine, theirs),
        ):
            if here != there:
                wrong.append(f"{instrument}: {what} is {here} to us and {there} at the exchange")
    return wrong
