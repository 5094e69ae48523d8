"""One shard at work: batches of its inbox in, durable transactions out (ARCHITECTURE §3, §4).

In: messages in the order of their offsets. Out: for each batch one transaction that holds the rows,
all they caused and the next offset. Deciding (`shard_decider.py`) and writing overlap by one batch.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from math import inf
from time import monotonic, time
from types import TracebackType
from typing import Final, NamedTuple, Self

from services.broker.messages import Message
from services.broker.topics import ShardPartition
from services.hosting.commit_queue import CommitQueue, batch_of
from services.hosting.receipts import BY_RUN, Moment, Receipts
from services.hosting.restore import load_from_journal
from services.journal.batch import Batch, HeadMove, ReceiptRow
from services.journal.reader import Reader
from services.journal.writer import Journal
from services.shards.shard import Shard
from services.shards.table import markets_among
from services.worker.receipt_times import moments_of
from services.worker.shard_decider import ShardDecider
from services.worker.shard_figures import MemberFigures, member_figures

WRITER_TIMEOUT_S: Final = 60.0
FIGURES_S: Final = 1.0


class BatchSeconds(NamedTuple):
    """How long a batch took. write: from BEGIN to the answer to COMMIT; whole: with deciding."""

    write: float
    whole: float


# A batch that is durable, and how long it took.
Done = Callable[[Batch, BatchSeconds], None]


class ShardRun:
    """A shard on its journal; a context manager that leaves every batch handed over durable.

    done: called on the writing thread with each batch that is durable.
    """

    def __init__(
        self,
        url: str,
        partition: ShardPartition,
        *,
        timeout_s: float = WRITER_TIMEOUT_S,
        checked_until: int = 0,
        done: Done = lambda *_: None,
    ) -> None:
        """Load the shard. Errors: those of the journal; `NotInUse` for a product not in use.

        timeout_s: after so long Postgres ends a batch that does not go on; checked_until: as for
        `load_from_journal`.
        """
        self._refused: Counter[str] = Counter()
        self._novated = 0
        self._begins: deque[float] = deque()
        self._figures_at, self._figures_seq = -inf, -1
        self._seconds = BatchSeconds(0.0, 0.0)
        self.commit_began: float | None = None
        self._receipts = Receipts()
        with ExitStack() as opened:
            self._journal = opened.enter_context(Journal(url))
            self._journal.give_up_after(timeout_s)
            self._journal.claim(is_shared=True)
            self._reader = opened.enter_context(Reader(url))
            loaded = load_from_journal(self._reader, partition.shard, checked_until=checked_until)
            self.decider = ShardDecider(
                partition,
                loaded.shard,
                logical_time=loaded.logical_time,
                markets=markets_among([loaded.shard]),
                reader=self._reader,
            )
            self._head = loaded.head
            self.next_offset = loaded.next_offset
            self._commits = CommitQueue(
                self, self.decider.memory, done=lambda batch: done(batch, self._seconds)
            )
            opened.push(self._commits.writer)
            if loaded.head is None:
                self._submit()
            # Nothing can fail from here.
            self._opened = opened.pop_all()

    @property
    def shard(self) -> Shard:
        """The shard, as decided so far."""
        return self.decider.shard

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def close(self) -> None:
        """End with every decided batch durable. Errors: those of the journal."""
        self._opened.close()

    def abandon(self, error: BaseException) -> None:
        """End after an error; batches that are not durable are forgotten."""
        self._opened.__exit__(type(error), error, error.__traceback__)

    def drain(self) -> None:
        """Wait until all is durable."""
        self._commits.writer.drain()

    @property
    def is_durable(self) -> bool:
        """True if every decided batch is durable."""
        return self._commits.is_durable

    def is_head(self) -> bool:
        """True if nobody else has written this shard since. Errors: those of the journal."""
        head = self._reader.heads().get(self.shard.log.shard)
        return head is not None and (head.seq, head.next_offset) == (self._head, self.next_offset)

    def refusals(self) -> Counter[str]:
        """The refusals since the last call, by reason."""
        refused, self._refused = self._refused, Counter()
        return refused

    def trades(self) -> int:
        """The trades novated since the last call."""
        novated, self._novated = self._novated, 0
        return novated

    @property
    def has_fresh_figures(self) -> bool:
        """True of `member/0`, once a second if it has decided something."""
        is_fresh = self.shard.log.seq != self._figures_seq
        is_due = monotonic() - self._figures_at >= FIGURES_S
        return self.shard.WAITS_AT_BARRIERS and is_fresh and is_due

    def figures(self) -> MemberFigures | None:
        """The figures of `member/0`; None before its clock is known."""
        self._figures_seq, self._figures_at = self.shard.log.seq, monotonic()
        return member_figures(self.shard)

    def commit(self, batch: Batch) -> None:
        """On the writing thread: make a batch durable, and measure the time it takes."""
        start = self.commit_began = monotonic()
        self._journal.commit(batch)
        end = monotonic()
        self._seconds = BatchSeconds(end - start, end - self._begins.popleft())
        self.commit_began = None

    def run_batch(self, messages: Sequence[Message]) -> None:
        """Decide messages and submit them; waits while two earlier batches are not durable yet.

        Errors: those of `ShardDecider.decide`, and of the journal for a batch before this one.
        """
        self._commits.forget_durable()
        start = monotonic()
        decided = self.decider.decide(messages)
        self.next_offset = messages[-1].offset + 1
        self._submit(decided, start=start)

    def vote(self, message: Message) -> None:
        """Make all before a spread durable, and the shard's vote on it, its head staying there.

        Errors: as of `ShardDecider.vote`, and of the journal.
        """
        self._commits.forget_durable()
        votes = self.decider.vote(message)
        if votes:
            self.shard.log.pending.links += votes
            self._submit()
        self.drain()

    def pass_to(self, offset: int) -> None:
        """Go on from an offset before which no message makes a row."""
        self._commits.forget_durable()
        self.next_offset = offset
        self._submit()

    def _submit(self, decided: Sequence[Message] = (), *, start: float | None = None) -> None:
        """Submit the rows of messages; after repeated copies only, a batch that moves the offset.

        No message brings row 0.
        """
        shard = self.decider.shard
        log, written = shard.log, shard.log.hand_over()
        batch = batch_of([written])
        head = HeadMove(
            log.shard, self._head, log.seq - 1, log.chain, self.next_offset, shard.control.number
        )
        batch.heads = [head]
        batch.snapshots, self.decider.snapshots = self.decider.snapshots, []
        batch.receipts = self._receipts_of(decided, rows=len(written.rows))
        self._head = log.seq - 1
        self._refused += written.refused
        self._novated += written.novated
        self._begins.append(monotonic() if start is None else start)
        self._commits.submit(batch)

    def _receipts_of(self, messages: Sequence[Message], *, rows: int) -> list[ReceiptRow]:
        log = self.shard.log
        seq, now = log.seq - rows, Moment(int(time()), BY_RUN)
        if not messages and rows:
            assert (seq, rows) == (0, 1), (log.shard, seq, rows)
            return self._receipts.rows(log.shard, [(0, now)])
        assert len(messages) == rows, (log.shard, len(messages), rows)
        return self._receipts.rows(log.shard, moments_of(messages, seq=seq, now=now))
