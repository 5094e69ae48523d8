"""Deciding again what one process read from files (ARCHITECTURE §5).

In: rows in the order of their logical times: that of line n is 256 × n, and the copies it causes
have those behind it. Out: the same inputs decided by a whole clearinghouse, copies and all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from events.codec import decode_command
from events.command import Command, Malformed
from events.control_commands import CloseSession
from services.audit.evidence import Evidence
from services.audit.sources import SourcesRead
from services.hosting.snapshots import snapshot_rows
from services.shards.clearinghouse import (
    COPIES_A_LINE_MAX,
    Clearinghouse,
    decide_line,
    open_clearinghouse,
)
from services.shards.ids import Identity, identity_named
from services.shards.log import Inbound
from services.shards.routing import CONTROL_SHARD, shard_of
from services.shards.rows import JournalRow
from services.shards.shard import GENESIS_ORIGIN

_NOT_INPUTS: Final = (GENESIS_ORIGIN, CONTROL_SHARD)


class EmbeddedOrder:
    """Line after line, over all sources."""

    def __init__(self, evidence: Evidence) -> None:
        start = evidence.start
        self.is_whole = True
        self._evidence = evidence
        if start.is_first_row:
            start.shards.update(open_clearinghouse().shards)
        self._house = Clearinghouse(start.shards)
        self._line = start.times.get(CONTROL_SHARD, 0) // COPIES_A_LINE_MAX
        self._sources = SourcesRead(evidence.reader, evidence.findings, is_whole=start.is_first_row)

    def place(self, row: JournalRow) -> tuple[int | str, ...]:
        """The number of the line, over all sources, that a row or its copy came from."""
        return (row.logical_time // COPIES_A_LINE_MAX,)

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
        inputs = [(row, decode_command(row.line)) for row in chunk if row.origin not in _NOT_INPUTS]
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
                shard = shard_of(command, self._house.control.books.products)
                wanted.setdefault(shard, []).append(identity)
        for shard, ids in wanted.items():
            self._evidence.memory.begin(shard, ids)

    def _take(self, row: JournalRow, command: Command | Malformed) -> bool:
        """Decide an input in the shard it is recorded in; False when that cannot be its place."""
        self._line += 1
        expected = self._line * COPIES_A_LINE_MAX
        if row.logical_time != expected:
            said = f"decided: expected {expected}, the next line's place, found {row.logical_time}"
            self._evidence.doubt(row, found=said)
            return False
        belongs = shard_of(command, self._house.control.books.products)
        if belongs != row.shard:
            said = f"input: expected one of {row.shard}, found {belongs}'s"
            self._evidence.findings.note(row.shard, row.seq, found=said)
            return False
        self._sources.take(row)
        inbound = Inbound(row.origin, row.position, row.logical_time, row.line)
        stands = decide_line(self._house, inbound, command=command, memory=self._evidence.memory)
        if stands and isinstance(command, CloseSession):
            shards = self._house.in_order()
            self._evidence.check_snapshots(snapshot_rows(shards, command.business_date))
        return True

    def _agrees(self) -> bool:
        """Hold what was decided since last time against the record; False when a row differs."""
        agrees = True
        for shard in self._house.in_order():
            agrees &= self._evidence.agrees(shard.log)
        return agrees
