"""`clearing verify`: the journal recomputed, from bytes in to cents out (ARCHITECTURE §3).

In: a database. Out: nothing when all is well; else one line per shard: its first row that is not
what it should be, the part or column, what was expected and found.

Every recorded input is decided again, in the order of `decided` and the readable way, by a house
that knows nothing but these inputs: no read model, no recorded fact, no table of ids unless found
equal first (`remembered.py`). What it would write is held against what is written: every column of
every row and part, so the hash chain too, copies of control commands, links, day hashes,
snapshots, read models, ids, and how far sources were read. Where decisions part from the record
they stop, for what follows was decided from other books; the chains of the other shards are still
followed to their ends.

What no audit from inside can see: a history rewritten whole, inputs, chain, heads and all. Keep
day hashes elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from events.chain import GENESIS
from events.codec import Malformed, decode_command
from events.commands import CloseSession, Command
from services.audit.beside import TablesBeside
from services.audit.findings import Findings, first_difference
from services.audit.recorded import RecordedRows
from services.audit.remembered import RememberedIds
from services.audit.sources import SourcesRead
from services.audit.starting import Start, from_first_row, from_last_snapshot
from services.embedded.pace import paced
from services.embedded.snapshots import snapshot_rows
from services.journal.batch import JournalRow
from services.journal.reader import Reader
from services.journal.tables import JOURNAL
from services.shards.clearinghouse import GENESIS_ORIGIN, RANKS, take_decoded
from services.shards.identity import Identity, identity_named
from services.shards.log import Inbound, ShardLog
from services.shards.routing import CONTROL_SHARD, shard_of

# Rows looked at, and how many there are.
Progress = Callable[[int, int], None]

_NOT_INPUTS: Final = (GENESIS_ORIGIN, CONTROL_SHARD)
_COLUMNS: Final = tuple(JOURNAL.columns)


def verify(url: str, *, from_snapshot: bool = False, progress: Progress | None = None) -> list[str]:
    """What is not as it should be, one line per shard; empty when all is well.

    from_snapshot: begin with the books of the last close and look only at what follows.
    """
    findings = Findings()
    with Reader(url) as reader:
        reader.freeze()
        start = from_last_snapshot(reader, findings) if from_snapshot else from_first_row()
        if not findings.lines() and reader.heads():
            with paced():
                _Audit(reader, findings, start=start).run(progress)
    return findings.lines()


class _Audit:
    """One run of deciding again."""

    def __init__(self, reader: Reader, findings: Findings, *, start: Start) -> None:
        self._findings = findings
        self._house = start.house
        self._line = start.line
        self._after = start.after
        self._rows = RecordedRows(reader, findings, after=start.after)
        self._memory = RememberedIds(reader, findings, after=start.after)
        self._beside = TablesBeside(reader, findings, after=start.after)
        self._sources = SourcesRead(reader, findings, is_whole=start.is_first_row)
        self._queues: dict[str, deque[JournalRow]] = {}
        # Of each shard the next row to look at, and the chain up to it.
        self._next = {log.shard: (log.seq, log.chain) for log in self._house.logs() if self._after}
        # A row before which a line is missing; which shard's it was, its chain may tell.
        self._gap: tuple[str, int, str] | None = None

    def run(self, progress: Progress | None) -> None:
        """Decide until the end or the first row that differs; then whatever needs no decisions."""
        heads = self._rows.heads
        total = sum(head.seq - self._after.get(shard, -1) for shard, head in heads.items())
        done, is_deciding = 0, True
        for chunk in self._rows.chunks():
            is_deciding = self._decide(chunk) and not self._rows.is_broken
            done += len(chunk)
            if progress is not None:
                progress(done, total)
            if not is_deciding:
                break
        if is_deciding:
            self._memory.finish()
            self._beside.check_counts()
            self._sources.finish()
        else:
            self._walk_chains()
        self._rows.check_heads()

    def _decide(self, chunk: Sequence[JournalRow]) -> bool:
        """Decide the inputs of a chunk; False when a row differs."""
        for row in chunk:
            self._queues.setdefault(row[0], deque()).append(row)
        inputs = [(row, decode_command(row[6])) for row in chunk if row[3] not in _NOT_INPUTS]
        self._prepare(inputs)
        if not self._agrees():
            return False
        for row, command in inputs:
            if not self._take(row, command) or not self._agrees():
                return False
        self._memory.end()
        return self._is_all_decided()

    def _prepare(self, inputs: Sequence[tuple[JournalRow, Command | Malformed]]) -> None:
        wanted: dict[str, list[Identity]] = {}
        for _, command in inputs:
            identity = None if isinstance(command, Malformed) else identity_named(command)
            if identity is not None:
                shard = shard_of(command, self._house.control.products)
                wanted.setdefault(shard, []).append(identity)
        for shard, ids in wanted.items():
            self._memory.begin(shard, ids)

    def _take(self, row: JournalRow, command: Command | Malformed) -> bool:
        """Decide an input in the shard it is recorded in; False when that cannot be its place."""
        shard, seq, _, origin, position, decided, line, *_ = row
        self._line += 1
        if decided != self._line * RANKS:
            said = f"decided: expected {self._line * RANKS}, the next line's place, found {decided}"
            self._gap = (shard, seq, said)
            return False
        belongs = shard_of(command, self._house.control.products)
        if belongs != shard:
            self._findings.note(
                shard, seq, found=f"input: expected one of {shard}, found {belongs}'s"
            )
            return False
        self._sources.take(row)
        inbound = Inbound(origin, position, decided, line)
        closes = self._house.outbox.closes
        take_decoded(self._house, inbound, decoded=command, memory=self._memory)
        if isinstance(command, CloseSession) and self._house.outbox.closes > closes:
            self._beside.check("snapshot", snapshot_rows(self._house, command.business_date))
        return True

    def _agrees(self) -> bool:
        """Hold what was decided since last time against the record; False when a row differs."""
        agrees = True
        for log in self._house.logs():
            if log.rows:
                agrees &= self._agrees_in(log)
        outbox = self._house.outbox
        if outbox.numbers:
            self._beside.check("control_number", outbox.numbers)
            outbox.numbers = []
        if outbox.links or outbox.days or outbox.prices or outbox.statements:
            self._beside.check("link", outbox.links)
            days = [(shard, day, seq, bytes.fromhex(said)) for shard, day, seq, said in outbox.days]
            self._beside.check("day", days)
            self._beside.check("settlement_price", outbox.prices)
            self._beside.check("statement", outbox.statements)
            outbox.links, outbox.prices, outbox.statements, outbox.days = [], [], [], []
        return agrees

    def _agrees_in(self, log: ShardLog) -> bool:
        queue = self._queues.setdefault(log.shard, deque())
        expected, parts = log.rows, log.parts
        log.rows, log.parts, log.decided = [], [], []
        for row in expected:
            found = queue.popleft() if queue else None
            if row != found:
                self._note(row, found)
                return False
            self._next[log.shard] = (row[1] + 1, row[9])
        if parts:
            self._beside.check("journal_part", parts)
        return True

    def _note(self, expected: JournalRow, found: JournalRow | None) -> None:
        shard, seq = expected[:2]
        if found is None:
            said = f"seq: expected a row of {expected[3]} {expected[4]}, found none"
        else:
            said = first_difference(_COLUMNS, expected, found=found) or ""
        self._findings.note(shard, seq, found=said)

    def _is_all_decided(self) -> bool:
        """No row of the chunk is left over."""
        left = [queue[0] for queue in self._queues.values() if queue]
        for row in left:
            said = f"origin: expected no row of {row[3]} {row[4]} here, found one"
            self._findings.note(row[0], row[1], found=said)
        return not left

    def _walk_chains(self) -> None:
        for shard in self._rows.heads:
            if shard not in self._findings:
                seq, chain = self._next.get(shard, (0, GENESIS))
                self._rows.walk_chain(shard, seq=seq, chain=chain)
        if self._gap is not None and not self._findings.lines():
            shard, seq, said = self._gap
            self._findings.note(shard, seq, found=said)
