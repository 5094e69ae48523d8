"""What a journal holds, row by row, for comparing two that must be equal.

In: the URL of a database. Out: every table's rows in an order that depends on what they say. Left
out is what rightly differs when the same lines come in other blocks: where a shard's inbox goes on
(`next_offset` is the end of a block), and how remembered ids are cut into runs (they come merged).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import psycopg

_QUERIES: Final = {
    "journal": "SELECT * FROM clearing.journal ORDER BY shard, seq",
    "journal_part": "SELECT * FROM clearing.journal_part ORDER BY shard, seq, part",
    "link": "SELECT * FROM clearing.link ORDER BY target, source, number",
    "snapshot": "SELECT * FROM clearing.snapshot ORDER BY shard, seq, part",
    "day": "SELECT * FROM clearing.day ORDER BY shard, business_date",
    "settlement_price": "SELECT * FROM clearing.settlement_price AS one ORDER BY one::text",
    "statement": "SELECT * FROM clearing.statement AS one ORDER BY one::text",
    "control_number": "SELECT * FROM clearing.control_number ORDER BY number",
    "shard_head": "SELECT shard, seq, chain, control_number FROM clearing.shard_head ORDER BY 1",
    "source": "SELECT * FROM clearing.source ORDER BY name",
    "identity_page": "SELECT * FROM clearing.identity_page ORDER BY shard, span, page",
    "identity_filter": "SELECT * FROM clearing.identity_filter ORDER BY shard, span",
}


def contents(url: str) -> dict[str, list[Any]]:
    """Every row of every table."""
    with psycopg.connect(url) as connection:
        found: dict[str, list[Any]] = {
            name: connection.execute(query.encode(), binary=True).fetchall()
            for name, query in _QUERIES.items()
        }
        found["identity"] = _identities(connection)
    return found


def assert_equal(found: dict[str, list[Any]], expected: dict[str, list[Any]]) -> None:
    """The same rows in every table; else the first that differs is shown, not all of them."""
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        for number, (row, wanted) in enumerate(zip(found[name], rows, strict=False)):
            differing = [pair for pair in zip(row, wanted, strict=True) if pair[0] != pair[1]]
            assert not differing, f"row {number} of {name}: {differing}"
        assert len(found[name]) == len(rows), f"{name}: {len(found[name])} rows, not {len(rows)}"


def _identities(connection: psycopg.Connection[Any]) -> list[tuple[str, int, int]]:
    """Shard, key and row of every remembered id."""
    query = b"SELECT shard, span, keys, seqs FROM clearing.identity"
    found = []
    for shard, span, keys, seqs in connection.execute(query, binary=True):
        offsets = np.frombuffer(seqs, "<i4").tolist()
        for key, offset in zip(np.frombuffer(keys, "<u8").tolist(), offsets, strict=True):
            found.append((shard, key, (span << 20) + offset))
    return sorted(found)
