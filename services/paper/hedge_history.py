"""Hedging programmes on the real history: providers' own prices against the index that ships.

In: the index day by day, a plan of tokens. Out: a programme of each provider with history enough.
History is cut into programmes that do not overlap: of a month, hedged in the front contract when
the one before settles, or of a quarter, hedged in its quarterly contract. Nobody quoted futures
then: they stand at the index, a curve without an opinion. Tokens of a month are bought at the
price of its third Wednesday. Errors: HistoryTooShort.

A provider's price is that at which it is in the index (RULEBOOK §2, eq. 6): adjusted, of its
cheapest qualifying model. `provider_prices.csv` has every change of it, restated from the sources
that `services/backtest/index_series.py` names.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Final, NamedTuple

import numpy as np

from events.contracts import Delivery, delivery_of
from risk.backtest import IndexSeries
from risk.hedge import MONTHS_A_QUARTER, Leg, MarginRates, front_legs, strip_legs
from risk.hedge_margin import eq_7_rates, margins_of, scan_rates
from risk.price_model import FloatArray
from services.paper.hedge_paths import EQ_7_SETTINGS, FRONT
from services.paper.hedge_programme import Programme
from services.paper.hedge_usage import Usage
from settlement.calendar import third_wednesday

INDEX: Final = "index"
# Fewer say nothing of a variance.
OBSERVATIONS_MIN: Final = 6
_PRICES: Final = "provider_prices.csv"
_MICROS: Final = 1_000_000


class HistoryTooShort(ValueError):
    """The history has not the months of a plan; the message says which it has."""


class HistoryAnswer(NamedTuple):
    """Programmes, and the providers whose history is too short for one."""

    programmes: list[Programme]
    left_out: list[str]


class _Calendar(NamedTuple):
    """Third Wednesdays of the history: months, rows and prices of the index, rates of margin."""

    months: list[Delivery]
    rows: list[int]
    prices: FloatArray
    scan: MarginRates
    eq_7: MarginRates


def history_programmes(index: IndexSeries, usage: Usage, *, roll: str) -> HistoryAnswer:
    """Programmes of the index itself and of each provider. Errors: HistoryTooShort.

    usage: its months lie in the history; without a first month its only row is for every month.
    """
    calendar = _calendar(index)
    length = 1 if roll == FRONT else MONTHS_A_QUARTER
    mtok = _tokens(usage, calendar, length=length)
    programmes: list[Programme] = []
    left_out: list[str] = []
    for name, changes in {INDEX: None, **provider_changes()}.items():
        own_prices = (
            calendar.prices if changes is None else _own_prices(index, calendar, changes=changes)
        )
        starts = [
            start for start in _starts(calendar, mtok, length=length)
            if not np.isnan(own_prices[start : start + length + 1]).any()
        ]  # fmt: skip
        windows = np.array(starts, dtype=np.int64) + np.arange(length + 1)[:, np.newaxis]
        programme = _programme(name, calendar, windows=windows, own_prices=own_prices, mtok=mtok)
        is_told = len(starts) >= OBSERVATIONS_MIN and np.ptp(programme.bills - programme.budgets)
        if is_told:
            programmes.append(programme)
        else:
            left_out.append(name)
    return HistoryAnswer(programmes, left_out)


def provider_changes() -> Mapping[str, list[tuple[date, float]]]:
    """The dates from which a price of each provider holds, in dollars a million tokens."""
    text = files("services.paper").joinpath(_PRICES).read_text("utf-8")
    changes: dict[str, list[tuple[date, float]]] = {}
    for row in csv.DictReader(text.splitlines()):
        change = (date.fromisoformat(row["date"]), float(row["usd_per_mtok"]))
        changes.setdefault(row["provider"], []).append(change)
    return changes


def _calendar(index: IndexSeries) -> _Calendar:
    months, rows = [], []
    month = delivery_of(index.days[0])
    while third_wednesday(month) <= index.days[-1]:
        row = bisect_right(index.days, third_wednesday(month)) - 1
        if row >= 0:
            months.append(month)
            rows.append(row)
        month = month.next
    prices = np.array(index.micros, dtype=np.float64)
    logs = np.log(prices)[:, np.newaxis]
    scan, eq_7 = (
        MarginRates(*(of_side[:, 0] for of_side in margins_of(rates)))
        for rates in (
            [scan_rates(logs, row) for row in rows],
            [eq_7_rates(logs, row, settings=EQ_7_SETTINGS) for row in rows],
        )
    )
    return _Calendar(months, rows, prices[rows] / _MICROS, scan, eq_7)


def _tokens(usage: Usage, calendar: _Calendar, *, length: int) -> FloatArray:
    """Millions of tokens by month of the calendar, NaN outside of the plan."""
    months = calendar.months
    if usage.first is None:
        return np.full(len(months), usage.mtok[0])
    mtok = np.full(len(months), np.nan)
    # A month before its own is needed: that is when its hedge begins.
    hedgeable = months[1:]
    last = usage.first
    for _ in usage.mtok[1:]:
        last = last.next
    if not hedgeable[0] <= usage.first <= last <= hedgeable[-1]:
        msg = (
            f"month: expected months of the history, {hedgeable[0].text} to {hedgeable[-1].text}, "
            f"found {usage.first.text} to {last.text}"
        )
        raise HistoryTooShort(msg)
    if usage.mtok.size < OBSERVATIONS_MIN * length:
        msg = (
            f"expected at least {OBSERVATIONS_MIN * length} months, {OBSERVATIONS_MIN} "
            f"programmes, found {usage.mtok.size}"
        )
        raise HistoryTooShort(msg)
    if usage.mtok.size % length or (usage.first.month - 1) % length:
        msg = f"expected whole quarters for the strip, found {usage.first.text} to {last.text}"
        raise HistoryTooShort(msg)
    first = months.index(usage.first)
    mtok[first : first + usage.mtok.size] = usage.mtok
    return mtok


def _starts(calendar: _Calendar, mtok: FloatArray, *, length: int) -> Iterator[int]:
    """Where programmes begin: rows whose following months have a plan, quarters at their edge."""
    for start in range(len(calendar.months) - length):
        is_edge = calendar.months[start].month % length == 0
        if is_edge and not np.isnan(mtok[start + 1 : start + length + 1]).any():
            yield start


def _programme(
    name: str,
    calendar: _Calendar,
    *,
    windows: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    own_prices: FloatArray,
    mtok: FloatArray,
) -> Programme:
    """windows: (months + 1, programmes) rows of the calendar."""
    tokens, paid = mtok[windows[1:]], own_prices[windows]
    return Programme(
        name,
        tokens,
        (tokens * paid[1:]).sum(axis=0),
        (tokens * paid[:1]).sum(axis=0),
        _legs(calendar.prices[windows]),
        calendar.scan.of(windows[:-1]),
        calendar.eq_7.of(windows[:-1]),
    )


def _legs(prices: FloatArray) -> list[Leg]:
    """Futures stand at the index (months + 1, programmes)."""
    months = prices.shape[0] - 1
    return front_legs(prices[:-1], prices[1:]) if months == 1 else strip_legs([prices], months)


def _own_prices(
    index: IndexSeries, calendar: _Calendar, *, changes: Sequence[tuple[date, float]]
) -> FloatArray:
    """What a provider asks on each third Wednesday, NaN before its first price."""
    days = [day for day, _ in changes]
    orders = [bisect_right(days, index.days[row]) - 1 for row in calendar.rows]
    return np.array([changes[order][1] if order >= 0 else np.nan for order in orders])
