"""The journal's rows as they are recorded, for holding against what is decided again.

In: a reader, and where each shard is to begin. Out: the rows of all shards in the one order in
which they are decided again, in chunks that part nothing that belongs together; and, where nothing
can be decided any more, the hash chain by itself. Each shard is a stream of its own, so memory does
not grow with the journal.
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
# By the time they were decided; at the same time by shard: neither of two such can know the other.
_ORDER: Final = attrgetter("logical_time", "shard")

# Where a row stands in the order; what has one place belongs together.
Place = Callable[[JournalRow], tuple[int | str, ...]]


class RecordedRows:
    """The rows of all shards after those named.

    after: shard to the last row that is not asked for.
    """

    def __init__(self, reader: Reader, findings: Findings, *, after: Mapping[str, int]) -> None:
        self._reader = reader
        self._findings = findings
        self._after = after
        self._heads = reader.heads()
        self.is_broken = False

    @property
    def heads(self) -> dict[str, Head]:
        """Where the shards say they stand."""
        return self._heads

    def chunks(self, place: Place) -> Iterator[list[JournalRow]]:
        """Rows in the order of `decided`; a chunk ends between two places.

        A row missing or too many is noted, `is_broken`, and the chunk the last.
        """
        chunk: list[JournalRow] = []
        size = 0
        streams = [self._dense(shard) for shard in self._heads]
        for row in merge(*streams, key=_ORDER):
            is_full = len(chunk) >= CHUNK_ROWS or size > CHUNK_BYTES
            if is_full and place(row) != place(chunk[-1]):
                yield chunk
                chunk, size = [], 0
            chunk.append(row)
            size += len(row.line) + len(row.facts)
            if self.is_broken:
                break
        if self.is_broken and chunk:
            # Of the last place some shard's rows may not have been read, and it may need them.
            chunk = [row for row in chunk if place(row) < place(chunk[-1])]
        yield chunk

    def _dense(self, shard: str) -> Iterator[JournalRow]:
        """A shard's rows as long as no number is left out or comes twice, up to its head."""
        expected = self._after.get(shard, -1) + 1
        last = self._heads[shard].seq
        for block in self._reader.rows(shard, after=expected - 1):
            for row in block:
                if row.seq != expected or row.seq > last:
                    said = f"row {expected}" if expected <= last else "no row beyond the head"
                    said = f"seq: expected {said}, found {row.seq}"
                    self._break(shard, min(row.seq, expected), said=said)
                    return
                yield row
                expected += 1
        if expected <= last:
            said = f"seq: expected this row, the head is {last}, found none"
            self._break(shard, expected, said=said)

    def _break(self, shard: str, seq: int, *, said: str) -> None:
        self.is_broken = True
        self._findings.note(shard, seq, found=said)

    def walk_chain(self, shard: str, *, seq: int, chain: bytes) -> None:
        """Check the rest of a shard by itself: dense, each hash over its row and the one before.

        seq, chain: of the first row to look at, and up to it.
        """
        last = self._heads[shard].seq
        for block in self._reader.rows(shard, after=seq - 1):
            for row in block:
                if row.seq != seq or seq > last:
                    said = f"expected row {seq} of {last + 1}, found row {row.seq}"
                    self._findings.note(shard, seq, found=f"seq: {said}")
                    return
                chain = self._chain(chain, row)
                if chain != row.chain:
                    self._findings.note(shard, seq, found=f"chain: {contrast(chain, row.chain)}")
                    return
                seq += 1
        if seq <= last:
            self._findings.note(shard, seq, found=f"seq: expected a row, the head is {last}")

    def _chain(self, before: bytes, row: JournalRow) -> bytes:
        further = self._reader.parts(row.shard, row.seq) if row.parts > 1 else ()
        return chain_row(before, row.key, line=row.line, parts=[row.facts, *further])

    def check_heads(self) -> None:
        """Each head is its shard's last row, and no row belongs to a shard without one."""
        for shard, head in self._heads.items():
            found = self._reader.rows_at(shard, [head.seq])
            if found and found[0].chain != head.chain:
                said = f"chain of the head: {contrast(found[0].chain, head.chain)}"
                self._findings.note(shard, head.seq, found=said)
        counted = self._reader.connection.execute(
            "SELECT shard, min(seq), count(*) FROM clearing.journal GROUP BY shard"
        )
        for shard, first, rows in counted.fetchall():
            if shard not in self._heads:
                said = f"shard: expected no such shard, found {rows} rows of it"
                self._findings.note(shard, first, found=said)
