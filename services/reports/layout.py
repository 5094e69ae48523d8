"""Columns side by side, within 120 characters.

In: heads, cells, which columns are numbers. Out: lines. Text that is too long goes on in the next
line of its column; numbers are never cut: where they do not fit, each row is shown as a column.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

WIDTH_MAX: Final = 120
_GAP: Final = "  "
_TEXT_MIN: Final = 10
_VALUE_MAX: Final = 40
_HALF_MIN: Final = 4
# Of a longer cell the rest is in CSV and JSON.
_CELL_LINES: Final = 6
_TOKEN: Final = re.compile(r"[^\s_/:,-]*[\s_/:,-]|[^\s_/:,-]+")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?")


def side_by_side(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Sequence[bool]
) -> Iterator[str]:
    """A table with its heads above it. numeric: whether a column goes to the right."""
    widths = _widths(heads, rows, numeric=numeric)
    if _total(widths) > WIDTH_MAX:
        yield from as_records(heads, rows)
        return
    head_lines = [textwrap.wrap(head, width) for head, width in zip(heads, widths, strict=True)]
    tallest = max(map(len, head_lines))
    raised = [[""] * (tallest - len(lines)) + lines for lines in head_lines]
    yield from _lines(raised, widths, numeric=numeric)
    yield _GAP.join("-" * width for width in widths)
    for row in rows:
        cells = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
        yield from _lines(cells, widths, numeric=numeric)


def as_records(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The heads to the left, each row a column beside them, as many as fit; then the next.

    A row alone stands in two halves beside each other.
    """
    if len(rows) == 1:
        heads, rows = _in_halves(heads, rows[0])
    head_width = max(map(len, heads))
    waiting = list(rows)
    while waiting:
        widths = [head_width]
        while len(widths) <= len(waiting):
            width = min(max(map(len, waiting[len(widths) - 1])), _VALUE_MAX)
            if len(widths) > 1 and _total([*widths, width]) > WIDTH_MAX:
                break
            widths.append(width)
        shown, waiting = waiting[: len(widths) - 1], waiting[len(widths) - 1 :]
        for head, *cells in zip(heads, *shown, strict=True):
            wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths[1:], strict=True)]
            yield from _lines([[head], *wrapped], widths, numeric=[False, *[True] * len(cells)])
        if waiting:
            yield ""


def _in_halves(
    heads: Sequence[str], row: Sequence[str]
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """A long row as two: the heads and cells of its second half beside those of the first."""
    half = (len(heads) + 1) // 2
    spare = [""] * (2 * half - len(heads))
    columns = [row[:half], [*heads[half:], *spare], [*row[half:], *spare]]
    widths = [max(map(len, column)) for column in (heads[:half], *columns)]
    if half < _HALF_MIN or max(widths) > _VALUE_MAX or _total(widths) > WIDTH_MAX:
        return heads, [row]
    return heads[:half], columns


def _widths(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Sequence[bool]
) -> list[int]:
    """The width of each column: the longest cell and word; text gives way where it must."""
    words = [max(map(len, head.split())) for head in heads]
    widths = [
        max(word, *(len(row[index]) for row in rows)) if rows else word
        for index, word in enumerate(words)
    ]
    flexible = [
        index
        for index, is_number in enumerate(numeric)
        if not is_number and not all(_INSTANT.fullmatch(row[index]) for row in rows if row[index])
    ]
    while _total(widths) > WIDTH_MAX:
        text = [
            (widths[index], index)
            for index in flexible
            if widths[index] > max(_TEXT_MIN, words[index])
        ]
        if not text:
            break
        widths[max(text)[1]] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _wrapped(cell: str, width: int) -> list[str]:
    """A cell in lines, broken behind blanks and marks, inside of words only where it must be."""
    if len(cell) <= width:
        return [cell]
    lines = [""]
    # Of very long text only what may be shown is looked at.
    for token in _TOKEN.findall(cell[: width * (_CELL_LINES + 1)]):
        if len(lines[-1]) + len(token.rstrip()) > width:
            if len(token) > width:
                room = width - len(lines[-1])
                lines[-1] += token[:room]
                pieces = [token[room:][at : at + width] for at in range(0, len(token), width)]
                lines += [piece for piece in pieces if piece]
                continue
            lines.append("")
        lines[-1] += token
    if len(lines) > _CELL_LINES:
        lines = [*lines[: _CELL_LINES - 1], lines[_CELL_LINES - 1][: width - 1] + "…"]
    return [line.rstrip() for line in lines]


def _lines(
    cells: Sequence[Sequence[str]], widths: Sequence[int], *, numeric: Sequence[bool]
) -> Iterator[str]:
    """The lines of a row whose cells have several."""
    for line in zip_longest(*cells, fillvalue=""):
        aligned = [
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(line, widths, numeric, strict=True)
        ]
        yield _GAP.join(aligned).rstrip()
