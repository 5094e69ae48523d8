"""A drill as a page: who pays, layer by layer, as a picture and in tables.

In: a drill. Out: HTML that asks nothing of any server and needs no script; the same drill gives the
same page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from risk.waterfall import MEMBER_FUND, MEMBER_HOUSE
from services.analysis.drill import DefaultPlayed, Drill
from services.analysis.drill_formats import drill_report, drill_title, loss_text, waiting_lines
from services.pages.chart import Chart
from services.pages.layers import LAYERS, waterfall_chart
from services.pages.render import render
from services.reports.report import Report, TableLayout
from services.reports.shown import cell_text, head_text, usd


class DrillTable(NamedTuple):
    """A table of the page. heads: of numbers they begin with =."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def drill_page(drill: Drill) -> Iterator[str]:
    """The lines of the page."""
    report = drill_report(drill)
    content = {
        "title": drill_title(drill),
        "drill": drill,
        "tiles": [*_tiles(drill)],
        "figures": [_figure(played) for played in drill.defaults if played.settled.layers],
        "waiting": [*waiting_lines(drill)],
        "tables": [*_tables(report)],
        "program": report.program,
    }
    return iter(render("drill.html", content, package="services.analysis").splitlines())


def _paid(defaults: Sequence[DefaultPlayed]) -> dict[str, int]:
    """What each layer pays, in the order of the law."""
    paid = dict.fromkeys(LAYERS, 0)
    for default in defaults:
        for part in default.settled.layers:
            paid[part.layer] += part.amount_cents
    return paid


def _tiles(drill: Drill) -> Iterator[tuple[str, str]]:
    """What is asked first: the loss, and who pays it."""
    paid = _paid(drill.defaults)
    yield "loss", usd(sum(paid.values()))
    yield "the defaulter itself", usd(paid.pop(MEMBER_HOUSE) + paid.pop(MEMBER_FUND))
    for layer, cents in paid.items():
        yield LAYERS[layer][0], usd(cents)
    yield "left of contributions", usd(sum(payer.left_cents for payer in drill.payers))
    yield "left of the clearinghouse's", usd(drill.defaults[-1].capital_cents)


def _figure(default: DefaultPlayed) -> Chart:
    """The waterfall of a default, a bar for each layer that pays."""
    title = f"{loss_text(default)}: who pays"
    return waterfall_chart(title, _paid([default]), text_of=usd)


def _tables(report: Report) -> Iterator[DrillTable]:
    rows = [*report.rows]
    line = report.columns.index("line")
    for layout in report.layouts:
        chosen = [
            dict(zip(report.columns, row, strict=True)) for row in rows if row[line] in layout.lines
        ]
        names = [name for name in layout.columns if any(row[name] is not None for row in chosen)]
        yield DrillTable(
            layout.title,
            [_head(layout, name, number=any(isinstance(row[name], int) for row in chosen))
             for name in names],
            [[cell_text(name, row[name]) for name in names] for row in chosen],
        )  # fmt: skip


def _head(layout: TableLayout, column: str, *, number: bool) -> str:
    assert column in layout.columns, f"{layout.title} has no {column}"
    return f"{'=' * number}{head_text(column)}"
