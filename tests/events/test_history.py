"""The history hash of inputs by the block equals that of each by itself."""

from __future__ import annotations

from events.control_facts import DayClosed
from events.fact_text import fact_head
from events.history import InputHistory


def fact(head: bytes, seq: int) -> bytes:
    """A recorded fact of a row."""
    return head + b',"shard":"market/SIT","seq":%d,"at":"2026-06-08T00:00:00Z"}' % seq


def test_a_block_of_rows_is_hashed_as_each_of_them() -> None:
    other, closed = b'{"type":"trade_novated/1"', fact_head(DayClosed)
    rows = [
        (0, b"", fact(other, 0)),
        (1, b'{"one":1}', fact(other, 1)),
        (2, b"no facts", b""),
        (3, b"", fact(other, 3) + b"\n" + fact(other, 3)),
        (4, b"the day", fact(closed, 4)),
        (5, b"after it", fact(other, 5)),
        (6, b"the next", fact(other, 6) + b"\n" + fact(closed, 6)),
        (7, b"the last", fact(other, 7)),
    ]
    by_block, one_by_one = InputHistory("market/SIT"), InputHistory("market/SIT")
    by_block.add_rows(rows)
    days = set()
    for seq, line, facts in rows:
        one_by_one.add_row(line, facts, seq=seq)
        days.add(one_by_one.before)
    assert len(days) == 3
    assert by_block.before == one_by_one.before
    assert by_block.close() == one_by_one.close()
