"""The embedded clearinghouse at work: blocks of lines in, durable batches out.

In: blocks of a source. Out: one transaction for each block, in order, written while the next is
decided. All that a block caused (rows, links, ids, read models, snapshots) and the position in the
source become durable together, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import time
from typing import Final, NamedTuple, Self

from events.codec import readable_reference
from events.command import Command, Malformed
from events.control_commands import CloseSession
from services.embedded.law_note import BROKEN, Undecided
from services.hosting.blocks import decode_lines
from services.hosting.commit_queue import CommitQueue, batch_of
from services.hosting.id_memory import IdMemory
from services.hosting.interpreter import paced
from services.hosting.receipts import BY_RUN, Moment, Receipts
from services.hosting.restore import check_rules, restore_shard
from services.hosting.snapshots import snapshot_rows
from services.journal.batch import HeadMove, SourceMove
from services.journal.reader import Reader
from services.journal.writer import Journal
from services.shards.clearinghouse import (
    COPIES_A_LINE_MAX,
    Clearinghouse,
    clearinghouse_of,
    decide_line,
    open_clearinghouse,
)
from services.shards.log import Inbound, Pending
from services.shards.routing import shard_of
from services.shards.rows import DayRow, SnapshotRow
from services.shards.table import markets_among
from services.sources.source_reader import Block

LINES_A_BLOCK: Final = 8_192
_MALFORMED_SHOWN: Final = 3


class MalformedLine(NamedTuple):
    """A line that could not be read. nth: its number, empty ones not counted."""

    nth: int
    position: int
    detail: str
    reference: str | None


@dataclass(slots=True)
class Tally:
    """The outcome of a run so far."""

    read: int = 0
    # The first lines that could not be read.
    malformed: list[MalformedLine] = field(default_factory=list)
    trades: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    days: list[DayRow] = field(default_factory=list)

    def add(self, written: Pending) -> None:
        """Add the rows that one shard has decided in a block."""
        self.trades += written.novated
        self.refused += written.refused
        self.days += written.days


class EmbeddedRun:
    """A clearinghouse on a journal; a context manager that leaves every block durable."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time,
        witness: Callable[[Pending], None] | None = None,
    ) -> None:
        """Restore the shards, or open them; no other process may write them from here on.

        clock: seconds since 1970, to tell when a block was received; witness: is handed what each
        shard has decided in a block, which `drain` makes durable.
        """
        self._clock = clock
        self._witness = witness
        self._receipts = Receipts()
        with ExitStack() as opened:
            self._journal = opened.enter_context(Journal(url))
            self._journal.claim()
            self._reader = opened.enter_context(Reader(url))
            restored = restore(self._reader)
            self._line = last_line(self._reader)
            opened.enter_context(paced())
            self._opened = opened.pop_all()
        self.clearinghouse: Clearinghouse = restored or open_clearinghouse()
        self._heads: dict[str, int] = {
            shard.log.shard: shard.log.seq - 1
            for shard in self.clearinghouse.in_order()
            if restored is not None
        }
        self._memory = IdMemory(self._reader)
        self._commits = CommitQueue(self._journal, self._memory)
        self._snapshots: list[SnapshotRow] = []
        self._undecided: Undecided | None = None
        self.tally = Tally()

    @property
    def reader(self) -> Reader:
        """The reading end of the same journal."""
        return self._reader

    @property
    def memory_bytes(self) -> int:
        """Memory of remembered ids."""
        return self._memory.bytes_held

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, *trace: object
    ) -> None:
        with self._opened:
            self._commits.writer.__exit__(kind, error, *trace)
            if (
                self._undecided is not None
                and self._undecided.numbers
                and isinstance(error, BROKEN)
            ):
                error.add_note(self._undecided.note(self._reader))

    def run_block(self, block: Block, *, source: str, position_before: int | None) -> None:
        """Decide a block and hand it to the writer; waits while two others are not durable yet."""
        received = Moment(int(self._clock()), BY_RUN)
        self._commits.forget_durable()
        self._undecided = Undecided(source, block, range(len(block.lines)))
        self._decide(block, self._undecided)
        self._undecided = None
        ended = block.is_last
        move = SourceMove(
            source, position_before, block.end, block.sha256, block.lines_so_far, ended=ended
        )
        self._submit(move, received)
        self.tally.read += len(block.lines)

    def drain(self) -> None:
        """Wait until every block is durable."""
        self._commits.writer.drain()
        self._commits.forget_durable()

    def _decide(self, block: Block, undecided: Undecided) -> None:
        """Decide a block: trades and quotes together, market by market; other lines one by one."""
        first, step = self._line + 1, COPIES_A_LINE_MAX
        times = range(first * step, (first + len(block.lines)) * step, step)
        decoded = decode_lines(
            block.lines,
            positions=block.positions,
            markets=markets_among(self.clearinghouse.shards.values()),
            memory=self._memory,
            home_of=self._home_of,
        )
        self._note_malformed(block, decoded.commands)
        for numbers, queue in decoded.steps():
            undecided.numbers = numbers
            if queue is not None:
                queue.clear(numbers, times[numbers.start : numbers.stop], origin=undecided.source)
                continue
            (number,) = numbers
            command, position = decoded.commands[number], int(block.positions[number])
            inbound = Inbound(undecided.source, position, times[number], block.lines[number])
            self._decide_line(inbound, command)
        self._line += len(block.lines)

    def _note_malformed(self, block: Block, commands: Mapping[int, Command | Malformed]) -> None:
        """Note the first lines that could not be read. commands: by their numbers in the block."""
        malformed = self.tally.malformed
        for number, command in commands.items():
            if isinstance(command, Malformed) and len(malformed) < _MALFORMED_SHOWN:
                nth = block.lines_so_far - len(block.lines) + number + 1
                position, line = block.positions[number], block.lines[number]
                reference = readable_reference(line)
                malformed.append(MalformedLine(nth, position, command.detail, reference))

    def _decide_line(self, inbound: Inbound, command: Command | Malformed) -> None:
        stands = decide_line(self.clearinghouse, inbound, command=command, memory=self._memory)
        if stands and isinstance(command, CloseSession):
            self._snapshots += snapshot_rows(self.clearinghouse.in_order(), command.business_date)

    def _home_of(self, command: Command | Malformed) -> str:
        return shard_of(command, self.clearinghouse.control.books.products)

    def _submit(self, move: SourceMove, received: Moment) -> None:
        pending = {
            shard.log.shard: (shard.log, shard.log.hand_over())
            for shard in self.clearinghouse.in_order()
        }
        batch = batch_of(written for _, written in pending.values())
        batch.source = move
        number = self.clearinghouse.control.books.number
        for log, written in pending.values():
            self.tally.add(written)
            if self._witness is not None:
                self._witness(written)
            if written.rows:
                before, last = self._heads.get(log.shard), log.seq - 1
                head = HeadMove(log.shard, before, last, log.chain, move.position, number)
                batch.heads.append(head)
                self._heads[log.shard] = last
                first = log.seq - len(written.rows)
                batch.receipts += self._receipts.rows(log.shard, [(first, received)])
        batch.snapshots, self._snapshots = self._snapshots, []
        self._commits.submit(batch)


def restore(reader: Reader) -> Clearinghouse | None:
    """The shards of a journal; None when it is empty. Errors: RulesChanged."""
    heads = reader.heads()
    for shard in heads:
        check_rules(reader, shard)
    return clearinghouse_of(restore_shard(reader, shard) for shard in heads) if heads else None


def last_line(reader: Reader) -> int:
    """The number of lines decided over all sources, by the newest row."""
    newest = [
        row.logical_time // COPIES_A_LINE_MAX
        for head in reader.heads().values()
        for row in reader.rows_at(head.shard, [head.seq])
    ]
    return max(newest, default=0)
