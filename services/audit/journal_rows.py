"""The recorded rows of the journal, in the order in which they are decided again.

In: a reader, and the last row of each shard that is not checked. Out: the later rows of all shards
in order, in chunks that split no group; and, where nothing can be decided any more, a check of the
hash chain by itself. Each shard is a stream of its own, so memory does not grow with the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from heapq import merge
from operator import attrgetter
from typing import Final

from events.chain import chain_row
from services.audit.findings import Findings, contrast
from services.journal.reader import Head, Reader
from services.shards.rows import JournalRow

CHUNK_ROWS: Final = 4_096
CHUNK_BYTES: Final = 8 << 20
# By logical time; at the same time by shard: neither of two such rows depends on the other.
_ORDER: Final = attrgetter("logical_time", "shard")

# The key of the group that a row is decided in (verify.Order).
GroupKey = Callable[[JournalRow], tuple[int | str, ...]]


class RecordedRows:
    """The rows of all shards. after: by shard the last row that is left out."""

    def __init__(self, reader: Reader, findings: Findings, *, after: Mapping[str, int]) -> None:
        self._reader = reader
        self._findings = findings
        self._after = after
        self._heads = reader.heads()
        self.is_broken = False

    @property
    def heads(self) -> dict[str, Head]:
        """The recorded heads, by shard."""
        return self._heads

    def chunks(self, group_key: GroupKey) -> Iterator[list[JournalRow]]:
        """Rows in the order of their logical times; a chunk ends between two groups.

        A missing or surplus row is a finding, sets `is_broken` and ends the last chunk.
        """
        chunk: list[JournalRow] = []
        size = 0
        streams = [self._dense(shard) for shard in self._heads]
        for row in merge(*streams, key=_ORDER):
            is_full = len(chunk) >= CHUNK_ROWS or size > CHUNK_BYTES
            if is_full and group_key(row) != group_key(chunk[-1]):
                yield chunk
                chunk, size = [], 0
            chunk.append(row)
            size += len(row.line) + len(row.facts)
            if self.is_broken:
                break
        if self.is_broken and chunk:
            # The last group may lack rows that were not read, and its rows may depend on them.
            chunk = [row for row in chunk if group_key(row) < group_key(chunk[-1])]
        yield chunk

    def _dense(self, shard: str) -> Iterator[JournalRow]:
        """A shard's rows up to its head, as long as no seq is left out or comes twice."""
        expected = self._after.get(shard, -1) + 1
        last = self._heads[shard].seq
        for block in self._reader.rows(shard, after=expected - 1):
            for row in block:
                if row.seq != expected or row.seq > last:
                    text = f"row {expected}" if expected <= last else "no row beyond the head"
                    finding = f"seq: expected {text}, found {row.seq}"
                    self._break(shard, min(row.seq, expected), finding=finding)
                    return
                yield row
                expected += 1
        if expected <= last:
            finding = f"seq: expected this row, the head is {last}, found none"
            self._break(shard, expected, finding=finding)

    def _break(self, shard: str, seq: int, *, finding: str) -> None:
        self.is_broken = True
        self._findings.note(shard, seq, finding=finding)

    def walk_chain(self, shard: str, *, seq: int, chain: bytes) -> None:
        """Check the later rows of a shard: seqs dense, each hash over its row and the chain before.

        seq: of the first row to check; chain: up to that row.
        """
        last = self._heads[shard].seq
        for block in self._reader.rows(shard, after=seq - 1):
            for row in block:
                if row.seq != seq or seq > last:
                    finding = f"seq: expected row {seq} of {last + 1}, found row {row.seq}"
                    self._findings.note(shard, seq, finding=finding)
                    return
                chain = self._chain(chain, row)
                if chain != row.chain:
                    self._findings.note(shard, seq, finding=f"chain: {contrast(chain, row.chain)}")
                    return
                seq += 1
        if seq <= last:
            self._findings.note(shard, seq, finding=f"seq: expected a row, the head is {last}")

    def _chain(self, before: bytes, row: JournalRow) -> bytes:
        further = self._reader.parts(row.shard, row.seq) if row.parts > 1 else ()
        return chain_row(before, row.key, line=row.line, parts=[row.facts, *further])

    def check_heads(self) -> None:
        """Check that each head is its shard's last row, and that each row's shard has a head."""
        for shard, head in self._heads.items():
            last_row = self._reader.rows_at(shard, [head.seq])
            if last_row and last_row[0].chain != head.chain:
                finding = f"chain of the head: {contrast(last_row[0].chain, head.chain)}"
                self._findings.note(shard, head.seq, finding=finding)
        counted = self._reader.connection.execute(
            "SELECT shard, min(seq), count(*) FROM clearing.journal GROUP BY shard"
        )
        for shard, first, rows in counted.fetchall():
            if shard not in self._heads:
                finding = f"shard: expected no such shard, found {rows} rows of it"
                self._findings.note(shard, first, finding=finding)
