"""Watch a run in virtual time: what it sends, how far the exchange lets it go, when it has recovered."""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

import attrs

from hft.net import Connection, RestClient
from hft.net.spec import HttpRequest, RestAnswer, RestCall
from hft.orders.reconciler import Reconciler
from hft.run.kernel import Kernel
from hft.sim import ClientOrder, FaultKind, Faults, Fill, OrderEvent
from hft.sim.faults import Strike
from hft.testing.virtual_time import VirtualClock
from hft.types import BookState, OrderState, Side

__all__ = [
    "CompareWatch",
    "ExposureWatch",
    "FaultWatch",
    "SendWatch",
]

_LOOK_NS = 20_000_000

_MAKER = "maker"

_GROWS = ("order.place", "order.modify", "order.amend.keepPriority")


class ExposureWatch:
    """Follows position and open orders of an account as the exchange has them, and compares with limits.

    ``limits`` are lots by unified symbol, ``most_open`` is how many orders may be open. What reduces only
    cannot take a position further.
    """

    def __init__(self, account: str, limits: dict[str, int], most_open: int) -> None:
        self.worst: dict[str, int] = defaultdict(int)
        self.wrong: list[str] = []
        self._account = account
        self._limits = limits
        self._most_open = most_open
        self._position: dict[str, int] = defaultdict(int)
        self._open: dict[tuple[str, int], ClientOrder] = {}

    def on_order(self, order: ClientOrder, event: OrderEvent, fill: Fill | None) -> None:
        """Take note, as a listener of the exchange's desks."""
        if order.account.id != self._account:
            return
        symbol = order.market.instrument.symbol
        if fill is not None:
            self._position[symbol] += order.side.sign * fill.size
        if order.is_open:
            self._open[symbol, order.id] = order
        else:
            self._open.pop((symbol, order.id), None)
        if len(self._open) > self._most_open and len(self.wrong) < 5:
            self.wrong.append(f"{len(self._open)} orders are open, the limit is {self._most_open}")
        limit = self._limits.get(symbol)
        if limit is None:
            return
        for side in Side:
            resting = sum(
                each.remaining
                for (of, _), each in self._open.items()
                if of == symbol and each.side is side and not each.reduce_only and each.is_open
            )
            reach = side.sign * self._position[symbol] + resting
            self.worst[symbol] = max(self.worst[symbol], reach)
            if reach > limit and len(self.wrong) < 5:
                self.wrong.append(
                    f"{symbol}: {side.value} could reach {reach} lots, the limit is {limit}:"
                    f" position {self._position[symbol]}, open {resting}, by {order.client_id}"
                )


class SendWatch:
    """Looks at every request as its bytes leave: none may want to trade on a book that is not LIVE."""

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self.sent = 0
        self.wrong: list[str] = []

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look while the context lasts."""
        send, answer = Connection.send, RestClient._answer

        def watched_send(connection: Connection, data: bytes, *rest: Any) -> bool:
            if b'"order.' in data:
                self._on_frame(connection.spec.url, data)
            return send(connection, data, *rest)

        async def watched_answer(client: RestClient, call: RestCall, **options: Any) -> RestAnswer:
            if call.method in ("POST", "PUT") and "rder" in call.shown:
                call = attrs.evolve(call, write=partial(self._written, call))
            return await answer(client, call, **options)

        with (
            patch.object(Connection, "send", watched_send),
            patch.object(RestClient, "_answer", watched_answer),
        ):
            yield

    def _on_frame(self, url: str, data: bytes) -> None:
        frame = json.loads(data)
        if frame["method"] in _GROWS:
            self._look(url, frame["method"], frame["params"]["symbol"])

    def _written(self, call: RestCall, now_ns: int) -> HttpRequest:
        request = call.write(now_ns)
        text = f"{request.url}?{request.body.decode()}"
        for batch in parse_qs(text.partition("?")[2]).get("batchOrders", ()):
            for order in json.loads(batch):
                self._look(request.url, call.shown, order["symbol"])
        for symbol in parse_qs(text.partition("?")[2].replace("?", "&")).get("symbol", ()):
            self._look(request.url, call.shown, symbol)
        return request

    def _look(self, url: str, what: str, symbol: str) -> None:
        self.sent += 1
        if self.kernel is None:
            self.wrong.append(f"{what} for {symbol} was sent before there was a kernel")
            return
        for market in self.kernel.markets.values():
            instrument = market.instrument
            is_meant = instrument.native_symbol == symbol and (":" in instrument.symbol) is ("fapi" in url)
            if is_meant and market.book.state is not BookState.LIVE:
                self.wrong.append(f"{what} for {instrument} was sent while it was {market.book.state.value}")


class CompareWatch:
    """Notes when the newest comparison of the account began that came to its end."""

    def __init__(self, clock: VirtualClock) -> None:
        self.began_ns = 0
        self._clock = clock

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look while the context lasts."""
        compare = Reconciler.compare

        async def watched(reconciler: Reconciler) -> Any:
            began_ns = self._clock.now_ns()
            outcome = await compare(reconciler)
            self.began_ns = began_ns
            return outcome

        with patch.object(Reconciler, "compare", watched):
            yield

    async def wait(self, since_ns: int, until_ns: int) -> bool:
        """Wait for a comparison that began after ``since_ns``; return False where none did in time."""
        while self.began_ns <= since_ns:
            if self._clock.now_ns() >= until_ns:
                return False
            await self._clock.sleep(_LOOK_NS)
        return True


