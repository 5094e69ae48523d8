"""Trades of a CSV file: rows as commands, and what is said when they are none."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from events.trade_line import TRADE_LINE
from services.sources.csv_trades import ColumnMapping, column_mapping, trade_lines
from services.sources.lines import Lines
from services.sources.source import SourceTrouble

HEADER = b"ID,Sym,Px,Qty,B,S,When\n"
ROW = b"T1,SITZ26,2.07,5,A1,B1,2026-06-08T14:00:00Z\n"
MAPPED = column_mapping(
    {
        "trade_id": "ID",
        "contract": "Sym",
        "price": "Px",
        "lots": "Qty",
        "buyer": "B",
        "seller": "S",
        "executed_at": "When",
    },
    {},
)


def groups_of(data: bytes, *, mapping: ColumnMapping = MAPPED, first: int = 1) -> list[Lines]:
    """What is fed of a file."""
    return [*trade_lines(io.BytesIO(data), "day.csv", mapping=mapping, first=first)]


def trades_of(
    data: bytes, *, mapping: ColumnMapping = MAPPED, first: int = 1
) -> list[dict[str, Any]]:
    """The same as JSON."""
    groups = groups_of(data, mapping=mapping, first=first)
    return [json.loads(line) for group in groups for line in group.lines]


def test_a_row_becomes_the_canonical_line_of_a_trade() -> None:
    (line,) = groups_of(HEADER + ROW)[0].lines
    assert TRADE_LINE.fullmatch(line)
    assert json.loads(line) == {
        "type": "submit_trade/1", "trade_id": "T1", "contract": "SITZ26", "price": "2.07",
        "lots": 5, "buyer": "A1", "seller": "B1", "executed_at": "2026-06-08T14:00:00Z",
    }  # fmt: skip


def test_a_field_that_is_not_named_is_the_column_of_its_name_and_constants_need_none() -> None:
    data = b"trade_id,Px,lots,seller,executed_at\nT1,2.07,5,B1,2026-06-08T14:00:00Z\n"
    mapping = column_mapping({"price": "Px"}, {"contract": "SITZ26", "buyer": "A1"})
    (trade,) = trades_of(data, mapping=mapping)
    assert (trade["price"], trade["contract"], trade["buyer"]) == ("2.07", "SITZ26", "A1")


@pytest.mark.parametrize(
    ("columns", "constants", "message"),
    [
        ({"prize": "Px"}, {}, "no field 'prize'"),
        ({}, {"at": "now"}, "no field 'at'"),
        ({"lots": "Q"}, {"lots": "5"}, "both a column and a constant"),
    ],
)
def test_a_mapping_that_makes_no_trade_is_refused(
    columns: dict[str, str], constants: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        column_mapping(columns, constants)


@pytest.mark.parametrize("header", [HEADER.replace(b"Px", b"Price"), HEADER.replace(b"B", b"S")])
def test_columns_that_are_not_there_just_once_are_named_before_anything_is_fed(
    header: bytes,
) -> None:
    with pytest.raises(SourceTrouble, match="not just one column"):
        trades_of(header + ROW)


def test_an_empty_file_is_no_csv() -> None:
    with pytest.raises(SourceTrouble, match=r"day\.csv is empty"):
        trades_of(b"")


def test_a_header_alone_is_a_day_without_trades() -> None:
    assert trades_of(HEADER) == []


def test_bom_carriage_returns_empty_lines_and_quoted_line_ends_are_read() -> None:
    quoted = ROW.replace(b"A1", b'"A\n1"').replace(b"\n", b"\r\n").replace(b"A\r\n", b"A\n")
    data = b"\xef\xbb\xbf" + HEADER + ROW + b"\n\n" + quoted + ROW
    groups = groups_of(data)
    assert [number for group in groups for number in group.numbers] == [2, 5, 7]
    assert trades_of(data)[1]["buyer"] == "A\n1"


@pytest.mark.parametrize(
    "bad",
    [ROW.replace(b",5,", b",5.0,"), ROW.replace(b",5,", b",,"), ROW.replace(b"T14", b" 14")],
)
def test_a_later_row_that_makes_no_trade_is_fed_as_it_stands(bad: bytes) -> None:
    trades = trades_of(HEADER + ROW + bad + ROW)
    assert len(trades) == 3
    assert set(bad.decode().strip().split(",")) <= {str(value) for value in trades[1].values()}


def test_a_first_row_that_makes_no_trade_says_that_the_mapping_is_wrong() -> None:
    with pytest.raises(SourceTrouble, match=r"line 2 of day\.csv, the first row, makes no"):
        trades_of(HEADER + ROW.replace(b",5,", b",many,"))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"T2,SITZ26\n", "line 3 of day.csv has 2 cells, the header 7"),
        (b'"T2"x,' + ROW, "line 3 of day.csv is no CSV"),
        (b"\xff," + ROW, "line 3 of day.csv is not UTF-8"),
        (b'"never closed\n', "line 3 of day.csv is no CSV"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_after_all_before_it(bad: bytes, message: str) -> None:
    groups: list[Lines] = []
    with pytest.raises(SourceTrouble, match=message):
        groups += trade_lines(io.BytesIO(HEADER + ROW + bad), "day.csv", mapping=MAPPED)
    assert [len(group.lines) for group in groups] == [1]


def test_a_feed_can_begin_at_any_row() -> None:
    data = HEADER + ROW + ROW.replace(b"T1,", b"T2,")
    assert [trade["trade_id"] for trade in trades_of(data, first=3)] == ["T2"]


def test_a_row_that_makes_no_trade_may_be_where_a_feed_goes_on() -> None:
    data = HEADER + ROW + ROW.replace(b",5,", b",many,")
    assert [trade["lots"] for trade in trades_of(data, first=3)] == ["many"]
