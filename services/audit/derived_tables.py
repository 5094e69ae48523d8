"""The tables beside the journal: parts, links, days, snapshots, read models (ARCHITECTURE §3).

In: the rows that deciding again would have written. Out: findings where a table has another row,
one too few or one too many. Rows are compared by the barrier or journal row that made them, all
columns of each.
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


class Beside(NamedTuple):
    """How a table is compared.

    made_by: the column of its shard; together: those that rows of one making share, found by an
    index; order: those that tell them apart.
    """

    table: Table
    made_by: str
    together: tuple[str, ...]
    order: tuple[str, ...]


BESIDE: Final = {
    entry.table.name: entry
    for entry in (
        Beside(JOURNAL_PART, "shard", ("shard", "seq"), ("part",)),
        Beside(LINK, "source", ("target", "barrier", "source"), ("number",)),
        Beside(DAY, "shard", ("shard", "business_date"), ()),
        Beside(SNAPSHOT, "shard", ("shard", "seq"), ("part",)),
        Beside(SETTLEMENT_PRICE, "shard", ("business_date", "shard", "seq"), ("contract", "kind")),
        Beside(STATEMENT, "shard", ("business_date", "shard", "seq"), ("account",)),
        Beside(CONTROL_NUMBER, "shard", ("seq",), ("number",)),
    )
}
Row = Sequence[Any]


class DerivedTables:
    """Compares what should stand in the tables with what does.

    after: by shard the row up to which nothing is asked for.
    """

    def __init__(self, reader: Reader, findings: Findings, *, after: Mapping[str, int]) -> None:
        self._reader = reader
        self._findings = findings
        self._after = after
        self._counted: dict[str, Counter[tuple[str, int]]] = {name: Counter() for name in BESIDE}

    def check(self, name: str, rows: Sequence[Row]) -> None:
        """These rows, all there are of their making, stand in a table as they are."""
        entry = BESIDE[name]
        together = _places(entry, entry.together)
        ordered = sorted(rows, key=_places(entry, (*entry.together, *entry.order)))
        for key, some in groupby(ordered, key=together):
            self._check_together(entry, key, rows=list(some))

    def _check_together(self, entry: Beside, key: tuple[Any, ...], *, rows: list[Row]) -> None:
        counted = self._counted[entry.table.name]
        maker = _places(entry, (entry.made_by, "seq"))
        for row in rows:
            counted[maker(row)] += 1
        for wanted, got in zip_longest(rows, self._recorded(entry, key)):
            said = _difference(entry, wanted, got=got)
            if said is not None:
                shard, seq = maker(wanted or got)
                self._findings.note(shard, seq, found=said)
                return

    def _recorded(self, entry: Beside, key: tuple[Any, ...]) -> list[Row]:
        query = SQL("SELECT {} FROM {} WHERE {} ORDER BY {}").format(
            SQL(", ").join(map(Identifier, entry.table.columns)),
            Identifier("clearing", entry.table.name),
            SQL(" AND ").join(SQL("{} = %s").format(Identifier(name)) for name in entry.together),
            SQL(", ").join(map(Identifier, entry.order or entry.together)),
        )
        with translated(f"reading {entry.table.name}"):
            found = self._reader.connection.execute(query, key, binary=True).fetchall()
        kinds = entry.table.columns.values()
        if "packed" not in kinds:
            return list(found)
        return [
            tuple(
                decompressed(value) if kind == "packed" else value
                for kind, value in zip(kinds, row, strict=True)
            )
            for row in found
        ]

    def check_counts(self) -> None:
        """No table has a row that nothing made."""
        for name, entry in BESIDE.items():
            query = SQL("SELECT {maker}, seq, count(*) FROM {table} GROUP BY 1, 2 ORDER BY 1, 2")
            filled = query.format(
                maker=Identifier(entry.made_by), table=Identifier("clearing", name)
            )
            with translated(f"counting {name}"):
                recorded = self._reader.connection.execute(filled, binary=True).fetchall()
            for shard, seq, rows in recorded:
                wanted = self._counted[name][(shard, seq)]
                if seq > self._after.get(shard, -1) and rows != wanted:
                    self._findings.note(
                        shard, seq, found=f"{name}: expected {wanted} rows, found {rows}"
                    )


def _places(entry: Beside, names: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
    columns = list(entry.table.columns)
    places = [columns.index(name) for name in names]
    return lambda row: tuple(row[place] for place in places)


def _difference(entry: Beside, wanted: Row | None, *, got: Row | None) -> str | None:
    """What is wrong with a row, told by what tells it apart."""
    row = wanted if wanted is not None else got
    assert row is not None
    told = [entry.table.name, *map(str, _places(entry, entry.order)(row))]
    place = " ".join(told)
    if wanted is None:
        return f"{place}: expected no such row, found {_brief(row)}"
    if got is None:
        return f"{place}: expected {_brief(wanted)}, found no row"
    said = first_difference(list(entry.table.columns), wanted, found=got)
    return None if said is None else f"{place} {said}"


def _brief(row: Row) -> str:
    return ", ".join(f"{len(one)} bytes" if isinstance(one, bytes) else str(one) for one in row)
