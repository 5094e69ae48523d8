"""Tables derived from the journal: parts, links, days, snapshots, read models (ARCHITECTURE §3).

In: the rows that deciding again would have written. Out: findings where a table has a different
row, one too few or one too many. Rows are compared by the barrier or journal row that made them,
all columns of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any, Final, NamedTuple

from psycopg.sql import SQL, Identifier

from services.audit.findings import Findings, first_difference
from services.journal.compressed import decompressed
from services.journal.reader import Reader
from services.journal.tables import (
    CONTROL_NUMBER,
    DAY,
    JOURNAL_PART,
    LINK,
    SETTLEMENT_PRICE,
    SNAPSHOT,
    STATEMENT,
    Table,
)
from services.journal.trouble import translated


class DerivedTable(NamedTuple):
    """A table and the columns by which it is compared.

    maker: the column of the shard that makes its rows; group: the columns with equal content in all
    rows made at once, which an index covers; key: the columns that distinguish these rows.
    """

    table: Table
    maker: str
    group: tuple[str, ...]
    key: tuple[str, ...]


DERIVED: Final = {
    entry.table.name: entry
    for entry in (
        DerivedTable(JOURNAL_PART, "shard", ("shard", "seq"), ("part",)),
        DerivedTable(LINK, "source", ("target", "barrier", "source"), ("number",)),
        DerivedTable(DAY, "shard", ("shard", "business_date"), ()),
        DerivedTable(SNAPSHOT, "shard", ("shard", "seq"), ("part",)),
        DerivedTable(
            SETTLEMENT_PRICE, "shard", ("business_date", "shard", "seq"), ("contract", "kind")
        ),
        DerivedTable(STATEMENT, "shard", ("business_date", "shard", "seq"), ("account",)),
        DerivedTable(CONTROL_NUMBER, "shard", ("seq",), ("number",)),
    )
}
Row = Sequence[Any]


class DerivedTables:
    """Compares the rows that belong in the derived tables with those that are there.

    after: by shard the journal row up to which derived rows are not checked.
    """

    def __init__(self, reader: Reader, findings: Findings, *, after: Mapping[str, int]) -> None:
        self._reader = reader
        self._findings = findings
        self._after = after
        self._counted: dict[str, Counter[tuple[str, int]]] = {name: Counter() for name in DERIVED}

    def check(self, name: str, rows: Sequence[Row]) -> None:
        """Compare rows with a table; they must be all the rows that were made at once."""
        entry = DERIVED[name]
        ordered = sorted(rows, key=_columns(entry, (*entry.group, *entry.key)))
        for group, group_rows in groupby(ordered, key=_columns(entry, entry.group)):
            self._check_group(entry, group, rows=list(group_rows))

    def _check_group(self, entry: DerivedTable, group: tuple[Any, ...], *, rows: list[Row]) -> None:
        counted = self._counted[entry.table.name]
        maker = _columns(entry, (entry.maker, "seq"))
        for row in rows:
            counted[maker(row)] += 1
        for expected, recorded in zip_longest(rows, self._recorded(entry, group)):
            finding = _difference(entry, expected, recorded=recorded)
            if finding is not None:
                shard, seq = maker(expected or recorded)
                self._findings.note(shard, seq, finding=finding)
                return

    def _recorded(self, entry: DerivedTable, group: tuple[Any, ...]) -> list[Row]:
        query = SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
            SQL(", ").join(map(Identifier, entry.table.columns)),
            Identifier("clearing", entry.table.name),
            SQL(" AND ").join(SQL("{} = %s").format(Identifier(name)) for name in entry.group),
            SQL(", ").join(map(Identifier, entry.key or entry.group)),
        )
        with translated(f"reading {entry.table.name}"):
            rows = self._reader.connection.execute(query, group, binary=True).fetchall()
        kinds = entry.table.columns.values()
        if "packed" not in kinds:
            return list(rows)
        return [
            tuple(
                decompressed(cell) if kind == "packed" else cell
                for kind, cell in zip(kinds, row, strict=True)
            )
            for row in rows
        ]

    def check_counts(self) -> None:
        """Check that no table has more rows of a journal row than were decided again."""
        for name, entry in DERIVED.items():
            query = SQL("SELECT {maker}, seq, count(*) FROM {table} GROUP BY 1, 2 ORDER BY 1, 2")
            filled = query.format(maker=Identifier(entry.maker), table=Identifier("clearing", name))
            with translated(f"counting {name}"):
                recorded = self._reader.connection.execute(filled, binary=True).fetchall()
            for shard, seq, rows in recorded:
                expected = self._counted[name][(shard, seq)]
                if seq > self._after.get(shard, -1) and rows != expected:
                    finding = f"{name}: expected {expected} rows, found {rows}"
                    self._findings.note(shard, seq, finding=finding)


def _columns(entry: DerivedTable, names: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
    """A function that gives the named columns of a row."""
    columns = list(entry.table.columns)
    indices = [columns.index(name) for name in names]
    return lambda row: tuple(row[index] for index in indices)


def _difference(entry: DerivedTable, expected: Row | None, *, recorded: Row | None) -> str | None:
    """The difference of two rows, with the table and the key; None when they are equal."""
    row = expected if expected is not None else recorded
    assert row is not None
    label = " ".join([entry.table.name, *map(str, _columns(entry, entry.key)(row))])
    if expected is None:
        return f"{label}: expected no such row, found {_brief(row)}"
    if recorded is None:
        return f"{label}: expected {_brief(expected)}, found no row"
    difference = first_difference(list(entry.table.columns), expected, recorded=recorded)
    return None if difference is None else f"{label} {difference}"


def _brief(row: Row) -> str:
    return ", ".join(f"{len(cell)} bytes" if isinstance(cell, bytes) else str(cell) for cell in row)
