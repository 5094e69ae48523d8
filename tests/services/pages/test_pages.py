"""A page is whole by itself, and nothing that a fact says becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from jinja2 import UndefinedError

from services.demo.entries import DemoFact
from services.demo.fact_book import FactBook
from services.demo.page import render_page
from services.pages.render import render
from tests.browser import said_of

FOLDED = """
    const texts = [...page.querySelectorAll("details td:nth-child(n+3)")];
    return texts.filter(cell => cell.innerText === "" || !cell.checkVisibility()).length;
"""


def page_of(facts: Iterable[DemoFact], *, title: str) -> str:
    book = FactBook()
    book.learn(facts)
    return render_page(book, title=title)


def refused(reason: str) -> dict[str, Any]:
    return {"type": "command_refused/1", "reason": reason, "command_type": "submit_trade/1"}


def closed(number: int) -> dict[str, Any]:
    day = date(2026, 6, 8) + timedelta(days=number)
    hashed = {"shard": "member/0", "state_hash": f"{number:064x}"}
    return {"type": "day_closed/1", "business_date": day.isoformat(), **hashed}


def test_what_a_fact_says_is_escaped() -> None:
    page = page_of([refused("<script>alert(1)</script>")], title="a < b")
    assert "<script>" not in page
    assert "<code>&lt;script&gt;alert(1)&lt;/script&gt;</code>" in page
    assert "<title>a &lt; b</title>" in page


def test_a_page_asks_nothing_of_any_server() -> None:
    page = page_of([closed(0)], title="One day")
    assert "<svg" in page
    assert re.findall(r'src=|url\(|href="(?:[a-z]+:|/)[^"]*"', page) == []


def test_a_chart_is_an_image_with_a_name() -> None:
    page = page_of([closed(0)], title="One day")
    assert 'role="img" aria-label="Variation of each day">' in page


def test_a_table_without_rows_is_a_sentence() -> None:
    page = page_of([], title="Nothing")
    assert '<p class="note">Trading halts: none.</p>' in page
    assert "<table" not in page


@pytest.mark.parametrize(("days", "summaries"), [(30, 0), (31, 1)])
def test_a_table_of_more_than_thirty_rows_is_folded_up(days: int, summaries: int) -> None:
    page = page_of(map(closed, range(days)), title="Long")
    assert page.count("<details><summary>") == summaries


@pytest.mark.parametrize(("medium", "hidden"), [("print", 62), ("all", 0)])
def test_paper_shows_the_rows_that_are_folded_up_on_a_screen(medium: str, hidden: int) -> None:
    # The rules of print taken for the screen; 31 closes have a name and a hash each.
    page = page_of(map(closed, range(31)), title="Long")
    printed = page.replace("@media print", f"@media {medium}")
    assert said_of(printed, FOLDED, width=688) == hidden


def test_numbers_are_set_to_the_right_under_their_head() -> None:
    page = page_of([refused("no_such_contract")], title="One refusal")
    assert '<th scope="col" class="number">lines</th>' in page
    assert '<td class="number">1</td>' in page


def test_a_template_is_not_rendered_without_what_it_shows() -> None:
    with pytest.raises(UndefinedError):
        render("demo.html", {"title": "Nothing else"}, package="services.demo")
