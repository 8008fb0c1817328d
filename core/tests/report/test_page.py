"""A page: it holds the report, needs nothing from elsewhere, and takes no text for code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.errors import UsageError
from hft.report import (
    Axis,
    CurrencySeries,
    Dot,
    FillMark,
    InstrumentSeries,
    Report,
    ReportTable,
    SearchReport,
    render_page,
    write_page,
)

START_NS = 1_700_000_000_000_000_000

REPORT = Report(
    title="Backtest of maker",
    subtitle="a day",
    facts=[("net profit, USDT", "-1.5")],
    times_ns=[START_NS, START_NS + 1_500_000_000],
    instruments=[
        InstrumentSeries(
            name="BTC/USDT@x",
            unit="BTC",
            currency="USDT",
            mid=[61_000.25, None],
            position=[0.0, -0.002],
            feed_latency_ms=[None, 1 / 3],
            fills=[FillMark(time_ns=START_NS + 1, side=-1, price=61_000.5, size=0.002, is_maker=True)],
            fill_count=1,
        )
    ],
    currencies=[
        CurrencySeries(
            currency="USDT",
            net=[0.0, -1.5],
            spread=[0.0, 0.5],
            inventory=[0.0, -1.0],
            fees=[0.0, -1.0],
            funding=[0.0, 0.0],
        )
    ],
    tables=[ReportTable(title="Profit", columns=("", "net"), rows=[("USDT", "-1.5")])],
)

SEARCH = SearchReport(
    title="Sweep of maker",
    subtitle="net_pnl",
    facts=[("trials", "2")],
    objective="net_pnl",
    maximise=True,
    searches=["all data"],
    axes=[Axis(name="a.b", log=True), Axis(name="queue", choices=["power", "log"])],
    dots=[
        Dot(search=0, number=0, objective=1 / 3, keeps=True, values=[10.0, 1]),
        Dot(search=0, number=1, objective=None, keeps=False, values=[0.1, 0], note="it died"),
    ],
    tables=[ReportTable(title="Best trials", columns=("trial", "net"), rows=[("0", "0.3")])],
)


class Page(HTMLParser):
    """What a browser makes of it: tags with their attributes, and the text inside of each kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1][0] if self.tags else "", data))

    @property
    def scripts(self) -> list[str]:
        return [text for tag, text in self.texts if tag == "script" and text.strip()]


def test_a_page_holds_the_report() -> None:
    page = Page(render_page(REPORT))
    data = json.loads(page.scripts[0])
    assert data == {
        "startMs": 1_700_000_000_000.0,
        "t": [0.0, 1.5],
        "instruments": [
            {
                "name": "BTC/USDT@x",
                "unit": "BTC",
                "currency": "USDT",
                "mid": [61_000.25, None],
                "position": [0.0, -0.002],
                "latency": [None, 0.3333333333],
                "fills": [[0.0, -1, 61_000.5, 0.002, 1]],
                "fillCount": 1,
            }
        ],
        "currencies": [
            {
                "name": "USDT",
                "net": [0.0, -1.5],
                "spread": [0.0, 0.5],
                "inventory": [0.0, -1.0],
                "fees": [0.0, -1.0],
                "funding": [0.0, 0.0],
            }
        ],
    }
    texts = [text for _, text in page.texts]
    for text in ("Backtest of maker", "a day", "net profit, USDT", "Profit", "-1.5"):
        assert text in texts


def test_a_page_of_a_search_holds_its_trials() -> None:
    page = Page(render_page(SEARCH))
    assert json.loads(page.scripts[0]) == {
        "objective": "net_pnl",
        "maximise": True,
        "searches": ["all data"],
        "axes": [
            {"name": "a.b", "choices": [], "log": True},
            {"name": "queue", "choices": ["power", "log"], "log": False},
        ],
        "dots": [
            {"search": 0, "number": 0, "objective": 0.3333333333, "keeps": True, "values": [10.0, 1.0]}
            | {"note": ""},
            {"search": 0, "number": 1, "objective": None, "keeps": False, "values": [0.1, 0.0]}
            | {"note": "it died"},
        ],
    }


@pytest.mark.parametrize("report", [REPORT, SEARCH])
def test_a_page_needs_nothing_from_elsewhere(report: Report | SearchReport) -> None:
    text = render_page(report).replace("http://www.w3.org/2000/svg", "")  # a name, which is not fetched
    assert not re.search(r"https?:|//[a-z]|@import|url\(|fetch\(|XMLHttpRequest|import\(", text)
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag in ("link", "img", "iframe", "object", "base")]
    assert not [attributes for _, attributes in page.tags if {"src", "href"} & attributes.keys()]
    assert len(text) < 60_000, "style and script are small"


NASTY = '</script><script>alert("x")</script> & $title <b>'


@pytest.mark.parametrize(
    "put",
    [
        lambda: attrs.evolve(REPORT, title=NASTY),
        lambda: attrs.evolve(REPORT, subtitle=NASTY),
        lambda: attrs.evolve(REPORT, facts=[(NASTY, NASTY)]),
        lambda: attrs.evolve(
            REPORT, tables=[ReportTable(title=NASTY, columns=(NASTY, ""), rows=[(NASTY, NASTY)])]
        ),
        lambda: attrs.evolve(REPORT, instruments=[attrs.evolve(REPORT.instruments[0], name=NASTY)]),
        lambda: attrs.evolve(SEARCH, objective=NASTY, searches=[NASTY]),
        lambda: attrs.evolve(SEARCH, dots=[attrs.evolve(SEARCH.dots[1], note=NASTY)]),
    ],
)
def test_no_text_is_taken_for_code(put: Callable[[], Report | SearchReport]) -> None:
    text = render_page(put())
    assert len(Page(text).scripts) == 2
    assert "<b>" not in text


def test_an_empty_report_is_a_page() -> None:
    page = Page(render_page(attrs.evolve(REPORT, times_ns=[], instruments=[], currencies=[])))
    assert json.loads(page.scripts[0])["t"] == []


def test_numbers_that_are_none_are_refused() -> None:
    broken = attrs.evolve(REPORT.currencies[0], net=[0.0, float("nan")])
    with pytest.raises(ValueError, match="JSON compliant"):
        render_page(attrs.evolve(REPORT, currencies=[broken]))


def test_a_page_is_written_or_an_error_says_why(tmp_path: Path) -> None:
    write_page(tmp_path / "out.html", REPORT)
    assert (tmp_path / "out.html").read_text() == render_page(REPORT) == render_page(REPORT)
    with pytest.raises(UsageError, match="cannot be written"):
        write_page(tmp_path / "gone" / "out.html", REPORT)
