"""Commits on a thread of their own, so that Postgres writes one batch while the next is decided.

In: batches in order. Out: the same batches committed in order, one at a time. At most one is being
written and one waits; a third waits at `submit`, so memory is bounded. The first error stops the
line: nothing after it is written, and it surfaces in the caller's thread at the next `submit`,
`drain` or `close`.
"""

import threading
from collections.abc import Callable
from queue import Queue
from typing import Protocol, Self

from services.journal.batch import Batch


class Committing(Protocol):
    """Commits batches: `writer.Journal`, or a fake in tests."""

    def commit(self, batch: Batch) -> None:
        """Make the batch durable, whole or not at all."""


class PipelinedWriter:
    """Writes batches in order on one thread; a context manager that drains at the end.

    done: called on the writing thread with each batch that is durable.
    """

    def __init__(self, journal: Committing, done: Callable[[Batch], None] | None = None) -> None:
        """Start the thread; the journal belongs to it until `close`."""
        self._journal = journal
        self._done = done
        self._waiting: Queue[Batch | None] = Queue(maxsize=1)
        self._error: BaseException | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._write, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch) -> None:
        """Hand over a batch; waits while one is being written and one waits. Raises as `drain`."""
        self._raise_error()
        assert not self._closed
        self._waiting.put(batch)
        self._raise_error()

    def drain(self) -> None:
        """Wait until every submitted batch is durable. Raises the error of one that is not."""
        self._waiting.join()
        self._raise_error()

    def close(self) -> None:
        """Drain and end the thread; an earlier error is raised again, so that none is missed."""
        self._end()
        self._raise_error()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Drain; after an error of the caller's own, that one goes on."""
        self._end()
        if kind is None:
            self._raise_error()

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            self._thread.join()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        while True:
            batch = self._waiting.get()
            try:
                if batch is None:
                    return
                if self._error is None:
                    self._journal.commit(batch)
                    if self._done is not None:
                        self._done(batch)
            except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
                self._error = error
            finally:
                self._waiting.task_done()
