"""A chart draws what its marks say, in the page's colours, the same each time."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

import pytest

from services.pages.chart import Band, Bars, Chart, Dots, Line, Mark, chart

MONDAY = date(2026, 6, 8)
DAYS = [MONDAY + timedelta(days=n) for n in range(5)]
RISING = [(day, float(n)) for n, day in enumerate(DAYS)]


def drawn(*marks: Mark, title: str = "Prices", is_count: bool = False) -> Chart:
    """A chart of one week."""
    return chart(title, marks, unit="USD", days=DAYS, is_count=is_count)


def ids_of(svg: str) -> set[str]:
    return set(re.findall(r' id="([^"]*)"', svg))


def test_title_unit_days_and_labels_stand_in_the_drawing() -> None:
    svg = drawn(Line("index", RISING, "ink"), Dots("fixing", RISING, "bad")).svg
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    expected = {"Prices", "USD", "business date, 2026 (UTC)", "8 Jun", "index", "fixing"}
    assert expected <= set(texts)


@pytest.mark.parametrize(
    "mark",
    [
        Line("a", RISING, "series-1"),
        Line("a", RISING, "series-1", is_step=True),
        Bars("a", RISING, "series-1"),
        Band("a", [(day, -value, value) for day, value in RISING], "series-1"),
        Dots("a", RISING, "series-1"),
    ],
)
def test_a_mark_is_drawn_in_the_tone_of_the_page(mark: Mark) -> None:
    svg = drawn(mark).svg
    assert "var(--series-1)" in svg
    assert re.findall(r"#0\d0\d0\d", svg) == []


def test_the_same_marks_give_the_same_text() -> None:
    assert drawn(Bars("a", RISING, "good")) == drawn(Bars("a", RISING, "good"))


def test_a_line_without_a_label_is_not_in_the_legend() -> None:
    labelled, plain = Line("index", RISING, "ink"), Line("", RISING, "ink")
    texts = [drawn(*marks).svg.count("<text") for marks in ((labelled,), (labelled, plain))]
    assert texts[0] == texts[1]


def test_two_charts_of_a_page_share_no_id() -> None:
    first, second = (drawn(Dots("a", RISING, "ink"), title=title).svg for title in ("One", "Two"))
    assert ids_of(first)
    assert ids_of(first) & ids_of(second) == set()


def test_bars_stand_on_the_bars_before_them() -> None:
    ones = [(day, 1.0) for day in DAYS]
    alone = drawn(Bars("a", ones, "good"), is_count=True).svg
    both = drawn(Bars("a", ones, "good"), Bars("b", ones, "bad"), is_count=True).svg
    assert (">2<" in alone, ">2<" in both) == (False, True)


def test_a_date_stands_at_its_noon() -> None:
    noons = [(datetime.combine(day, time(12)), value) for day, value in RISING]
    assert drawn(Line("a", RISING, "ink")) == drawn(Line("a", noons, "ink"))
