"""Remembered ids, decided again and compared with the identity tables (RULEBOOK §3).

In: the ids that lines carry or name. Out: the first command under each of them, as decided in this
audit; findings where the tables have a different id, one too few or one too many. No table is used
unchecked: a span's pages and filter serve look-ups only after they have proved equal to the
decisions, and the open span is kept in memory. Memory: 28 bytes an id of the open span, 2 bytes for
each row of a sealed one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from events.int64 import IntArray
from events.texts import Texts
from services.audit.findings import Findings
from services.hosting.id_memory import key_of, seen_in_row
from services.journal.batch import Int64s, Seal
from services.journal.id_index import SPAN_BITS, IdIndex
from services.journal.reader import Reader
from services.journal.tables import IDENTITY, IDENTITY_FILTER, IDENTITY_PAGE
from services.journal.trouble import translated
from services.shards.ids import Identity, Seen

_RUNS: Final = """
SELECT keys, seqs FROM clearing.identity WHERE shard = %s AND span = %s ORDER BY seq_first
"""
_PAGES: Final = """
SELECT shard, span, page, keys, seqs FROM clearing.identity_page
WHERE shard = %s AND span = %s ORDER BY page
"""
_FILTER: Final = "SELECT words FROM clearing.identity_filter WHERE shard = %s AND span = %s"
_SPANS: Final = {
    IDENTITY.name: b"SELECT DISTINCT shard, span FROM clearing.identity ORDER BY 1, 2",
    IDENTITY_PAGE.name: b"SELECT DISTINCT shard, span FROM clearing.identity_page ORDER BY 1, 2",
    IDENTITY_FILTER.name: b"SELECT shard, span FROM clearing.identity_filter ORDER BY 1, 2",
}


@dataclass(slots=True)
class _ShardIds:
    """One shard's ids.

    recorded: found for this chunk in rows of the journal that agree; fresh: decided in this chunk;
    keys, seqs: of the open span, decided in this audit.
    """

    index: IdIndex
    recorded: dict[Identity, Seen] = field(default_factory=dict)
    fresh: dict[Identity, Seen] = field(default_factory=dict)
    keys: list[Int64s] = field(default_factory=list)
    seqs: list[Int64s] = field(default_factory=list)


class IdTables:
    """The memory of ids of an audit.

    after: by shard the row up to which the tables are not checked.
    """

    def __init__(self, reader: Reader, findings: Findings, *, after: Mapping[str, int]) -> None:
        self._reader = reader
        self._findings = findings
        self._after = after
        self._shards: dict[str, _ShardIds] = {}
        self._spans: dict[str, set[tuple[str, int]]] = {name: set() for name in _SPANS}

    def begin(self, shard: str, ids: Sequence[Identity]) -> None:
        """Look up the first commands under the ids of a chunk, before it is decided."""
        shard_ids = self._of(shard)
        shard_ids.recorded = {}
        hits = shard_ids.index.lookup(np.array([key_of(identity) for identity in ids], np.int64))
        if not hits:
            return
        named = set(ids)
        seqs = sorted({seq for seqs_of_key in hits.values() for seq in seqs_of_key})
        for row in self._reader.rows_at(shard, seqs):
            for identity, seen in seen_in_row(row).items():
                if identity in named:
                    shard_ids.recorded.setdefault(identity, seen)

    def find(self, shard: str, identity: Identity) -> Seen | None:
        """The first command under an id in a shard; None when the id is new."""
        shard_ids = self._of(shard)
        return shard_ids.fresh.get(identity) or shard_ids.recorded.get(identity)

    def keep(self, shard: str, identity: Identity, *, seen: Seen) -> None:
        """Remember the first command under an id."""
        self._of(shard).fresh[identity] = seen

    def keep_cleared(
        self,
        shard: str,
        names: Texts,
        *,
        keys: IntArray,
        lines: Texts,
        seqs: IntArray,
    ) -> None:
        """Never called: an audit decides every trade the readable way."""
        raise NotImplementedError((shard, len(names), len(keys), len(lines), len(seqs)))

    def drop(self, shard: str) -> None:
        """Forget the ids of a shard whose decisions differ from its record."""
        self._shards.pop(shard, None)

    def end(self) -> None:
        """At the end of a chunk: add its ids to the index and check spans that are complete."""
        for shard, shard_ids in sorted(self._shards.items()):
            if not shard_ids.fresh:
                continue
            keys = np.array([key_of(identity) for identity in shard_ids.fresh], np.int64)
            seqs = np.array([seen.seq for seen in shard_ids.fresh.values()], np.int64)
            shard_ids.fresh = {}
            seals = shard_ids.index.add(keys, seqs)
            shard_ids.keys.append(keys)
            shard_ids.seqs.append(seqs)
            for seal in seals:
                self._check_seal(seal)
            if seals:
                self._check_runs(shard, shard_ids, below=int(seqs[-1]) >> SPAN_BITS)

    def finish(self) -> None:
        """Compare the open spans with the tables; check that no further span has ids."""
        for shard, shard_ids in sorted(self._shards.items()):
            self._check_runs(shard, shard_ids, below=None)
        for name, query in _SPANS.items():
            with translated(f"reading {name}"):
                spans = self._reader.connection.execute(query).fetchall()
            for shard, span in spans:
                if (shard, span) not in self._spans[name]:
                    self._check_stray(name, shard, span=span)

    def _check_stray(self, name: str, shard: str, *, span: int) -> None:
        """Check that a span in which no id was decided has none, except of unchecked rows."""
        first, after = span << SPAN_BITS, self._after.get(shard, -1)
        if name == IDENTITY.name and first <= after:
            self._check_span(shard, span, ids=(np.zeros(0, np.int64), np.zeros(0, np.int64)))
        elif (span + 1) << SPAN_BITS > after + 1:
            finding = f"{name} span {span}: expected no ids of this span, found some"
            self._findings.note(shard, first, finding=finding)

    def _of(self, shard: str) -> _ShardIds:
        shard_ids = self._shards.get(shard)
        if shard_ids is None:
            until = self._after.get(shard, -1)
            shard_ids = _ShardIds(IdIndex(shard, self._reader.connection, until=until))
            self._shards[shard] = shard_ids
        return shard_ids

    def _check_seal(self, seal: Seal) -> None:
        key = (seal.shard, seal.span)
        pages = self._all(_PAGES, key, name=IDENTITY_PAGE.name)
        words = self._all(_FILTER, key, name=IDENTITY_FILTER.name)
        for name, expected, recorded in (
            (IDENTITY_PAGE.name, seal.pages, pages),
            (IDENTITY_FILTER.name, [(seal.words,)], words),
        ):
            self._spans[name].add(key)
            if [tuple(row) for row in expected] != recorded:
                difference = "expected what the decisions remember, found other bytes"
                finding = f"{name} span {seal.span}: {difference}"
                self._findings.note(seal.shard, seal.span << SPAN_BITS, finding=finding)

    def _check_runs(self, shard: str, shard_ids: _ShardIds, *, below: int | None) -> None:
        """Compare the spans below a span (None: all) with the table of runs, id by id."""
        if not shard_ids.seqs:
            return
        keys, seqs = np.concatenate(shard_ids.keys), np.concatenate(shard_ids.seqs)
        ends = len(seqs) if below is None else int(np.searchsorted(seqs, below << SPAN_BITS))
        for span in np.unique(seqs[:ends] >> SPAN_BITS).tolist():
            chosen = (seqs >> SPAN_BITS) == span
            self._check_span(shard, span, ids=(seqs[chosen], keys[chosen]))
        shard_ids.keys, shard_ids.seqs = [keys[ends:]], [seqs[ends:]]
        if ends == len(seqs):
            shard_ids.keys, shard_ids.seqs = [], []

    def _check_span(self, shard: str, span: int, *, ids: tuple[Int64s, Int64s]) -> None:
        self._spans[IDENTITY.name].add((shard, span))
        after, first = self._after.get(shard, -1), span << SPAN_BITS
        recorded_seqs, recorded_keys = [], []
        for keys, offsets in self._all(_RUNS, (shard, span), name=IDENTITY.name):
            recorded_keys.append(np.frombuffer(keys, "<i8"))
            recorded_seqs.append(np.frombuffer(offsets, "<i4").astype(np.int64) + first)
        recorded = _pairs(recorded_seqs, recorded_keys)
        expected = _pairs([ids[0]], [ids[1]])
        recorded = recorded[recorded[:, 0] > after]
        size = min(len(recorded), len(expected))
        differ = np.flatnonzero((recorded[:size] != expected[:size]).any(axis=1))
        if not len(differ) and len(recorded) == len(expected):
            return
        index = int(differ[0]) if len(differ) else size
        rows = [
            pairs[index].tolist() if index < len(pairs) else None for pairs in (expected, recorded)
        ]
        seq = min(row[0] for row in rows if row is not None)
        finding = f"identity (row, key): expected {rows[0]}, found {rows[1]}"
        self._findings.note(shard, seq, finding=finding)

    def _all(self, query: str, key: tuple[str, int], *, name: str) -> list[Any]:
        with translated(f"reading {name}"):
            return self._reader.connection.execute(query.encode(), key, binary=True).fetchall()


def _pairs(seqs: Sequence[Int64s], keys: Sequence[Int64s]) -> Int64s:
    """Rows and keys of ids, side by side, in order. Shape (ids, 2)."""
    if not seqs:
        return np.zeros((0, 2), np.int64)
    rows, hashes = np.concatenate(seqs), np.concatenate(keys).astype(np.int64)
    order = np.lexsort((hashes, rows))
    return np.stack((rows[order], hashes[order]), axis=1)
