"""What becomes of a request is told of each of its orders, and proves no more than it does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hft import (
    Order,
    OrderError,
    OrderMessage,
    Price,
    Priority,
    ReportKind,
    Ruling,
    Side,
    Size,
    TransportError,
)
from hft.testing.link import NotedEvents
from hft.testing.trading import make_instrument


def make_order(number: int) -> Order:
    return Order(
        client_order_id=f"a-{number}",
        strategy="maker",
        instrument=make_instrument(),
        side=Side.BUY,
        size=Size(1),
        price=Price(5),
    )


class Placing(OrderMessage):
    """Two new orders, which remember what is told of them."""

    priority = Priority.NEW
    failed = ReportKind.REJECTED

    def __init__(self) -> None:
        self.told: list[tuple[str, ReportKind, str, str]] = []
        self._orders = (make_order(1), make_order(2))

    @property
    def orders(self) -> Sequence[Order]:
        return self._orders

    def tell(self, order: Order, kind: ReportKind, reason: str, *, code: str = "", recv_ns: int = 0) -> None:
        self.told.append((order.client_order_id, kind, reason, code))


class Cancelling(Placing):
    """Two cancels."""

    failed = ReportKind.CANCEL_REJECTED


@pytest.mark.parametrize("kind", [Placing, Cancelling])
def test_what_was_not_sent_failed_and_is_said_to_be_ours(kind: type[Placing]) -> None:
    for end in ("dropped", "not_sent"):
        request = kind()
        getattr(request, end)("too late")
        assert request.told == [(name, kind.failed, "not sent: too late", "") for name in ("a-1", "a-2")]


@pytest.mark.parametrize("sent", [None, True, False])
def test_an_error_of_the_network_is_a_rejection_only_where_nothing_was_sent(sent: bool | None) -> None:
    request = Placing()
    request.broken(TransportError("cut", sent=sent))
    kinds = {(kind, reason) for _, kind, reason, _ in request.told}
    assert kinds == {(ReportKind.REJECTED, "not sent: cut") if sent is False else (ReportKind.UNKNOWN, "cut")}
    assert len(request.told) == 2


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
    assert request.told == [("a-2", kind, reason, "51008")]


def test_what_is_not_wanted_any_more_is_not_sent_and_a_cancel_always_is() -> None:
    events = NotedEvents()
    Placing().check_wanted(events)
    events.unwanted = "the book is gone"
    with pytest.raises(OrderError, match="the book is gone"):
        Placing().check_wanted(events)
    Cancelling().check_wanted(events)