class FaultWatch:
    """Notes when the last fault that struck was over."""

    def __init__(self, faults: Faults) -> None:
        self.over_ns = 0
        self._clock = faults.clock
        self._faults = faults
        strike, skew = faults.strike, faults._skew

        def watched_strike(*arguments: Any) -> Strike | None:
            struck = strike(*arguments)
            if struck is not None:
                self._note(struck.delay_ns if struck.kind in _LASTING else 0)
            return struck

        def watched_skew(armed: Any) -> None:
            skew(armed)
            self._note(0)

        faults.strike = watched_strike  # type: ignore[method-assign]
        faults._skew = watched_skew  # type: ignore[method-assign]

    def clear(self) -> None:
        """Let nothing go wrong from now on."""
        was_skewed = any(armed.fault.kind is FaultKind.CLOCK_SKEW and armed.hits for armed in self.all())
        if self._faults.clear() and was_skewed:
            self._note(0)

    def all(self) -> list[Any]:
        """Return every fault that was injected."""
        return [*self._faults.finished, *self._faults.armed]

    def _note(self, lasts_ns: int) -> None:
        self.over_ns = max(self.over_ns, self._clock.now_ns() + lasts_ns)


_LASTING = (FaultKind.DELAY, FaultKind.SLOW, FaultKind.REORDER)

_STANDING = (OrderState.NEW, OrderState.PARTIALLY_FILLED)


class Recovery:
    """Looks all the time whether a trader is down, and notes when it last came back.

    It is down from each hit of a fault on, and whenever a book is not LIVE, the exchange cannot be traded on
    or the fate of an order is unknown. It is back once none of that is so and the maker, which has nothing
    else to do, has orders on both sides. ``running`` gives the kernel once it trades.
    """

    def __init__(self, watch: FaultWatch, clock: VirtualClock, running: Callable[[], Kernel | None]) -> None:
        self._watch = watch
        self._clock = clock
        self._running = running
        self._seen_ns = 0
        self._back_ns = clock.now_ns()
        self._is_down = True

    @property
    def took_ns(self) -> int:
        """How long it took from the end of the last hit to the last time that it came back."""
        return max(0, self._back_ns - self._watch.over_ns)

    async def wait(self, until_ns: int, *, calm_ns: int | None = None) -> str:
        """Look until it has been back for ``calm_ns`` (None: until the time is over); say why it was not."""
        why = "not started"
        while (now_ns := self._clock.now_ns()) < until_ns:
            why = self._look(now_ns)
            calm_since_ns = max(self._back_ns, self._watch.over_ns)
            if calm_ns is not None and not self._is_down and now_ns >= calm_since_ns + calm_ns:
                return ""
            await self._clock.sleep(_LOOK_NS)
        return why

    def _look(self, now_ns: int) -> str:
        if self._watch.over_ns > self._seen_ns:
            self._seen_ns = self._watch.over_ns
            self._is_down = True
        kernel = self._running()
        if kernel is None:
            self._is_down = True
            return "not started"
        why = _why_down(kernel)
        if why:
            self._is_down = True
        elif self._is_down:
            why = "a fault is under way" if now_ns < self._watch.over_ns else _why_not_quoting(kernel)
            if not why:
                self._is_down = False
                self._back_ns = now_ns
        return why


def _why_down(kernel: Kernel) -> str:
    for market in kernel.markets.values():
        if market.book.state is not BookState.LIVE:
            return f"{market.instrument} is {market.book.state.value}"
        if offline := kernel.manager.store.desks[market.instrument].offline:
            return offline
    for record in kernel.manager.store.open.values():
        if record.order.state is OrderState.UNKNOWN:
            return f"order {record.order.client_order_id} is unknown"
    return ""


def _why_not_quoting(kernel: Kernel) -> str:
    for strategy in kernel.strategies:
        for market in strategy.trading.markets if strategy.name == _MAKER else ():
            orders = [o for o in kernel.manager.open_orders(market.instrument) if o.strategy == _MAKER]
            if len({order.side for order in orders if order.state in _STANDING}) < 2:
                stands = [f"{each.side.value} {each.state.value}" for each in orders]
                position = strategy.trading.position(market.instrument)
                return f"{market.instrument} is not quoted on both sides: {stands}, position {position}"
    return ""
