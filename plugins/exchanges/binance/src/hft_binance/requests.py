"""Orders into requests, over REST and over the websocket API; pure.

What never changes of a request is written once for each instrument and kind of order. Sending one fills in
price, size, client id and time, and signs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from hft import Instrument, Order, Price, Side, Size
from hft_binance.endpoints import Product
from hft_binance.order_params import (
    Hole,
    Params,
    amend_params,
    cancel_params,
    cancel_stop_params,
    check_amendment,
    is_futures_stop,
    place_params,
    product_traded,
)
from hft_binance.signing import Signer

__all__ = [
    "NS_PER_MS",
    "FrameForm",
    "RestOrders",
    "RestRequest",
    "WebsocketOrders",
    "encode_request",
    "plain_place_params",
]

NS_PER_MS = 1_000_000

_ORDER_PATH = {Product.SPOT: "/api/v3/order", Product.USDM: "/fapi/v1/order"}
_STOP_PATH = "/fapi/v1/algoOrder"
_AMEND_PATH = {Product.SPOT: "/api/v3/order/amend/keepPriority", Product.USDM: "/fapi/v1/order"}
_AMEND_METHOD = {Product.SPOT: "order.amend.keepPriority", Product.USDM: "order.modify"}


class RestRequest(NamedTuple):
    """A request to be made as it is: ``target`` is path and query, percent-encoded and signed."""

    method: str
    target: str


def encode_request(request_id: str, method: str, params: Mapping[str, str | int]) -> bytes:
    """Write any request of the websocket API, such as ``session.logon``; its answer names its id."""
    return msgspec.json.encode({"id": request_id, "method": method, "params": params})


# -- forms -----------------------------------------------------------------------------------------------

_Values = tuple[str, str, str, int, str, int]
"""Price, size, client id, milliseconds, trigger price and expiry, as `Hole` counts them."""


class _Template:
    """Text with holes: ``text % pick(values)`` fills them."""

    __slots__ = ("pick", "text")

    def __init__(self, parts: Iterable[str | Hole]) -> None:
        parts = list(parts)
        self.text = "".join("%s" if isinstance(part, Hole) else part.replace("%", "%%") for part in parts)
        # A tuple, as every request has two holes at least: client id and time.
        self.pick: Callable[[_Values], Any] = itemgetter(*(part for part in parts if isinstance(part, Hole)))


class _RestForm:
    """One kind of REST request."""

    __slots__ = ("_method", "_path", "_query")

    def __init__(self, method: str, path: str, params: Params) -> None:
        self._method = method
        self._path = path
        self._query = _Template(_named(params, _url_text))

    def write(self, values: _Values, signer: Signer) -> RestRequest:
        template = self._query
        query = template.text % template.pick(_encoded(values, _url_text))
        return RestRequest(self._method, f"{self._path}?{query}&signature={signer.sign_url(query.encode())}")


class FrameForm:
    """One kind of websocket request: the text that is signed, and the frame from its id to its signature."""

    __slots__ = ("_payload", "_rest")

    def __init__(self, method: str, params: Params) -> None:
        params = {name: params[name] for name in sorted(params)}
        self._payload = _Template(_named(params, str))
        self._rest = _Template((f'","method":"{method}","params":{{', *_json(params)))

    def write(self, values: _Values, signer: Signer | None, request_id: str) -> bytes:
        template, payload = self._rest, self._payload
        client_order_id = values[2]
        plain = client_order_id.isalnum() and client_order_id.isascii()
        rest = template.text % template.pick(values if plain else _encoded(values, _json_text))
        if signer is None:
            return f'{{"id":"{request_id}{rest}}}}}'.encode()
        signature = signer.sign((payload.text % payload.pick(values)).encode())
        return f'{{"id":"{request_id}{rest},"signature":"{signature}"}}}}'.encode()


def _named(params: Params, encode: Callable[[str], str]) -> Iterable[str | Hole]:
    """Yield the parts of ``name=value&name=value``."""
    separator = ""
    for name, value in params.items():
        yield f"{separator}{name}="
        yield value if isinstance(value, Hole) else encode(str(value))
        separator = "&"


def _json(params: Params) -> Iterable[str | Hole]:
    """Yield the parts of ``"name":"value","name":1``."""
    separator = ""
    for name, value in params.items():
        yield f'{separator}"{name}":'
        if not isinstance(value, Hole):
            yield msgspec.json.encode(value).decode()
        elif value is Hole.TIME or value is Hole.EXPIRY:
            yield value
        else:
            yield from ('"', value, '"')
        separator = ","


def _encoded(values: _Values, encode: Callable[[str], str]) -> _Values:
    """Encode the client id, the only value that may need it."""
    price, size, client_order_id, time_ms, trigger, expiry_ms = values
    text = encode(client_order_id)
    if text is client_order_id:
        return values
    return price, size, text, time_ms, trigger, expiry_ms


# Our own client ids are letters and digits: looking is quicker than encoding what needs none.


def _url_text(text: str) -> str:
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


def _json_text(text: str) -> str:
    return msgspec.json.encode(text)[1:-1].decode()


# -- orders ----------------------------------------------------------------------------------------------

FormT = TypeVar("FormT")


class _Orders(ABC, Generic[FormT]):
    """The forms of one instrument's orders, each made when it is first needed."""

    def __init__(
        self, instrument: Instrument, *, recv_window_ms: int, place_options: Mapping[str, str], tail: Params
    ) -> None:
        window = {"recvWindow": recv_window_ms} if recv_window_ms else {}
        self._tail: Params = {**window, "timestamp": Hole.TIME, **tail}
        self._options = dict(place_options)
        self._product = product_traded(instrument)
        self._instrument = instrument
        self._placing: dict[Any, FormT] = {}
        # Most orders of a strategy are of one size, and looking is quicker than writing it anew.
        self._size, self._size_text = Size(0), instrument.format_size(0)
        self._cancelling = self._cancel_form({**cancel_params(instrument), **self._tail})
        self._cancelling_stop = self._cancel_stop_form({**cancel_stop_params(), **self._tail})
        self._amending = {
            side: self._amend_form({**amend_params(instrument, side), **self._tail}) for side in Side
        }

    @abstractmethod
    def _place_form(self, params: Params) -> FormT: ...

    @abstractmethod
    def _place_stop_form(self, params: Params) -> FormT: ...

    @abstractmethod
    def _cancel_form(self, params: Params) -> FormT: ...

    @abstractmethod
    def _cancel_stop_form(self, params: Params) -> FormT: ...

    @abstractmethod
    def _amend_form(self, params: Params) -> FormT: ...

    def _values(self, order: Order, price: Price | None, size: Size, now_ns: int) -> _Values:
        if size != self._size:
            self._size, self._size_text = size, self._instrument.format_size(size)
        return _values(order, price, self._size_text, now_ns)

    def placing(self, order: Order) -> FormT:
        """Return the form of a new order; raise `OrderError` if the exchange has no such order."""
        kind = (
            order.side,
            order.type,
            order.time_in_force,
            order.post_only,
            order.reduce_only,
            order.position_side,
            order.price is None,
            order.trigger_price is None,
            not order.expire_ns,
        )
        form = self._placing.get(kind)
        if form is None:
            params = {**place_params(order), **self._options, **self._tail}
            make = self._place_stop_form if is_futures_stop(order) else self._place_form
            form = self._placing[kind] = make(params)
        return form

    def _cancelling_form(self, order: Order) -> FormT:
        return self._cancelling_stop if is_futures_stop(order) else self._cancelling


