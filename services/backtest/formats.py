"""A back-test as tables for people, as CSV, as JSON.

In: a back-test. Out: lines of text. Tables show percent; CSV and JSON have fractions, a row of CSV
for each subject, model and side, with the names of JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Final, NamedTuple

from risk.backtest import Review
from risk.exception_tests import PROMISED
from services.backtest.outcome import Backtest, Subject, SubjectKind, outcome_tree
from services.reports.layout import side_by_side

_Shown = Callable[[Review], str]


def percent_of(fraction: float) -> str:
    """A fraction for people: percent with one decimal."""
    return f"{100 * fraction:.1f} %"


def _probability(fraction: float) -> str:
    return f"{fraction:.3f}"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.1f}"


def _interval(figures: Review) -> str:
    low, high = figures.interval
    return f"{100 * low:.1f}–{100 * high:.1f} %"


# The kinds of subjects that are shown one by one, and those of which there are many.
APART: Final[tuple[SubjectKind, ...]] = ("index", "portfolio")
TOGETHER: Final[tuple[SubjectKind, ...]] = ("contract", "account")
# Heads over the figures of a review: what margin did, and what the tests make of it.
COVER: Final[dict[str, _Shown]] = {
    "windows": lambda figures: str(figures.windows),
    "uncovered": lambda figures: str(figures.uncovered),
    "coverage": lambda figures: percent_of(figures.coverage),
    "mean rate": lambda figures: percent_of(figures.mean_rate),
    "peak rate": lambda figures: percent_of(figures.peak_rate),
    "peak / trough": lambda figures: _times(figures.peak_to_trough),
    "rise in 5 days": lambda figures: percent_of(figures.rise_5),
    "rise in 20 days": lambda figures: percent_of(figures.rise_20),
    "worst beyond": lambda figures: percent_of(figures.worst_beyond),
    "one-day beyond": lambda figures: str(figures.one_day_exceptions),
    "Basel zone": lambda figures: figures.basel_zone,
}
TESTS: Final[dict[str, _Shown]] = {
    "windows apart": lambda figures: str(figures.windows_apart),
    "uncovered": lambda figures: str(figures.uncovered_apart),
    "rate of these, 95 %": _interval,
    "Kupiec p": lambda figures: _probability(figures.kupiec_p),
    "two-sided": lambda figures: _probability(figures.kupiec_two_sided_p),
    "Christoffersen p": lambda figures: _probability(figures.christoffersen_p),
    "conditional p": lambda figures: _probability(figures.conditional_p),
    "power at twice": lambda figures: percent_of(figures.power_at_twice),
}


class ReviewTable(NamedTuple):
    """A table of figures: a caption, heads, rows of text; the first columns are no numbers."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int


def subject_tables(subject: Subject) -> list[ReviewTable]:
    """Of a subject by itself, side by side: what margin did, and the tests."""
    reviews = [
        (figures.model, side, review)
        for figures in subject.figures
        for side, review in figures.reviews.items()
    ]
    return [
        ReviewTable(
            caption,
            ["model", "side", *columns],
            [[model, side, *(show(of_side) for show in columns.values())]
             for model, side, of_side in reviews],
            2,
        )
        for caption, columns in (
            ("What margin covered and cost", COVER),
            ("Tests, on windows that do not overlap", TESTS),
        )
    ]  # fmt: skip


def kind_table(backtest: Backtest, kind: SubjectKind) -> ReviewTable:
    """Of all subjects of a kind, both sides together; of accounts those that were not covered."""
    subjects = [subject for subject in backtest.subjects if subject.kind == kind]
    shown = [subject for subject in subjects if kind != "account" or _is_uncovered(subject)]
    caption = f"{kind.capitalize()}s, both sides"
    if kind == "account":
        caption = f"Accounts that were not covered, {len(shown)} of {len(subjects)}"
    rows = [
        [subject.name, figures.model, *(show(figures.reviews["all"]) for show in COVER.values())]
        for subject in shown
        for figures in subject.figures
    ]
    return ReviewTable(caption, [kind, "model", *COVER], rows, 2)


def _is_uncovered(subject: Subject) -> bool:
    return any(figures.reviews["all"].uncovered for figures in subject.figures)


def _table_lines(backtest: Backtest) -> Iterator[str]:
    """Of each subject what margin did, the tests, and the dates of the windows not covered."""
    yield f"Back-test on {backtest.source}: rates of {backtest.first} to {backtest.last}"
    yield f"each against the move of the next {backtest.days} days"
    for subject in backtest.subjects:
        if subject.kind in APART:
            yield from _subject_lines(subject)
    for kind in TOGETHER:
        if any(subject.kind == kind for subject in backtest.subjects):
            yield ""
            yield from _lines(kind_table(backtest, kind))
    yield ""
    yield (
        f"p: how likely as many uncovered windows or more are, of those that do not overlap, if "
        f"{1 - PROMISED:.0%} are covered;"
    )
    yield "power at twice: how likely that test sees twice as many uncovered as promised."


def _subject_lines(subject: Subject) -> Iterator[str]:
    if subject.in_force:
        yield ""
        yield f"{subject.name}, margined by {', '.join(subject.in_force)}"
    for table in subject_tables(subject):
        yield ""
        yield from _lines(table)
    breaches = [
        [figures.model, " ".join(map(str, figures.reviews["all"].breach_dates)) or "none"]
        for figures in subject.figures
    ]
    yield ""
    yield from _lines(
        ReviewTable("Days of rates that did not cover", ["model", "rates of"], breaches, 2)
    )


def _lines(table: ReviewTable) -> Iterator[str]:
    yield table.caption
    numeric = [index >= table.names for index in range(len(table.heads))]
    yield from side_by_side(table.heads, table.rows, numeric=numeric)


def _csv_lines(backtest: Backtest) -> Iterator[str]:
    """A head and a row for each subject, model and side."""
    rows: Sequence[dict[str, object]] = [
        {"kind": subject.kind, "name": subject.name, "model": figures.model, "side": side}
        | _cells(review)
        for subject in backtest.subjects
        for figures in subject.figures
        for side, review in figures.reviews.items()
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return iter(text.getvalue().splitlines())


def _cells(review: Review) -> dict[str, object]:
    low, high = review.interval
    cells = asdict(review)
    del cells["interval"]
    return cells | {
        "breach_dates": " ".join(map(str, review.breach_dates)),
        "interval_low": low,
        "interval_high": high,
    }


def _json_lines(backtest: Backtest) -> Iterator[str]:
    yield json.dumps(outcome_tree(backtest), ensure_ascii=False, allow_nan=False)


LINES: Final[dict[str, Callable[[Backtest], Iterator[str]]]] = {
    "table": _table_lines,
    "csv": _csv_lines,
    "json": _json_lines,
}
