"""The worked example of docs/explanation/routing.md is what the planner does."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hft import Instrument, Price, Side
from hft.routing import Offer, Plan, plan
from hft.testing.trading import make_instrument

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "explanation" / "routing.md").read_text()

INSTRUMENTS = {
    "alpha": make_instrument(exchange="alpha", tick_size="0.1", lot_size="0.001"),
    "beta": make_instrument(exchange="beta", tick_size="0.1", lot_size="0.01"),
}
FEES = {"alpha": Decimal("0.0004"), "beta": Decimal("0.0006")}


def rows(header: str) -> list[list[str]]:
    """Return the cells of the tables under a header line."""
    found = []
    for table in PAGE.split(f"{header}\n")[1:]:
        lines = table.partition("\n\n")[0].splitlines()[1:]
        found += [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return found


def offers(levels: list[tuple[str, str, str]]) -> list[Offer]:
    """Return what both exchanges offer, from triples of exchange, price and size."""
    return [
        Offer(
            instrument=instrument,
            levels=[
                (instrument.price(p), instrument.size(s)) for exchange, p, s in levels if exchange == name
            ],
            fee=FEES[name],
        )
        for name, instrument in INSTRUMENTS.items()
    ]


def shown(number: int, found: Plan) -> list[list[str]]:
    """Return a plan as rows of the page."""
    return [
        [str(number), one.exchange, one.format_price(child.price), one.format_size(child.size)]
        for child in found.children
        for one in [child.instrument]
    ]


def net(instrument: Instrument, price: Price, size: str) -> Decimal:
    """Return what a size costs with the fee."""
    lots = instrument.size(size)
    return instrument.notional(price, lots) * (1 + FEES[instrument.exchange])


def test_the_worked_example_is_what_the_planner_does() -> None:
    asks = rows("| exchange | ask | size | with the fee |")
    assert [Decimal(row[3]) for row in asks] == sorted(Decimal(row[3]) for row in asks)
    for exchange, price, _, with_fee in asks:
        assert Decimal(price) * (1 + FEES[exchange]) == Decimal(with_fee)
    first = plan(offers([(e, p, s) for e, p, s, _ in asks]), Side.BUY, Decimal("2.5"), Decimal(60010))
    left = [("alpha", "60006.0", "0.8"), ("beta", "60001.0", "2")]
    second = plan(offers(left), Side.BUY, Decimal("0.6"), Decimal(60010))
    assert shown(1, first) + shown(2, second) == rows("| round | exchange | price | size |")

    alpha, beta = INSTRUMENTS.values()
    by_price = sum(
        (
            net(beta, beta.price("59990.0"), "1"),
            net(alpha, alpha.price("60000.0"), "0.8"),
            net(beta, beta.price("60001.0"), "0.7"),
        ),
        Decimal(0),
    )
    bought = first.net - net(beta, beta.price("59990.0"), "0.6") + second.net
    for figure in (first.net, by_price, bought):
        assert f"**{figure.normalize():f}**" in PAGE
    assert f"{(by_price - first.net).normalize():f} more" in PAGE
