"""A report: a title, columns and rows; and the request for one.

Money is integer cents, prices ticks, index values millionths of a dollar, rates ppm, as in the
facts; the unit stands last in the column's name. `COLUMNS.md` says what each column means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, NamedTuple, Self, TypeAlias

Cell: TypeAlias = str | int | bool | date | None
Cells: TypeAlias = tuple[Cell, ...]
NamedCells: TypeAlias = Mapping[str, Cell]
ReportFact: TypeAlias = Mapping[str, Any]


class UnknownSubject(Exception):
    """A report was asked for about something the journal does not know; the message says what."""


class DerivedRowsChanged(Exception):
    """Rows of a derived table are not what the journal rows they stand for say; names them."""


class SettingText(str):
    """A parameter's value as configured. kind: as in the table of parameters."""

    __slots__ = ("kind",)

    def __new__(cls, text: str, *, kind: str) -> Self:
        """A text with its kind."""
        made = super().__new__(cls, text)
        made.kind = kind
        return made

    kind: str


def whole_cell(cell: Cell) -> int:
    """A cell that holds a whole number."""
    assert isinstance(cell, int), cell
    return cell


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """A report somebody asks for: its dates, and the options given, by their names in the table.

    business_date: the last date; since: the first, None if it is the same. given_date: None when
    nobody named the last date.
    """

    business_date: date
    given_date: date | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    since: date | None = None

    @property
    def first_date(self) -> date:
        """The first date."""
        return self.business_date if self.since is None else self.since


class TableLayout(NamedTuple):
    """A table for people among those of a report: columns, a title, which rows.

    lines: what the column `by` of its rows says; empty: all rows. is_record: a row is shown as a
    column.
    """

    columns: tuple[str, ...]
    title: str = ""
    lines: tuple[str, ...] = ()
    by: str = "line"
    is_record: bool = False


class Origin(NamedTuple):
    """The row of a shard up to which a report has read, and the chain there in hexadecimal."""

    shard: str
    seq: int
    chain: str


@dataclass(frozen=True, slots=True)
class Report:
    """A table; its rows may be read only once, as they come from the journal.

    layouts: how it is shown to people; none: all columns. origins and program: what made it.
    """

    title: str
    columns: tuple[str, ...]
    rows: Iterable[Cells]
    layouts: tuple[TableLayout, ...] = ()
    origins: tuple[Origin, ...] = ()
    program: str = ""


def laid_out(columns: tuple[str, ...], cells: NamedCells) -> Cells:
    """The cells of a row in the order of the columns; those not given are empty."""
    names = _names_among(columns)
    assert cells.keys() <= names, f"no such columns: {cells.keys() - names}"
    return tuple(map(cells.get, columns))


_names_among = cache(frozenset[str])


def fact_name(kind: str) -> str:
    """The name of a fact without its version."""
    return kind.partition("/")[0]
