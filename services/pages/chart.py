"""Charts over days, as SVG that lies inside a page.

In: a title, a unit and marks: lines, bars, bands, dots. Out: SVG text without an outside reference
or a colour of its own: colours are variables of the page's style sheet, so that one chart serves
light, dark and print. The same marks give the same text. Floats live here alone, for drawing; no
figure goes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil, floor, log10
from typing import Final, Literal, NamedTuple, TypeAlias, assert_never

from markupsafe import escape

Tone = Literal[
    "ink", "line", "quiet", "series-1", "series-2", "series-3", "series-4", "bad", "good"
]
# A date stands for its noon, a moment for itself; all are UTC.
Point = tuple[date, float]

# Pixels of the drawing and of the space in which nothing but labels stands.
_WIDTH, _HEIGHT = 720, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 10, 10, 24
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - all times here are UTC, and say so
_NOON: Final = 0.5
_TICKS_MAX: Final = 12
_STEPS_WANTED: Final = 5
_BAR_DAYS: Final = 0.72
# Of a span how much is left free at each end.
_ROOM: Final = 0.04


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
    """Points by themselves."""

    label: str
    points: Sequence[Point]
    tone: Tone
    is_diamond: bool = False
    radius: float = 3.5


Mark: TypeAlias = Line | Bars | Band | Dots


class Chart(NamedTuple):
    """A drawing: title, unit of its values, SVG, and the legend with its tones."""

    title: str
    unit: str
    svg: str
    legend: list[tuple[str, Tone]]


class _Scale(NamedTuple):
    """From days and values to pixels."""

    first: float
    last: float
    low: float
    high: float

    def x(self, when: float) -> str:
        """Pixels from the left."""
        share = (when - self.first) / (self.last - self.first)
        return f"{_LEFT + share * (_WIDTH - _LEFT - _RIGHT):.1f}"

    def y(self, value: float) -> str:
        """Pixels from the top."""
        share = (value - self.low) / (self.high - self.low)
        return f"{_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM):.1f}"


def chart(
    title: str,
    marks: Sequence[Mark],
    *,
    unit: str,
    days: Sequence[date],
    labels: Mapping[date, str] | None = None,
) -> Chart:
    """A chart of some days. labels: of the days that are named; else Mondays are."""
    stacked = _stacked(marks)
    edge = max(1.0, _ROOM * (days[-1] - days[0]).days)
    low, high = _reach(marks, stacked)
    scale = _Scale(_at(days[0]) - edge, _at(days[-1]) + edge, low, high)
    drawn = "".join(_drawn(mark, scale, floors=floors) for mark, floors in stacked)
    named = _mondays(days) if labels is None else labels
    svg = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_axes(scale, named)}{drawn}</svg>"
    )
    return Chart(title, unit, svg, [(mark.label, mark.tone) for mark in marks if mark.label])


def _stacked(marks: Sequence[Mark]) -> list[tuple[Mark, dict[date, float]]]:
    """Each mark, and on what its bars stand."""
    heights: dict[date, float] = {}
    stacked: list[tuple[Mark, dict[date, float]]] = []
    for mark in marks:
        stacked.append((mark, dict(heights)))
        if isinstance(mark, Bars):
            heights |= {day: heights.get(day, 0) + value for day, value in mark.points}
    return stacked


def _reach(
    marks: Sequence[Mark], stacked: Sequence[tuple[Mark, dict[date, float]]]
) -> tuple[float, float]:
    """The lowest and the highest value of the axis; bars begin at zero."""
    values = [value for mark in marks for point in mark.points for value in point[1:]]
    for mark, floors in stacked:
        if isinstance(mark, Bars):
            values += [0, *(floors.get(day, 0) + value for day, value in mark.points)]
    low, high = min(values, default=0), max(values, default=1)
    room = _ROOM * (high - low) or 1
    return (low if low == 0 else low - room), high + room


def _drawn(mark: Mark, scale: _Scale, *, floors: Mapping[date, float]) -> str:
    colour = f"var(--{mark.tone})"
    match mark:
        case Line(points=points, width=width, is_step=is_step):
            path = _path([(_at(when), value) for when, value in points], scale, is_step=is_step)
            return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        case Bars(points=points):
            bars = [
                _bar(scale, when, low=floors.get(when, 0), value=value) for when, value in points
            ]
            return f'<path d="{"".join(bars)}" fill="{colour}"/>'
        case Band(points=points):
            return _band(
                [(_at(when), low, high) for when, low, high in points], scale, colour=colour
            )
        case Dots(points=points, radius=radius):
            shape = _diamond if mark.is_diamond else _disc
            dots = [
                shape(scale.x(_at(when)), scale.y(value), radius=radius) for when, value in points
            ]
            return f'<path d="{"".join(dots)}" fill="{colour}"/>'
        case _:
            assert_never(mark)


def _path(points: Iterable[tuple[float, float]], scale: _Scale, *, is_step: bool) -> str:
    """Points joined: straight, or by steps at which a value holds until the next."""
    steps = [(scale.x(when), scale.y(value)) for when, value in points]
    if not steps:
        return ""
    joined = "H{}V{}" if is_step else "L{} {}"
    return "M{} {}".format(*steps[0]) + "".join(joined.format(*step) for step in steps[1:])


def _bar(scale: _Scale, when: date, *, low: float, value: float) -> str:
    begins, ends = scale.x(_at(when) - _BAR_DAYS / 2), scale.x(_at(when) + _BAR_DAYS / 2)
    return f"M{begins} {scale.y(low)}V{scale.y(low + value)}H{ends}V{scale.y(low)}z"


def _band(points: Sequence[tuple[float, float, float]], scale: _Scale, *, colour: str) -> str:
    low = _path([(when, value) for when, value, _ in points], scale, is_step=True)
    high = _path([(when, value) for when, _, value in points], scale, is_step=True)
    # Back along the lower edge, on which a value holds until the next one too.
    back = "".join(f"V{scale.y(value)}H{scale.x(when)}" for when, value, _ in points[-2::-1])
    return (
        f'<path d="{high}{back}" fill="{colour}" opacity=".16"/>'
        f'<path d="{low}{high}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    )


def _disc(x: str, y: str, *, radius: float) -> str:
    half = f"a{radius} {radius} 0 1 0 "
    return f"M{x} {y}m-{radius} 0{half}{2 * radius} 0{half}-{2 * radius} 0z"


def _diamond(x: str, y: str, *, radius: float) -> str:
    reach = 1.4 * radius
    return f"M{x} {y}m-{reach} 0l{reach} -{reach}l{reach} {reach}l-{reach} {reach}z"


def _axes(scale: _Scale, named: Mapping[date, str]) -> str:
    """Lines at round values, and the names of days below."""
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - 6
    rows = [
        f'<path d="M{_LEFT} {scale.y(value)}H{right}" stroke="var(--line)"/>'
        f'<text x="{_LEFT - 6}" y="{scale.y(value)}" dy=".35em" text-anchor="end">{label}</text>'
        for value, label in _round_values(scale.low, scale.high)
    ]
    columns = [
        f'<text x="{scale.x(_at(day))}" y="{bottom}" text-anchor="middle">{escape(label)}</text>'
        for day, label in named.items()
    ]
    return "".join([*rows, *columns])


def _round_values(low: float, high: float) -> list[tuple[float, str]]:
    """About five values at steps of 1, 2 or 5 times a power of ten, with their labels."""
    rough = (high - low) / _STEPS_WANTED
    power = floor(log10(rough))
    step = min((step * 10.0**power for step in (1, 2, 5, 10)), key=lambda step: abs(step - rough))
    decimals = max(0, -floor(log10(step)))
    numbers = range(ceil(low / step), floor(high / step) + 1)
    return [(number * step, f"{number * step:,.{decimals}f}") for number in numbers]


def _at(when: date) -> float:
    """The place of a moment, or of the noon of a date, on the time axis, in days."""
    if isinstance(when, datetime):
        return (when - _EPOCH) / timedelta(days=1)
    return (when - _EPOCH.date()).days + _NOON


def _mondays(days: Sequence[date]) -> dict[date, str]:
    """Mondays, as many as can be read."""
    mondays = [day for day in days if day.weekday() == 0] or days
    return {day: f"{day.day} {day:%b}" for day in mondays[:: 1 + len(mondays) // _TICKS_MAX]}
