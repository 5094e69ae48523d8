"""The answer of `clearing hedge` as a page: its figures, and for each firm how bills spread.

In: an answer. Out: HTML that asks nothing of any server; the same answer, the same page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from risk.price_model import FloatArray
from services.pages.chart import Chart, Line, Point, chart
from services.pages.render import render
from services.paper.hedge_answer import FIGURE_HEADS, HedgeAnswer, shown_figures
from services.paper.hedge_programme import HedgeRow

# Charts count in days: a percentile is one of them, from a day that is not shown.
_FIRST_DAY: Final = date(2001, 1, 1)
_LABELS: Final = (5, 25, 50, 75, 95)


def hedge_page(answer: HedgeAnswer) -> Iterator[str]:
    """The lines of the page."""
    subjects = [shown_figures(row) for row in answer.rows]
    first, *figures = [list(cells) for cells in zip(FIGURE_HEADS, *subjects, strict=True)]
    content = {
        "title": answer.title,
        "heads": ["figure", *(f"={subject}" for subject in first[1:])],
        "rows": figures,
        "notes": answer.notes,
        "charts": [spread_chart(row) for row in answer.rows],
    }
    return iter(render("hedge.html", content, package="services.paper").splitlines())


def spread_chart(row: HedgeRow) -> Chart:
    """What bills differ from their budgets, percentile by percentile, without and with futures."""
    days = [_FIRST_DAY + timedelta(days=number) for number in range(1, 100)]
    without, with_futures = row.percentiles
    marks = [
        Line("without futures", _line(days, without), "series-2", width=2.5),
        Line("with futures", _line(days, with_futures), "series-1", width=2.5),
    ]
    labels = {days[percent - 1]: f"{percent} %" for percent in _LABELS}
    title = f"{row.subject}: bill over budget, by percentile"
    return chart(title, marks, unit="USD", days=days, labels=labels)


def _line(days: list[date], values: FloatArray) -> list[Point]:
    return [*zip(days, values.tolist(), strict=True)]
