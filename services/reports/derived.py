"""Tables derived from the journal, compared with the rows they stand for before anyone reads them.

In: rows of a derived table and what the journal's facts say they are. Out: nothing, or
DerivedRowsChanged that names what differs. `clearing verify` compares all tables of all days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from services.reports.report import DerivedRowsChanged

# A row by its key, as shown, and its columns by name.
DerivedRows: TypeAlias = Mapping[tuple[object, ...], Mapping[str, object]]

_NAMED_MAX: Final = 10


def check_agreement(table: str, *, expected: DerivedRows, recorded: DerivedRows) -> None:
    """See that the rows of a table are those that the journal makes.

    Errors: DerivedRowsChanged, with the table, the row's key, the column, both contents.
    """
    differences = [
        f"{table} {' '.join(map(str, key))}: {difference}"
        for key in dict.fromkeys([*expected, *recorded])
        if (difference := _difference(expected.get(key), recorded.get(key))) is not None
    ]
    if not differences:
        return
    unnamed = len(differences) - _NAMED_MAX
    raise DerivedRowsChanged(
        "not printed, for a table and the journal do not agree:\n"
        + "\n".join(differences[:_NAMED_MAX])
        + (f"\nand {unnamed} more" if unnamed > 0 else "")
        + "\n`clearing verify` says which of them is not what the input makes"
    )


def keyed(columns: Sequence[str], rows: Sequence[Sequence[object]], *, key: int) -> DerivedRows:
    """Rows by their first `key` columns."""
    return {tuple(row[:key]): dict(zip(columns, row, strict=True)) for row in rows}


def _difference(
    expected: Mapping[str, object] | None, recorded: Mapping[str, object] | None
) -> str | None:
    if recorded is None:
        return "the table lacks the row"
    if expected is None:
        return "the journal has no such row"
    for name, content in expected.items():
        if recorded[name] != content:
            return f"the journal has {name} {content}, the table {recorded[name]}"
    return None
