"""Texts with quotation marks, cut by the texts around their values: all of one shape at once.

In: texts, and what stands before, between and behind the values of some of them. Out: the texts
that are so, and their values as columns. It says nothing about the values, but that none is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from events.texts import Bools, Texts

_MARK: Final = b'"'
Numbers = npt.NDArray[np.intp]


class QuotedTexts(NamedTuple):
    """Texts. marks: where all quotation marks are; of each text its first one, and how many."""

    texts: Texts
    marks: Numbers
    first: Numbers
    counts: Numbers

    @classmethod
    def of(cls, texts: Texts) -> Self:
        """Find the marks of at least one text."""
        begin, end = int(texts.starts.min()), int(texts.ends.max())
        letters = np.frombuffer(texts.buffer, np.uint8, end - begin, begin)
        marks = np.flatnonzero(letters == ord(_MARK)) + begin
        first = np.searchsorted(marks, texts.starts)
        return cls(texts, marks, first, np.searchsorted(marks, texts.ends) - first)

    def values_between(
        self, frame: Sequence[bytes], *, rows: Numbers
    ) -> tuple[Numbers, list[Texts]]:
        """Those among some rows in which these texts stand around values, and the values."""
        texts = self.texts
        rows = rows[self.counts[rows] == sum(text.count(_MARK) for text in frame)]
        ends, mark = texts.ends[rows], self.first[rows]
        begins = [texts.starts[rows]]
        for before, text in pairwise(frame):
            mark = mark + before.count(_MARK)
            offset = text.find(_MARK)
            begins.append(self.marks[mark] - offset if offset >= 0 else ends - len(text))
        columns = [
            Texts(texts.buffer, begin, begin + len(text))
            for begin, text in zip(begins, frame, strict=True)
        ]
        values = [Texts(texts.buffer, a.ends, b.starts) for a, b in pairwise(columns)]
        fits: Bools = columns[-1].ends == ends
        for value in values:
            fits &= value.starts < value.ends
        # Only where all of it fits into the text may its bytes be looked at.
        rows, columns, values = rows[fits], rows_in(columns, fits), rows_in(values, fits)
        fits = np.ones(len(rows), np.bool_)
        for column, text in zip(columns, frame, strict=True):
            fits &= column.equal(text)
        return rows[fits], rows_in(values, fits)


def rows_in(columns: list[Texts], mask: Bools) -> list[Texts]:
    """The rows of columns in which a mask is true, mostly all."""
    return columns if mask.all() else [column[mask] for column in columns]
