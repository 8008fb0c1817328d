"""The simulated exchange as its clients meet it, on a clock that stands still."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hft import Secret, SimulatedClock
from hft.capture import read_capture
from hft.sim import Playback, SyntheticMarket, World, serve
from hft_hyperliquid.signing import Signer, encode_action
from hft_hyperliquid.simulator import HyperliquidSimulator, HyperliquidSimulatorConfig

START_NS = 1_790_000_040_000_000_000
S = 1_000_000_000
LONG = 5.0
ETH = 1
CAPTURE = (
    Path(__file__).resolve().parents[4].parent
    / "shared/captures/hyperliquid/btc_2025-01-26_first12s.jsonl.gz"
)


class Venue:
    """A simulator on a port whose markets stand still, and clients with keys."""

    def __init__(self, simulator: HyperliquidSimulator, clock: SimulatedClock, port: int) -> None:
        self.simulator = simulator
        self.clock = clock
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{port}")
        self.accounts = simulator.accounts()
        self.last_nonce = 0

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def market(self, symbol: str = "ETH/USDC:USDC") -> SyntheticMarket:
        market = self.simulator.world.markets[symbol]
        assert isinstance(market, SyntheticMarket)
        return market

    def body(
        self,
        action: Any,
        *,
        by: int = 0,
        nonce: int | None = None,
        vault: str | None = None,
        expires: int | None = None,
        source: str = "a",
        signed: Any = None,
    ) -> dict[str, Any]:
        """Sign an action, or ``signed`` in its place."""
        if nonce is None:
            self.last_nonce = nonce = max(self.now_ms, self.last_nonce + 1)
        signer = Signer(Secret(self.accounts[by].secret), source)
        vault_bytes = None if vault is None else bytes.fromhex(vault[2:])
        raw = encode_action(action if signed is None else signed)
        signature = signer.sign(raw, nonce, vault_bytes, expires).json()
        return {
            "action": action,
            "nonce": nonce,
            "signature": signature,
            "vaultAddress": vault,
            "expiresAfter": expires,
        }

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        async with self.session.post(path, data=data) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return json.loads(text) if status == 200 else text

    async def act(self, action: Any, **how: Any) -> Any:
        """Send an action and return what became of its only order, or the refusal."""
        answer = await self.post("/exchange", self.body(action, **how))
        if answer["status"] == "err":
            return answer["response"]
        statuses = answer["response"].get("data", {}).get("statuses")
        return answer["response"] if statuses is None else statuses[0]

    async def info(self, kind: str, **more: Any) -> Any:
        return await self.post("/info", {"type": kind, **more})

    async def order(self, *, by: int = 0, vault: str | None = None, **changes: Any) -> Any:
        return await self.act(placing(**changes), by=by, vault=vault)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Socket]:
        async with self.session.ws_connect("/ws", autoping=False) as ws:
            yield Socket(ws)


class Socket:
    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def send(self, message: Any) -> None:
        await self.ws.send_str(message if isinstance(message, str) else json.dumps(message))

    async def subscribe(self, method: str = "subscribe", **subscription: Any) -> None:
        await self.send({"method": method, "subscription": subscription})

    async def read(self) -> Any:
        message = await asyncio.wait_for(self.ws.receive(), LONG)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def until(self, channel: str) -> Any:
        """Return the data of the next frame of a channel."""
        while True:
            frame = await self.read()
            if frame["channel"] == channel:
                return frame.get("data")


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "a": ETH, "b": True, "p": "2000", "s": "0.05", "r": False, "t": {"limit": {"tif": "Gtc"}},
    } | changes  # fmt: skip


def placing(**changes: Any) -> dict[str, Any]:
    return {"type": "order", "orders": [entry(**changes)], "grouping": "na"}


@pytest.fixture
async def venue() -> AsyncIterator[Callable[..., Any]]:
    """Give a function that starts a simulator; everything is closed at the end."""
    exits: list[Callable[[], Any]] = []

    async def begin(*, quiet: bool = True, **options: Any) -> Venue:
        clock = SimulatedClock(START_NS)
        config = HyperliquidSimulatorConfig(**options)
        world = World.synthetic(
            clock, config.symbols, "hyperliquid", seed=config.seed, product=HyperliquidSimulator.product
        )
        simulator = HyperliquidSimulator(config, world)
        server = serve(simulator)
        running = Venue(simulator, clock, await server.__aenter__())
        if quiet:
            world.stop()
        exits.extend([running.session.close, lambda: server.__aexit__(None, None, None)])
        return running

    yield begin
    for leave in exits:
        await leave()


# -- who signed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "source"), [(0, "a"), (1, "a"), (0, "b")])
async def test_api_wallet_and_owner_trade_whichever_network_they_sign_for(
    venue: Any, by: int, source: str
) -> None:
    place = await venue()
    assert "resting" in await place.act(placing(), by=by, source=source)


async def test_a_network_of_its_own_takes_no_other_signature(venue: Any) -> None:
    place = await venue(network=HyperliquidSimulatorConfig().network.__class__.MAINNET)
    assert "does not exist" in await place.act(placing(), source="b")


async def test_what_was_signed_differently_recovers_to_somebody_else(venue: Any) -> None:
    place = await venue()
    seen = set()
    for signed in (
        placing(p="2001"),
        {key: placing()[key] for key in ("grouping", "orders", "type")},  # another order of keys
        {**placing(), "builder": None},
    ):
        refused = await place.act(placing(), signed=signed)
        assert refused.startswith("User or API Wallet 0x")
        assert refused.endswith(" does not exist.")
        seen.add(refused)
    assert len(seen) == 3


async def test_the_exchange_hashes_numbers_without_their_zeros(venue: Any) -> None:
    place = await venue()
    assert "does not exist" in await place.order(p="2000.0")
    assert "resting" in await place.act(placing(p="2000.0"), signed=placing())


async def test_signatures_may_lack_zeros_in_front(venue: Any) -> None:
    place = await venue()
    for nonce in range(place.now_ms, place.now_ms + 2_000):
        body = place.body(placing(), nonce=nonce)
        if body["signature"]["r"].startswith("0x0"):
            break
    body["signature"]["r"] = "0x" + body["signature"]["r"][2:].lstrip("0")
    assert (await place.post("/exchange", body))["status"] == "ok"


async def test_a_signature_that_cannot_be_is_nobodys(venue: Any) -> None:
    place = await venue()
    body = place.body(placing())
    body["signature"]["s"] = "0x0"
    answer = await place.post("/exchange", body)
    assert answer == {"status": "err", "response": "Unable to recover signer."}


async def test_nonces_are_used_once_and_lie_in_their_window(venue: Any) -> None:
    place = await venue()
    now = place.now_ms
    day = 86_400_000
    assert "resting" in await place.act(placing(), nonce=now)
    assert await place.act(placing(), nonce=now) == f"Invalid nonce: duplicate nonce {now}"
    assert "nonce too low" in await place.act(placing(), nonce=now - 2 * day)
    assert "nonce too high" in await place.act(placing(), nonce=now + day + 1)
    # They need not come in their order, as long as they are among the highest hundred.
    assert "resting" in await place.act(placing(), nonce=now - 1)
    for nonce in range(now + 1, now + 101):
        await place.act({"type": "noop"}, nonce=nonce)
    assert "nonce too low" in await place.act(placing(), nonce=now - 2)
    # Those of the owner are others.
    assert "resting" in await place.act(placing(), by=1, nonce=now)


async def test_what_is_too_late_is_not_carried_out(venue: Any) -> None:
    place = await venue()
    assert await place.act(placing(), expires=place.now_ms - 1) == "Action already expired"
    assert "resting" in await place.act(placing(), expires=place.now_ms)


async def test_sub_accounts_are_their_owners_only(venue: Any) -> None:
    place = await venue()
    first, second = (person.sub_address for person in place.simulator._persons)
    assert "resting" in await place.order(vault=first)
    assert await place.order(vault=second) == f"Vault not registered: {second}"
    assert len(await place.info("openOrders", user=first)) == 1
    assert await place.info("openOrders", user=place.accounts[0].key) == []


async def test_an_agents_address_is_no_account(venue: Any) -> None:
    place = await venue()
    await place.order()
    agent = place.simulator._persons[0].agent
    assert await place.info("userRole", user=agent) == {
        "role": "agent",
        "data": {"user": place.accounts[0].key},
    }
    assert await place.info("openOrders", user=agent) == []
    assert await place.info("orderStatus", user=agent, oid=1) == {"status": "unknownOid"}
    assert (await place.info("clearinghouseState", user=agent))["assetPositions"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"action":{"type":"order"},"nonce":"1"}',
        b'{"action":{"type":"order"},"nonce":1}',
        b"\xff",
    ],
)
async def test_what_does_not_fit_has_status_422(venue: Any, body: bytes) -> None:
    place = await venue()
    assert await place.post("/exchange", body, 422) == (
        "Failed to deserialize the JSON body into the target type"
    )
    await place.post("/info", body, 422)


@pytest.mark.parametrize(
    "action",
    [
        {"type": "teleport"},
        placing(a="1"),
        placing(b=1),
        placing(p=2000),
        placing(p="NaN"),
        placing(t={"limit": {"tif": "Fok"}}),
        placing(c="0x1"),
        {"type": "cancel", "cancels": [{"a": 1}]},
        {"type": "updateLeverage", "asset": 1},
    ],
)
async def test_actions_that_make_no_sense_have_it_as_well(venue: Any, action: Any) -> None:
    place = await venue()
    await place.post("/exchange", place.body(action), 422)


# -- orders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"p": "2000.12"}, "Price must be divisible by tick size. asset=1"),
        ({"p": "2000.001"}, "Price must be divisible by tick size. asset=1"),
        ({"p": "0"}, "Order has invalid price. asset=1"),
        ({"s": "0.00001"}, "Order has invalid size. asset=1"),
        ({"s": "0"}, "Order has zero size. asset=1"),
        ({"s": "0.004"}, "Order must have minimum value of $10. asset=1"),
        ({"a": 10_107, "p": "9", "s": "1"}, "Order must have minimum value of 10 USDC. asset=10107"),
        ({"p": "100", "s": "1"}, "Order price cannot be more than 80% away from the reference price asset=1"),
        ({"s": "100000"}, "Insufficient margin to place order. asset=1"),
        ({"a": 10_107, "p": "9", "s": "1000000"}, "Insufficient spot balance asset=10107"),
        ({"r": True}, "Reduce only order would increase position. asset=1"),
        (
            {"t": {"limit": {"tif": "Ioc"}}},
            "Order could not immediately match against any resting orders. asset=1",
        ),
        (
            {"t": {"trigger": {"isMarket": True, "triggerPx": "2000", "tpsl": "sl"}}},
            "Invalid TP/SL price. asset=1",
        ),
        ({"a": 77}, "Invalid asset. asset=77"),
    ],
)
async def test_refusals_have_the_exchanges_words(venue: Any, changes: dict[str, Any], text: str) -> None:
    place = await venue()
    assert await place.order(**changes) == {"error": text}


async def test_post_only_says_what_the_best_prices_were(venue: Any) -> None:
    place = await venue()
    book = (await place.info("l2Book", coin="ETH"))["levels"]
    bid, ask = book[0][0]["px"], book[1][0]["px"]
    refused = await place.order(p=ask.removesuffix(".0"), t={"limit": {"tif": "Alo"}})
    assert refused == {
        "error": f"Post only order would have immediately matched, bbo was {bid}@{ask}. asset=1"
    }


async def test_whole_numbers_and_five_figures_are_prices(venue: Any) -> None:
    place = await venue()
    for price in ("2000.1", "2000", "1999.9", "999.99"):
        assert "resting" in await place.order(p=price), price


async def test_cancels_and_their_words(venue: Any) -> None:
    place = await venue()
    cloid = f"0x{42:032x}"
    resting = (await place.order(c=cloid))["resting"]
    assert resting["cloid"] == cloid
    by_cloid = {"type": "cancelByCloid", "cancels": [{"asset": ETH, "cloid": cloid}]}
    assert await place.act(by_cloid) == "success"
    gone = {"error": "Order was never placed, already canceled, or filled. asset=1"}
    assert await place.act(by_cloid) == gone
    assert await place.act({"type": "cancel", "cancels": [{"a": ETH, "o": resting["oid"]}]}) == gone
    assert await place.act({"type": "cancel", "cancels": [{"a": ETH, "o": 1}]}) == gone


async def test_a_modification_is_another_order_of_the_same_client_id(venue: Any) -> None:
    place = await venue()
    user, cloid = place.accounts[0].key, f"0x{7:032x}"
    first = (await place.order(c=cloid))["resting"]["oid"]
    modify = {"type": "batchModify", "modifies": [{"oid": cloid, "order": entry(c=cloid, s="0.07")}]}
    second = (await place.act(modify))["resting"]["oid"]
    assert second > first
    statuses = [await place.info("orderStatus", user=user, oid=each) for each in (first, cloid)]
    assert [each["order"]["status"] for each in statuses] == ["canceled", "open"]
    assert statuses[1]["order"]["order"]["origSz"] == "0.07"
    # It may not trade at once: what is good till cancelled becomes post-only.
    assert statuses[1]["order"]["order"]["tif"] == "Alo"
    single = {"type": "modify", "oid": first, "order": entry()}
    assert await place.act(single) == "Cannot modify canceled or filled order"
    bad = {"type": "modify", "oid": second, "order": entry(s="100000")}
    assert (await place.act(bad)).startswith("Error placing new order during modify: Insufficient margin")
    assert await place.info("openOrders", user=user) == []


async def test_our_own_resting_order_is_cancelled_rather_than_traded_with(venue: Any) -> None:
    place = await venue()
    user = place.accounts[0].key
    ask = (await place.info("l2Book", coin="ETH"))["levels"][1][0]["px"]
    best = place.market().instrument
    price = best.format_price(best.price_below(best.price(ask.removesuffix(".0")))).rstrip("0").rstrip(".")
    mine = (await place.order(p=price))["resting"]["oid"]
    await place.order(b=False, p=price, t={"limit": {"tif": "Ioc"}})
    status = await place.info("orderStatus", user=user, oid=mine)
    assert status["order"]["status"] == "selfTradeCanceled"


async def test_the_switch_cancels_everything_when_its_time_has_come(venue: Any) -> None:
    place = await venue()
    user = place.accounts[0].key
    await place.order()
    early = {"type": "scheduleCancel", "time": place.now_ms + 4_000}
    assert "too early" in await place.act(early)
    for at in (5_000, 60_000):
        assert await place.act({"type": "scheduleCancel", "time": place.now_ms + at}) == {"type": "default"}
    place.clock.advance(30 * S)
    assert len(await place.info("openOrders", user=user)) == 1
    place.clock.advance(31 * S)
    assert await place.info("openOrders", user=user) == []
    (old,) = await place.info("historicalOrders", user=user)
    assert old["status"] == "scheduledCancel"
    poor = await venue(volume=999_999)
    refused = await poor.act({"type": "scheduleCancel", "time": poor.now_ms + 60_000})
    assert refused == (
        "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $999999."
    )


async def test_leverage(venue: Any) -> None:
    place = await venue()
    user = place.accounts[0].key
    setting = {"type": "updateLeverage", "asset": ETH, "isCross": True, "leverage": 7}
    assert await place.act(setting) == {"type": "default"}
    assert (await place.info("activeAssetData", user=user, coin="ETH"))["leverage"] == {
        "type": "cross",
        "value": 7,
    }
    assert await place.act({**setting, "leverage": 41}) == "Invalid leverage value"


# -- feeds ---------------------------------------------------------------------------------------------


async def test_subscriptions_are_echoed_and_refused_in_the_exchanges_words(venue: Any) -> None:
    place = await venue()
    async with place.connect() as socket:
        await socket.send({"method": "ping"})
        assert await socket.read() == {"channel": "pong"}
        await socket.subscribe(type="l2Book", coin="ETH")
        echoed = {"type": "l2Book", "coin": "ETH", "nSigFigs": None, "mantissa": None}
        assert await socket.read() == {
            "channel": "subscriptionResponse",
            "data": {"method": "subscribe", "subscription": echoed},
        }
        book = await socket.until("l2Book")
        assert [len(side) for side in book["levels"]] == [20, 20]
        for message, text in (
            (
                {"method": "subscribe", "subscription": {"type": "l2Book", "coin": "ETH"}},
                "Already subscribed: {",
            ),
            (
                {"method": "unsubscribe", "subscription": {"type": "bbo", "coin": "ETH"}},
                "Already unsubscribed: {",
            ),
            (
                {"method": "subscribe", "subscription": {"type": "l2Book", "coin": "X"}},
                "Invalid subscription {",
            ),
            ({"method": "dance"}, "Error parsing JSON into valid websocket request: {"),
            ("hello", "Error parsing JSON into valid websocket request: hello"),
        ):
            await socket.send(message)
            assert (await socket.until("error")).startswith(text)
        await socket.subscribe("unsubscribe", type="l2Book", coin="ETH")
        assert (await socket.until("subscriptionResponse"))["method"] == "unsubscribe"


async def test_books_come_at_their_pace_and_best_prices_at_once(venue: Any) -> None:
    place = await venue()
    async with place.connect() as socket:
        for kind in ({"type": "l2Book", "fast": True}, {"type": "bbo"}, {"type": "trades"}):
            await socket.subscribe(coin="ETH", **kind)
        book = await socket.until("l2Book")
        assert [len(side) for side in book["levels"]] == [5, 5]
        before = await socket.until("bbo")
        place.clock.advance(S)
        for _ in range(2):
            await socket.until("l2Book")
        await place.order(p="4000", s="1", t={"limit": {"tif": "Ioc"}})
        traded, after = await socket.until("trades"), await socket.until("bbo")
        assert after["bbo"] != before["bbo"]
        assert {each["side"] for each in traded} == {"B"}
    # Who comes later is told the past first.
    async with place.connect() as socket:
        await socket.subscribe(coin="ETH", type="trades")
        assert await socket.until("trades") == traded[-10:]


async def test_an_account_hears_of_its_orders_and_fills(venue: Any) -> None:
    place = await venue()
    user = place.accounts[0].key
    async with place.connect() as socket:
        for kind in ("orderUpdates", "userFills", "userEvents", "userFundings"):
            await socket.subscribe(type=kind, user=user.upper().replace("X", "x"))
        snapshot = await socket.until("userFills")
        assert snapshot == {"user": user, "isSnapshot": True, "fills": []}
        resting = (await place.order())["resting"]["oid"]
        (update,) = await socket.until("orderUpdates")
        assert (update["order"]["oid"], update["status"]) == (resting, "open")
        taken = (await place.order(p="4000", s="0.1", t={"limit": {"tif": "Ioc"}}))["filled"]
        frames = [await socket.read() for _ in range(3)]
        assert sorted(frame["channel"] for frame in frames) == ["orderUpdates", "user", "userFills"]
        fill = next(frame for frame in frames if frame["channel"] == "userFills")["data"]["fills"][0]
        assert (fill["oid"], fill["sz"], fill["dir"]) == (taken["oid"], "0.1", "Open Long")
        assert Decimal(fill["fee"]) == round(Decimal(fill["px"]) * Decimal("0.1") * Decimal("0.00045"), 8)
        assert place.simulator.private is not None
        place.simulator.private.truth.pay_funding(
            {"product": "perps", "symbol": "ETH/USDC:USDC", "rate": "0.001"}
        )
        while not (paid := await socket.until("userFundings"))["fundings"]:
            pass
        assert Decimal(paid["fundings"][0]["usdc"]) < 0
        (row,) = await place.info("userFunding", user=user, startTime=0)
        assert (row["time"], row["delta"]["usdc"]) == (
            paid["fundings"][0]["time"],
            paid["fundings"][0]["usdc"],
        )
        place.simulator.private.truth.liquidate({"product": "perps", "account": "account1"})
        liquidation = (await socket.until("userFills"))["fills"][0]
        assert liquidation["liquidation"]["liquidatedUser"] == user
        assert liquidation["dir"] == "Close Long"
    assert (await place.info("clearinghouseState", user=user))["assetPositions"] == []


async def test_requests_over_the_websocket(venue: Any) -> None:
    place = await venue()

    async def post(socket: Socket, kind: str, payload: Any) -> Any:
        await socket.send({"method": "post", "id": 7, "request": {"type": kind, "payload": payload}})
        answer = await socket.until("post")
        assert answer["id"] == 7
        return answer["response"]

    async with place.connect() as socket:
        book = await post(socket, "info", {"type": "l2Book", "coin": "ETH"})
        assert (book["type"], book["payload"]["type"]) == ("info", "l2Book")
        assert book["payload"]["data"]["coin"] == "ETH"
        placed = await post(socket, "action", place.body(placing()))
        assert placed["type"] == "action"
        assert placed["payload"]["status"] == "ok"
        assert (await post(socket, "info", {"type": "teleport"}))["type"] == "error"
        assert (await post(socket, "explorer", {}))["type"] == "error"


async def test_a_line_on_which_nothing_is_said_is_cut(venue: Any) -> None:
    place = await venue()
    async with place.connect() as socket:
        await socket.send({"method": "ping"})
        await socket.read()
        for _ in range(13):
            place.clock.advance(5 * S)
            await asyncio.sleep(0)
        message = await asyncio.wait_for(socket.ws.receive(), LONG)
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


# -- limits --------------------------------------------------------------------------------------------


async def test_weights_are_counted_by_address(venue: Any) -> None:
    place = await venue()
    for _ in range(20):
        await place.info("userRole", user=place.accounts[0].key)
    await place.post("/info", {"type": "meta"}, 429)
    place.clock.advance(60 * S)
    await place.info("meta")


async def test_connections_are_counted(venue: Any) -> None:
    place = await venue()
    for _ in range(30):
        async with place.connect():
            pass
    with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
        async with place.connect():
            pass


async def test_an_account_has_so_many_actions_and_then_one_every_ten_seconds(venue: Any) -> None:
    place = await venue(volume=0, limits=0.002)  # twenty actions
    user = place.accounts[0].key
    gateway = place.simulator.gateway

    def act(action: Any) -> str:
        return str(gateway.exchange(place.body(action))["status"])

    assert [act({"type": "noop"}) for _ in range(20)] == ["ok"] * 20
    assert [act(placing()), act(placing())] == ["ok", "err"]
    assert act({"type": "cancel", "cancels": [{"a": ETH, "o": 1}]}) == "ok"  # cancels have their own
    place.clock.advance(10 * S)
    assert act(placing()) == "ok"
    usage = gateway.info({"type": "userRateLimit", "user": user})
    assert (usage["nRequestsUsed"], usage["nRequestsCap"]) == (22, 20)
    answer = gateway.exchange(place.body(placing()))
    assert answer["response"].startswith("Too many cumulative requests sent (23 > 20) for cumulative volume")


# -- a capture -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not CAPTURE.is_file(), reason="no captures beside the repository")
async def test_a_capture_is_played_back_to_the_byte() -> None:
    clock = SimulatedClock(START_NS)
    config = HyperliquidSimulatorConfig(capture=str(CAPTURE), speed=0)
    world = World(clock, playback=Playback(iter(read_capture(CAPTURE)), clock, speed=0))
    simulator = HyperliquidSimulator(config, world)
    recorded = [record.data for record in read_capture(CAPTURE) if record.dir == "recv"]
    async with serve(simulator) as port:
        place = Venue(simulator, clock, port)
        assert [each["name"] for each in (await place.info("meta"))["universe"]] == ["BTC"]
        refused = await place.post("/exchange", {"action": {"type": "noop"}})
        assert refused["response"] == "Trading is not simulated on a capture."
        async with place.connect() as socket:
            for kind in ("trades", "l2Book"):
                await socket.subscribe(type=kind, coin="BTC")
            played = []
            while len(played) < len(recorded):
                message = await asyncio.wait_for(socket.ws.receive(), LONG)
                if '"subscriptionResponse"' not in message.data:
                    played.append(message.data)
        assert [each for each in recorded if "l2Book" in each] == [
            each for each in played if "l2Book" in each
        ]
        book = await place.info("l2Book", coin="BTC")
        last = json.loads([each for each in recorded if "l2Book" in each][-1])["data"]["levels"]
        assert [[(each["px"], each["sz"]) for each in side] for side in book["levels"]] == [
            [(each["px"], each["sz"]) for each in side] for side in last
        ]
        await place.session.close()
