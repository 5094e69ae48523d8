"""Charts over business days, as SVG that lies inside a page.

In: a title, a unit and marks: lines, bars, bands, dots. Out: SVG text without a date, an outside
reference or a colour of its own: colours are variables of the page's style sheet, so that one chart
serves light and dark. The same marks give the same text. Floats live here alone, for drawing; no
figure goes back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any, Final, Literal, NamedTuple, TypeAlias, assert_never

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

Tone = Literal[
    "ink", "line", "quiet", "series-1", "series-2", "series-3", "series-4", "bad", "good"
]
# A date stands for its noon, a moment for itself; all are UTC.
Point = tuple[date, float]

# Matplotlib draws in these; the page's style sheet says what they are.
_COLOURS: Final[dict[Tone, str]] = {
    "ink": "#010101",
    "line": "#020202",
    "quiet": "#030303",
    "series-1": "#040404",
    "series-2": "#050505",
    "series-3": "#060606",
    "series-4": "#070707",
    "bad": "#080808",
    "good": "#090909",
}
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": _COLOURS["ink"],
    "axes.labelcolor": _COLOURS["ink"],
    "axes.edgecolor": _COLOURS["line"],
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _COLOURS["line"],
    "grid.linewidth": 0.6,
    "xtick.color": _COLOURS["ink"],
    "ytick.color": _COLOURS["ink"],
    "legend.frameon": False,
}
_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_GROUP_ID: Final = re.compile(r'(<g) id="[^"]*"')
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - all times here are UTC, and say so
_NOON: Final = 0.5
_TICKS_MAX: Final = 14
_BAR_DAYS: Final = 0.72
_ROOM_ABOVE: Final = 1.15


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined. label: empty, off the legend. is_step: a value holds until the next one."""

    label: str
    points: Sequence[Point]
    tone: Tone
    width: float = 1.5
    is_step: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar a day; bars of a later mark stand on those of the marks before it."""

    label: str
    points: Sequence[Point]
    tone: Tone


@dataclass(frozen=True, slots=True)
class Band:
    """The space between two values, low and high, each of which stands until the next."""

    label: str
    points: Sequence[tuple[date, float, float]]
    tone: Tone


@dataclass(frozen=True, slots=True)
class Dots:
    """Points by themselves. shape: a marker's letter in matplotlib."""

    label: str
    points: Sequence[Point]
    tone: Tone
    shape: str = "o"
    size: int = 36


Mark: TypeAlias = Line | Bars | Band | Dots


class Chart(NamedTuple):
    """A drawing: its title, for who cannot see it, and the SVG."""

    title: str
    svg: str


def chart(
    title: str, marks: Sequence[Mark], *, unit: str, days: Sequence[date], is_count: bool = False
) -> Chart:
    """A chart of some business days. is_count: whole numbers on the axis, room above the bars."""
    # Ids of clips and markers are hashes: the title keeps two charts of a page apart.
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(9.2, 3.9), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        highest = _draw(axes, marks)
        if is_count:
            axes.set_ylim(0, _ROOM_ABOVE * highest)
            axes.locator_params(axis="y", integer=True)
        axes.set_title(title)
        axes.set_ylabel(unit)
        axes.set_xlabel(f"business date, {days[0].year} (UTC)")
        _set_mondays(axes, days)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4))
        text = StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata=_METADATA)
    return Chart(title, _inline(text.getvalue()))


def _draw(axes: Axes, marks: Sequence[Mark]) -> float:
    """Draw all marks; how high the bars of a day reach at most."""
    heights: dict[date, float] = {}
    for mark in marks:
        colour, label = _COLOURS[mark.tone], mark.label or "_"
        times = [_days_since_epoch(point[0]) for point in mark.points]
        match mark:
            case Line(points=points, width=width):
                values = [value for _, value in points]
                steps = "steps-post" if mark.is_step else "default"
                axes.plot(
                    times, values, color=colour, linewidth=width, drawstyle=steps, label=label
                )
            case Bars(points=points):
                values = [value for _, value in points]
                floors = [heights.get(day, 0) for day, _ in points]
                axes.bar(times, values, _BAR_DAYS, floors, color=colour, label=label)
                heights |= {day: heights.get(day, 0) + value for day, value in points}
            case Band():
                _draw_band(axes, mark, times=times)
            case Dots(points=points, shape=shape):
                values = [value for _, value in points]
                axes.scatter(times, values, mark.size, colour, marker=shape, zorder=5, label=label)
            case _:
                assert_never(mark)
    return max(heights.values(), default=0)


def _draw_band(axes: Axes, band: Band, *, times: Sequence[float]) -> None:
    colour = _COLOURS[band.tone]
    low, high = [point[1] for point in band.points], [point[2] for point in band.points]
    axes.fill_between(
        times, low, high, step="post", color=colour, alpha=0.16, linewidth=0, label=band.label
    )
    for edge in (high, low):
        axes.step(times, edge, where="post", color=colour)


def _days_since_epoch(when: date) -> float:
    """The place of a moment, or of the noon of a date, on the time axis."""
    if isinstance(when, datetime):
        return (when - _EPOCH) / timedelta(days=1)
    return (when - _EPOCH.date()).days + _NOON


def _set_mondays(axes: Axes, days: Sequence[date]) -> None:
    """Ticks at Mondays, as many as can be read."""
    mondays = [day for day in days if day.weekday() == 0] or days
    shown = mondays[:: 1 + len(mondays) // _TICKS_MAX]
    axes.set_xticks(
        [_days_since_epoch(day) for day in shown], [f"{day.day} {day:%b}" for day in shown]
    )
    axes.set_xlim(_days_since_epoch(days[0]) - 1, _days_since_epoch(days[-1]) + 1)


def _inline(svg: str) -> str:
    """The drawing alone, in the page's colours; groups are named by nobody."""
    body = _GROUP_ID.sub(r"\1", svg[svg.index("<svg") :])
    for tone, colour in _COLOURS.items():
        body = body.replace(colour, f"var(--{tone})")
    return body
