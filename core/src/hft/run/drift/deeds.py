"""What one run did: its requests and fills, read from the lines that tell of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from functools import partial

import attrs

from hft.errors import CaptureError, GridError
from hft.instrument import Instrument
from hft.types import Liquidity, Side

__all__ = ["Deed", "Deeds", "Traded"]

_PLACE = re.compile(r"place (\S+) .*?(\S+@\S+) (buy|sell) (\S+) at (\S+)(.*)")
_AMEND = re.compile(r"amend (\S+) (\S+@\S+) to (\S+) at (\S+)")
_CANCEL = re.compile(r"cancel (\S+) (\S+@\S+)")
_FILL = re.compile(r"fill (\S*) (\S+@\S+) (buy|sell) (\S+) at (\S+) (maker|taker) fee (\S+) (\S+)")


@attrs.frozen
class Deed:
    """A request. ``order`` counts the instrument's orders from 1: client order ids are others in each run.

    ``price`` is None of a market order, and both are None of a cancel.
    """

    time_ns: int
    what: str
    order: int
    instrument: str
    side: Side
    price: int | None = None
    size: int | None = None
    more: str = ""


@attrs.frozen
class Traded:
    """A fill, when the run learned of it: ticks and lots, and the fee in its asset.

    ``order`` is 0 for an order of an earlier run.
    """

    time_ns: int
    order: int
    instrument: str
    side: Side
    price: int
    size: int
    liquidity: Liquidity
    fee: Decimal
    fee_asset: str


@attrs.define
class Deeds:
    """The requests and the fills of a run by instrument, each in their order.

    ``instruments`` are those that it may trade, by name.
    """

    instruments: Mapping[str, Instrument]
    requests: dict[str, list[Deed]] = attrs.Factory(partial(defaultdict, list))
    fills: dict[str, list[Traded]] = attrs.Factory(partial(defaultdict, list))
    _counts: dict[str, int] = attrs.Factory(dict)
    _numbers: dict[str, int] = attrs.Factory(dict)
    _sides: dict[str, Side] = attrs.Factory(dict)

    def note(self, time_ns: int, line: str) -> None:
        """Take a line that a run, or its recording, tells; raise `CaptureError` for one that is none."""
        try:
            self._take(time_ns, line)
        except (KeyError, GridError, ValueError, ArithmeticError) as error:
            raise CaptureError(f"what the run did cannot be read: {line!r}: {error}") from None

    def placed(self) -> list[Deed]:
        """Return the orders."""
        return [each for requests in self.requests.values() for each in requests if each.what == "place"]

    def all_fills(self) -> list[Traded]:
        """Return the fills of all instruments."""
        return [each for fills in self.fills.values() for each in fills]

    def count(self, what: str, instrument: str) -> int:
        """Count the requests of a kind in an instrument."""
        return sum(each.what == what for each in self.requests[instrument])

    def _take(self, time_ns: int, line: str) -> None:
        if found := _PLACE.fullmatch(line):
            client_order_id, name, side, size, price, more = found.groups()
            number = self._counts[name] = self._counts.get(name, 0) + 1
            self._numbers[client_order_id] = number
            self._sides[client_order_id] = Side(side)
            one, asked = self.instruments[name], re.sub(r" for \S+$", "", more)
            at = None if price == "market" else one.price(price)
            self.requests[name].append(
                Deed(time_ns, "place", number, name, Side(side), at, one.size(size), asked.strip())
            )
        elif found := _AMEND.fullmatch(line):
            client_order_id, name, size, price = found.groups()
            one = self.instruments[name]
            self._ask(time_ns, "amend", client_order_id, name, one.price(price), one.size(size))
        elif found := _CANCEL.fullmatch(line):
            self._ask(time_ns, "cancel", found[1], found[2])
        elif found := _FILL.fullmatch(line):
            client_order_id, name, side, size, price, liquidity, fee, asset = found.groups()
            one = self.instruments[name]
            self.fills[name].append(
                Traded(
                    time_ns,
                    self._numbers.get(client_order_id, 0),
                    name,
                    Side(side),
                    one.price(price),
                    one.size(size),
                    Liquidity(liquidity),
                    Decimal(fee),
                    asset,
                )
            )
        else:
            raise ValueError("it is of no known kind")

    def _ask(
        self,
        time_ns: int,
        what: str,
        client_order_id: str,
        name: str,
        price: int | None = None,
        size: int | None = None,
    ) -> None:
        number = self._numbers.get(client_order_id)
        if number is None:  # an order of an earlier run, which the other one does not have
            return
        side = self._sides[client_order_id]
        self.requests[name].append(Deed(time_ns, what, number, name, side, price, size))
