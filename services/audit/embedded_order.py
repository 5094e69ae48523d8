"""Deciding again the lines that one process read from files (ARCHITECTURE §5).

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
from services.shards.ids import Identity, ids_named
from services.shards.log import Inbound
from services.shards.routing import CONTROL_SHARD, shard_of
from services.shards.rows import JournalRow
from services.shards.shard import GENESIS_ORIGIN
from services.shards.spread_votes import spread_markets

_NOT_INPUTS: Final = (GENESIS_ORIGIN, CONTROL_SHARD)


class EmbeddedOrder:
    """Decides line after line, over all sources."""

    def __init__(self, evidence: Evidence) -> None:
        start = evidence.start
        self.is_whole = True
        self._evidence = evidence
        if start.is_first_row:
            start.shards.update(open_clearinghouse().shards)
        self._house = Clearinghouse(start.shards)
        self._line = start.times.get(CONTROL_SHARD, 0) // COPIES_A_LINE_MAX
        self._sources = SourcesRead(evidence.reader, evidence.findings, is_whole=start.is_first_row)

    def group_key(self, row: JournalRow) -> tuple[int | str, ...]:
        """The number of the line, over all sources, that a row or its copy came from."""
        return (row.logical_time // COPIES_A_LINE_MAX,)

    def decide(self, chunk: Sequence[JournalRow]) -> bool:
        """Decide the inputs of a chunk; False when a row differs."""
        self.is_whole = self._decide(chunk)
        return self.is_whole

    def finish(self) -> None:
        """Compare the table of sources with the inputs; no inbox may be recorded."""
        self._sources.finish()
        for inbox in self._evidence.reader.inboxes():
            finding = f"expected none in a journal read from files, found {inbox.topic}"
            self._evidence.findings.note_apart(f"inbox of {inbox.shard}", finding=finding)

    def _decide(self, chunk: Sequence[JournalRow]) -> bool:
        self._evidence.expect(chunk)
        inputs = [(row, decode_command(row.line)) for row in chunk if row.origin not in _NOT_INPUTS]
        self._prepare(inputs)
        if not self._agrees():
            return False
        for row, command in inputs:
            if not self._decide_input(row, command) or not self._agrees():
                return False
        self._evidence.memory.end()
        return self._evidence.is_all_decided()

    def _prepare(self, inputs: Sequence[tuple[JournalRow, Command | Malformed]]) -> None:
        """Look up the ids that the inputs carry or name."""
        ids_by_shard: dict[str, list[Identity]] = {}
        for _, command in inputs:
            if isinstance(command, Malformed):
                continue
            shard = shard_of(command, self._house.control.books.products)
            for name in (shard, *spread_markets(command)):
                ids_by_shard.setdefault(name, []).extend(ids_named(command, name))
        for shard, ids in ids_by_shard.items():
            self._evidence.memory.begin(shard, ids)

    def _decide_input(self, row: JournalRow, command: Command | Malformed) -> bool:
        """Decide an input in the shard it is recorded in; False when its time or shard is wrong."""
        self._line += 1
        expected, recorded = self._line * COPIES_A_LINE_MAX, row.logical_time
        if recorded != expected:
            finding = f"decided: expected {expected}, the next line's place, found {recorded}"
            self._evidence.doubt(row, finding=finding)
            return False
        belongs = shard_of(command, self._house.control.books.products)
        if belongs != row.shard:
            finding = f"input: expected one of {row.shard}, found {belongs}'s"
            self._evidence.findings.note(row.shard, row.seq, finding=finding)
            return False
        self._sources.add(row)
        inbound = Inbound(row.origin, row.position, row.logical_time, row.line)
        stands = decide_line(self._house, inbound, command=command, memory=self._evidence.memory)
        if stands and isinstance(command, CloseSession):
            shards = self._house.in_order()
            self._evidence.check_snapshots(snapshot_rows(shards, command.business_date))
        return True

    def _agrees(self) -> bool:
        """Compare the rows decided since the last call with the record; False if one differs."""
        agrees = True
        for shard in self._house.in_order():
            if shard.log.pending.rows:
                agrees &= self._evidence.agrees(shard.log)
        return agrees
