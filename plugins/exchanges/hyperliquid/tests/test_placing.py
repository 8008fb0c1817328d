"""New orders, one by one and in batches, and what their answers prove."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from hft import OrderEntry, OrderError, OrderType, Price, Priority, ReportKind, Side, TimeInForce
from hft_hyperliquid import limits
from hft_hyperliquid.cloid import cloid_of
from hft_hyperliquid.signing import (
    Signature,
    agent_digest,
    connection_id,
    encode_action,
    keccak,
    recover_address,
)

from .trading import AGENT, CONN, START_MS, START_NS, VAULT, S, World, order


def signer_of(payload: Mapping[str, Any], source: str = "a") -> str:
    """Return who signed what was sent, as the exchange finds it out."""
    vault = payload["vaultAddress"]
    connection = connection_id(
        encode_action(payload["action"]),
        payload["nonce"],
        None if vault is None else bytes.fromhex(vault[2:]),
        payload["expiresAfter"],
    )
    told = payload["signature"]
    signature = Signature(int(told["r"], 16), int(told["s"], 16), told["v"])
    return recover_address(agent_digest(keccak(source.encode()), connection), signature)


async def test_an_order_is_signed_by_the_api_wallet_and_told_of() -> None:
    world = await World().ready()
    world.client.place(order(post_only=True))
    send, payload = world.link.sends[-1], world.payload
    assert payload["action"] == {
        "type": "order",
        "orders": [
            {
                "a": 1,
                "b": True,
                "p": "3012.5",
                "s": "0.05",
                "r": False,
                "t": {"limit": {"tif": "Alo"}},
                "c": cloid_of("a1"),
            }
        ],
        "grouping": "na",
    }
    assert (payload["nonce"], payload["expiresAfter"]) == (START_MS, START_MS + 5_000)
    assert signer_of(payload) == AGENT
    assert (send.priority, send.deadline_ns) == (Priority.NEW, START_NS + S)
    assert dict(send.costs) == {"weight": 1, "messages": 1, "actions": 1}
    world.answer({"resting": {"oid": 77, "cloid": cloid_of("a1")}})
    report = world.report()
    assert (report.kind, report.client_order_id, report.exchange_order_id, report.filled) == (
        ReportKind.ACCEPTED,
        "a1",
        "77",
        None,
    )


async def test_for_a_vault_it_stands_in_the_request_and_in_the_signature() -> None:
    world = await World(vault=VAULT.upper().replace("X", "x"), environment="testnet").start()
    conn = next(iter(world.link.specs))
    world.link.open(conn)
    for send in world.link.sends:
        subscription = send.json
        assert subscription["subscription"].get("user", VAULT) == VAULT
        world.link.receive(conn, {"channel": "subscriptionResponse", "data": subscription})
    world.client.place(order())
    assert world.payload["vaultAddress"] == VAULT
    assert signer_of(world.payload, "b") == AGENT
    assert signer_of(world.payload, "a") != AGENT


@pytest.mark.parametrize(
    ("changes", "kind", "price"),
    [
        ({}, {"limit": {"tif": "Gtc"}}, "3012.5"),
        ({"time_in_force": TimeInForce.IOC}, {"limit": {"tif": "Ioc"}}, "3012.5"),
        (
            {"type": OrderType.STOP_LIMIT, "trigger_price": Price(310_000), "side": Side.BUY},
            {"trigger": {"isMarket": False, "triggerPx": "3100", "tpsl": "sl"}},
            "3012.5",
        ),
        (
            {"type": OrderType.STOP_MARKET, "trigger_price": Price(310_000), "price": None},
            {"trigger": {"isMarket": True, "triggerPx": "3100", "tpsl": "sl"}},
            "3255",
        ),
    ],
)
async def test_kinds_of_orders(changes: dict[str, Any], kind: Any, price: str) -> None:
    world = await World().ready()
    world.client.place(order(**changes))
    (entry,) = world.action["orders"]
    assert (entry["t"], entry["p"]) == (kind, price)


async def test_a_market_order_takes_what_is_there_within_its_slippage() -> None:
    world = await World(market_slippage=Decimal("0.01")).ready()
    with pytest.raises(OrderError, match="nothing is offered"):
        world.client.place(order(price=None, type=OrderType.MARKET))
    bbo = [{"px": "3000.1", "sz": "1", "n": 1}, {"px": "3000.7", "sz": "1", "n": 1}]
    world.link.receive(CONN, {"channel": "bbo", "data": {"coin": "ETH", "time": 1, "bbo": bbo}})
    world.client.place(order(price=None, type=OrderType.MARKET))
    (entry,) = world.action["orders"]
    assert (entry["t"], entry["p"]) == ({"limit": {"tif": "Ioc"}}, "3030.7")
    world.client.place(order(price=None, type=OrderType.MARKET, side=Side.SELL, reduce_only=True))
    (entry,) = world.action["orders"]
    assert (entry["b"], entry["r"], entry["p"]) == (False, True, "2970.1")
    # What was there before the connection broke may be gone.
    world.link.close(CONN)
    world.link.open(CONN)
    assert world.client._quotes == {}


async def test_orders_of_one_message_are_told_of_one_by_one() -> None:
    world = await World().ready()
    world.client.place_batch([order(), order(client_order_id="a2"), order(client_order_id="a3")])
    assert [entry["c"] for entry in world.action["orders"]] == [cloid_of(f"a{n}") for n in (1, 2, 3)]
    assert dict(world.link.sends[-1].costs) == {"weight": 1, "messages": 1, "actions": 3}
    world.answer(
        {"resting": {"oid": 1}},
        {"filled": {"totalSz": "0.05", "avgPx": "3000.0", "oid": 2}},
        {"error": "Insufficient margin to place order. asset=1"},
    )
    told = world.events.take()
    assert [(each.client_order_id, each.kind, each.filled) for each in told] == [
        ("a1", ReportKind.ACCEPTED, None),
        ("a2", ReportKind.ACCEPTED, 500),
        ("a3", ReportKind.REJECTED, None),
    ]
    world.client.place_batch([order(), order(client_order_id="a2")])
    world.answer({"error": "Price must be divisible by tick size. asset=1"})
    assert {each.kind for each in world.events.take()} == {ReportKind.REJECTED}


async def test_an_immediate_order_may_end_filled_in_part_or_not_at_all() -> None:
    world = await World().ready()
    world.client.place(order(time_in_force=TimeInForce.IOC))
    world.answer({"filled": {"totalSz": "0.02", "avgPx": "3000.0", "oid": 2}})
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.CANCELED, 200)
    world.client.place(order(time_in_force=TimeInForce.IOC))
    world.answer({"error": "Order could not immediately match against any resting orders. asset=1"})
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.EXPIRED, 0)


async def test_an_order_that_may_rest_does_not_end_because_it_was_filled_in_part() -> None:
    world = await World().ready()
    world.client.place(order())
    world.answer({"filled": {"totalSz": "0.02", "avgPx": "3000.0", "oid": 2}})
    report = world.report()
    assert (report.kind, report.filled) == (ReportKind.UNKNOWN, 200)
    assert report.reason.startswith("it was filled in part")


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("User or API Wallet 0xabc does not exist.", ReportKind.REJECTED, "User or API"),
        ("Invalid nonce: duplicate nonce 5", ReportKind.UNKNOWN, "Invalid nonce"),
        ("Invalid nonce: nonce too low 5 < 6", ReportKind.REJECTED, "not sent: Invalid nonce"),
        ("Action already expired", ReportKind.REJECTED, "not sent: Action"),
        ("Too many cumulative requests sent (3 > 2)", ReportKind.REJECTED, "not sent: Too many"),
    ],
)
async def test_an_action_that_is_refused_as_a_whole(text: str, kind: ReportKind, reason: str) -> None:
    world = await World().ready()
    world.client.place(order())
    world.refuse(text)
    report = world.report()
    assert (report.kind, report.reason.startswith(reason)) == (kind, True)
    assert world.link.limits == ({limits.ACTIONS: 1} if "cumulative" in text else {})


@pytest.mark.parametrize(
    ("text", "kind", "limited"),
    [
        ("429 Too Many Requests: wait", ReportKind.REJECTED, True),
        ("422 Failed to deserialize", ReportKind.REJECTED, False),
        ("504 Gateway Timeout", ReportKind.UNKNOWN, False),
    ],
)
async def test_an_error_of_the_transport(text: str, kind: ReportKind, limited: bool) -> None:
    world = await World().ready()
    world.client.place(order())
    world.post({"type": "error", "payload": text})
    assert world.report().kind is kind
    assert world.link.refusals == ([(limits.ADDRESS, 0)] if limited else [])


async def test_without_an_answer_nothing_is_concluded() -> None:
    world = await World().ready()
    world.client.place(order())
    world.link.clock.advance(3 * S)
    assert world.report().kind is ReportKind.UNKNOWN
    # What comes late is evidence all the same.
    world.answer({"resting": {"oid": 77}})
    assert world.report().kind is ReportKind.ACCEPTED
    world.client.place(order())
    world.link.close(CONN)
    assert [each if isinstance(each, str) else each.kind for each in world.events.take()] == [
        "lost: the account's connection broke",
        ReportKind.UNKNOWN,
    ]


@pytest.mark.parametrize(
    "response",
    [
        {"type": "action", "payload": {"status": "ok", "response": {"type": "order", "data": {}}}},
        {"type": "action", "payload": {"status": "ok"}},
        {"type": "action", "payload": []},
        {"type": "action", "payload": {"status": "err", "response": {}}},
        {"type": "action", "payload": {"status": "ok", "response": {"data": {"statuses": [3]}}}},
        {
            "type": "action",
            "payload": {
                "status": "ok",
                "response": {"type": "order", "data": {"statuses": [{"filled": {"oid": 77}}]}},
            },
        },
        {"type": "of the future", "payload": "400: Bad Request"},
    ],
)
async def test_an_answer_that_makes_no_sense_proves_nothing(response: Any) -> None:
    world = await World().ready()
    world.client.place(order())
    world.post(response)
    assert world.report().kind is ReportKind.UNKNOWN
    assert len(world.link.faults) == 1


async def test_what_waited_and_is_not_wanted_any_more_is_not_sent() -> None:
    world = await World().ready()
    world.link.holding = True
    world.client.place(order())
    world.events.unwanted = "the book is STALE"
    world.link.release()
    report = world.report()
    assert (report.kind, report.reason) == (ReportKind.REJECTED, "not sent: the book is STALE")


async def test_orders_travel_by_rest_where_that_is_wanted() -> None:
    world = await World(order_entry=OrderEntry.REST).ready()
    world.client.place(order())
    (call,) = world.link.calls
    payload = json.loads(call.request.body)
    assert call.request.url == "https://api.hyperliquid.xyz/exchange"
    assert signer_of(payload) == AGENT
    assert dict(call.call.costs) == {"weight": 1, "actions": 1}
    response = {"type": "order", "data": {"statuses": [{"resting": {"oid": 77}}]}}
    call.answer({"status": "ok", "response": response})
    assert world.report().kind is ReportKind.ACCEPTED
    for status, sent, kind in ((422, None, ReportKind.REJECTED), (502, None, ReportKind.UNKNOWN)):
        world.client.place(order())
        world.link.calls[-1].answer("<html>", status)
        assert world.report().kind is kind, sent
    for was_sent, kind in ((False, ReportKind.REJECTED), (None, ReportKind.UNKNOWN)):
        world.client.place(order())
        world.link.calls[-1].fail(sent=was_sent)
        assert world.report().kind is kind
