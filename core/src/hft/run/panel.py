"""What a person sees while a run lasts: books, quotes, positions and figures, four times a second."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hft.market import Market
from hft.run.kernel import Kernel
from hft.types import BookState, Side

__all__ = ["render_panel", "status_line"]

_STATE_STYLE = {
    BookState.LIVE: "green",
    BookState.SYNCING: "yellow",
    BookState.STALE: "red",
    BookState.BROKEN: "bold red",
}


def render_panel(kernel: Kernel, elapsed_s: float, frames: int, frames_per_s: float) -> RenderableType:
    """Return the whole panel."""
    kernel.mark_to_market()
    markets = kernel.markets.values()
    # Two narrow tables: a price that does not fit would be cut short, and then be another price.
    theirs = _table(("instrument", "state", "bid", "ask", "spread"), (_theirs(each) for each in markets))
    ours = _table(
        ("instrument", "our bids", "our asks", "position", "P&L"), (_ours(kernel, each) for each in markets)
    )
    histogram = kernel.trace.tick_to_order
    p50, p99 = histogram.percentile_ns(50), histogram.percentile_ns(99)
    latency = f"{p50 / 1e3:.0f}/{p99 / 1e3:.0f} us" if p50 is not None and p99 is not None else "-"
    counters = kernel.manager.counters
    figures = Text(
        f"{kernel.profile.name}  {kernel.profile.mode.value}  {elapsed_s:.0f} s   "
        f"frames {frames:,} ({frames_per_s:,.0f}/s)   "
        f"orders {counters.sent:,}  amends {counters.amended:,}  cancels {counters.cancelled:,}  "
        f"fills {counters.fills:,}   tick to order p50/p99 {latency}",
        style="bold",
    )
    parts: list[RenderableType] = [figures, theirs, ours]
    parts += [Text(fault, style="red") for fault in kernel.faults]
    if kernel.manager.halted:
        parts.append(Text(f"trading is halted: {kernel.manager.halted}", style="bold red"))
    return Group(*parts)


def status_line(kernel: Kernel, elapsed_s: float, frames: int, frames_per_s: float) -> str:
    """Return the same in one line, for a log."""
    books = ", ".join(
        f"{market.instrument.id} {market.book.state.value} "
        f"{_price(market, market.book.best_bid)}/{_price(market, market.book.best_ask)} "
        f"position {market.instrument.format_size(kernel.ledger.position(market.instrument))}"
        for market in kernel.markets.values()
    )
    return (
        f"{elapsed_s:.0f} s, {frames:,} frames ({frames_per_s:,.0f}/s), "
        f"{kernel.manager.counters.fills:,} fills; {books}"
    )


def _table(names: Iterable[str], rows: Iterable[tuple[RenderableType, ...]]) -> Table:
    table = Table(box=None)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _theirs(market: Market) -> tuple[RenderableType, ...]:
    instrument, book = market.instrument, market.book
    return (
        str(instrument.id),
        Text(book.state.value, style=_STATE_STYLE[book.state]),
        _price(market, book.best_bid),
        _price(market, book.best_ask),
        "-" if book.spread is None else instrument.format_price(book.spread),
    )


def _ours(kernel: Kernel, market: Market) -> tuple[RenderableType, ...]:
    instrument = market.instrument
    position = kernel.ledger.position(instrument)
    account = kernel.ledger.account(instrument)
    pnl = account.realized + account.unrealized - account.fees.get(instrument.settle, 0)
    return (
        str(instrument.id),
        _quotes(kernel, market, Side.BUY),
        _quotes(kernel, market, Side.SELL),
        instrument.format_size(position),
        Text(f"{pnl:,.4f} {instrument.settle}", style="green" if pnl >= 0 else "red"),
    )


def _price(market: Market, price: int | None) -> str:
    return "-" if price is None else market.instrument.format_price(price)


def _quotes(kernel: Kernel, market: Market, side: Side) -> str:
    prices = [
        order.price
        for order in kernel.manager.open_orders(market.instrument)
        if order.side is side and order.price is not None
    ]
    if not prices:
        return "-"
    best = max(prices) if side is Side.BUY else min(prices)
    return f"{len(prices)} from {market.instrument.format_price(best)}"
