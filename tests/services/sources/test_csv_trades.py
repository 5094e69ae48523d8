"""Trades of a CSV file: rows as commands, and what is said when they are none."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

from events.codec import decode_command
from events.command import Malformed
from events.texts import Texts
from events.trade_line import TRADE_LINE, read_lines
from services.sources.csv_trades import ColumnMapping, column_mapping, trade_lines
from services.sources.lines import LineEnds, Lines
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
    assert read_lines(Texts.of([line])).kinds.tolist() == [TRADE_LINE]
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


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (HEADER.replace(b"Px", b"Price"), "no column 'Px' (for price); it has"),
        (
            HEADER.replace(b"B", b"S"),
            "no column 'B' (for buyer) and several columns 'S' (for seller); it has",
        ),
    ],
)
def test_columns_that_are_not_there_just_once_are_named_before_anything_is_fed(
    header: bytes, said: str
) -> None:
    with pytest.raises(SourceTrouble, match=re.escape(said)):
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
        (b'"T2"x,' + ROW, "line 3 of day.csv is no CSV: a cell goes on behind its closing quote"),
        (b'"never closed\n', "line 3 of day.csv is no CSV: a quote is opened and never closed"),
        (b"x" * 140_000 + b"\n", "line 3 of day.csv is no CSV: a cell is longer than 131072 char"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_after_all_before_it(bad: bytes, message: str) -> None:
    groups: list[Lines] = []
    with pytest.raises(SourceTrouble, match=message):
        groups += trade_lines(io.BytesIO(HEADER + ROW + bad), "day.csv", mapping=MAPPED)
    assert [len(group.lines) for group in groups] == [1]


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        (b"Total,10\n", "price"),
        (ROW.replace(b",5,", b",1,005,"), "row_of_8_cells_not_7"),
        (b"T2,SITZ26,2.07,5,A1,B1,2026-06-08T14:00:00Z,\n", "row_of_8_cells_not_7"),
        (ROW.replace(b"A1", b"M\xfcller"), "M\\u"),
        (b"\xff," + ROW, "row_of_8_cells_not_7"),
    ],
)
def test_a_row_that_is_none_is_refused_and_stops_nothing(bad: bytes, detail: str) -> None:
    (group,) = [group for group in groups_of(HEADER + ROW + bad + ROW) if group.lines]
    assert [*group.numbers] == [2, 3, 4]
    refused = decode_command(group.lines[1])
    assert isinstance(refused, Malformed)
    assert detail in refused.detail or detail in refused.fields


def test_a_row_that_lacks_a_cell_is_no_trade_though_all_fields_have_one() -> None:
    header = HEADER.replace(b"\n", b",Desk\n")
    whole = ROW.replace(b"\n", b",D7\n")
    (group,) = [group for group in groups_of(header + whole + ROW) if group.lines]
    assert isinstance(decode_command(group.lines[1]), Malformed)
    desk = whole.replace(b"D7", b"M\xfcnchen")
    (group,) = [group for group in groups_of(header + whole + desk) if group.lines]
    assert isinstance(decode_command(group.lines[1]), Malformed)


# A spreadsheet's CSV where the decimal sign is a comma, and one with CR alone as line ends.
FIELDS = b"trade_id;contract;price;lots;buyer;seller;executed_at"
COMMA_ROW = b"T1;SITM26;2,05;10;A-H;B-H;2026-06-08T09:00:01Z"
ITS_OWN = column_mapping({}, {}, separator=";", decimal_sign=",")


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n"])
def test_semicolons_and_decimal_commas_are_read_where_they_are_told(end: bytes) -> None:
    data = end.join([FIELDS, COMMA_ROW, COMMA_ROW.replace(b"T1", b"T2"), b""])
    groups = [*trade_lines(io.BytesIO(data), "day.csv", mapping=ITS_OWN)]
    trades = [json.loads(line) for group in groups for line in group.lines]
    assert [(trade["trade_id"], trade["price"]) for trade in trades] == [
        ("T1", "2.05"), ("T2", "2.05"),
    ]  # fmt: skip
    assert [number for group in groups for number in group.numbers] == [2, 3]
    assert groups[-1].end == len(data)


class InPieces:
    """A stream that comes in pieces of one size."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = io.BytesIO(data)
        self._size = size

    def read1(self, _: int, /) -> bytes:
        """The next piece."""
        return self._data.read(self._size)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_line_ends_are_those_of_the_file_wherever_a_read_ends(size: int) -> None:
    data = b"a\r\nb\rc\n\r\n\rd\r"
    ends = LineEnds(InPieces(data, size))
    assert b"".join(iter(lambda: ends.read1(1), b"")) == b"a\nb\nc\n\n\nd\n"
    assert ends.end == len(data)


