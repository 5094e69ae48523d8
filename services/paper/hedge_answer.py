"""The answer of `clearing hedge`: rows of figures, what they are made of, table and JSON.

In: rows and the settings. Out: lines of text or a tree. Dollars are rounded to a cent, fractions to
six digits: below that there is nothing but Monte Carlo.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from risk.price_scenarios import PriceScenario
from services.paper.hedge_paths import BASIS_KAPPA
from services.paper.hedge_programme import RESAMPLES, Bill, HedgeRow
from services.reports.layout import WIDTH_MAX, as_records

FIGURE_HEADS: Final = (
    "", "observations", "ratio h", "h* = ρ σ_S/σ_F", "correlation ρ", "lots", "budget, $",
    "bill without, mean, $", "off budget, deviation", "off budget, 5 %", "off budget, 95 %",
    "bill with, mean, $", "off budget, deviation", "off budget, 5 %", "off budget, 95 %",
    "of it financing, $", "by eq. 7 instead, $",
    "efficiency E", "95 % interval", "deviation falls by",
)  # fmt: skip
_DIGITS: Final = 6
_OWN_PRICE: Final = (
    "own price: its log over the index is normal and knows nothing of the index; 0 at the start, "
    "it is drawn back at {kappa:g} a year to a deviation of {deviation:g}. Ours: by default as "
    "measured of anthropic, the calmest provider with twenty months of history."
)
_OBSERVATION: Final = (
    "An observation is a month (front) or a quarter (strip), hedged when it begins; dollars are "
    "those of one. Nobody quoted futures then: they stand at the index."
)
_BUDGET: Final = (
    "budget: the bill at the prices known at the start; off budget: by how much bills differ from "
    "it, deviation and quantiles."
)
_FINANCING: Final = (
    "financing: interest on margin by the clearinghouse's model scan and on variation, by the "
    "month; in the bill and in E. Beside it what margin by the paper's eq. 7 would have cost."
)
_BOTH: Final = (_BUDGET, _FINANCING)


class HedgeAnswer(NamedTuple):
    """title: what was hedged; settings: by their names, as given or by default; notes: in words."""

    title: str
    settings: dict[str, str | float | int | None]
    notes: Sequence[str]
    rows: Sequence[HedgeRow]


def shown_figures(row: HedgeRow) -> list[str]:
    """A row under FIGURE_HEADS."""
    low, high = row.interval
    return [
        row.subject, f"{row.observations:,}", _number(row.ratio), _number(row.best_ratio),
        _number(row.correlation), f"{row.lots:,.0f}".replace("-", "−"), _dollars(row.budget),
        *_bill_cells(row.unhedged), *_bill_cells(row.hedged), _dollars(row.financing),
        _dollars(row.financing_eq_7), _percent(row.efficiency),
        f"{_percent(low)} to {_percent(high)}", _percent(row.deviation_fall),
    ]  # fmt: skip


def answer_lines(answer: HedgeAnswer) -> Iterator[str]:
    """For people: a column for each firm."""
    yield answer.title
    yield ""
    yield from as_records(FIGURE_HEADS, [shown_figures(row) for row in answer.rows])
    yield ""
    for note in answer.notes:
        yield from textwrap.wrap(note, WIDTH_MAX, subsequent_indent="  ")


def answer_tree(answer: HedgeAnswer) -> dict[str, object]:
    """For programs."""
    return {
        "title": answer.title,
        "settings": answer.settings,
        "notes": list(answer.notes),
        "rows": [_row_tree(row) for row in answer.rows],
    }


def path_notes(scenarios: Sequence[PriceScenario], *, basis_sd: float) -> list[str]:
    """What holds of simulated paths."""
    return [
        "Tokens of a month are bought at its end, when its contract settles; futures by eq. 13.",
        _OWN_PRICE.format(deviation=basis_sd, kappa=BASIS_KAPPA),
        *_BOTH,
        f"interval: percentiles of {RESAMPLES:,} resamples of antithetic pairs.",
        *(f"{scenario.name}: {scenario.reason}." for scenario in scenarios),
    ]


def history_notes(left_out: Sequence[str]) -> list[str]:
    """What holds of the real history. left_out: providers."""
    notes = [
        _OBSERVATION,
        "Prices are those at which a provider is in the index, on third Wednesdays.",
        "At auto the ratio is made from the same months that it is tried on: in sample.",
        *_BOTH,
        f"interval: percentiles of {RESAMPLES:,} resamples of observations; few make it wide.",
    ]
    if left_out:
        notes.append(f"Too short or unmoved, left out: {', '.join(left_out)}.")
    return notes


def _bill_cells(bill: Bill) -> list[str]:
    return [_dollars(bill.mean), _dollars(bill.deviation), _dollars(bill.low), _dollars(bill.high)]


def _dollars(amount: float) -> str:
    text = f"{amount:,.2f}"
    return text.removeprefix("-") if text == "-0.00" else text.replace("-", "−")


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace("-", "−")


def _row_tree(row: HedgeRow) -> dict[str, object]:
    return {
        "subject": row.subject,
        "observations": row.observations,
        "ratio": round(row.ratio, _DIGITS),
        "ratio_minimum_variance": round(row.best_ratio, _DIGITS),
        "correlation": round(row.correlation, _DIGITS),
        "lots": round(row.lots, _DIGITS),
        "budget_usd": round(row.budget, 2),
        "unhedged_usd": _bill_tree(row.unhedged),
        "hedged_usd": _bill_tree(row.hedged),
        "financing_usd": round(row.financing, 2),
        "financing_eq_7_usd": round(row.financing_eq_7, 2),
        "efficiency": round(row.efficiency, _DIGITS),
        "efficiency_95": [round(edge, _DIGITS) for edge in row.interval],
        "deviation_fall": round(row.deviation_fall, _DIGITS),
    }


def _bill_tree(bill: Bill) -> dict[str, float]:
    return {
        "mean": round(bill.mean, 2),
        "off_budget_deviation": round(bill.deviation, 2),
        "off_budget_5": round(bill.low, 2),
        "off_budget_95": round(bill.high, 2),
    }
