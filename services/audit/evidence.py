"""What is decided again, held against the record: rows, parts, links, days, read models, ids.

In: rows as recorded, and the logs and the outbox of a house that decided them again. Out: findings.
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
from services.journal.batch import JournalRow, SnapshotRow
from services.journal.reader import Reader
from services.journal.tables import JOURNAL
from services.shards.clearinghouse import Outbox
from services.shards.log import ShardLog

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
        self.next = {log.shard: (log.seq, log.chain) for log in start.house.logs() if start.after}
        self._beside = DerivedTables(reader, findings, after=start.after)
        self._queues: dict[str, deque[JournalRow]] = {}
        self._doubt: tuple[str, int, str] | None = None

    def expect(self, rows: Iterable[JournalRow]) -> None:
        """These rows, in the order of their shards, are to be decided next."""
        for row in rows:
            self._queues.setdefault(row[0], deque()).append(row)

    def agrees(self, log: ShardLog) -> bool:
        """Hold what a shard has decided since last time against its rows; False if one differs."""
        queue = self._queues.setdefault(log.shard, deque())
        expected, parts = log.rows, log.parts
        log.rows, log.parts, log.decided = [], [], []
        for row in expected:
            found = queue.popleft() if queue else None
            if row != found:
                self._note(row, found)
                return False
            self.next[log.shard] = (row[1] + 1, row[9])
        if parts:
            self._beside.check("journal_part", parts)
        return True

    def check_outbox(self, outbox: Outbox) -> None:
        """Hold what was decided beside the rows against its tables; the outbox is empty then."""
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

    def check_snapshots(self, rows: Sequence[SnapshotRow]) -> None:
        """Hold snapshots of the books at a close against the table."""
        self._beside.check("snapshot", rows)

    def is_all_decided(self) -> bool:
        """No row is left over."""
        left = [queue[0] for queue in self._queues.values() if queue]
        for row in left:
            said = f"origin: expected no row of {row[3]} {row[4]} here, found one"
            self.findings.note(row[0], row[1], found=said)
        return not left

    def doubt(self, row: JournalRow, *, found: str) -> None:
        """A row can't be decided because something before it is not there.

        Whose fault that is the rest of the journal may tell; only if it does not, this is a
        finding. The first doubt counts.
        """
        if self._doubt is None:
            self._doubt = (row[0], row[1], found)

    def settle_doubt(self) -> None:
        """Everything was looked at: what nothing else explains is a finding."""
        if self._doubt is not None and not self.findings.lines():
            shard, seq, said = self._doubt
            self.findings.note(shard, seq, found=said)

    def finish(self) -> None:
        """Every row was decided and agrees: so must heads, ids and the number of rows beside."""
        self.memory.finish()
        self._beside.check_counts()
        self._check_numbers()

    def _check_numbers(self) -> None:
        """Each head names the last control command that its shard knows."""
        house = self.start.house
        known = {
            house.control_log.shard: house.control,
            house.member_log.shard: house.member.control,
        }
        known |= {market.log.shard: market.books.control for market in house.markets.values()}
        for shard, head in self.reader.heads().items():
            expected = known[shard].number
            if head.control_number != expected:
                said = f"expected {expected}, found {head.control_number}"
                self.findings.note(shard, head.seq, found=f"control_number of the head: {said}")

    def _note(self, expected: JournalRow, found: JournalRow | None) -> None:
        shard, seq = expected[:2]
        if found is None:
            said = f"seq: expected a row of {expected[3]} {expected[4]}, found none"
        else:
            said = first_difference(_COLUMNS, expected, found=found) or ""
        self.findings.note(shard, seq, found=said)
