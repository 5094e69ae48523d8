"""How far workers read their inboxes, held against the rows recorded from them (WIRE §2, §4).

In: rows in the order of their shard. Out: the inbox a row must come from, the least offset it can
have; findings where `clearing.inbox` or a head says something else. Every row but row 0 was one
message: offsets rise, and a copy, whose row has its number and not its offset, takes one too.
"""

from __future__ import annotations

from typing import Final

from events.command import CONTROL
from services.audit.findings import Findings
from services.audit.start_point import Start
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
    """Follows the inboxes of all shards."""

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

    def take(self, row: JournalRow) -> bool:
        """One more message that is no copy; False when its offset can't be."""
        shard, seq, position = row.shard, row.seq, row.position
        least = self._next.get(shard, 0)
        if position < least:
            said = f"position: expected offset {least} or one after it, found {position}"
            self._findings.note(shard, seq, found=said)
            return False
        self._next[shard] = position + 1
        return True

    def take_copy(self, shard: str) -> None:
        """One more message that is a copy."""
        self._next[shard] = self._next.get(shard, 0) + 1

    def finish(self) -> None:
        """Every head goes on after the last message that became a row."""
        for shard, head in self._reader.heads().items():
            least = self._next.get(shard, 0)
            if head.next_offset < least:
                said = f"expected {least} or one after it, found {head.next_offset}"
                self._findings.note(shard, head.seq, found=f"next_offset of the head: {said}")

    def _expect_recorded(self, recorded: list[Inbox]) -> None:
        """If inboxes are recorded, then those of all shards, as the topics have them."""
        found = {one.shard: f"{one.topic}/{one.partition}" for one in recorded}
        for shard in sorted({*self._partitions, *found} if found else ()):
            partition = self._partitions.get(shard)
            expected = "none" if partition is None else partition.origin
            if found.get(shard, "none") != expected:
                said = f"expected {expected}, found {found.get(shard, 'none')}"
                self._findings.note_apart(f"inbox of {shard}", found=said)

    def _after(self, shard: str, seq: int) -> int:
        """The offset after the last message that became a row up to this one, but copies."""
        with translated("reading how far an inbox was read"):
            query = _LAST_OFFSET.encode()
            found = self._reader.connection.execute(query, [shard, seq]).fetchone()
        return 0 if found is None else int(found[0]) + 1


def _prefix(recorded: list[Inbox]) -> str:
    """What the names of the topics begin with, as the inbox of `control/0` shows it."""
    names = [one.topic for one in recorded if one.shard == CONTROL_SHARD]
    suffix = f".{CONTROL}"
    if names and names[0].endswith(suffix):
        return names[0].removesuffix(suffix)
    return TOPIC_PREFIX_DEFAULT
