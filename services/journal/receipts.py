"""Reading when inputs were received.

In: a reader. Out: the receipt of a row, and the rows that have none.
"""

from __future__ import annotations

from typing import Final, LiteralString

from services.journal.batch import ReceiptRow
from services.journal.reader import Reader
from services.journal.trouble import translated

_RECEIPT: Final[LiteralString] = """
SELECT shard, seq_first, extract(epoch FROM received_at)::bigint, clock
FROM clearing.receipt WHERE shard = %s AND seq_first <= %s ORDER BY seq_first DESC LIMIT 1
"""
_FIRST: Final[LiteralString] = "SELECT shard, min(seq_first) FROM clearing.receipt GROUP BY shard"


def receipt_of(reader: Reader, shard: str, *, seq: int) -> ReceiptRow | None:
    """The receipt that tells when a row's input was received; None where no program said so."""
    with translated("reading the receipts"):
        row = reader.connection.execute(_RECEIPT, [shard, seq]).fetchone()
    return None if row is None else ReceiptRow(*row)


def first_receipts(reader: Reader) -> dict[str, int]:
    """The first row of each shard that has a time of receipt."""
    with translated("reading the receipts"):
        return dict(reader.connection.execute(_FIRST).fetchall())
