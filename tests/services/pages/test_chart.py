"""A chart draws what its marks say, in the page's colours, the same each time."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

import pytest

from services.pages.chart import Band, Bars, Chart, Dots, Line, Mark, chart

MONDAY = date(2026, 6, 8)
DAYS = [MONDAY + timedelta(days=n) for n in range(5)]
RISING = [(day, float(n)) for n, day in enumerate(DAYS)]


def drawn(*marks: Mark, title: str = "Prices") -> Chart:
    """A chart of one week."""
    return chart(title, marks, unit="USD", days=DAYS)


def paths(svg: str, tone: str) -> list[str]:
    """What is drawn in a tone."""
    return re.findall(rf'<path d="([^"]*)" [^>]*var\(--{tone}\)', svg)


def test_title_unit_days_and_labels_stand_in_the_drawing() -> None:
    shown = drawn(Line("index", RISING, "ink"), Dots("fixing", RISING, "bad"))
    assert re.findall(r"<text[^>]*>([^<]*)</text>", shown.svg) == [*"01234", "8 Jun"]
    assert 'aria-label="Prices"' in shown.svg
    assert (shown.unit, shown.legend) == ("USD", [("index", "ink"), ("fixing", "bad")])


@pytest.mark.parametrize(
    "mark",
    [
        Line("a", RISING, "series-1"),
        Line("a", RISING, "series-1", is_step=True),
        Bars("a", RISING, "series-1"),
        Band("a", [(day, -value, value) for day, value in RISING], "series-1"),
        Dots("a", RISING, "series-1"),
        Dots("a", RISING, "series-1", is_diamond=True),
    ],
)
def test_a_mark_is_drawn_in_the_tone_of_the_page(mark: Mark) -> None:
    assert paths(drawn(mark).svg, "series-1") != []
    assert paths(drawn(Line("a", [], "ink")).svg, "series-1") == []


def test_points_stand_where_their_time_and_value_say() -> None:
    # 656 pixels are 6 days: Monday noon is one in, Friday noon one from the end. 256 pixels are
    # 4.16, for a 25th of the span is left free above: 4 stands 246.2 above 266.
    (path,) = paths(drawn(Line("a", [RISING[0], RISING[-1]], "ink")).svg, "ink")
    assert path == "M163.3 266.0L600.7 19.8"


def test_a_step_holds_its_value_until_the_next() -> None:
    (path,) = paths(drawn(Line("a", [RISING[0], RISING[-1]], "ink", is_step=True)).svg, "ink")
    assert path == "M163.3 266.0H600.7V19.8"


def test_the_same_marks_give_the_same_text() -> None:
    assert drawn(Bars("a", RISING, "good")) == drawn(Bars("a", RISING, "good"))


def test_a_line_without_a_label_is_not_in_the_legend() -> None:
    assert drawn(Line("index", RISING, "ink"), Line("", RISING, "ink")).legend == [("index", "ink")]


def test_bars_stand_on_the_bars_before_them() -> None:
    ones = [(MONDAY, 1.0)]
    svg = drawn(Bars("a", ones, "good"), Bars("b", ones, "bad")).svg
    (lower,), (upper,) = paths(svg, "good"), paths(svg, "bad")
    # 2.08 are 256 pixels: each bar is 123.1 high.
    assert re.findall(r" ([\d.]+)V([\d.]+)", lower + upper) == [
        ("266.0", "142.9"),
        ("142.9", "19.8"),
    ]


def test_a_band_ends_at_its_last_value_and_comes_back_along_the_lower_edge() -> None:
    band = Band("a", [(DAYS[0], 0.0, 1.0), (DAYS[4], 2.0, 4.0)], "ink")
    fill, _ = paths(drawn(band).svg, "ink")
    assert fill == "M163.3 204.5H600.7V19.8V266.0H163.3"


def test_a_date_stands_at_its_noon() -> None:
    noons = [(datetime.combine(day, time(12)), value) for day, value in RISING]
    assert drawn(Line("a", RISING, "ink")) == drawn(Line("a", noons, "ink"))


def test_a_title_is_escaped() -> None:
    assert 'aria-label="&lt;b&gt;"' in drawn(title="<b>").svg
