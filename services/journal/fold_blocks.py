"""Rows for folding, read as columns: the server joins the values of a block.

In: a shard and its rows of some seqs. Out: the same rows in blocks, without an object for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import numpy as np

from events.int64 import IntArray
from events.texts import Texts
from services.journal.connecting import Connection
from services.shards.rows import FoldBlock

# Of the inputs only those of control commands, or all. Values are joined in the order of the
# subquery.
SELECT_FOLDING: LiteralString = """
SELECT string_agg(int8send(seq), ''::bytea),
       CASE WHEN min(origin) = max(origin) THEN ARRAY[min(origin)] ELSE array_agg(origin) END,
       string_agg(int4send(octet_length(input)), ''::bytea), string_agg(input, ''::bytea),
       string_agg(int4send(octet_length(facts)), ''::bytea), string_agg(facts, ''::bytea),
       string_agg(int4send(parts), ''::bytea)
FROM (
    SELECT seq, origin, facts, parts,
           CASE WHEN %s OR 'control/0' IN (origin, shard) THEN input ELSE ''::bytea END AS input,
           sum(octet_length(input) + octet_length(facts)) OVER (ORDER BY seq) AS bytes,
           row_number() OVER (ORDER BY seq) AS number
    FROM clearing.journal WHERE shard = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s
) AS row WHERE bytes <= %s OR number = 1
"""


def read_fold_blocks(
    connection: Connection, values: list[Any], *, rows: int, size: int
) -> Iterator[FoldBlock]:
    """The rows in order, in blocks.

    values: whether with the inputs of all rows, the shard, after and until which seq; rows, size:
    of a block at most, so many rows and, but for a single row, bytes.
    """
    *chosen, after, until = values
    while True:
        bounds = [*chosen, after, until, rows, size]
        answer = connection.execute(SELECT_FOLDING, bounds, binary=True).fetchone()
        assert answer is not None, chosen
        seqs, origins, line_lengths, lines, fact_lengths, facts, parts = answer
        if seqs is None:
            return
        numbers = _integers(seqs, ">i8")
        assert (numbers[1:] > numbers[:-1]).all(), numbers
        yield FoldBlock(
            numbers,
            origins * len(numbers) if len(origins) == 1 else origins,
            Texts.adjoining(lines, _integers(line_lengths, ">i4")),
            Texts.adjoining(facts, _integers(fact_lengths, ">i4")),
            _integers(parts, ">i4"),
        )
        after = int(numbers[-1])


def _integers(values: bytes, form: str) -> IntArray:
    return np.frombuffer(values, form).astype(np.int64)
