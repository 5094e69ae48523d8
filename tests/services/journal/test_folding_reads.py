"""The reads of folding and audits: lean rows, as of one instant, a block ahead."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date

import pytest

from services.journal.ahead import ahead
from services.journal.batch import Batch
from services.journal.reader import BLOCK_BYTES, Reader
from services.journal.writer import Journal
from tests.services.journal.journal_rows import DAY, SIT, batch_of, move, row


def test_a_frozen_reader_sees_nothing_that_comes_later(journal: Journal, reader: Reader) -> None:
    journal.commit(batch_of(SIT, None, 2))
    reader.freeze()
    journal.commit(batch_of(SIT, 2, 5))
    assert reader.heads()[SIT].seq == 2
    assert [entry.seq for block in reader.rows(SIT) for entry in block] == [0, 1, 2]
    assert [seq for block in reader.rows_to_fold(SIT) for seq, *_ in block] == [0, 1, 2]


def test_inputs_are_read_for_folding_only_where_folding_needs_them(
    journal: Journal, reader: Reader
) -> None:
    copied = row(SIT, 1)._replace(origin="control/0", line=b"copied")
    journal.commit(Batch(rows=[row(SIT, 0), copied], heads=[move(SIT, None, 1)]))
    (block,) = reader.rows_to_fold(SIT)
    assert [*block] == [
        (0, "feed", b"", b"facts", 1),
        (1, "control/0", b"copied", b"facts", 1),
    ]


def test_a_block_to_fold_has_not_more_bytes_than_it_may_but_for_a_single_row(
    journal: Journal, reader: Reader
) -> None:
    sizes = [3, BLOCK_BYTES - 3, BLOCK_BYTES, BLOCK_BYTES + 1, 1, 2]
    rows = [
        row(SIT, seq)._replace(facts=b"x" * size, origin=f"feed {seq % 2}", line=b"")
        for seq, size in enumerate(sizes)
    ]
    journal.commit(Batch(rows=rows, heads=[move(SIT, None, len(rows) - 1)]))
    blocks = [[*block] for block in reader.rows_to_fold(SIT, has_inputs=True)]
    assert [len(block) for block in blocks] == [2, 1, 1, 2]
    assert [entry for block in blocks for entry in block] == [
        (entry.seq, entry.origin, entry.line, entry.facts, 1) for entry in rows
    ]


def test_the_last_row_of_a_day_is_found(journal: Journal, reader: Reader) -> None:
    later = date(2026, 3, 4)
    rows = [row(SIT, 0), row(SIT, 1), row(SIT, 2, day=later)]
    journal.commit(Batch(rows=rows, heads=[move(SIT, None, 2)]))
    days = (date(2026, 3, 1), DAY, date(2026, 3, 3), later)
    assert [reader.last_seq(SIT, day) for day in days] == [None, 1, 1, 2]


def numbers(last: int) -> Generator[int, None, None]:
    """Numbers from 1, and an error after the last."""
    yield from range(1, last + 1)
    raise ValueError(last)


def test_blocks_read_ahead_come_in_order_and_the_error_in_its_place() -> None:
    blocks = ahead(numbers(3))
    assert [next(blocks) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="3"):
        next(blocks)


def test_blocks_read_ahead_may_be_left_early() -> None:
    blocks = numbers(3)
    assert next(iter(ahead(blocks))) == 1
    with pytest.raises(StopIteration):
        next(blocks)
