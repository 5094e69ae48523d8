"""The lines of the price feed: what a provider's price collector sends on one day.

In: the real history. Out: every live quote once a day (a price is fresh for 36 hours), new
prices at their hour and again 65 minutes later by a second feed, weekly volumes, scores, and the
wrong quotes.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from services.demo.command_lines import SentLine, line
from services.demo.expected_index import expected_index_micros
from services.demo.history import History, ListPrice
from services.demo.tape import Jump

_RENEWAL: Final = timedelta(minutes=10)
_SECOND_FEED: Final = timedelta(minutes=65)
_VOLUMES_AT: Final = timedelta(hours=6)
_DAYS_OF_A_WEEK: Final = 7


def opening_lines(history: History, begins: datetime) -> list[SentLine]:
    """Scores, volumes and prices as they hold when the first session opens, sent before it."""
    scores = [
        _score_line(history, row, moment=begins - timedelta(hours=1))
        for row in history.prices_in_force(begins)
    ]
    volumes = _volume_lines(history, begins.date(), moment=begins - timedelta(minutes=50))
    return [*scores, *volumes, *_renewal(history, begins - timedelta(minutes=40), is_all=True)]


def day_lines(history: History, after: date, *, until: date) -> list[SentLine]:
    """The feed of the days after one business date and until the next, weekends too."""
    lines: list[SentLine] = []
    day = after + timedelta(days=1)
    while day <= until:
        midnight = datetime.combine(day, datetime.min.time())
        for row in history.changes_between(midnight, midnight + timedelta(days=1)):
            lines += _change_lines(history, row)
        lines += _renewal(history, midnight + _RENEWAL, is_all=_is_first_monday(day))
        if day.weekday() == 0:
            lines += _volume_lines(history, day, moment=midnight + _VOLUMES_AT)
        day += timedelta(days=1)
    return lines


def index_jumps(history: History, after: datetime, *, until: datetime) -> list[Jump]:
    """The planned move of the index between two moments, in ppm of its value at the first."""
    begins = expected_index_micros(history, after)
    moments = [row.holds_from for row in history.changes_between(after, until)]
    day = after.date() + timedelta(days=1)
    while day <= until.date():
        moments.append(datetime.combine(day, datetime.min.time()) + _VOLUMES_AT)
        day += timedelta(days=1)
    return [
        Jump(moment, expected_index_micros(history, moment) * 1_000_000 // begins)
        for moment in sorted(moments)
    ]


def _renewal(history: History, moment: datetime, *, is_all: bool) -> list[SentLine]:
    """Every live quote once more; those of models that fail only when `is_all`."""
    return [
        _price_line(row, moment)
        for row in history.prices_in_force(moment)
        if is_all or history.score_of(row.provider, row.model).is_qualified
    ]


def _is_first_monday(day: date) -> bool:
    return day.weekday() == 0 and day.day <= _DAYS_OF_A_WEEK


def _change_lines(history: History, row: ListPrice) -> list[SentLine]:
    """A new price with its scores, confirmed by a second feed; a wrong quote; or a retirement."""
    moment = row.holds_from
    if row.kind == "retired":
        return [
            line("retire_model/1", moment, product="SIT", provider=row.provider, model=row.model)
        ]
    if row.kind == "wrong":
        return [_price_line(row, moment), *_correction(history, row)]
    first = _score_line(history, row, moment=moment - timedelta(minutes=2))
    return [first, _price_line(row, moment), _price_line(row, moment + _SECOND_FEED)]


def _correction(history: History, row: ListPrice) -> list[SentLine]:
    """The right price from another feed, 65 minutes after a wrong one."""
    moment = row.holds_from + _SECOND_FEED
    return [
        _price_line(right, moment)
        for right in history.prices_in_force(moment)
        if (right.provider, right.model) == (row.provider, row.model)
    ]


def _volume_lines(history: History, day: date, *, moment: datetime) -> list[SentLine]:
    """The trailing volume of every provider that was measured."""
    before = history.trailing_tokens(day - timedelta(days=7))
    return [
        line("report_provider_volume/1", moment, product="SIT", provider=provider, tokens=tokens)
        for provider, tokens in history.trailing_tokens(day).items()
        if tokens or before.get(provider)
    ]


def _score_line(history: History, row: ListPrice, *, moment: datetime) -> SentLine:
    score = history.score_of(row.provider, row.model)
    return line(
        "report_capability/1",
        moment,
        product="SIT",
        provider=row.provider,
        model=row.model,
        mmlu=score.mmlu,
        humaneval=score.humaneval,
        gsm8k=score.gsm8k,
    )


def _price_line(row: ListPrice, moment: datetime) -> SentLine:
    return line(
        "report_provider_price/1",
        moment,
        product="SIT",
        provider=row.provider,
        model=row.model,
        input_usd_per_mtok=row.input_usd_per_mtok,
        output_usd_per_mtok=row.output_usd_per_mtok,
    )
