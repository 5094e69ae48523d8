"""The page of a back-test in a real browser: its figures are those of the JSON."""

from __future__ import annotations

import re
from typing import Any

import pytest

from risk.margin_models import MODELS, PAPER
from services.backtest.index_series import shipped_index
from services.backtest.on_index import backtest_index
from services.backtest.outcome import FLAT, Backtest
from services.backtest.page import page_lines
from tests.browser import said_of

WIDTHS = (360, 1100)
LONG = "expected_shortfall"
TABLES = """
    page.querySelectorAll("details").forEach(details => details.open = true);
    const table = table => [table.caption.innerText, rows(table)];
    return Object.fromEntries([...page.querySelectorAll("table")].map(table));
"""
STICKS_OUT = """
    const root = page.documentElement;
    const inBox = element => element.closest(".scroll") !== null;
    const sticks = element => element.getBoundingClientRect().right > root.clientWidth + 1;
    const out = [...page.body.querySelectorAll("*")].filter(e => sticks(e) && !inBox(e));
    return [root.scrollWidth, out.map(element => element.outerHTML.slice(0, 80))];
"""
CUT_OFF = """
    const wide = [...page.querySelectorAll(".scroll")].filter(b => b.scrollWidth > b.clientWidth);
    return wide.map(box => box.innerText.slice(0, 80));
"""
CHARTS = """
    const dots = svg => [...svg.querySelectorAll("path")].map(path => path.getBBox().width > 0);
    const name = svg => svg.getAttribute("aria-label");
    return [...page.querySelectorAll("svg")].map(svg => [name(svg), dots(svg).some(it => it)]);
"""


@pytest.fixture(scope="module")
def backtest() -> Backtest:
    """On the history that ships, under two names, one of them long."""
    models = [MODELS[PAPER], MODELS[PAPER]._replace(name=LONG)]
    return backtest_index(shipped_index(), models, source="shipped <b>", days=2)


@pytest.fixture(scope="module")
def page(backtest: Backtest) -> str:
    """Its page."""
    return "\n".join(page_lines(backtest))


@pytest.fixture(scope="module")
def tables(page: str) -> dict[str, Any]:
    """The texts of its tables in the browser, by caption."""
    texts: dict[str, Any] = said_of(page, TABLES, width=1100)
    return texts


def test_the_page_asks_nothing_of_any_server_and_escapes_its_source(page: str) -> None:
    assert re.findall(r'src=|url\(|href="(?:[a-z]+:|/)[^"]*"', page) == []
    assert "shipped &lt;b&gt;" in page


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(page: str, width: int) -> None:
    assert said_of(page, STICKS_OUT, width=width) == [width, []]


def test_paper_and_a_wide_screen_cut_nothing_off(page: str) -> None:
    printed = page.replace("@media print", "@media all")
    assert said_of(printed, CUT_OFF, width=688) == []
    assert said_of(page, CUT_OFF, width=1100) == []


def test_the_figures_are_those_of_the_back_test(
    backtest: Backtest, tables: dict[str, list[list[str]]]
) -> None:
    covered = tables["What margin covered and cost"]
    assert [row[:2] for row in covered] == [
        [model, side] for model in (PAPER, LONG, FLAT) for side in ("long", "short", "all")
    ]
    assert covered[2][2:6] == ["670", "20", "97.0 %", "17.6 %"]
    assert covered[8][2:6] == ["670", "8", "98.8 %", "25.0 %"]
    assert tables["Tests, on windows that do not overlap"][8][2:4] == ["335", "4"]
    missed = sum(
        one.beyond > 0
        for figures in backtest.subjects[0].figures
        for windows in figures.windows.values()
        for one in windows
    )
    (beyond,) = [rows for caption, rows in tables.items() if caption.startswith("Rates that")]
    assert len(beyond) == missed == 48


def test_rates_and_moves_of_every_model_are_drawn(page: str) -> None:
    assert said_of(page, CHARTS, width=1100) == [
        ["Rates of all models, mean of the sides", True],
        [f"{PAPER}: moves over the 2 days after each rate", True],
        [f"{LONG}: moves over the 2 days after each rate", True],
        [f"{FLAT}: moves over the 2 days after each rate", True],
    ]
