"""The comparison as a table for people, as CSV, as Markdown.

In: a comparison. Out: lines of text. Tables show figures with two digits of their errors; CSV has
them as plain numbers, percent as fractions, six digits each.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Callable, Iterator
from typing import Final

from risk.price_scenarios import PRICE_SCENARIOS
from services.paper.comparison import Comparison
from services.paper.figure_row import PaperRow
from services.reports.layout import WIDTH_MAX, side_by_side

HEADS: Final = ("figure", "reading", "paper", "ours", "error", "follows", "why")
NUMERIC: Final = ("ours", "error")
_FOLLOWS: Final = (
    "follows: whether the paper's figure does, in this reading, from table 3 or from its others; "
    "open: there is no number to hold ours against."
)
_UNKNOWN: Final = (
    "not known: the paper has a figure, and of tables 1 and 2 and of §8.3 none is known here; "
    "-: we know of none."
)


def shown_cells(row: PaperRow) -> list[str]:
    """A row under HEADS."""
    return [row.figure, row.reading, row.paper, row.ours, row.error, row.follows, row.why]


def cells_without_repeats(comparison: Comparison) -> list[list[str]]:
    """The rows for people: a figure and a reason are not said again in the rows below."""
    rows = [shown_cells(row) for row in comparison.rows]
    shown = [list(cells) for cells in rows]
    for before, cells, texts in zip(rows, rows[1:], shown[1:], strict=False):
        for column in (HEADS.index("figure"), HEADS.index("why")):
            if before[0] == cells[0] and before[column] == cells[column]:
                texts[column] = ""
    return shown


def explanations(comparison: Comparison) -> list[str]:
    """What the columns mean, and which scenarios are whose."""
    return [
        f"{comparison.paths:,} paths of three years for each scenario, seed {comparison.seed}.",
        "error: standard, Monte Carlo or of the fit; exact: in closed form; -: none, at an edge.",
        _FOLLOWS,
        _UNKNOWN,
        *(f"{scenario.name}: {scenario.reason}." for scenario in PRICE_SCENARIOS.values()),
    ]


def _table_lines(comparison: Comparison) -> Iterator[str]:
    rows = cells_without_repeats(comparison)
    yield "The paper's figures (arXiv 2603.21690) beside ours"
    yield ""
    yield from side_by_side(HEADS, rows, numeric=[head in NUMERIC for head in HEADS])
    yield ""
    for line in explanations(comparison):
        yield from textwrap.wrap(line, WIDTH_MAX, subsequent_indent="  ")


def _csv_lines(comparison: Comparison) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["figure", "reading", "paper", "unit", "ours", "error", "follows", "why"])
    for row in comparison.rows:
        value, error = row.estimate
        numbers = [f"{value:.6g}", "" if error is None else f"{error:.6g}"]
        writer.writerow(
            [row.figure, row.reading, row.paper, row.unit, *numbers, row.follows, row.why]
        )
    return iter(text.getvalue().splitlines())


def _markdown_lines(comparison: Comparison) -> Iterator[str]:
    yield f"| {' | '.join(HEADS)} |"
    yield f"|{'---|' * len(HEADS)}"
    for row in comparison.rows:
        yield f"| {' | '.join(shown_cells(row))} |"
    yield ""
    for line in explanations(comparison):
        yield f"- {line}"


PAPER_LINES: Final[dict[str, Callable[[Comparison], Iterator[str]]]] = {
    "table": _table_lines,
    "csv": _csv_lines,
    "md": _markdown_lines,
}