def test_a_price_with_a_point_is_none_where_the_decimal_sign_is_a_comma() -> None:
    row = COMMA_ROW.replace(b"2,05", b"2.050")
    data = b"\n".join([FIELDS, COMMA_ROW, row, b""])
    (line,) = groups_of(data, mapping=ITS_OWN)[0].lines[1:]
    refused = decode_command(line)
    assert isinstance(refused, Malformed)
    assert "2.050 (with a point)" in refused.detail


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (FIELDS + b"\n", "seem to be separated by ';', not by ',': give --separator ';'"),
        (FIELDS.replace(b";", b"\t") + b"\n", "separated by 'tab', not by ',': give --separator"),
        (
            FIELDS.replace(b";", b",") + b'\nT1,SITM26,"2,05",10,A-H,B-H,2026-06-08T09:00:01Z\n',
            "if its decimal sign is a comma, give --decimal ',', or pass over it",
        ),
    ],
)
def test_a_file_of_another_dialect_is_answered_with_the_option(data: bytes, said: str) -> None:
    with pytest.raises(SourceTrouble, match=re.escape(said)):
        trades_of(data, mapping=column_mapping({}, {}))


OWN_HEADER = b"trade_id,contract,price,lots,buyer,seller,executed_at\n"
OWN_ROWS = [b"T%d,SITM26,2.05,10,A-H,B-H,2026-06-08T09:00:0%dZ\n" % (n, n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("broken", "first"),
    [
        (OWN_ROWS[0] + b"Total,10\n", 4),
        (OWN_ROWS[0] + b"T9,SITM26,2.05,10,A-H,M\xfcller,2026-06-08T09:00:01Z\n", 4),
        (b"Exported by desk 7,,,,,,\n", 3),
        (OWN_ROWS[0] + b'"never closed\n', 4),
        (OWN_ROWS[0] + b'"T9"x,\n', 4),
        (OWN_ROWS[0] + b"x" * 1_000_001 + b"\n", 4),
    ],
)
def test_what_stands_before_the_line_to_begin_at_is_not_looked_at(
    broken: bytes, first: int
) -> None:
    data = OWN_HEADER + broken + OWN_ROWS[1] + OWN_ROWS[2]
    groups = groups_of(data, mapping=column_mapping({}, {}), first=first)
    trades = [json.loads(line) for group in groups for line in group.lines]
    assert [trade["trade_id"] for trade in trades] == ["T2", "T3"]
    assert [number for group in groups for number in group.numbers] == [first, first + 1]


def test_a_first_row_that_is_none_tells_how_to_pass_over_it() -> None:
    data = OWN_HEADER + b"Exported by desk 7,,,,,,\n" + OWN_ROWS[1]
    with pytest.raises(SourceTrouble, match=r"the first row.*pass over it with --from-line 3"):
        trades_of(data, mapping=column_mapping({}, {}))


def test_a_feed_can_begin_at_any_row() -> None:
    data = HEADER + ROW + ROW.replace(b"T1,", b"T2,")
    assert [trade["trade_id"] for trade in trades_of(data, first=3)] == ["T2"]


def test_a_row_that_makes_no_trade_may_be_where_a_feed_goes_on() -> None:
    data = HEADER + ROW + ROW.replace(b",5,", b",many,")
    assert [trade["lots"] for trade in trades_of(data, first=3)] == ["many"]
