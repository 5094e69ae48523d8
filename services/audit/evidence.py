"""What is decided again, held against the record: rows, parts, links, days, read models, ids.

In: rows as recorded, and the logs of shards that decided them again. Out: findings.
What a journal fed from files and one fed from Kafka share when they are audited is here; the order
in which their inputs are decided is not (`embedded_order.py`, `streamed_order.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from services.audit.derived_tables import DerivedTables
from services.audit.findings import Findings, first_difference
from services.audit.id_tables import IdTables
from services.audit.start_point import Start
from services.journal.reader import Reader
from services.journal.tables import JOURNAL
from services.shards.log import ShardLog
from services.shards.rows import JournalRow, SnapshotRow

_COLUMNS: Final = tuple(JOURNAL.columns)


class Evidence:
    """The record of a journal, and how far it agrees with what was decided.

    next: of each shard the next row to look at, and the chain up to it.
    """

    def __init__(self, reader: Reader, findings: Findings, *, start: Start) -> None:
        self.reader = reader
        self.findings = findings
        self.start = start
        self.memory = IdTables(reader, findings, after=start.after)
        logs = [shard.log for shard in start.shards.values()]
        self.next = {log.shard: (log.seq, log.chain) for log in logs}
        self._derived = DerivedTables(reader, findings, after=start.after)
        self._queues: dict[str, deque[JournalRow]] = {}
        self._doubt: tuple[str, int, str] | None = None

    def expect(self, rows: Iterable[JournalRow]) -> None:
        """These rows, in the order of their shards, are to be decided next."""
        for row in rows:
            self._queues.setdefault(row.shard, deque()).append(row)

    def agrees(self, log: ShardLog) -> bool:
        """Hold what a shard has decided since last time against the record; False if a row differs.

        What was decided beside the rows is held against its tables, as far as it was reached.
        """
        queue = self._queues.setdefault(log.shard, deque())
        decided = log.hand_over()
        agrees = all(self._is_recorded(row, queue) for row in decided.rows)
        if agrees and decided.parts:
            self._derived.check("journal_part", decided.parts)
        if decided.numbers:
            self._derived.check("control_number", decided.numbers)
        if decided.links or decided.days or decided.prices or decided.statements:
            self._derived.check("link", decided.links)
            self._derived.check("day", decided.days)
            self._derived.check("settlement_price", decided.prices)
            self._derived.check("statement", decided.statements)
        return agrees

    def _is_recorded(self, row: JournalRow, queue: deque[JournalRow]) -> bool:
        recorded = queue.popleft() if queue else None
        if row != recorded:
            self._note(row, recorded)
            return False
        self.next[row.shard] = (row.seq + 1, row.chain)
        return True

    def check_snapshots(self, rows: Sequence[SnapshotRow]) -> None:
        """Hold snapshots of the books at a close against the table."""
        self._derived.check("snapshot", rows)

    def is_all_decided(self) -> bool:
        """No row is left over."""
        left = [queue[0] for queue in self._queues.values() if queue]
        for row in left:
            said = f"origin: expected no row of {row.origin} {row.position} here, found one"
            self.findings.note(row.shard, row.seq, found=said)
        return not left

    def doubt(self, row: JournalRow, *, found: str) -> None:
        """A row can't be decided because something before it is not there.

        Whose fault that is the rest of the journal may tell; only if it does not, this is a
        finding. The first doubt counts.
        """
        if self._doubt is None:
            self._doubt = (row.shard, row.seq, found)

    def settle_doubt(self) -> None:
        """Everything was looked at: what nothing else explains is a finding."""
        if self._doubt is not None and not self.findings.lines():
            shard, seq, said = self._doubt
            self.findings.note(shard, seq, found=said)

    def finish(self) -> None:
        """Every row was decided and agrees: so must heads, ids and the number of rows beside."""
        self.memory.finish()
        self._derived.check_counts()
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Each head names the last control command that its shard knows."""
        for shard, head in self.reader.heads().items():
            expected = self.start.shards[shard].control.number
            if head.control_number != expected:
                said = f"expected {expected}, found {head.control_number}"
                self.findings.note(shard, head.seq, found=f"control_number of the head: {said}")

    def _note(self, expected: JournalRow, recorded: JournalRow | None) -> None:
        if recorded is None:
            said = f"seq: expected a row of {expected.origin} {expected.position}, found none"
        else:
            said = first_difference(_COLUMNS, expected, found=recorded) or ""
        self.findings.note(expected.shard, expected.seq, found=said)
