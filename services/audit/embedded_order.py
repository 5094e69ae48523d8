"""Deciding again what one process read from files (ARCHITECTURE §5).

In: rows in the order of `decided`, which counts lines: the row of line n has n times 256, a copy it
causes its rank more. Out: the same inputs decided by a whole house, copies and all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from events.codec import Malformed, decode_command
from events.command import Command
from events.control_commands import CloseSession
from services.audit.evidence import Evidence
from services.audit.sources import SourcesRead
from services.hosting.snapshots import snapshot_rows
from services.journal.batch import JournalRow
from services.shards.clearinghouse import GENESIS_ORIGIN, RANKS, take_decoded
from services.shards.ids import Identity, identity_named
from services.shards.log import Inbound
from services.shards.routing import CONTROL_SHARD, shard_of

_NOT_INPUTS: Final = (GENESIS_ORIGIN, CONTROL_SHARD)
_DECIDED: Final = 5


class EmbeddedOrder:
    """Line after line, over all sources."""

    def __init__(self, evidence: Evidence) -> None:
        start = evidence.start
        self.is_whole = True
        self._evidence = evidence
        self._house = start.house
        self._line = start.decided.get(CONTROL_SHARD, 0) // RANKS
        self._sources = SourcesRead(evidence.reader, evidence.findings, is_whole=start.is_first_row)

    def place(self, row: JournalRow) -> tuple[int | str, ...]:
        """The number of the line, over all sources, that a row or its copy came from."""
        return (row[_DECIDED] // RANKS,)

    def decide(self, chunk: Sequence[JournalRow]) -> bool:
        """Decide the inputs of a chunk; False when a row differs."""
        self.is_whole = self._decide(chunk)
        return self.is_whole

    def finish(self) -> None:
        """Hold the table of sources against what was read."""
        self._sources.finish()
        for inbox in self._evidence.reader.inboxes():
            said = f"expected none in a journal read from files, found {inbox.topic}"
            self._evidence.findings.note_apart(f"inbox of {inbox.shard}", found=said)

    def _decide(self, chunk: Sequence[JournalRow]) -> bool:
        self._evidence.expect(chunk)
        inputs = [(row, decode_command(row[6])) for row in chunk if row[3] not in _NOT_INPUTS]
        self._prepare(inputs)
        if not self._agrees():
            return False
        for row, command in inputs:
            if not self._take(row, command) or not self._agrees():
                return False
        self._evidence.memory.end()
        return self._evidence.is_all_decided()

    def _prepare(self, inputs: Sequence[tuple[JournalRow, Command | Malformed]]) -> None:
        wanted: dict[str, list[Identity]] = {}
        for _, command in inputs:
            identity = None if isinstance(command, Malformed) else identity_named(command)
            if identity is not None:
                shard = shard_of(command, self._house.control.products)
                wanted.setdefault(shard, []).append(identity)
        for shard, ids in wanted.items():
            self._evidence.memory.begin(shard, ids)

    def _take(self, row: JournalRow, command: Command | Malformed) -> bool:
        """Decide an input in the shard it is recorded in; False when that cannot be its place."""
        shard, seq, _, origin, position, decided, line, *_ = row
        self._line += 1
        if decided != self._line * RANKS:
            said = f"decided: expected {self._line * RANKS}, the next line's place, found {decided}"
            self._evidence.doubt(row, found=said)
            return False
        belongs = shard_of(command, self._house.control.products)
        if belongs != shard:
            said = f"input: expected one of {shard}, found {belongs}'s"
            self._evidence.findings.note(shard, seq, found=said)
            return False
        self._sources.take(row)
        inbound = Inbound(origin, position, decided, line)
        closes = self._house.outbox.closes
        take_decoded(self._house, inbound, decoded=command, memory=self._evidence.memory)
        if isinstance(command, CloseSession) and self._house.outbox.closes > closes:
            self._evidence.check_snapshots(snapshot_rows(self._house, command.business_date))
        return True

    def _agrees(self) -> bool:
        """Hold what was decided since last time against the record; False when a row differs."""
        agrees = True
        for log in self._house.logs():
            if log.rows:
                agrees &= self._evidence.agrees(log)
        self._evidence.check_outbox(self._house.outbox)
        return agrees
