"""Lines are numbered as an editor numbers them, however their bytes come in."""

from __future__ import annotations

import io

import pytest

from services.sources.line_numbers import LineNumbers


@pytest.mark.parametrize("size", [1, 2, 3, 5, 99])
def test_empty_lines_are_counted_wherever_a_read_ends(size: int) -> None:
    data = b"\n\r\none\n\n\r\n\ntwo\r\n\r\nthree"
    stream = LineNumbers(io.BytesIO(data))
    while stream.read1(size):
        pass
    begins = [data.index(word) for word in (b"one", b"two", b"three")]
    numbers = [stream.number(count, begin) for count, begin in enumerate(begins, start=1)]
    assert numbers == [3, 7, 9]
