"""The page of a drill in a real browser: its figures are those of the JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.analysis.drill import DrillQuestion, play_drill
from services.analysis.drill_page import drill_page
from services.journal.embedded import EmbeddedServer
from services.reports.view import JournalView
from tests.browser import said_of
from tests.services.analysis.drill_market import DRILL_MARKET, next_day
from tests.services.reports.conftest import cleared_once

WIDTHS = (360, 1100)
TABLES = """
    const table = table => [table.caption.innerText, rows(table)];
    return Object.fromEntries([...page.querySelectorAll("table")].map(table));
"""
TILES = """
    const tile = tile => [tile.lastChild.textContent.trim(), tile.querySelector("b").innerText];
    return Object.fromEntries([...page.querySelectorAll(".tiles li")].map(tile));
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
FIGURES = """
    const texts = svg => [...svg.querySelectorAll("text")].map(text => text.textContent);
    const bars = svg => [...svg.querySelectorAll("path")].map(path => path.getBBox());
    const drawn = svg => [svg.getAttribute("aria-label"), texts(svg),
        bars(svg).map(bar => [bar.x.toFixed(1), (bar.x + bar.width).toFixed(1)])];
    return [...page.querySelectorAll("svg")].map(drawn);
"""
WARNED = 'return [...page.querySelectorAll("p.bad")].map(line => line.innerText);'


@pytest.fixture(scope="module")
def market(postgres: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The market worked by hand, the day after its close, A in default."""
    lines = [*DRILL_MARKET, *next_day()]
    yield from cleared_once(postgres, tmp_path_factory.mktemp("drill"), lines)


def page_of(url: str, *members: str, scenario: str = "front_down_60") -> str:
    """The page of a drill."""
    with JournalView(url) as view:
        drill = play_drill(view, DrillQuestion(members, scenario, None))
    return "\n".join(drill_page(drill))


@pytest.fixture(scope="module")
def page(market: str) -> str:
    """C in default, then B, of which B gains."""
    return page_of(market, "C", "B")


@pytest.fixture(scope="module")
def tables(page: str) -> dict[str, list[list[str]]]:
    """The texts of its tables in the browser, by caption."""
    texts: dict[str, Any] = said_of(page, TABLES, width=1100)
    return texts


def test_the_page_asks_nothing_of_any_server_and_has_no_script(page: str) -> None:
    assert re.findall(r'<script|src=|url\(|href="(?:[a-z]+:|/)[^"]*"', page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(page: str, width: int) -> None:
    assert said_of(page, STICKS_OUT, width=width) == [width, []]


def test_paper_and_a_wide_screen_cut_nothing_off(page: str) -> None:
    printed = page.replace("@media print", "@media all")
    assert said_of(printed, CUT_OFF, width=688) == []
    assert said_of(page, CUT_OFF, width=1100) == []


def test_the_waterfall_is_drawn_a_bar_for_each_layer_that_pays(page: str) -> None:
    """C-H 1,000 − 60 · 120 + 10 · 120 = −5,000: own 301, capital 300, D assessed 1, 4,398 left.

    A is in default and B is about to be: neither pays. 440 pixels stand for 5,000 cents, 0.088 for
    one; 0.01 $ is drawn 1.5 wide, that it is seen.
    """
    (figure,) = said_of(page, FIGURES, width=1100)
    title, texts, bars = figure
    assert title == "C loses $50.00: who pays"
    assert texts == [
        "loss", "$50.00", "its contribution", "$3.01", "the clearinghouse", "$3.00",
        "assessments", "$0.01", "uncovered", "$43.98",
    ]  # fmt: skip
    assert bars == [
        ["150.0", "590.0"], ["150.0", "176.5"], ["176.5", "202.9"], ["202.9", "204.4"],
        ["203.0", "590.0"],
    ]  # fmt: skip


def test_tiles_and_tables_say_who_pays_and_what_is_left(
    page: str, tables: dict[str, list[list[str]]]
) -> None:
    tiles = said_of(page, TILES, width=1100)
    assert tiles == {
        "loss": "$50.00", "the defaulter itself": "$3.01", "the clearinghouse": "$3.00",
        "other contributions": "$0.00", "assessments": "$0.01", "uncovered": "$43.98",
        "left of contributions": "-$0.01", "left of the clearinghouse's": "$0.00",
    }  # fmt: skip
    assert tables["Prices"] == [["SITM26", "$2.00", "-60.00 %", "$0.80"]]
    assert tables["Who pays"] == [
        ["C", "member fund", "C", "$3.01"], ["C", "house capital", "the clearinghouse", "$3.00"],
        ["C", "assessment", "D", "$0.01"], ["C", "uncovered", "nobody so far", "$43.98"],
        ["C", "loss", "", "$50.00"], ["B", "loss", "", "$0.00"],
    ]  # fmt: skip
    assert tables["Left for the next default"] == [
        ["the clearinghouse", "$3.00", "$3.00", "", "$0.00", ""],
        ["D", "$0.00", "$0.00", "$0.01", "-$0.01", "$0.01"],
    ]


def test_who_is_really_in_default_is_told_what_its_settlement_waits_for(market: str) -> None:
    (line,) = said_of(page_of(market, "A"), WARNED, width=1100)
    assert line.startswith("In default already: the settlement of A is ordered at 2026-06-09T11:00")


def test_without_a_loss_the_page_says_so(market: str) -> None:
    page = page_of(market, "B")
    assert "No account is below zero: there is no loss, and nobody pays." in page
    assert "<svg" not in page
