"""Commits on a thread of their own: in order, at most two ahead, and no error is lost."""

import threading
from contextlib import suppress

import pytest

from services.journal.batch import Batch
from services.journal.pipeline import PipelinedWriter
from services.journal.reader import Reader
from services.journal.trouble import DiskFull
from services.journal.writer import Journal
from tests.services.journal.journal_rows import SIT, batch_of


class Slow:
    """A journal that writes when it is allowed to, and fails at the n-th batch."""

    def __init__(self, *, fails_at: int = 0) -> None:
        self.gate = threading.Semaphore(0)
        self.started = threading.Semaphore(0)
        self.written: list[Batch] = []
        self.fails_at = fails_at
        self.commits = 0

    def commit(self, batch: Batch) -> None:
        """Write when the gate lets through."""
        self.started.release()
        assert self.gate.acquire(timeout=10)
        self.commits += 1
        if self.commits == self.fails_at:
            message = "no space"
            raise DiskFull(message)
        self.written.append(batch)

    def open(self) -> None:
        """Let all through."""
        self.gate.release(1000)


def test_batches_are_written_in_order(journal: Journal, reader: Reader) -> None:
    with PipelinedWriter(journal) as writer:
        for seq in range(20):
            writer.submit(batch_of(SIT, seq - 1 if seq else None, seq))
    assert [row[1] for block in reader.rows(SIT) for row in block] == list(range(20))


def test_done_hears_of_each_durable_batch() -> None:
    slow, heard, batches = Slow(), list[Batch](), [Batch() for _ in range(3)]
    slow.open()
    with PipelinedWriter(slow, heard.append) as writer:
        for batch in batches:
            writer.submit(batch)
        writer.drain()
        assert [id(batch) for batch in heard] == [id(batch) for batch in batches]


def test_submit_waits_while_one_is_written_and_one_waits() -> None:
    slow = Slow()
    writer = PipelinedWriter(slow)
    writer.submit(Batch())
    assert slow.started.acquire(timeout=10)
    writer.submit(Batch())
    third = threading.Thread(target=writer.submit, args=[Batch()])
    third.start()
    third.join(timeout=0.05)
    assert third.is_alive()
    slow.open()
    third.join(timeout=10)
    writer.close()
    assert len(slow.written) == 3


def test_an_error_stops_the_line_and_surfaces_at_the_next_call() -> None:
    slow = Slow(fails_at=2)
    writer = PipelinedWriter(slow)
    writer.submit(Batch())
    writer.submit(Batch())
    slow.open()
    with pytest.raises(DiskFull):
        writer.drain()
    with pytest.raises(DiskFull):
        writer.submit(Batch())
    with pytest.raises(DiskFull):
        writer.close()
    assert len(slow.written) == 1


def test_an_error_frees_a_caller_who_waits_and_what_waited_is_not_written() -> None:
    slow = Slow(fails_at=1)
    writer = PipelinedWriter(slow)
    writer.submit(Batch())
    assert slow.started.acquire(timeout=10)
    writer.submit(Batch())
    threading.Timer(0.05, slow.open).start()
    with pytest.raises(DiskFull):
        writer.submit(Batch())
    with pytest.raises(DiskFull):
        writer.close()
    assert slow.written == []


def test_leaving_normally_raises_what_went_wrong() -> None:
    slow = Slow(fails_at=1)
    slow.open()
    with pytest.raises(DiskFull), PipelinedWriter(slow) as writer:
        writer.submit(Batch())


def test_leaving_by_an_error_keeps_that_error_and_writes_what_was_handed_over() -> None:
    slow = Slow()
    slow.open()
    with suppress(KeyError), PipelinedWriter(slow) as writer:
        writer.submit(Batch())
        raise KeyError
    assert len(slow.written) == 1
