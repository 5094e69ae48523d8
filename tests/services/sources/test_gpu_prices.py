"""Rows of GPU hours are lines of the file, whatever characters their texts have."""

from __future__ import annotations

import io

import pytest

from services.sources.gpu_prices import GpuPrice, gpu_prices

# Unicode calls these ends of a line too; a form feed comes with what was printed once.
MARKS = "\x0b\x0c\x85\u2028"
JSON_OF_A = '"gpu":"A","hours":"2","usd_per_hour":"3"'
JSON_OF_B = '"gpu":"B","hours":"4","usd_per_hour":"5"'


@pytest.mark.parametrize(
    "text",
    [
        f"gpu,hours,usd_per_hour,note\r\nA,2,3,x{MARKS}y\rB,4,5,\n",
        f'\n{{{JSON_OF_A},"note":"x{MARKS[2:]}y"}}\r\n{{{JSON_OF_B}}}',
    ],
)
def test_a_line_ends_where_a_line_of_a_file_ends(text: str) -> None:
    rows = [*gpu_prices(io.BufferedReader(io.BytesIO(text.encode())), "day")]
    priced = [(row.row, row.gpu, int(row.hours)) for row in rows if isinstance(row, GpuPrice)]
    assert priced == [(2, "A", 2), (3, "B", 4)]
    assert len(rows) == len(priced)
