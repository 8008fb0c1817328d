"""A report in a real browser: it draws, says nothing is wrong, and shows what its data say."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import attrs
import pytest

from hft.report import (
    Axis,
    ComparedCurrency,
    ComparedInstrument,
    CurrencySeries,
    Dot,
    DriftReport,
    FillMark,
    InstrumentSeries,
    Report,
    SearchReport,
    render_page,
)

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser here")

START_NS = 1_700_000_000_000_000_000

WATCH = """<script>
window.onerror = (message) => { document.title = `failed: ${message}`; };
</script>"""

# What a person does: zooms into the middle third of the first chart, and hides a line of the fifth.
DRIVE = """<script>
setTimeout(() => {
  const over = document.querySelectorAll(".plot canvas:nth-child(2)")[0], box = over.getBoundingClientRect();
  over.setPointerCapture = () => {};
  const point = (type, part) => over.dispatchEvent(new PointerEvent(type, {
    clientX: box.left + 78 + part * (box.width - 90), clientY: box.top + 100, button: 0, pointerType: "mouse",
  }));
  point("pointerdown", 1 / 3); point("pointermove", 2 / 3); point("pointerup", 2 / 3);
  point("pointerleave", 0);
  document.querySelectorAll(".panel:nth-child(5) .legend button")[2].click();
}, 200);
</script>"""


def report(count: int) -> Report:
    numbers = [float(number) for number in range(count)]
    return Report(
        title="Backtest",
        subtitle="",
        facts=[],
        times_ns=[START_NS + number * 10**9 for number in range(count)],
        instruments=[
            InstrumentSeries(
                name=name,
                unit="BTC",
                currency="USDT",
                mid=[None, *numbers[1:]],
                position=[-number for number in numbers],
                feed_latency_ms=[None] * count,
                fills=[FillMark(time_ns=START_NS + 10**9, side=1, price=1.0, size=2.0, is_maker=True)],
                fill_count=5,
            )
            for name in ("A/USDT@x", "B/USDT@x")
        ],
        currencies=[
            CurrencySeries(
                currency="USDT",
                net=numbers,
                spread=numbers,
                inventory=numbers,
                fees=[0.0] * count,
                funding=[0.0] * count,
            )
        ],
        tables=[],
    )


def shown(page: str, folder: Path, drive: str = "") -> str:
    """Return the document as it is after its script has run, without the script."""
    assert BROWSER is not None
    (folder / "page.html").write_text(page.replace("<head>", f"<head>{WATCH}") + drive)
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu"]
    command += [
        f"--user-data-dir={folder / 'user'}",
        "--window-size=1200,1500",
        "--virtual-time-budget=3000",
        "--dump-dom",
    ]
    done = subprocess.run(
        [*command, (folder / "page.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return re.sub(r"<(script|style).*?</\1>", "", done.stdout, flags=re.DOTALL)


def test_a_browser_draws_it(tmp_path: Path) -> None:
    document = shown(render_page(report(100)), tmp_path, DRIVE)
    assert "<title>Backtest</title>" in document
    headings = re.findall(r"<h2>([^<]*)</h2>", document)
    assert headings == [
        "Price and fills, USDT, 1 of 5 fills",
        "Inventory, BTC",
        "Equity, USDT",
        "Drawdown, USDT",
        "Where it comes from, USDT",
        "Latency of the feed, ms",
    ]
    # At the right end of what was zoomed to, which is second 66 of 99.
    labels = re.findall(r"<span>([^<]+)</span></button>", document)
    assert labels == [
        "middle of the book 66.0000",
        "position -66.0000",
        "profit after fees and funding 66.0000",
        "below the peak 0.000000",
        "spread captured 66.0000",
        "inventory 66.0000",
        "fees 0.000000",
        "funding 0.000000",
        "net 66.0000",
        "age of the book -",
    ]
    pressed = re.findall(r'aria-pressed="(\w+)"', document)
    assert pressed == ["true"] * 6 + ["false"] + ["true"] * 3
    assert re.findall(r"<option[^>]*>([^<]*)</option>", document) == ["A/USDT@x", "B/USDT@x"]


def test_too_little_to_draw_is_said(tmp_path: Path) -> None:
    document = shown(render_page(report(1)), tmp_path)
    assert "Too little time has passed" in document


# What a person does: looks at the second search.
CHOOSE = """<script>
setTimeout(() => {
  const select = document.querySelector(".controls select");
  select.value = "1";
  select.onchange();
}, 200);
</script>"""


def search_report() -> SearchReport:
    dots = [
        Dot(
            search=search,
            number=number,
            objective=None if number == 3 else number * (search + 1.5),
            keeps=number != 2,
            values=[10.0**number, number % 2],
            note="it died" if number == 3 else "",
        )
        for search in (0, 1)
        for number in range(6)
    ]
    return SearchReport(
        title="Sweep",
        subtitle="",
        facts=[],
        objective="net_pnl",
        maximise=True,
        searches=["first", "second"],
        axes=[Axis(name="size", log=True), Axis(name="queue", choices=["power", "log"])],
        dots=dots,
        tables=[],
    )


def test_a_browser_draws_a_search(tmp_path: Path) -> None:
    document = shown(render_page(search_report()), tmp_path, CHOOSE)
    assert "<title>Sweep</title>" in document
    assert re.findall(r"<h2>([^<]*)</h2>", document) == [
        "Objective over trials",
        "size",
        "queue",
        "Pair of parameters, from the worst (orange) to the best (blue)",
    ]
    assert document.count("<circle") == 4 * 5
    assert len(re.findall(r"<circle[^>]*fill=\"none\"", document)) == 4
    assert document.count('class="failed"') == 1
    assert "failed: it died" in document
    # The best so far, over the trials that came to their end and keep the constraints.
    assert "net_pnl 12.5" in document
    (line,) = re.findall(r'<polyline points="([^"]*)"', document)
    heights = [float(point.partition(",")[2]) for point in line.split()]
    assert len(heights) == 5
    assert heights == sorted(heights, reverse=True)
    assert "NaN" not in document


def test_a_search_without_a_trial_is_said(tmp_path: Path) -> None:
    report = search_report()
    document = shown(render_page(attrs.evolve(report, dots=[report.dots[3]])), tmp_path)
    assert "No trial has come to its end." in document


def test_a_browser_draws_a_session_and_its_backtest_over_each_other(tmp_path: Path) -> None:
    numbers = [float(number) for number in range(100)]
    halves = [number / 2 for number in numbers]
    fills = [
        [FillMark(time_ns=START_NS + second * 10**9, side=1, price=2.0, size=1.0, is_maker=True)]
        for second in (3, 4)
    ]
    page = DriftReport(
        title="Drift",
        subtitle="",
        facts=[],
        times_ns=[START_NS + number * 10**9 for number in range(100)],
        instruments=[
            ComparedInstrument(
                name="A/USDT@x",
                unit="A",
                currency="USDT",
                mid=[None, *numbers[1:]],
                positions=(numbers, halves),
                fills=(fills[0], fills[1]),
                fill_counts=(1, 3),
            )
        ],
        currencies=[
            ComparedCurrency(
                currency="USDT",
                nets=(halves, numbers),
                spread=halves,
                inventory=[-each for each in numbers],
                fees=[0.0] * 100,
                funding=[0.0] * 100,
            )
        ],
        tables=[],
    )
    document = shown(render_page(page), tmp_path)
    assert "<title>Drift</title>" in document
    assert re.findall(r"<h2>([^<]*)</h2>", document) == [
        "Price and fills, USDT, 1 of 3 fills of the backtest",
        "Change of the position, A",
        "Profit after fees and funding, USDT",
        "How much more the session has, USDT",
    ]
    assert re.findall(r"<span>([^<]+)</span></button>", document) == [
        "middle of the book 99.0000",
        "fills of the session -",
        "fills of the backtest -",
        "session 99.0000",
        "backtest 49.5000",
        "session 49.5000",
        "backtest 99.0000",
        "spread captured 49.5000",
        "inventory -99.0000",
        "fees 0.000000",
        "funding 0.000000",
        "net -49.5000",
    ]