class RestOrders(_Orders[_RestForm]):
    """Writes the REST requests about one instrument's orders.

    ``recv_window_ms`` is how old a request may be when it arrives (0: what the exchange allows by itself,
    5 s). ``place_options`` are further parameters of every new order, such as ``newOrderRespType``.
    """

    def __init__(
        self,
        instrument: Instrument,
        signer: Signer,
        *,
        recv_window_ms: int = 0,
        place_options: Mapping[str, str] | None = None,
    ) -> None:
        self._signer = signer
        super().__init__(
            instrument, recv_window_ms=recv_window_ms, place_options=place_options or {}, tail={}
        )

    def place(self, order: Order, now_ns: int) -> RestRequest:
        """Write a new order; raise `OrderError` if the exchange has no such order."""
        return self.placing(order).write(self._values(order, order.price, order.size, now_ns), self._signer)

    def cancel(self, order: Order, now_ns: int) -> RestRequest:
        """Write the cancellation of an order."""
        return self._cancelling_form(order).write(_bare_values(order, now_ns), self._signer)

    def amend(self, order: Order, price: Price, size: Size, now_ns: int) -> RestRequest:
        """Write a change of price and whole size; raise `OrderError` for what spot cannot change."""
        check_amendment(order, price, size)
        return self._amending[order.side].write(self._values(order, price, size, now_ns), self._signer)

    def _place_form(self, params: Params) -> _RestForm:
        return _RestForm("POST", _ORDER_PATH[self._product], params)

    def _place_stop_form(self, params: Params) -> _RestForm:
        return _RestForm("POST", _STOP_PATH, params)

    def _cancel_form(self, params: Params) -> _RestForm:
        return _RestForm("DELETE", _ORDER_PATH[self._product], params)

    def _cancel_stop_form(self, params: Params) -> _RestForm:
        return _RestForm("DELETE", _STOP_PATH, params)

    def _amend_form(self, params: Params) -> _RestForm:
        return _RestForm("PUT", _AMEND_PATH[self._product], params)


