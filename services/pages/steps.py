"""A waterfall as SVG inside a page: a bar for each step, which begins where the last one ended.

In: a title, a whole and its steps. Out: a chart as `chart.py` makes them, of the page's colours.
The same steps give the same text. Floats are for drawing alone; no figure goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import escape

from services.pages.chart import Chart, Tone

# Pixels: of the drawing, of the labels before the bars and of the texts behind them, of a row.
_WIDTH: Final = 720
_LEFT: Final = 150
_RIGHT: Final = 130
_ROW: Final = 30
_BAR: Final = 18
_TEXT_GAP: Final = 6
# A step that pays a little is still seen.
_BAR_MIN: Final = 1.5


class Step(NamedTuple):
    """A part of the whole. text: the amount as people read it."""

    label: str
    amount: int
    text: str
    tone: Tone


def steps_chart(title: str, whole: Step, *, steps: Sequence[Step], unit: str) -> Chart:
    """The whole as a bar, below it its steps one after the other. whole: above 0."""
    rows = [_row(0, whole, begins=0, whole=whole.amount)]
    begins = 0
    for number, step in enumerate(steps, start=1):
        rows.append(_row(number, step, begins=begins, whole=whole.amount))
        begins += step.amount
    height = _ROW * len(rows)
    svg = (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"{''.join(rows)}</svg>"
    )
    return Chart(title, unit, svg, legend=[])


def _row(number: int, step: Step, *, begins: int, whole: int) -> str:
    """A row: label, bar, amount; the line down to the next bar stands at the bar's end."""
    scale = (_WIDTH - _LEFT - _RIGHT) / whole
    start = _LEFT + begins * scale
    end = max(start + _BAR_MIN, _LEFT + (begins + step.amount) * scale)
    top = number * _ROW + (_ROW - _BAR) // 2
    middle = f'y="{number * _ROW + _ROW // 2}" dy=".35em"'
    return (
        f'<text x="{_LEFT - _TEXT_GAP}" {middle} text-anchor="end">{escape(step.label)}</text>'
        f'<path d="M{start:.1f} {top}H{end:.1f}v{_BAR}H{start:.1f}z" fill="var(--{step.tone})"/>'
        f'<text x="{end + _TEXT_GAP:.1f}" {middle}>{escape(step.text)}</text>'
    )
