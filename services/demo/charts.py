"""The charts of the page, as SVG that lies inside the HTML.

In: the digest of what happened. Out: SVG text without a date, an outside reference or a colour
of its own: colours are the page's variables, so that one chart serves light and dark. The same
digest gives the same text. Floats live here alone, for drawing; no figure goes back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from services.demo.digest import MET, MISSED, Digest, contracts_of

# Matplotlib draws in these; the page's style sheet says what they are.
_INK, _GRID, _QUIET = "#010101", "#020202", "#030303"
_SERIES: Final = ("#040404", "#050505", "#060606", "#070707")
_BAD, _GOOD = "#080808", "#090909"
_VARIABLES: Final = {
    _INK: "--ink",
    _GRID: "--line",
    _QUIET: "--quiet",
    **{colour: f"--series-{n}" for n, colour in enumerate(_SERIES, 1)},
    _BAD: "--bad",
    _GOOD: "--good",
}
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "clearing demo",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
}
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - all times here are UTC, and say so
_A_DAY: Final = timedelta(days=1)
_TICKS_MAX: Final = 14
_HIGHLIGHTED: Final = 3
_HORIZON_DAYS: Final = 2
_BAR_DAYS: Final = 0.72


def price_chart(digest: Digest, product: str) -> str:
    """The index and the settlement prices of a product's contracts, three of them picked out."""
    unit = "USD per million SIT" if product == "SIT" else "USD per SCU"
    made_up = "" if product == "SIT" else " (made-up prices)"
    title = f"{product}: index and settlement prices{made_up}"

    def draw(axes: Axes) -> None:
        _draw_contracts(axes, digest, product=product)
        series = digest.index.get(product, [])
        times = [(moment - _EPOCH) / _A_DAY for moment, _ in series]
        values = [value / 1_000_000 for _, value in series]
        if series:
            # The last value stands until the end.
            times.append(max(times[-1], _noon(digest.days[-1])))
            values.append(values[-1])
        axes.step(times, values, where="post", color=_INK, linewidth=1.8, label="index")
        finals = [fact for fact in digest.settled if fact["contract"].startswith(product)]
        days = [_noon(date.fromisoformat(fact["business_date"])) for fact in finals]
        axes.scatter(
            days,
            [fact["price_ticks"] / 100 for fact in finals],
            marker="D",
            color=_BAD,
            zorder=5,
            label="final settlement",
        )

    return _chart(digest, title, unit=unit, draw=draw)


def margin_chart(digest: Digest, contract: str) -> str:
    """A contract's margin rate at each close, and what its price did over the two days after it."""
    rates, prices = digest.rates.get(contract, {}), digest.prices[contract]
    days = sorted(prices)
    moves = [
        (day, 100 * (prices[later] / prices[day] - 1), rates.get(day, 0) / 10_000)
        for day, later in zip(days, days[_HORIZON_DAYS:], strict=False)
    ]

    def draw(axes: Axes) -> None:
        times = [_noon(day) for day in sorted(rates)]
        band = [rates[day] / 10_000 for day in sorted(rates)]
        axes.fill_between(
            times,
            [-rate for rate in band],
            band,
            step="post",
            color=_SERIES[0],
            alpha=0.16,
            linewidth=0,
            label="margin rate",
        )
        for sign in (1, -1):
            axes.step(times, [sign * rate for rate in band], where="post", color=_SERIES[0])
        for label, colour, is_beyond in (("within", _GOOD, False), ("beyond", _BAD, True)):
            shown = [(day, move) for day, move, rate in moves if (abs(move) > rate) is is_beyond]
            axes.scatter(
                [_noon(day) for day, _ in shown],
                [move for _, move in shown],
                color=colour,
                s=34 if is_beyond else 16,
                zorder=4,
                label=f"two-day move {label} it ({len(shown)})",
            )

    title = f"{contract}: margin rate at the close and the move over the two days after"
    return _chart(digest, title, unit="% of the settlement price", draw=draw)


