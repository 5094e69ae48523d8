"""The dictionary names the columns of all reports, each with the unit that its name has."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from events.facts import FACTS
from services.reports.report import fact_name
from services.reports.table import REPORTS
from tests.house_rules import ROOT

TEXT: Final = (ROOT / "services/reports/COLUMNS.md").read_text("utf-8")
UNITS: Final = {
    "cents": "cents",
    "ticks": "ticks",
    "micros": "millionths of a USD",
    "ppm": "ppm",
    "minutes": "minutes",
    "ns": "nanoseconds",
    "lots": "lots",
    "at": "time",
    "date": "date",
}


class Entry(NamedTuple):
    """A row of the dictionary."""

    column: str
    reports: str
    unit: str
    meaning: str
    source: str


ENTRIES: Final = [
    Entry(*(cell.strip().strip("`") for cell in line.strip("|").split(" | ")))
    for line in TEXT.splitlines()
    if line.startswith("| `")
]


def test_every_column_of_every_report_is_explained_once_and_no_other() -> None:
    explained = [(name, entry.column) for entry in ENTRIES for name in entry.reports.split(", ")]
    there_are = [(kind.name, column) for kind in REPORTS.values() for column in kind.columns]
    assert sorted(explained) == sorted(there_are)
    assert [entry.column for entry in ENTRIES] == sorted(entry.column for entry in ENTRIES)


def test_a_unit_is_that_of_the_columns_name() -> None:
    for entry in ENTRIES:
        expected = {UNITS[word] for word in entry.column.split("_") if word in UNITS}
        assert expected <= {entry.unit}, entry
        assert entry.unit, entry
        assert entry.meaning, entry


def test_the_facts_and_fields_of_a_source_exist() -> None:
    models = {fact_name(name): model for name, model in FACTS.items()}
    paths = [
        path for entry in ENTRIES for path in re.findall(r"([a-z_]+)\.([a-z_]+)", entry.source)
    ]
    assert len(paths) > 50
    for name, field in paths:
        if name in models:
            fields = {info.alias or key for key, info in models[name].model_fields.items()}
            assert field in fields | {"type", "seq", "shard"}, f"{name}.{field}"
        else:
            assert name in {"inputs", "parts"}, f"{name}.{field}"


def test_every_layout_shows_columns_of_its_report() -> None:
    for kind in REPORTS.values():
        shown = {column for layout in kind.layouts for column in layout.columns}
        assert shown, kind.name
        assert shown <= set(kind.columns), kind.name
