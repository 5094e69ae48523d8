"""A report as table, CSV and JSON."""

from __future__ import annotations

import csv
import json
from datetime import date

import pytest

from services.reports.formats import csv_lines, json_lines, table_lines
from services.reports.report import Cells, Report, TableLayout
from services.reports.shown import usd


def report(*rows: Cells) -> Report:
    """A report with every kind of cell."""
    return Report("Title", ("day", "name", "amount_cents", "is_late", "nothing"), iter(rows))


ROW: Cells = (date(2026, 6, 8), 'a,"b"', -123_456, True, None)


def test_csv_reads_back_as_it_was() -> None:
    assert list(csv.reader(csv_lines(report(ROW)))) == [
        ["day", "name", "amount_cents", "is_late", "nothing"],
        ["2026-06-08", 'a,"b"', "-123456", "true", ""],
    ]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_is_one_document(count: int) -> None:
    document = json.loads("\n".join(json_lines(report(*[ROW] * count))))
    row = {"day": "2026-06-08", "name": 'a,"b"', "amount_cents": -123_456}
    assert document["rows"] == [{**row, "is_late": True, "nothing": None}] * count
    assert document["title"] == "Title"


def test_a_table_shows_dollars_and_leaves_empty_columns_out() -> None:
    assert list(table_lines(report(ROW))) == [
        "Title",
        "",
        "day         name       amount  late",
        "----------  -----  ----------  ----",
        '2026-06-08  a,"b"  -$1,234.56  yes',
    ]


def test_an_empty_table_says_so() -> None:
    assert list(table_lines(report())) == ["Title", "Nothing."]


def test_a_cell_cannot_move_the_terminal() -> None:
    row: Cells = (None, "a\x1b[31m\n", None, None, None)
    assert list(table_lines(report(row)))[-1] == r"a\x1b[31m\n"


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "$0.00"), (5, "$0.05"), (-5, "-$0.05"), (100_000_001, "$1,000,000.01")]
)
def test_cents_are_dollars_to_the_cent(cents: int, text: str) -> None:
    assert usd(cents) == text


def test_names_of_facts_are_words_in_a_table_and_evidence_is_as_it_was() -> None:
    row: Cells = ("settlement_price_set", "variation_settled/1", "raw_line")
    named = Report("Title", ("kind", "for", "line"), iter([row]))
    assert [*table_lines(named)][-1] == "settlement price set  variation settled  raw_line"
    layout = TableLayout(("line",), "Detail", ("margin_called",))
    ours = Report("Title", ("line",), iter([("margin_called",)]), (layout,))
    assert [*table_lines(ours)][-1] == "margin called"
