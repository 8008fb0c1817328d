"""Private messages as the exchange documents and sends them, from files that are not part of the project."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hft import DecodeError, Fill, Instrument, InstrumentId, InstrumentKind, OrderReport, ReportKind
from hft.testing.link import NotedEvents
from hft_binance import private_codec as codec
from hft_binance.evidence import Evidence

MESSAGES = Path(__file__).resolve().parents[4].parent / "shared" / "messages" / "binance"


def instrument(symbol: str, kind: InstrumentKind) -> Instrument:
    base, quote = symbol[:-4], symbol[-4:]
    if symbol.endswith("BTC"):
        base, quote = symbol[:-3], "BTC"
    return Instrument(
        id=InstrumentId(f"{base}/{quote}", "binance"),
        native_symbol=symbol,
        kind=kind,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=Decimal("0.00000001"),
        lot_size=Decimal("0.00000001"),
    )


def message(name: str) -> Any:
    file = MESSAGES / "ws" / f"{name}.json"
    if not file.is_file():
        pytest.skip(f"recorded messages are not here: {file.name}")
    found = json.loads(file.read_text())
    return found.get("data", found)


class Told:
    """What a message leads to."""

    def __init__(self) -> None:
        self.events = NotedEvents()
        self.warnings: list[str] = []
        self.lacking: list[tuple[str, str]] = []
        self.evidence = Evidence(
            self.events,
            warn=self.warnings.append,
            lacking=lambda _, order_id, client_id: self.lacking.append((order_id, client_id)),
        )

    def take(self, body: Any) -> list[Any]:
        event = codec.decode_event(json.dumps(body).encode())
        if isinstance(event, codec.ExecutionReport):
            self.evidence.on_execution(event, instrument(event.symbol, InstrumentKind.SPOT), 1)
        elif isinstance(event, codec.OrderTradeUpdate):
            traded = instrument(event.order.symbol, InstrumentKind.PERPETUAL)
            self.evidence.on_futures_order(event.order, event.transact_ms, traded, 1)
        elif isinstance(event, codec.AlgoUpdate):
            self.evidence.on_algo(event, instrument(event.order.symbol, InstrumentKind.PERPETUAL), 1)
        return self.events.take()


SPOT_REPORTS = [
    ("new", ReportKind.ACCEPTED),
    ("new_price_match", ReportKind.ACCEPTED),
    ("new_stop_limit_price_match", ReportKind.ACCEPTED),
    ("canceled", ReportKind.CANCELED),
    ("pending_cancel", ReportKind.ACCEPTED),
    ("expired", ReportKind.EXPIRED),
    ("rejected", ReportKind.REJECTED),
    ("trade_prevention", ReportKind.EXPIRED),
    ("trade_l_zero_new", ReportKind.ACCEPTED),
    ("trade_l_zero_partial", ReportKind.ACCEPTED),
    ("trade_l_zero_canceled", ReportKind.CANCELED),
    ("trade_l_zero_expired", ReportKind.EXPIRED),
]


@pytest.mark.parametrize(("name", "kind"), SPOT_REPORTS)
def test_spot_reports(name: str, kind: ReportKind) -> None:
    body = message(f"ws_spot_execution_report_{name}")
    (report,) = Told().take(body)
    assert isinstance(report, OrderReport)
    assert (report.kind, report.client_order_id) == (kind, body["c"])
    assert report.exchange_order_id == str(body["i"])
    assert report.filled == round(float(body["z"]) * 10**8)


@pytest.mark.parametrize("name", ["trade", "custom_client_id", "empty_client_id", "calculated"])
def test_spot_fills(name: str) -> None:
    body = message(f"ws_spot_execution_report_{name}")
    (fill,) = Told().take(body)
    assert isinstance(fill, Fill)
    assert (fill.trade_id, fill.client_order_id) == (str(body["t"]), body["c"])
    assert (fill.fee, fill.fee_asset) == (Decimal(body["n"]), body["N"])
    assert fill.exchange_made is (name == "calculated")


def test_a_spot_fill_that_names_no_price_is_asked_for() -> None:
    body = message("ws_spot_execution_report_trade_l_zero")
    told = Told()
    (report,) = told.take(body)
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 100_000)
    assert told.lacking == [(str(body["i"]), body["c"])]


@pytest.mark.parametrize("name", ["adl", "adl_filled", "liquidation", "settlement"])
def test_futures_fills_that_the_exchange_made(name: str) -> None:
    body = message(f"ws_futures_order_update_{name}")
    (fill,) = Told().take(body)
    assert fill.exchange_made
    assert (fill.trade_id, fill.fee) == (str(body["o"]["t"]), Decimal(body["o"]["n"]))
    assert fill.position_side.name == body["o"]["ps"]


def test_a_liquidation_of_nothing_is_no_fill() -> None:
    told = Told().take(message("ws_futures_order_update_liquidation_zero_qty"))
    assert not [each for each in told if isinstance(each, Fill)]


def test_a_futures_fill_and_its_shorter_form() -> None:
    fill, report = Told().take(message("ws_futures_order_update_trade_reduce_only_qty"))
    assert (fill.trade_id, fill.fee, fill.exchange_made) == ("9988776655", Decimal("0.5"), False)
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 10**8)
    assert Told().take(message("ws_futures_trade_lite")) == []


@pytest.mark.parametrize(
    "name", ["new_price_match", "new_reduce_only_qty", "new_limit_if_touched_price_match"]
)
def test_futures_reports(name: str) -> None:
    (report,) = Told().take(message(f"ws_futures_order_update_{name}"))
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 0)


def test_the_life_of_a_conditional_order() -> None:
    told = Told()
    for name in ("triggering", "triggered"):
        (report,) = told.take(message(f"ws_futures_algo_update_{name}"))
        assert report.kind is ReportKind.ACCEPTED
    client_id = report.client_order_id
    assert told.evidence.became(client_id) == "88937381063"
    (report,) = told.take(message("ws_futures_algo_update_finished"))
    assert (report.kind, report.filled) == (ReportKind.ACCEPTED, 38 * 10**8)
    assert told.lacking == [("88937381063", client_id)], "how it traded may have been missed"
    (report,) = told.take(message("ws_futures_algo_update_finished_canceled"))
    assert (report.kind, report.filled) == (ReportKind.CANCELED, 0)


def test_the_documentation_s_user_data_and_answers() -> None:
    file = MESSAGES / "docs_examples" / "spot-api-docs.jsonl.gz"
    if not file.is_file():
        pytest.skip(f"the documentation's examples are not here: {file.name}")
    events = answers = 0
    for line in gzip.decompress(file.read_bytes()).decode().splitlines():
        example = json.loads(line)
        value = example["value"]
        if not isinstance(value, dict):
            continue
        data = json.dumps(value).encode()
        if example["file"] == "user-data-stream.md" and "event" in value:
            try:
                assert codec.decode_spot_frame(data).event is not None
            except DecodeError:
                assert value["event"]["e"] not in ("executionReport", "outboundAccountPosition")
            events += 1
        elif "status" in value and "id" in value and ("result" in value or "error" in value):
            answer = codec.decode_answer(data)
            assert answer.id == value["id"]
            if value.get("result") and "clientOrderId" in value["result"]:
                assert codec.decode_order_answer(answer.result).order_id == value["result"]["orderId"]
            if value.get("result") and "amendedOrder" in value["result"]:
                assert (
                    codec.decode_amend_answer(answer.result).order.size
                    == value["result"]["amendedOrder"]["qty"]
                )
            answers += 1
    assert events >= 5
    assert answers >= 20
