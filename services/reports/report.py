"""A report: a title, columns and rows; and the request for one.

Money is integer cents, prices ticks, index values millionths of a dollar, rates ppm, as in the
facts; the unit stands last in the column's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

Cell: TypeAlias = str | int | bool | date | None
Cells: TypeAlias = tuple[Cell, ...]
ReportFact: TypeAlias = Mapping[str, Any]


class UnknownSubject(Exception):
    """A report was asked for about something the journal does not know; the message says what."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """A report somebody asks for: its date, and the options given, by their names in the table.

    given_date: None when `business_date` is the last one closed.
    """

    business_date: date
    given_date: date | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A table; its rows may be read only once, as they come from the journal."""

    title: str
    columns: tuple[str, ...]
    rows: Iterable[Cells]


def laid_out(columns: tuple[str, ...], cells: Mapping[str, Cell]) -> Cells:
    """The cells of a row in the order of the columns; those not given are empty."""
    assert cells.keys() <= set(columns), f"no such columns: {cells.keys() - set(columns)}"
    return tuple(cells.get(column) for column in columns)


def fact_name(kind: str) -> str:
    """The name of a fact without its version."""
    return kind.partition("/")[0]
