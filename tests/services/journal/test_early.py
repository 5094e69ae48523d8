"""Rows written while the rest of their batch is decided: all of it durable, or nothing."""

import time
from contextlib import suppress
from datetime import date

import psycopg
import pytest
from psycopg import errors

from services.journal.batch import Batch
from services.journal.early import Abandoned, EarlyRows
from services.journal.pipeline import PipelinedWriter
from services.journal.reader import Reader
from services.journal.tables import JOURNAL_PART, STATEMENT
from services.journal.trouble import FencedOff, JournalTrouble, StatementRefused
from services.journal.writer import Journal
from tests.services.journal.journal_rows import DAY, SIT, batch_of, move, row
from tests.services.journal.test_writer import kill_backends

STATEMENT_ROW = (SIT, 1, "A", "M", "house", DAY, "close", 1, 2, 3, 4, 5, "[]")
HOLD = "SELECT 1 FROM clearing.shard_head WHERE shard = %s FOR UPDATE NOWAIT"


@pytest.fixture
def opened(journal: Journal) -> Journal:
    """A journal whose first row is there."""
    journal.commit(batch_of(SIT, None, 0))
    return journal


def early_batch(*, head: int = 0) -> Batch:
    """A batch of which two parts and a statement come early."""
    batch = Batch(early=EarlyRows({SIT: head}))
    assert batch.early is not None
    batch.early.put(JOURNAL_PART, [(SIT, 1, 1, b"one"), (SIT, 1, 2, b"two")], at_once=1)
    batch.early.put(STATEMENT, [STATEMENT_ROW], at_once=10)
    batch.early.put(JOURNAL_PART, [(SIT, 1, 3, b"three")], at_once=8)
    return batch


def completed(batch: Batch, *, day: date | None = None) -> Batch:
    """The same with its row and head, unless they are there."""
    batch.rows = batch.rows or [row(SIT, 1, day=day or DAY)]
    batch.heads = [move(SIT, 0, 1)]
    return batch


def counts(reader: Reader) -> list[int]:
    """Rows of the tables that these batches write."""
    tables = ("journal", "journal_part", "statement")
    queries = [f"TABLE clearing.{table}".encode() for table in tables]
    return [len(reader.connection.execute(query).fetchall()) for query in queries]


def wait_until_held(url: str) -> None:
    """Until the writer holds the head of SIT."""
    deadline = time.monotonic() + 10
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            try:
                connection.execute(HOLD, [SIT])
            except errors.LockNotAvailable:
                return
            time.sleep(0.01)
    pytest.fail("the writer does not hold the head")


def begin_and_submit(journal: Journal, batch: Batch) -> None:
    """The life of a batch with early rows."""
    with PipelinedWriter(journal) as writer:
        writer.begin(batch)
        writer.submit(completed(batch))


def test_early_rows_are_durable_with_the_rest(opened: Journal, reader: Reader) -> None:
    begin_and_submit(opened, early_batch())
    assert list(reader.parts(SIT, 1)) == [b"one", b"two", b"three"]
    assert counts(reader) == [2, 3, 1]
    assert reader.heads()[SIT].seq == 1


def test_nothing_is_durable_before_the_batch_is_whole(opened: Journal, reader: Reader) -> None:
    batch = early_batch()
    with PipelinedWriter(opened) as writer:
        writer.begin(batch)
        wait_until_held(reader.url)
        assert counts(reader) == [1, 0, 0]
        writer.submit(completed(batch))
    assert counts(reader) == [2, 3, 1]


def test_batches_before_and_after_an_early_one_stay_in_order(
    opened: Journal, reader: Reader
) -> None:
    batch, done = early_batch(head=1), list[Batch]()
    with PipelinedWriter(opened, done.append) as writer:
        writer.submit(batch_of(SIT, 0, 1))
        writer.begin(batch)
        batch.rows, batch.heads = [row(SIT, 2)], [move(SIT, 1, 2)]
        writer.submit(batch)
        writer.submit(batch_of(SIT, 2, 3))
    assert [len(one.rows) for one in done] == [1, 1, 1]
    assert done[1] is batch
    assert counts(reader) == [4, 3, 1]


def test_no_other_batch_is_taken_while_one_is_begun(opened: Journal) -> None:
    batch = early_batch()
    with PipelinedWriter(opened) as writer:
        writer.begin(batch)
        with pytest.raises(AssertionError, match="not whole"):
            writer.submit(Batch())
        with pytest.raises(AssertionError, match="not whole"):
            writer.drain()
        writer.submit(completed(batch))


def test_a_batch_that_is_never_whole_leaves_nothing(opened: Journal, reader: Reader) -> None:
    with suppress(KeyError), PipelinedWriter(opened) as writer:
        writer.begin(early_batch())
        raise KeyError
    assert counts(reader) == [1, 0, 0]
    opened.commit(batch_of(SIT, 0, 1))


def test_a_writer_closed_in_the_middle_of_a_batch_says_so(opened: Journal, reader: Reader) -> None:
    writer = PipelinedWriter(opened)
    writer.begin(early_batch())
    with pytest.raises(Abandoned):
        writer.close()
    assert counts(reader) == [1, 0, 0]


def test_early_rows_of_a_shard_that_somebody_else_has_moved_are_fenced_off(
    opened: Journal, reader: Reader
) -> None:
    with Journal(reader.url) as other:
        other.commit(batch_of(SIT, 0, 1))
    with pytest.raises(FencedOff, match="market/SIT is not at seq 0 any more"):
        begin_and_submit(opened, early_batch())
    assert counts(reader) == [2, 0, 0]


def test_another_writer_waits_for_an_early_batch_and_is_fenced_off(
    opened: Journal, reader: Reader
) -> None:
    batch = early_batch()
    with Journal(reader.url) as other, PipelinedWriter(opened) as writer:
        writer.begin(batch)
        wait_until_held(reader.url)
        late = PipelinedWriter(other)
        late.submit(batch_of(SIT, 0, 1))
        writer.submit(completed(batch))
        with pytest.raises(FencedOff):
            late.close()
    assert counts(reader) == [2, 3, 1]


def test_a_backend_killed_between_early_rows_and_the_rest_leaves_nothing(
    opened: Journal, reader: Reader
) -> None:
    writer, batch = PipelinedWriter(opened), early_batch()
    writer.begin(batch)
    wait_until_held(reader.url)
    kill_backends(reader)
    with pytest.raises(JournalTrouble):
        submit_and_close(writer, completed(batch))
    assert counts(reader) == [1, 0, 0]


def submit_and_close(writer: PipelinedWriter, batch: Batch) -> None:
    """The rest of a begun batch, and the end."""
    writer.submit(batch)
    writer.close()


def test_a_month_made_for_a_batch_that_was_rolled_back_is_made_again(
    opened: Journal, reader: Reader
) -> None:
    day = date(2027, 1, 4)
    refused = completed(early_batch(), day=day)
    refused.days = [(SIT, DAY, 1, b"")] * 2
    with pytest.raises(StatementRefused, match="duplicate key"):
        begin_and_submit(opened, refused)
    begin_and_submit(opened, batch := completed(early_batch(), day=day))
    assert batch.rows[0][2] == day
    assert counts(reader) == [2, 3, 1]
