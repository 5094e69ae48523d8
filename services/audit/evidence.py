"""The record compared with its inputs decided again: rows, parts, links, days, read models, ids.

In: rows as recorded, and the logs of shards that decided them again. Out: findings. The comparison
is the same for a journal fed from files and one fed from Kafka; the order in which their inputs are
decided is not (`embedded_order.py`, `streamed_order.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.audit.derived_tables import DerivedTables
from services.audit.findings import Findings, first_difference
from services.audit.id_tables import IdTables
from services.journal.reader import Reader
from services.journal.tables import JOURNAL
from services.shards.log import ShardLog
from services.shards.rows import JournalRow, LinkRow, SnapshotRow
from services.shards.shard import Shard

_COLUMNS: Final = tuple(JOURNAL.columns)


@dataclass(slots=True)
class Start:
    """The start of an audit.

    after: by shard the last row that is not checked; times: the logical time of that row.
    """

    shards: dict[str, Shard]
    after: Mapping[str, int] = field(default_factory=dict)
    times: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_first_row(self) -> bool:
        """True if every row is checked."""
        return not self.after


class Evidence:
    """The record of a journal, and the part of it that agrees so far.

    next: by shard the next row to check, and the chain up to it.
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
        """Add rows that are to be decided next, in the order of their shards."""
        for row in rows:
            self._queues.setdefault(row.shard, deque()).append(row)

    def agrees(self, log: ShardLog) -> bool:
        """Compare the rows a shard has decided since the last call; False if one differs.

        Parts are compared with their table if all rows agree; numbers, links, days and read models
        in any case.
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
        """Compare snapshots of the books at a close with the table."""
        self._derived.check("snapshot", rows)

    def check_links(self, rows: Sequence[LinkRow]) -> None:
        """Compare links with the table that no row brings: votes on an undecided spread."""
        self._derived.check("link", rows)

    def is_all_decided(self) -> bool:
        """True if every expected row was decided; a row that was not is a finding."""
        undecided = [queue[0] for queue in self._queues.values() if queue]
        for row in undecided:
            finding = f"origin: expected no row of {row.origin} {row.position} here, found one"
            self.findings.note(row.shard, row.seq, finding=finding)
        return not undecided

    def doubt(self, row: JournalRow, *, finding: str) -> None:
        """Note that a row can't be decided because a row before it is missing.

        Later rows may show the cause; the doubt is a finding only if no other is found. The first
        doubt counts.
        """
        if self._doubt is None:
            self._doubt = (row.shard, row.seq, finding)

    def settle_doubt(self) -> None:
        """At the end of the audit: a doubt that no finding explains is a finding."""
        if self._doubt is not None and not self.findings.lines():
            shard, seq, finding = self._doubt
            self.findings.note(shard, seq, finding=finding)

    def finish(self) -> None:
        """Every row was decided and agrees: check heads, ids and the counts of derived rows."""
        self.memory.finish()
        self._derived.check_counts()
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Check that each head names the last control command that its shard knows."""
        for shard, head in self.reader.heads().items():
            expected = self.start.shards[shard].control.number
            if head.control_number != expected:
                difference = f"expected {expected}, found {head.control_number}"
                finding = f"control_number of the head: {difference}"
                self.findings.note(shard, head.seq, finding=finding)

    def _note(self, expected: JournalRow, recorded: JournalRow | None) -> None:
        if recorded is None:
            finding = f"seq: expected a row of {expected.origin} {expected.position}, found none"
        else:
            finding = first_difference(_COLUMNS, expected, recorded=recorded) or ""
        self.findings.note(expected.shard, expected.seq, finding=finding)
