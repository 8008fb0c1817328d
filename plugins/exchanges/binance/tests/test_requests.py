"""Requests about orders: by template as without, and as the exchange's own libraries write them."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import (
    Instrument,
    InstrumentId,
    InstrumentKind,
    Order,
    OrderError,
    OrderType,
    PositionSide,
    Price,
    Secret,
    Side,
    Size,
    TimeInForce,
)
from hft_binance.requests import RestOrders, WebsocketOrders, encode_request
from hft_binance.signing import HmacSigner, signed_params

VECTORS = Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "binance"
KEY, SECRET = "vectorApiKey0123456789ABCDEFabcdef", "vectorSecret0123456789abcdefABCDEFvectorSecret0123456789"
SIGNER = HmacSigner(Secret(KEY), Secret(SECRET))
NOW_NS = 1_754_000_000_000_999_999
NOW_MS = 1_754_000_000_000
SPOT, PERPETUAL = InstrumentKind.SPOT, InstrumentKind.PERPETUAL


def instrument(
    kind: InstrumentKind = SPOT, symbol: str = "BTCUSDT", tick: str = "0.1", lot: str = "0.01"
) -> Instrument:
    return Instrument(
        id=InstrumentId("BTC/USDT", "binance"),
        native_symbol=symbol,
        kind=kind,
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
    )


def order(traded: Instrument, **changes: Any) -> Order:
    values: dict[str, Any] = {
        "client_order_id": "a1",
        "strategy": "s",
        "side": Side.BUY,
        "size": Size(100),
        "price": Price(1000),
    }
    return Order(instrument=traded, **(values | changes))


# -- the plain way, to compare with ----------------------------------------------------------------------


def sign(payload: str) -> str:
    return hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()


def plain_rest(params: dict[str, Any]) -> str:
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())
    return f"{query}&signature={sign(query)}"


def plain_frame(method: str, request_id: str, params: dict[str, Any], *, logged_in: bool) -> bytes:
    params = dict(sorted((params if logged_in else {"apiKey": KEY, **params}).items()))
    if not logged_in:
        params["signature"] = sign("&".join(f"{name}={value}" for name, value in params.items()))
    frame = {"id": request_id, "method": method, "params": params}
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()


def plain_place(placed: Order) -> dict[str, Any]:
    traded = placed.instrument
    spot = traded.kind is SPOT
    params: dict[str, Any] = {"symbol": traded.native_symbol, "side": placed.side.name}
    if placed.type is OrderType.MARKET:
        params["type"] = "MARKET"
    elif placed.post_only and spot:
        params["type"] = "LIMIT_MAKER"
    else:
        params["type"] = "LIMIT"
        params["timeInForce"] = "GTX" if placed.post_only else placed.time_in_force.name
    if placed.reduce_only:
        params["reduceOnly"] = "true"
    params["quantity"] = f"{traded.size_to_decimal(placed.size):f}"
    if placed.price is not None:
        params["price"] = f"{traded.price_to_decimal(placed.price):f}"
    params["newClientOrderId"] = placed.client_order_id
    return params


def plain_amend(placed: Order, price: Price, size: Size) -> dict[str, Any]:
    traded, client_id = placed.instrument, placed.client_order_id
    quantity = f"{traded.size_to_decimal(size):f}"
    params = {"symbol": traded.native_symbol, "origClientOrderId": client_id}
    if traded.kind is SPOT:
        return {**params, "newClientOrderId": client_id, "newQty": quantity}
    return {
        **params,
        "side": placed.side.name,
        "quantity": quantity,
        "price": f"{traded.price_to_decimal(price):f}",
    }


steps = st.sampled_from(["0.01", "0.00001", "1", "0.5", "10", "0.0025"])
counts = st.integers(1, 10**12)
printable = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20
)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    kind = draw(st.sampled_from([SPOT, PERPETUAL, InstrumentKind.FUTURE]))
    traded = instrument(kind, draw(st.one_of(st.just("BTCUSDT"), printable)), draw(steps), draw(steps))
    type_, post_only = draw(
        st.sampled_from([(OrderType.LIMIT, False), (OrderType.LIMIT, True), (OrderType.MARKET, False)])
    )
    fok = [TimeInForce.FOK] if type_ is OrderType.LIMIT else []
    return order(
        traded,
        client_order_id=draw(
            st.one_of(
                st.just("makera1b2c3d4e5f61"),
                st.from_regex(r"[.A-Z:/a-z0-9_-]{1,36}", fullmatch=True),
                printable,
            )
        ),
        side=draw(st.sampled_from(Side)),
        size=Size(draw(counts)),
        price=Price(draw(counts)) if type_ is OrderType.LIMIT else None,
        type=type_,
        post_only=post_only,
        reduce_only=kind is not SPOT and draw(st.booleans()),
        time_in_force=TimeInForce.GTC
        if post_only
        else draw(st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, *fok])),
    )


@given(
    st.lists(orders(), min_size=1, max_size=3),
    st.sampled_from([0, 5000]),
    st.sampled_from([{}, {"newOrderRespType": "ACK"}]),
)
def test_rest_templates_write_what_plain_encoding_writes(
    placed: list[Order], window: int, options: dict[str, str]
) -> None:
    tail = ({"recvWindow": window} if window else {}) | {"timestamp": NOW_MS}
    traded = placed[0].instrument
    requests = RestOrders(traded, SIGNER, recv_window_ms=window, place_options=options)
    path = "/api/v3/order" if traded.kind is SPOT else "/fapi/v1/order"
    for each in placed:
        if each.instrument.kind is not traded.kind:
            continue
        each.instrument = traded
        place = requests.place(each, NOW_NS)
        assert place == ("POST", f"{path}?{plain_rest(plain_place(each) | options | tail)}")
        cancel = {"symbol": traded.native_symbol, "origClientOrderId": each.client_order_id}
        assert requests.cancel(each, NOW_NS) == ("DELETE", f"{path}?{plain_rest(cancel | tail)}")
        if each.type is OrderType.LIMIT and each.price is not None and each.size > 1:
            price, size = (each.price, Size(each.size - 1))
            amend = requests.amend(each, price, size, NOW_NS)
            amend_path = "/api/v3/order/amend/keepPriority" if traded.kind is SPOT else path
            assert amend == ("PUT", f"{amend_path}?{plain_rest(plain_amend(each, price, size) | tail)}")


@given(orders(), st.booleans(), st.sampled_from([0, 5000]))
def test_websocket_templates_write_what_plain_encoding_writes(
    placed: Order, logged_in: bool, window: int
) -> None:
    tail = ({"recvWindow": window} if window else {}) | {"timestamp": NOW_MS}
    traded = placed.instrument
    requests = WebsocketOrders(traded, None if logged_in else SIGNER, recv_window_ms=window)
    for _ in range(2):  # the first makes the template
        frame = requests.place(placed, "p1", NOW_NS)
        assert frame == plain_frame("order.place", "p1", plain_place(placed) | tail, logged_in=logged_in)
    cancel = {"symbol": traded.native_symbol, "origClientOrderId": placed.client_order_id}
    frame = requests.cancel(placed, "c1", NOW_NS)
    assert frame == plain_frame("order.cancel", "c1", cancel | tail, logged_in=logged_in)
    if placed.price is not None and placed.size > 1:
        price, size = placed.price, Size(placed.size - 1)
        frame = requests.amend(placed, price, size, "m1", NOW_NS)
        method = "order.amend.keepPriority" if traded.kind is SPOT else "order.modify"
        expected = plain_frame(method, "m1", plain_amend(placed, price, size) | tail, logged_in=logged_in)
        assert frame == expected


# -- known answers ---------------------------------------------------------------------------------------


def known_url(call: str) -> str:
    file = VECTORS / "sdk_signed_requests.json"
    if not file.is_file():
        pytest.skip(f"known answers are not here: {file.name}")
    cases = json.loads(file.read_text())["cases"]
    url: str = next(
        case["request"]["url"] for case in cases if (case["key_type"], case["call"]) == ("HMAC", call)
    )
    return url


def test_spot_requests_are_those_of_the_official_library() -> None:
    traded = instrument()
    placed = order(traded, client_order_id="my-id_1", size=Size(1), price=Price(500_005))
    place = RestOrders(traded, SIGNER, recv_window_ms=5000).place(placed, NOW_NS)
    cancel = RestOrders(traded, SIGNER).cancel(placed, NOW_NS)
    for request, call in ((place, "spot.new_order LIMIT"), (cancel, "spot.delete_order")):
        known = urlsplit(known_url(call))
        assert request.target == f"{known.path}?{known.query}"


def test_the_documentation_s_websocket_order() -> None:
    # "Sample code for signing requests" of the websocket API, but for the client id, which ours always have.
    traded = instrument(tick="0.01", lot="0.00000001")
    placed = order(traded, side=Side.SELL, size=Size(1_000_000), price=Price(5_200_000))
    frame = json.loads(WebsocketOrders(traded, SIGNER, recv_window_ms=100).place(placed, "r", NOW_NS))
    params = frame["params"]
    assert params.pop("newClientOrderId") == "a1"
    assert (params["price"], params["quantity"], params["recvWindow"]) == ("52000.00", "0.01000000", 100)
    assert list(params) == sorted(params, key=lambda name: (name == "signature", name))


def test_any_request_of_the_websocket_api() -> None:
    params = signed_params({"timestamp": NOW_MS}, SIGNER)
    frame = json.loads(encode_request("c1", "session.logon", params))
    assert frame == {"id": "c1", "method": "session.logon", "params": params}
    assert params["signature"] == "323fabe92ed8a2af2d6953e498aef4faa82a94a7e9bbd2617b4fdefb94eccb68"


# -- what the exchange does not have ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        (SPOT, {"reduce_only": True}, "spot has no reduce-only"),
        (SPOT, {"time_in_force": TimeInForce.GTD, "expire_ns": NOW_NS}, "spot has no orders that are good"),
        (PERPETUAL, {"time_in_force": TimeInForce.GTD}, "no date to be good till"),
        (
            PERPETUAL,
            {"post_only": True, "time_in_force": TimeInForce.IOC},
            "a post-only order is GTC, got 'IOC'",
        ),
        (SPOT, {"type": OrderType.MARKET, "price": None, "post_only": True}, "neither post-only"),
        (SPOT, {"type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.FOK}, "nor FOK"),
        (SPOT, {"type": OrderType.MARKET}, "a market order has none"),
        (SPOT, {"price": None}, "a limit order has a price"),
        (SPOT, {"trigger_price": Price(1)}, "no other order has one"),
        (SPOT, {"type": OrderType.STOP_LIMIT}, "a stop has a trigger price"),
        (
            SPOT,
            {"type": OrderType.STOP_LIMIT, "trigger_price": Price(1), "post_only": True},
            "no stops that are post-only",
        ),
        (SPOT, {"position_side": PositionSide.LONG}, "spot has no positions of two sides"),
        (
            PERPETUAL,
            {"position_side": PositionSide.LONG, "reduce_only": True},
            "a buy order of the long side opens it",
        ),
    ],
)
def test_an_order_that_the_exchange_does_not_have_is_not_written(
    kind: InstrumentKind, changes: dict[str, Any], why: str
) -> None:
    traded = instrument(kind)
    rest, socket = RestOrders(traded, SIGNER), WebsocketOrders(traded, SIGNER)
    for requests in (lambda each: rest.place(each, NOW_NS), lambda each: socket.place(each, "r", NOW_NS)):
        requests(order(traded))  # a form of the same kind but for the fault is no excuse
        with pytest.raises(OrderError, match=why):
            requests(order(traded, **changes))


@pytest.mark.parametrize(
    ("kind", "changes", "written"),
    [
        (
            PERPETUAL,
            {"time_in_force": TimeInForce.GTD, "expire_ns": NOW_NS},
            {
                "type": "LIMIT",
                "timeInForce": "GTD",
                "goodTillDate": NOW_MS,
                "quantity": "1.00",
                "price": "100.0",
            },
        ),
        (
            PERPETUAL,
            {"position_side": PositionSide.LONG},
            {
                "positionSide": "LONG",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "1.00",
                "price": "100.0",
            },
        ),
        (
            # In hedge mode the exchange refuses the flag, and a closing order needs none.
            PERPETUAL,
            {"position_side": PositionSide.SHORT, "reduce_only": True},
            {
                "positionSide": "SHORT",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "1.00",
                "price": "100.0",
            },
        ),
        (
            SPOT,
            {"type": OrderType.STOP_LIMIT, "trigger_price": Price(1010)},
            {
                "type": "STOP_LOSS_LIMIT",
                "timeInForce": "GTC",
                "stopPrice": "101.0",
                "quantity": "1.00",
                "price": "100.0",
            },
        ),
        (
            SPOT,
            {"type": OrderType.STOP_MARKET, "trigger_price": Price(1010), "price": None},
            {"type": "STOP_LOSS", "stopPrice": "101.0", "quantity": "1.00"},
        ),
    ],
)
def test_orders_of_rarer_kinds(
    kind: InstrumentKind, changes: dict[str, Any], written: dict[str, Any]
) -> None:
    traded = instrument(kind)
    placed = order(traded, **changes)
    params = {"symbol": "BTCUSDT", "side": "BUY", **written, "newClientOrderId": "a1", "timestamp": NOW_MS}
    query = plain_rest(params).rpartition("&signature=")[0]
    assert urlsplit(RestOrders(traded, SIGNER).place(placed, NOW_NS).target).query.startswith(f"{query}&")
    frame = WebsocketOrders(traded, None).place(placed, "r", NOW_NS)
    assert frame == plain_frame("order.place", "r", params, logged_in=True)


@pytest.mark.parametrize("limit", [True, False])
def test_futures_stops_have_requests_of_their_own(limit: bool) -> None:
    traded = instrument(PERPETUAL)
    kind = OrderType.STOP_LIMIT if limit else OrderType.STOP_MARKET
    price = Price(1000) if limit else None
    placed = order(traded, type=kind, price=price, trigger_price=Price(1010), reduce_only=True)
    params = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "STOP" if limit else "STOP_MARKET",
        **({"timeInForce": "GTC"} if limit else {}),
        "algoType": "CONDITIONAL",
        "triggerPrice": "101.0",
        "reduceOnly": "true",
        "quantity": "1.00",
        **({"price": "100.0"} if limit else {}),
        "clientAlgoId": "a1",
        "timestamp": NOW_MS,
    }
    rest, socket = RestOrders(traded, SIGNER), WebsocketOrders(traded, SIGNER)
    assert rest.place(placed, NOW_NS) == ("POST", f"/fapi/v1/algoOrder?{plain_rest(params)}")
    frame = plain_frame("algoOrder.place", "r", params, logged_in=False)
    assert socket.place(placed, "r", NOW_NS) == frame
    cancel = {"clientAlgoId": "a1", "timestamp": NOW_MS}
    assert rest.cancel(placed, NOW_NS) == ("DELETE", f"/fapi/v1/algoOrder?{plain_rest(cancel)}")
    frame = plain_frame("algoOrder.cancel", "r", cancel, logged_in=False)
    assert socket.cancel(placed, "r", NOW_NS) == frame


def test_orders_of_one_form_differ_in_trigger_and_expiry() -> None:
    traded = instrument(PERPETUAL)
    frames = WebsocketOrders(traded, None)
    for ticks in (1010, 1020):
        placed = order(traded, type=OrderType.STOP_MARKET, price=None, trigger_price=Price(ticks))
        assert json.loads(frames.place(placed, "r", NOW_NS))["params"]["triggerPrice"] == f"{ticks / 10}"
    for expire_ns in (NOW_NS, NOW_NS + 10**9):
        placed = order(traded, time_in_force=TimeInForce.GTD, expire_ns=expire_ns)
        params = json.loads(frames.place(placed, "r", NOW_NS))["params"]
        assert params["goodTillDate"] == expire_ns // 1_000_000


def test_spot_amends_to_a_smaller_size_only() -> None:
    traded = instrument()
    placed = order(traded)
    rest, socket = RestOrders(traded, SIGNER), WebsocketOrders(traded, SIGNER)
    for price, size in ((Price(1000), Size(100)), (Price(1000), Size(101)), (Price(999), Size(50))):
        with pytest.raises(OrderError, match="smaller size at the same price"):
            rest.amend(placed, price, size, NOW_NS)
        with pytest.raises(OrderError, match="smaller size at the same price"):
            socket.amend(placed, price, size, "r", NOW_NS)


def test_futures_amend_price_and_size() -> None:
    traded = instrument(PERPETUAL)
    request = RestOrders(traded, SIGNER).amend(order(traded), Price(1001), Size(200), NOW_NS)
    assert request.target.startswith(
        "/fapi/v1/order?symbol=BTCUSDT&origClientOrderId=a1&side=BUY&quantity=2.00&price=100.1&timestamp="
    )


def test_neither_key_nor_secret_is_shown() -> None:
    for requests in (RestOrders(instrument(), SIGNER), WebsocketOrders(instrument(), SIGNER)):
        assert KEY not in repr(requests)
        assert SECRET not in f"{requests!r}{vars(requests)}"
