"""The days that were closed, with their hashes; and a list of them kept elsewhere, compared.

In: a reader, or the text of a list as `clearing days --format csv` or `json` wrote it. Out: a day
for each date and shard; the first difference in words. What a list was kept from, it can tell from
any other books: the history hash of a day commits to every input until its close.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, LiteralString, NamedTuple

from services.journal.reader import Reader
from services.journal.trouble import translated

_SELECT_DAYS: Final[LiteralString] = """
SELECT business_date, shard, seq,
       seq - coalesce(lag(seq) OVER (PARTITION BY shard ORDER BY seq), -1),
       encode(day.state_hash, 'hex'), encode(day.history_hash, 'hex'), encode(row.chain, 'hex')
FROM clearing.day AS day LEFT JOIN clearing.journal AS row USING (shard, seq, business_date)
ORDER BY business_date, shard
"""
_KEY: Final = ("business_date", "shard")
_NEEDED: Final = (*_KEY, "history_hash")


class ClosedDay(NamedTuple):
    """A day of a shard. seq: the row that closed it; rows: those since the close before.

    The hashes are hexadecimal, whole; history_hash is None where an earlier program closed the day,
    chain where its row is missing.
    """

    business_date: date
    shard: str
    seq: int
    rows: int
    state_hash: str
    history_hash: str | None
    chain: str | None


class ExpectedDays(Exception):
    """A list of days that cannot be read; the message says why."""


def closed_days(reader: Reader) -> list[ClosedDay]:
    """Every day of every shard, by date and shard."""
    with translated("reading the days"):
        rows = reader.connection.execute(_SELECT_DAYS).fetchall()
    return [ClosedDay(*row) for row in rows]


def read_days(text: str) -> list[dict[str, str]]:
    """The days of a list, CSV or JSON; columns that it leaves out are not compared.

    Errors: ExpectedDays.
    """
    try:
        days = (
            _from_json(text)
            if text.lstrip().startswith("{")
            else [*csv.DictReader(text.split("\n"))]
        )
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        msg = f"expected a list as `clearing days --format csv` or `json` writes it: {error}"
        raise ExpectedDays(msg) from error
    for number, day in enumerate(days, start=1):
        missing = [name for name in _NEEDED if not day.get(name)]
        unknown = sorted(str(name) for name in {*day} - {*ClosedDay._fields})
        if missing or unknown:
            what = f"no {missing[0]}" if missing else f"a column {unknown[0]}"
            msg = f"day {number}: expected the columns that `clearing days` writes, found {what}"
            raise ExpectedDays(msg)
    if not days:
        msg = "expected a list of days, found none in it"
        raise ExpectedDays(msg)
    return days


def first_day_that_differs(
    expected: Iterable[Mapping[str, str]], days: Sequence[ClosedDay]
) -> str | None:
    """The first day and shard that differ from the list or are missing, in words; None if none.

    Days after the last one of the list are not compared.
    """
    listed = {(day["business_date"], day["shard"]): day for day in expected}
    last = max(day for day, _ in listed)
    closed = {(day.business_date.isoformat(), day.shard): day for day in days}
    for key in sorted({*listed, *(key for key in closed if key[0] <= last)}):
        if key not in closed:
            difference = "expected this day, the books have not closed it"
        elif key not in listed:
            difference = "expected no such day, the books have closed it"
        else:
            difference = _difference(listed[key], _texts(closed[key]))
        if difference:
            return f"{key[0]} {key[1]} {difference}"
    return None


def _from_json(text: str) -> list[dict[str, str]]:
    rows: list[dict[str, Any]] = json.loads(text)["rows"]
    return [{name: str(cell) for name, cell in row.items() if cell is not None} for row in rows]


def _texts(day: ClosedDay) -> dict[str, str]:
    return {name: "" if cell is None else str(cell) for name, cell in day._asdict().items()}


def _difference(expected: Mapping[str, str], closed: Mapping[str, str]) -> str:
    """The first column in which two days differ, the history first: empty if none."""
    for name in ("history_hash", *(name for name in expected if name not in _NEEDED)):
        if expected[name] != closed[name]:
            return f"{name}: expected {expected[name]}, found {closed[name] or 'none'}"
    return ""