class WebsocketOrders(_Orders[FrameForm]):
    """Writes the frames of the websocket API about one instrument's orders.

    Without a ``signer`` they are for a session that has logged in, where neither key nor signature is
    sent. The answer to a frame names its ``request_id``, which is made of letters and digits. For the rest
    see `RestOrders`.
    """

    def __init__(
        self,
        instrument: Instrument,
        signer: Signer | None,
        *,
        recv_window_ms: int = 0,
        place_options: Mapping[str, str] | None = None,
    ) -> None:
        self._signer = signer
        super().__init__(
            instrument,
            recv_window_ms=recv_window_ms,
            place_options=place_options or {},
            tail={} if signer is None else {"apiKey": signer.key.reveal()},
        )

    def place(self, order: Order, request_id: str, now_ns: int, form: FrameForm | None = None) -> bytes:
        """Write a new order, by its form if that is known; raise `OrderError` if there is no such order."""
        values = self._values(order, order.price, order.size, now_ns)
        return (form or self.placing(order)).write(values, self._signer, request_id)

    def cancel(self, order: Order, request_id: str, now_ns: int) -> bytes:
        """Write the cancellation of an order."""
        return self._cancelling_form(order).write(_bare_values(order, now_ns), self._signer, request_id)

    def amend(self, order: Order, price: Price, size: Size, request_id: str, now_ns: int) -> bytes:
        """Write a change of price and whole size; raise `OrderError` for what spot cannot change."""
        check_amendment(order, price, size)
        values = self._values(order, price, size, now_ns)
        return self._amending[order.side].write(values, self._signer, request_id)

    def _place_form(self, params: Params) -> FrameForm:
        return FrameForm("order.place", params)

    def _place_stop_form(self, params: Params) -> FrameForm:
        return FrameForm("algoOrder.place", params)

    def _cancel_form(self, params: Params) -> FrameForm:
        return FrameForm("order.cancel", params)

    def _cancel_stop_form(self, params: Params) -> FrameForm:
        return FrameForm("algoOrder.cancel", params)

    def _amend_form(self, params: Params) -> FrameForm:
        return FrameForm(_AMEND_METHOD[self._product], params)


def _values(order: Order, price: Price | None, size_text: str, now_ns: int) -> _Values:
    instrument = order.instrument
    return (
        "" if price is None else instrument.format_price(price),
        size_text,
        order.client_order_id,
        now_ns // NS_PER_MS,
        "" if order.trigger_price is None else instrument.format_price(order.trigger_price),
        order.expire_ns // NS_PER_MS,
    )


def _bare_values(order: Order, now_ns: int) -> _Values:
    return "", "", order.client_order_id, now_ns // NS_PER_MS, "", 0


def plain_place_params(order: Order) -> dict[str, str]:
    """Return a new order's parameters as a batch has them; raise `OrderError` if there is no such order."""
    values = _values(order, order.price, order.instrument.format_size(order.size), 0)
    return {
        name: str(values[value] if isinstance(value, Hole) else value)
        for name, value in place_params(order).items()
    }
