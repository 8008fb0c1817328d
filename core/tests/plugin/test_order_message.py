"""What becomes of a request is told of each of its orders, and proves no more than it does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hft import (
    Order,
    OrderError,
    OrderMessage,
    OrderReport,
    Price,
    Priority,
    ReportKind,
    Ruling,
    Side,
    SimulatedClock,
    Size,
    TransportError,
)
from hft.testing.link import NotedEvents
from hft.testing.trading import make_instrument

NOW_NS = 1_790_000_000_000_000_000


def make_order(number: int) -> Order:
    return Order(
        client_order_id=f"a-{number}",
        strategy="maker",
        instrument=make_instrument(),
        side=Side.BUY,
        size=Size(1),
        price=Price(5),
    )


class Desk:
    """Sends nothing, and remembers what is told."""

    def __init__(self) -> None:
        self.events = NotedEvents()
        self.clock = SimulatedClock(NOW_NS)


class Placing(OrderMessage):
    """Two new orders."""

    __slots__ = ("desk", "orders")

    priority = Priority.NEW
    failed = ReportKind.REJECTED

    def __init__(self) -> None:
        self.desk: Desk = Desk()
        self.orders: Sequence[Order] = (make_order(1), make_order(2))

    def take(self) -> list[tuple[str, ReportKind, str, str]]:
        """Return what was told, in its order."""
        reports = self.desk.events.take()
        return [(each.client_order_id, each.kind, each.reason, each.code) for each in reports]


class Cancelling(Placing):
    """Two cancels."""

    __slots__ = ()

    failed = ReportKind.CANCEL_REJECTED


def test_what_is_told_is_a_report_of_now_unless_it_says_of_when() -> None:
    request = Placing()
    first, second = request.orders
    request.tell(first, ReportKind.UNKNOWN, "no answer")
    request.tell(second, ReportKind.ACCEPTED, exchange_order_id="77", recv_ns=5)
    request.tell(second, ReportKind.EXPIRED, "no match", code="x", filled=Size(0), recv_ns=6)
    assert request.desk.events.take() == [
        OrderReport(client_order_id="a-1", kind=ReportKind.UNKNOWN, reason="no answer", recv_ns=NOW_NS),
        OrderReport(client_order_id="a-2", kind=ReportKind.ACCEPTED, exchange_order_id="77", recv_ns=5),
        OrderReport(
            client_order_id="a-2",
            kind=ReportKind.EXPIRED,
            filled=Size(0),
            code="x",
            reason="no match",
            recv_ns=6,
        ),
    ]


@pytest.mark.parametrize("kind", [Placing, Cancelling])
def test_what_was_not_sent_failed_and_is_said_to_be_ours(kind: type[Placing]) -> None:
    for end in ("dropped", "not_sent"):
        request = kind()
        getattr(request, end)("too late")
        assert request.take() == [(name, kind.failed, "not sent: too late", "") for name in ("a-1", "a-2")]


@pytest.mark.parametrize("sent", [None, True, False])
def test_an_error_of_the_network_is_a_rejection_only_where_nothing_was_sent(sent: bool | None) -> None:
    request = Placing()
    request.broken(TransportError("cut", sent=sent))
    told = request.take()
    kinds = {(kind, reason) for _, kind, reason, _ in told}
    assert kinds == {(ReportKind.REJECTED, "not sent: cut") if sent is False else (ReportKind.UNKNOWN, "cut")}
    assert len(told) == 2


@pytest.mark.parametrize(
    ("ruling", "kind", "reason"),
    [
        (Ruling.REFUSED, ReportKind.REJECTED, "no money"),
        (Ruling.NOT_TAKEN, ReportKind.REJECTED, "not sent: no money"),
        (Ruling.UNKNOWN, ReportKind.UNKNOWN, "no money"),
    ],
)
def test_a_refusal_proves_what_it_is_ruled_to(ruling: Ruling, kind: ReportKind, reason: str) -> None:
    request = Placing()
    request.ruled(request.orders[1], ruling, "no money", code="51008")
    assert request.take() == [("a-2", kind, reason, "51008")]


def test_what_is_not_wanted_any_more_is_not_sent_and_a_cancel_always_is() -> None:
    placing, cancelling = Placing(), Cancelling()
    placing.check_wanted()
    for request in (placing, cancelling):
        request.desk.events.unwanted = "the book is gone"
    with pytest.raises(OrderError, match="the book is gone"):
        placing.check_wanted()
    cancelling.check_wanted()
