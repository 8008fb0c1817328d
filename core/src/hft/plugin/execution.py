"""The interface of execution clients: our orders and accounts on one exchange."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NewType, Protocol

import attrs

from hft.events import BalanceReport, Fill, Funding, OrderReport, PositionReport
from hft.instrument import Instrument
from hft.net.spec import RateLimit
from hft.order import Order
from hft.plugin.config import ConfigT, Configured
from hft.plugin.link import Link
from hft.types import Duration, OrderType, PositionSide, Price, Side, Size, TimeInForce

__all__ = ["ApprovedOrder", "Capabilities", "ExecutionClient", "ExecutionEvents", "OrderStatus"]

ApprovedOrder = NewType("ApprovedOrder", Order)
"""An order that every risk rule has approved; only the risk engine makes one, only these are sent."""


@attrs.frozen(kw_only=True)
class Capabilities:
    """What an exchange can do, declared so that the kernel need not know which exchange it is.

    ``amend`` changes price and size of a resting order in one message, ``amend_reduces`` only makes it
    smaller; ``amend_keeps_priority`` says whether making it smaller keeps its place in the queue.
    ``batch`` is how many orders one message can place, ``cancel_batch`` how many it can cancel (1: no
    batches). ``dead_man`` is the exchange's own switch that cancels our orders when we fall silent.
    ``request_validity_ns`` is the longest time for which the exchange still carries out a request that
    was on its way: before it is over, not finding an order proves nothing.
    """

    amend: bool = False
    amend_reduces: bool = False
    amend_keeps_priority: bool = False
    post_only: bool = True
    reduce_only: bool = False
    hedge: bool = False
    batch: int = 1
    cancel_batch: int = 1
    dead_man: bool = False
    order_types: frozenset[OrderType] = frozenset({OrderType.LIMIT, OrderType.MARKET})
    times_in_force: frozenset[TimeInForce] = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
    request_validity_ns: Duration = Duration(10_000_000_000)


@attrs.frozen(kw_only=True)
class OrderStatus:
    """An order as the exchange lists it, ours or not; ``report`` says how it stands.

    ``report.filled`` is always given, ``report.kind`` is ACCEPTED for an open order and otherwise what
    ended it (an order that is filled whole is ACCEPTED with all of its size filled).
    """

    report: OrderReport
    instrument: Instrument
    side: Side
    size: Size
    price: Price | None
    type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    trigger_price: Price | None = None
    position_side: PositionSide = PositionSide.BOTH
    created_ns: int = 0

    @property
    def client_order_id(self) -> str:
        """The id by which we know whether it is ours."""
        return self.report.client_order_id


class ExecutionEvents(Protocol):
    """Where an execution client says what became of our orders, and what it sees of the account.

    ``exchange`` is the exchange's key in the profile, ``link.exchange``. What is not overridden is not of
    interest to whoever listens.
    """

    @abstractmethod
    def on_report(self, report: OrderReport) -> None:
        """Take evidence about an order; repeated and late reports are expected."""

    @abstractmethod
    def on_fill(self, fill: Fill) -> None:
        """Take a fill; one ``trade_id`` is booked once, however often it is told."""

    def refusal(self, order: Order) -> str:
        """Say why a new order, or a change of one, may not be sent any more; empty while it may.

        To be asked as it is written, since it may have waited for its turn: its book may have left LIVE
        meanwhile, trading may be halted, or somebody wants it cancelled. What is refused is told as not sent.
        """
        return ""

    def on_funding(self, funding: Funding) -> None:
        """Take a funding payment; one ``payment_id`` is booked once."""
        return

    def on_balance(self, balance: BalanceReport) -> None:
        """Learn a balance as the exchange states it."""
        return

    def on_position(self, position: PositionReport) -> None:
        """Learn a position as the exchange states it."""
        return

    def on_ready(self, exchange: str) -> None:
        """Learn that orders can be sent and the private stream is followed, after the start or a loss.

        What happened before is asked for: see `ExecutionClient.executions`.
        """
        return

    def on_lost(self, exchange: str, reason: str) -> None:
        """Learn that either is no longer so: nothing is sent, and what happens is not heard of."""
        return


class ExecutionClient(Configured[ConfigT], ABC):
    """Places, amends, cancels and queries our orders on one exchange; does no I/O but through ``link``.

    `place`, `amend` and `cancel` run at the end of the hot path: they are synchronous and return once the
    bytes are handed to the socket, or wait for their turn under the published limits. What became of an
    order is told to ``events`` later, never by a return value: a request that timed out or whose
    connection broke is reported as `ReportKind.UNKNOWN`, never as a rejection. `OrderError` means that
    it certainly was not sent; a request that had to wait and was then not sent is reported as REJECTED
    (`CANCEL_REJECTED`, `REPLACE_REJECTED`) with the reason ``not sent: ...``. A client never repeats
    placing an order by itself.

    The kernel calls, always from the same task: ``__init__``; `start`, with every instrument of the run;
    then the rest in any order; `stop`. Frames of the connections that ``link.connect`` opened come by
    `on_frame`. `start` returns when the account is checked and connecting has begun; ``events.on_ready``
    follows when orders can be sent. After a loss the client connects and logs in again by itself, for ever,
    and says `on_ready` anew.

    The coroutines ask the exchange over REST, raise `TransportError` where there is no answer, and have no
    other effect; the kernel reconciles with what they return. ``MyClient.Config`` is the same as the
    stream's.

    ::

        def place(self, order):
            self.link.send(self.conn, PLACE_COSTS, Priority.NEW, partial(codec.place, order))

        def on_frame(self, conn, data, recv_ns):
            self.events.on_report(codec.report(data, recv_ns))
    """

    capabilities: ClassVar[Capabilities] = Capabilities()

    rate_limits: ClassVar[tuple[RateLimit, ...]] = ()
    """The published limits that its requests cost, besides those that the stream names."""

    def __init__(self, config: ConfigT, events: ExecutionEvents, link: Link) -> None:
        self.config = config
        self.events = events
        self.link = link
        self.clock = link.clock

    def capabilities_of(self, instrument: Instrument) -> Capabilities:
        """Return what the exchange can do for an instrument, where its products differ."""
        return self.capabilities

    # -- orders: the hot path ----------------------------------------------------------------------

    @abstractmethod
    def place(self, order: ApprovedOrder) -> None:
        """Send a new order; ``order.client_order_id`` identifies it from here on."""

    def place_batch(self, orders: Sequence[ApprovedOrder]) -> None:
        """Send several new orders of one instrument, at most ``capabilities.batch``; all or none are sent."""
        raise NotImplementedError(f"{type(self).__name__} declares batches and has no place_batch")

    @abstractmethod
    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        """Change price and total size of an open order (needs ``capabilities.amend``)."""

    @abstractmethod
    def cancel(self, order: Order) -> None:
        """Ask for an order to be cancelled."""

    def cancel_batch(self, orders: Sequence[Order]) -> None:
        """Ask for several orders of one instrument to be cancelled, at most ``capabilities.cancel_batch``."""
        raise NotImplementedError(f"{type(self).__name__} declares batches and has no cancel_batch")

    @abstractmethod
    def query(self, order: Order) -> None:
        """Ask what became of an order; the answer comes as fills, those first, and one report.

        The report is `ReportKind.NOT_FOUND` where the exchange says that it knows no such order, with
        ``asked_ns``; where there is no answer none comes, and the kernel asks again. One question at a time
        is enough: while one is under way another may be left out.
        """

    # -- the account -------------------------------------------------------------------------------

    def wallet_of(self, instrument: Instrument) -> str:
        """Return the name of the wallet that an instrument is paid from, "" where the account has only one.

        It is the ``wallet`` of what `balances` and ``events.on_balance`` state. It may be asked for before
        `start`.
        """
        return ""

    async def start(self, instruments: Sequence[Instrument]) -> None:
        """Check the account and begin to connect; raise `UsageError` if the credentials cannot work."""

    async def stop(self) -> None:
        """End what the client began; orders are cancelled by the kernel before, connections closed after."""

    async def open_orders(self) -> Sequence[OrderStatus]:
        """Return every open order of the account in the instruments of the run, whoever placed it."""
        return ()

    async def order_status(self, instrument: Instrument, client_order_id: str) -> OrderStatus | None:
        """Return how an order stands or ended, None where the exchange says that it knows none of this id."""
        return None

    async def executions(self, instrument: Instrument, since_ns: int) -> Sequence[Fill]:
        """Return all fills of the account in an instrument since then, in their order, whoever's they are.

        Fills of orders without a client id of their own have an empty one.
        """
        return ()

    async def fundings(self, instrument: Instrument, since_ns: int) -> Sequence[Funding]:
        """Return the funding payments of the account in an instrument since then."""
        return ()

    async def positions(self) -> Sequence[PositionReport]:
        """Return the derivatives positions of the account in the instruments of the run, flat ones as 0."""
        return ()

    async def balances(self) -> Sequence[BalanceReport]:
        """Return what the account has of each asset in each wallet; what is not listed is 0."""
        return ()

    async def cancel_orders(self, orders: Sequence[OrderStatus]) -> Sequence[str]:
        """Cancel, over REST, orders that `open_orders` listed; return the client ids of those now gone.

        For the kill switch and the command line, where no order manager knows them. One that was gone
        already is one that is gone.
        """
        return ()

    def arm_dead_man(self, timeout_ns: int) -> None:
        """Tell the exchange to cancel our orders unless told again within this time; 0 disarms it.

        Needs ``capabilities.dead_man``. The kernel repeats it.
        """

    # -- connections -------------------------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        """Learn that a connection is open: log in, subscribe."""

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        """Take one frame; raise `DecodeError` for one that is not understood."""

    def on_close(self, conn: str, recv_ns: int) -> None:
        """Learn that a connection broke: requests under way on it are UNKNOWN from here on."""
