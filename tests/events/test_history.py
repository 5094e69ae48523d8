"""The history hash of inputs by the block equals that of each by itself."""

from __future__ import annotations

import numpy as np

from events.control_facts import DayClosed
from events.fact_text import fact_head
from events.history import InputHistory
from events.quoted_texts import QuotedTexts
from events.texts import Texts


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
        (7, b"of another row", fact(other, 8)),
        (8, b"of a number with a zero", fact(other, 8).replace(b":8", b":08")),
        (9, b"of none", fact(other, 9).replace(b":9", b":x")),
        (10, b"cut off", fact(other, 10)[:-26]),
        (11, b"no time", fact(other, 11).replace(b'"at"', b'"on"')),
        (12, b"the last", fact(other, 12)),
    ]
    by_block, one_by_one = InputHistory("market/SIT"), InputHistory("market/SIT")
    seqs, lines, facts_of_rows = zip(*rows, strict=True)
    quoted = QuotedTexts.of(Texts.of(facts_of_rows))
    by_block.add_rows(np.array(seqs), Texts.of(lines), quoted=quoted)
    days = set()
    for seq, line, facts in rows:
        one_by_one.add_row(line, facts, seq=seq)
        days.add(one_by_one.before)
    assert len(days) == 3
    assert by_block.before == one_by_one.before
    assert by_block.close() == one_by_one.close()
