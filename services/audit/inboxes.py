"""The offsets of inboxes, checked against the rows recorded from them (WIRE §2, §4).

In: rows in the order of their shard. Out: the inbox a row must come from, the least offset it can
have; findings where `clearing.inbox` or a head differs. Every row but row 0 was one message:
offsets rise, and a copy has an offset too, though its row records its number instead.
"""

from __future__ import annotations

from typing import Final

from events.command import CONTROL
from services.audit.evidence import Start
from services.audit.findings import Findings
from services.broker.topics import ShardPartition, shard_partitions
from services.journal.reader import Inbox, Reader
from services.journal.trouble import translated
from services.settings import TOPIC_PREFIX_DEFAULT
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import JournalRow

_LAST_OFFSET: Final = """
SELECT position FROM clearing.journal
WHERE shard = %s AND seq > 0 AND seq <= %s AND origin <> 'control/0' ORDER BY seq DESC LIMIT 1
"""


class InboxesRead:
    """Counts the messages of all inboxes."""

    def __init__(self, reader: Reader, findings: Findings, *, start: Start) -> None:
        self._reader = reader
        self._findings = findings
        recorded = reader.inboxes()
        self._partitions = {
            partition.shard: partition for partition in shard_partitions(_prefix(recorded))
        }
        self._expect_recorded(recorded)
        self._next = {shard: self._after(shard, seq) for shard, seq in start.after.items()}

    def partition(self, shard: str) -> ShardPartition | None:
        """The inbox of a shard; None when there can be no such shard."""
        return self._partitions.get(shard)

    def add(self, row: JournalRow) -> bool:
        """Add the next message of a shard, which is no copy; False when its offset is too low."""
        shard, seq, position = row.shard, row.seq, row.position
        least = self._next.get(shard, 0)
        if position < least:
            finding = f"position: expected offset {least} or one after it, found {position}"
            self._findings.note(shard, seq, finding=finding)
            return False
        self._next[shard] = position + 1
        return True

    def add_copy(self, shard: str) -> None:
        """Add the next message of a shard, which is a copy."""
        self._next[shard] = self._next.get(shard, 0) + 1

    def finish(self) -> None:
        """Check that every head goes on after the last message that became a row."""
        for shard, head in self._reader.heads().items():
            least = self._next.get(shard, 0)
            if head.next_offset < least:
                difference = f"expected {least} or one after it, found {head.next_offset}"
                finding = f"next_offset of the head: {difference}"
                self._findings.note(shard, head.seq, finding=finding)

    def _expect_recorded(self, recorded: list[Inbox]) -> None:
        """Check that the recorded inboxes, if there are any, are those of all shards."""
        origins = {inbox.shard: f"{inbox.topic}/{inbox.partition}" for inbox in recorded}
        for shard in sorted({*self._partitions, *origins} if origins else ()):
            partition = self._partitions.get(shard)
            expected = "none" if partition is None else partition.origin
            origin = origins.get(shard, "none")
            if origin != expected:
                finding = f"expected {expected}, found {origin}"
                self._findings.note_apart(f"inbox of {shard}", finding=finding)

    def _after(self, shard: str, seq: int) -> int:
        """The offset after the last message, copies aside, that became a row up to this one."""
        with translated("reading how far an inbox was read"):
            query = _LAST_OFFSET.encode()
            row = self._reader.connection.execute(query, [shard, seq]).fetchone()
        return 0 if row is None else int(row[0]) + 1


def _prefix(recorded: list[Inbox]) -> str:
    """The prefix of the topics' names, from the inbox of `control/0`."""
    names = [inbox.topic for inbox in recorded if inbox.shard == CONTROL_SHARD]
    suffix = f".{CONTROL}"
    if names and names[0].endswith(suffix):
        return names[0].removesuffix(suffix)
    return TOPIC_PREFIX_DEFAULT