def calls_chart(digest: Digest) -> str:
    """Margin calls by the day they were made, by what became of them."""
    calls = list(digest.calls.values())
    days = sorted({call.day for call in calls})
    kinds: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
        ("met", _GOOD, lambda outcome: outcome == MET),
        ("missed", _BAD, lambda outcome: outcome == MISSED),
        ("still open", _QUIET, lambda outcome: outcome not in {MET, MISSED}),
    )

    def draw(axes: Axes) -> None:
        floor = dict.fromkeys(days, 0)
        for label, colour, fits in kinds:
            counts = [sum(c.day == day and fits(c.outcome) for c in calls) for day in days]
            bottoms = [floor[day] for day in days]
            axes.bar(
                [_noon(day) for day in days], counts, _BAR_DAYS, bottoms, color=colour, label=label
            )
            floor = {day: floor[day] + n for day, n in zip(days, counts, strict=True)}
        raised = [day for day in days if any(c.was_raised for c in calls if c.day == day)]
        axes.scatter(
            [_noon(day) for day in raised],
            [floor[day] for day in raised],
            marker="^",
            color=_INK,
            zorder=5,
            label="one or more raised",
        )
        axes.set_ylim(0, 1.15 * max(floor.values()))
        axes.locator_params(axis="y", integer=True)

    return _chart(digest, "Margin calls by the day they were made", unit="calls", draw=draw)


def variation_chart(digest: Digest) -> str:
    """What was paid from losers to winners each day, intraday cycles and the close together."""
    days = digest.days

    def draw(axes: Axes) -> None:
        floor = [0.0] * len(days)
        for number, product in enumerate(sorted(digest.variation, reverse=True)):
            by_day = digest.variation[product]
            paid = [by_day.get(day, 0) / 100_000_000 for day in days]
            colour = _SERIES[number % len(_SERIES)]
            axes.bar([_noon(d) for d in days], paid, _BAR_DAYS, floor, color=colour, label=product)
            floor = [low + more for low, more in zip(floor, paid, strict=True)]

    return _chart(digest, "Variation paid per day", unit="USD million", draw=draw)


def _draw_contracts(axes: Axes, digest: Digest, *, product: str) -> None:
    """Most contracts in grey; the first, one in the middle and one of the last in colour."""
    contracts = contracts_of(digest, product)
    by_length = sorted(contracts, key=lambda contract: -len(digest.prices[contract]))
    longest = [name for name in contracts if name in by_length[: max(_HIGHLIGHTED, 8)]]
    step = max(1, (len(longest) - 1) // (_HIGHLIGHTED - 1))
    chosen = longest[::step][:_HIGHLIGHTED]
    others = [name for name in contracts if name not in chosen]
    for number, name in enumerate(others):
        label = f"{len(others)} other contracts" if number == 0 else "_"
        _line(axes, digest.prices[name], colour=_QUIET, width=0.7, label=label)
    for name, colour in zip(chosen, _SERIES, strict=False):
        _line(axes, digest.prices[name], colour=colour, width=1.5, label=name)


def _line(axes: Axes, prices: dict[date, int], *, colour: str, width: float, label: str) -> None:
    days = sorted(prices)
    values = [prices[day] / 100 for day in days]
    axes.plot([_noon(d) for d in days], values, color=colour, linewidth=width, label=label)


def _noon(day: date) -> float:
    """Noon of a day on the time axis, in days since 1970."""
    return (day - _EPOCH.date()).days + 0.5


def _mondays(axes: Axes, days: list[date]) -> None:
    """Ticks at Mondays, as many as can be read."""
    mondays = [day for day in days if day.weekday() == 0] or days
    shown = mondays[:: 1 + len(mondays) // _TICKS_MAX]
    axes.set_xticks([_noon(day) for day in shown], [f"{day.day} {day:%b}" for day in shown])
    axes.set_xlim(_noon(days[0]) - 1, _noon(days[-1]) + 1)


def _chart(digest: Digest, title: str, *, unit: str, draw: Callable[[Axes], None]) -> str:
    """One chart with its title, its unit, a legend below, and the page's colours."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.2, 3.9), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(axes)
        axes.set_title(title)
        axes.set_ylabel(unit)
        axes.set_xlabel(f"business date, {digest.days[0].year} (UTC)")
        _mondays(axes, digest.days)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4))
        text = StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _inline(text.getvalue(), title)


def _inline(svg: str, title: str) -> str:
    """The drawing alone: the page's colours, ids of its own, no fixed size, a name for readers."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    prefix = re.sub(r"[^a-z]+", "-", title.lower())[:24]
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", body)
    body = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1)
    return body.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)


def longest_contract(digest: Digest) -> str | None:
    """The SIT contract with the most settlement prices; of equals the nearest."""
    contracts = contracts_of(digest, "SIT")
    return max(contracts, key=lambda name: len(digest.prices[name]), default=None)
