"""The index in a file: what is read, and what is refused with its line and the reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from services.backtest.index_series import index_of_file, shipped_index
from services.sources.named_columns import CsvTrouble

BOUNDS = "expected a price of at least a millionth and at most 1,000,000,000"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "index.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_history_that_ships_is_whole() -> None:
    days, micros = shipped_index()
    assert (len(days), len(micros)) == (732, 732)
    assert (days[0], micros[0]) == (date(2023, 3, 14), 37_440_096)
    assert (days[-1], micros[-1]) == (date(2025, 12, 31), 1_747_481)


@pytest.mark.parametrize(
    "text",
    [
        "date,tpi\n2026-01-02,2.5\n2026-01-05,0.0000005000001\n",
        "\ufeffdate,tpi\r\n2026-01-02,2.5\r\n\r\n2026-01-05,0.000001\r\n",
        'other,tpi,date\nx,"2.5",2026-01-02\n"a,b", 0.0000009 , 2026-01-05 \n',
    ],
)
def test_columns_are_read_by_name_and_prices_to_a_millionth(tmp_path: Path, text: str) -> None:
    series = index_of_file(written(tmp_path, text))
    assert series == ([date(2026, 1, 2), date(2026, 1, 5)], [2_500_000, 1])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: expected the columns date and tpi, found 'nothing'"),
        ("day,tpi\n", "line 1: expected the columns date and tpi, found 'day, tpi'"),
        ("2026-01-02,2.5\n", "line 1: expected the columns date and tpi, found '2026-01-02, 2.5'"),
        ("date,tpi,tpi\n", "line 1: expected each column once"),
        ("date,tpi\n2026-01-02\n", "line 2: expected 2 cells, found 1"),
        ("date,tpi\n2026-01-02,2.5,1\n", "line 2: expected 2 cells, found 3"),
        ("date,tpi\n\n02.01.2026,2.5\n", "line 3: expected a date YYYY-MM-DD, found '02.01.2026'"),
        (
            "date,tpi\n2026-02-30,2.5\n",
            "line 2: expected a day of the calendar, found '2026-02-30'",
        ),
        (
            "date,tpi\n2026-01-05,2.5\n2026-01-02,2.5\n",
            "line 3: expected a date after 2026-01-05, found 2026-01-02",
        ),
        (
            "date,tpi\n2026-01-02,2.5\n2026-01-02,2.6\n",
            "line 3: expected each date once, found 2026-01-02 again",
        ),
        ("date,tpi\n2026-01-02,\n", "line 2: expected a plain decimal, found ''"),
        ("date,tpi\n2026-01-02,NaN\n", "line 2: expected a plain decimal, found 'NaN'"),
        ("date,tpi\n2026-01-02,inf\n", "line 2: expected a plain decimal, found 'inf'"),
        (
            "date,tpi\n2026-01-02,-2.5\n",
            f"line 2: {BOUNDS}, found -2.5",
        ),
        (
            "date,tpi\n2026-01-02,0\n",
            f"line 2: {BOUNDS}, found 0",
        ),
        (
            "date,tpi\n2026-01-02,1000000000.1\n",
            f"line 2: {BOUNDS}, found 1000000000.1",
        ),
        ('date,tpi\n2026-01-02,"2.5\n', "line 2: not CSV: unexpected end of data"),
        (b"date,tpi\n2026-01-02,\xff\n", "line 2: expected UTF-8, found byte 0xff"),
    ],
)
def test_a_wrong_file_says_line_and_reason(tmp_path: Path, text: str | bytes, reason: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(CsvTrouble) as trouble:
        index_of_file(path)
    assert str(trouble.value) == f"{path} {reason}"


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(CsvTrouble, match=r"cannot read .*: No such file or directory"):
        index_of_file(tmp_path / "none.csv")
    with pytest.raises(CsvTrouble, match=r"cannot read .*: Is a directory"):
        index_of_file(tmp_path)
