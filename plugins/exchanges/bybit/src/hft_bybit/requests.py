"""Orders into requests, over REST and over the websocket; pure.

What never changes of a request is written once for each instrument and kind of order. Sending one fills in
price, size and client id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from hft import Instrument, Order, OrderError, Price, Size
from hft_bybit.endpoints import product_traded
from hft_bybit.order_params import Hole, Params, amend_params, cancel_params, check_client_id, place_params

__all__ = ["NS_PER_MS", "Form", "OrderBodies", "order_frame"]

NS_PER_MS = 1_000_000

_Values = tuple[str, str, str, str]
"""Price, size, client id and trigger price, as `Hole` counts them."""


class Form:
    """One kind of request, as JSON with holes."""

    __slots__ = ("_pick", "_text")

    def __init__(self, params: Params) -> None:
        parts = list(_json(params))
        self._text = "".join("%s" if isinstance(part, Hole) else part.replace("%", "%%") for part in parts)
        holes = [part for part in parts if isinstance(part, Hole)]
        # A tuple either way: of a single hole `itemgetter` would return the value itself.
        pick = itemgetter(*holes)
        self._pick: Callable[[_Values], Any] = pick if len(holes) > 1 else lambda values: (pick(values),)

    def write(self, values: _Values) -> str:
        """Return the JSON."""
        return str(self._text % self._pick(values))


def _json(params: Params) -> Iterable[str | Hole]:
    """Yield the parts of ``{"name":"value","name":1}``."""
    separator = "{"
    for name, value in params.items():
        yield f'{separator}"{name}":'
        if isinstance(value, Hole):
            yield from ('"', value, '"')
        else:
            yield msgspec.json.encode(value).decode()
        separator = ","
    yield "}"


class OrderBodies:
    """Writes what is asked about one instrument's orders: the body by REST, the argument of a frame else.

    ``place_options`` are further fields of every new order, such as ``smpType``.
    """

    def __init__(self, instrument: Instrument, place_options: Mapping[str, str] | None = None) -> None:
        self._instrument = instrument
        self._category = product_traded(instrument).value
        self._options = dict(place_options or {})
        self._placing: dict[Any, Form] = {}
        # Most orders of a strategy are of one size, and looking is quicker than writing it anew.
        self._size, self._size_text = Size(0), instrument.format_size(0)
        self._cancelling = Form(cancel_params(instrument))
        self._amending = {
            (price, size): Form(amend_params(instrument, price=price, size=size))
            for price in (False, True)
            for size in (False, True)
        }

    def placing(self, order: Order) -> Form:
        """Return the form of a new order; raise `OrderError` if the exchange has no such order."""
        client_id = order.client_order_id
        if not (client_id.isalnum() and client_id.isascii() and len(client_id) <= 36):
            check_client_id(client_id)
        kind = (
            order.side,
            order.type,
            order.time_in_force,
            order.post_only,
            order.reduce_only,
            order.position_side,
            order.price is None,
            order.trigger_price is None,
        )
        form = self._placing.get(kind)
        if form is None:
            form = self._placing[kind] = Form({**place_params(order), **self._options})
        return form

    def place(self, order: Order, form: Form | None = None) -> str:
        """Write a new order, by its form if that is known."""
        return (form or self.placing(order)).write(self._values(order, order.price, order.size))

    def cancel(self, order: Order) -> str:
        """Write the cancellation of an order."""
        return self._cancelling.write(("", "", order.client_order_id, ""))

    def amend(self, order: Order, price: Price, size: Size) -> str:
        """Write a change of price and whole size."""
        changes = price != order.price, size != order.size
        if not any(changes):
            raise OrderError(f"{order.instrument}: the order is as it is to be already")
        return self._amending[changes].write(self._values(order, price, size))

    def batch(self, bodies: Sequence[str]) -> str:
        """Write several requests of one kind as one, which names the product for all of them."""
        head = f'{{"category":"{self._category}",'
        listed = ",".join(f"{{{body.removeprefix(head)}" for body in bodies)
        return f'{head}"request":[{listed}]}}'

    def _values(self, order: Order, price: Price | None, size: Size) -> _Values:
        instrument = self._instrument
        if size != self._size:
            self._size, self._size_text = size, instrument.format_size(size)
        trigger = order.trigger_price
        return (
            "" if price is None else instrument.format_price(price),
            self._size_text,
            order.client_order_id,
            "" if trigger is None else instrument.format_price(trigger),
        )


def order_frame(op: str, body: str, request_id: str, *, time_ms: int, window_ms: int) -> bytes:
    """Write the frame that asks for something about orders; its answer names ``request_id``."""
    return (
        f'{{"reqId":"{request_id}","header":{{"X-BAPI-TIMESTAMP":"{time_ms}","X-BAPI-RECV-WINDOW":"{window_ms}"}}'
        f',"op":"{op}","args":[{body}]}}'
    ).encode()
