"""A back-test as a page: figures, tests, and plots of rates against the moves after them.

In: a back-test. Out: HTML that asks nothing of any server; the same back-test gives the same page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import cycle
from typing import Final, NamedTuple

from risk.backtest import MarginSide, Window
from risk.margin_models import PAPER
from services.backtest.formats import (
    APART,
    TOGETHER,
    ReviewTable,
    kind_table,
    percent_of,
    subject_tables,
)
from services.backtest.outcome import FLAT, Backtest, ModelFigures, Subject
from services.pages.chart import Band, Chart, Dots, Line, Mark, Tone, chart
from services.pages.render import render

_TONES: Final[tuple[Tone, ...]] = ("series-1", "series-2", "series-3", "series-4", "good", "quiet")
# More days than this are named by quarters.
_DAYS_BY_WEEK: Final = 90
_QUARTER_MONTHS: Final = 3
_PERCENT: Final = 100
_CENTS_PER_MILLION: Final = 100_000_000


class Breach(NamedTuple):
    """A window that a rate did not cover."""

    model: str
    side: MarginSide
    window: Window


class Section(NamedTuple):
    """What the page says of a subject, or of all of a kind."""

    title: str
    tables: Sequence[ReviewTable]
    charts: Sequence[Chart] = ()
    breaches: Sequence[Breach] = ()


def page_lines(backtest: Backtest) -> Iterator[str]:
    """The lines of the page."""
    content = {
        "title": f"Back-test of margin, {backtest.first} to {backtest.last}",
        "backtest": backtest,
        "sections": [*_sections(backtest)],
        "percent": percent_of,
    }
    return iter(render("backtest.html", content, package="services.backtest").splitlines())


def _sections(backtest: Backtest) -> Iterator[Section]:
    if backtest.required:
        yield Section("Requirement of all accounts", [], [_required_chart(backtest)])
    for subject in backtest.subjects:
        if subject.kind in APART:
            moves = [_moves_chart(figures, backtest.days) for figures in subject.figures]
            title = f"{subject.name}, margined by {', '.join(subject.in_force)}"
            yield Section(
                title if subject.in_force else "",
                subject_tables(subject),
                [_rates_chart(subject), *moves],
                [*_breaches(subject)],
            )
    for kind in TOGETHER:
        if any(subject.kind == kind for subject in backtest.subjects):
            yield Section(f"{kind.capitalize()}s", [kind_table(backtest, kind)])


def _required_chart(backtest: Backtest) -> Chart:
    """What all accounts together were asked for, by paper, and flat, over time."""
    days = [of_day.day for of_day in backtest.required]
    marks: list[Mark] = [
        Line("in force", _dollars(days, [of_day.in_force_cents for of_day in backtest.required]),
             "series-1", width=2.5, is_step=True),
        Line(PAPER, _dollars(days, [of_day.paper_cents for of_day in backtest.required]),
             "series-2", is_step=True),
        Line(FLAT, _dollars(days, [of_day.flat_cents for of_day in backtest.required]),
             "quiet", is_step=True),
    ]  # fmt: skip
    title = "Initial margin of all accounts at each close"
    return chart(title, marks, unit="USD million", days=days, labels=_labels(days))


def _dollars(days: Sequence[date], cents: Sequence[int]) -> list[tuple[date, float]]:
    return [(day, amount / _CENTS_PER_MILLION) for day, amount in zip(days, cents, strict=True)]


def _breaches(subject: Subject) -> Iterator[Breach]:
    for figures in subject.figures:
        for side, windows in figures.windows.items():
            yield from (
                Breach(figures.model, side, window) for window in windows if window.beyond > 0
            )


def _rates_chart(subject: Subject) -> Chart:
    """The rates of all models, each the mean of its sides."""
    marks: list[Mark] = [
        Line(figures.model, _mean_rates(figures), tone, is_step=True)
        for figures, tone in zip(subject.figures, cycle(_TONES), strict=False)
    ]
    title = f"Rates of all models{_of(subject)}, mean of the sides"
    days = sorted({point[0] for mark in marks for point in mark.points})
    return chart(title, marks, unit="% of the notional", days=days, labels=_labels(days))


def _mean_rates(figures: ModelFigures) -> list[tuple[date, float]]:
    sides = [*figures.windows.values()]
    return [
        (of_day[0].day, _PERCENT * sum(window.rate for window in of_day) / len(sides))
        for of_day in zip(*sides, strict=True)
    ]


def _moves_chart(figures: ModelFigures, days: int) -> Chart:
    """A model's rates as a band, below for who is long, and the moves after each day."""
    band: dict[date, list[float]] = {}
    within: list[tuple[date, float]] = []
    beyond: list[tuple[date, float]] = []
    for side, windows in figures.windows.items():
        sign = _PERCENT if side == "short" else -_PERCENT
        for window in windows:
            band.setdefault(window.day, [0.0]).append(sign * window.rate)
            (beyond if window.beyond > 0 else within).append((window.day, sign * window.loss))
    covered = [point for point in within if point not in {*beyond}] if beyond else within
    points = [(day, min(rates), max(rates)) for day, rates in band.items()]
    marks: list[Mark] = [
        Band(f"rate of {figures.model}", points, "series-1"),
        Dots("moves within it", covered, "good", radius=1.8),
        Dots(f"beyond it ({len(beyond)})", beyond, "bad"),
    ]
    title = f"{figures.model}: moves over the {days} days after each rate"
    named = [*band]
    return chart(title, marks, unit="% of the notional", days=named, labels=_labels(named))


def _labels(days: Sequence[date]) -> dict[date, str] | None:
    """The first days of quarters, of a long time; else None, and the chart names its own."""
    if len(days) <= _DAYS_BY_WEEK:
        return None
    firsts: dict[tuple[int, int], date] = {}
    for day in days:
        firsts.setdefault((day.year, (day.month - 1) // _QUARTER_MONTHS), day)
    return {day: f"{day:%b %y}" for day in [*firsts.values()][1:]}


def _of(subject: Subject) -> str:
    return "" if subject.kind == "index" else f" on {subject.name}"
