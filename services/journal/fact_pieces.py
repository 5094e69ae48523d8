"""The facts of one shard's rows, in the order of the journal, for whoever follows it.

In: a reader, the row after which to begin. Out: the facts of each row, with the place of the first
in its row; the further parts of a long row come as pieces of their own. Rows are read by the
block, fewer where they are longer, without a transaction that stays open between blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, LiteralString, NamedTuple

from services.journal.reader import BLOCK_BYTES, BLOCK_ROWS_MAX, Reader
from services.journal.trouble import translated

_SELECT: Final[LiteralString] = """
SELECT seq, parts, facts FROM clearing.journal WHERE shard = %s AND seq > %s ORDER BY seq LIMIT %s
"""
_ROWS_FIRST: Final = 16


class FactPiece(NamedTuple):
    """Facts of a row, joined by line feeds; empty if there are none.

    first: the position of the first one; ends_row: no more of this row follow.
    """

    seq: int
    first: int
    facts: bytes
    ends_row: bool


def facts_after(reader: Reader, shard: str, *, after: int) -> Iterator[FactPiece]:
    """The facts of all rows of a shard after one; a row without facts is an empty piece."""
    count = _ROWS_FIRST
    while True:
        with translated("reading facts"):
            values = [shard, after, count]
            rows = reader.connection.execute(_SELECT, values, binary=True).fetchall()
        if not rows:
            return
        assert rows[-1][0] == after + len(rows), f"rows of {shard} after {after} cannot be read"
        for seq, parts, facts in rows:
            yield from _pieces(reader, shard, seq=seq, first=facts, parts=parts)
        after = rows[-1][0]
        size = max(1, sum(len(row[2]) for row in rows))
        count = max(1, min(BLOCK_ROWS_MAX, 4 * count, len(rows) * BLOCK_BYTES // size))


def _pieces(
    reader: Reader, shard: str, *, seq: int, first: bytes, parts: int
) -> Iterator[FactPiece]:
    yield FactPiece(seq, 0, first, parts <= 1)
    if parts > 1:
        position = first.count(b"\n") + 1 if first else 0
        for part, facts in enumerate(reader.parts(shard, seq), start=2):
            yield FactPiece(seq, position, facts, part == parts)
            position += facts.count(b"\n") + 1
