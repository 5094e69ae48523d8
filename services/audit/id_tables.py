"""Remembered ids, decided again and held against the identity tables (RULEBOOK §3).

In: the ids that lines carry or name. Out: what came first under them, as decided in this audit;
findings where the tables remember another id, one too few or one too many. The tables are never
believed first: a span's pages and filter are used for looking up only after they have been found
equal to what the decisions say, and the open span is held here. Memory: 28 bytes an id of the open
span, 2 bytes for each row of a sealed one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

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

    fresh: of this chunk; keys, seqs: of the open span, decided in this audit.
    """

    index: IdIndex
    known: dict[Identity, Seen] = field(default_factory=dict)
    fresh: dict[Identity, Seen] = field(default_factory=dict)
    keys: list[Int64s] = field(default_factory=list)
    seqs: list[Int64s] = field(default_factory=list)


class IdTables:
    """The memory of ids of an audit.

    after: the rows up to which the tables are taken as they are.
    """

    def __init__(self, reader: Reader, findings: Findings, *, after: Mapping[str, int]) -> None:
        self._reader = reader
        self._findings = findings
        self._after = after
        self._shards: dict[str, _ShardIds] = {}
        self._spans: dict[str, set[tuple[str, int]]] = {name: set() for name in _SPANS}

    def begin(self, shard: str, ids: Sequence[Identity]) -> None:
        """Look up what came first under the ids of a chunk, before it is decided."""
        held = self._of(shard)
        held.known = {}
        hits = held.index.lookup(np.array([key_of(one) for one in ids], np.int64))
        if not hits:
            return
        wanted = set(ids)
        seqs = sorted({seq for found in hits.values() for seq in found})
        for row in self._reader.rows_at(shard, seqs):
            identity, seen = seen_in_row(row.seq, row.line, facts=row.facts)
            if identity in wanted:
                held.known.setdefault(identity, seen)

    def find(self, shard: str, identity: Identity) -> Seen | None:
        """What came first under an id in a shard."""
        held = self._of(shard)
        return held.fresh.get(identity) or held.known.get(identity)

    def keep(self, shard: str, identity: Identity, *, seen: Seen) -> None:
        """Remember what came first."""
        self._of(shard).fresh[identity] = seen

    def keep_cleared(
        self,
        shard: str,
        names: Sequence[bytes],
        *,
        keys: Sequence[int],
        lines: Sequence[bytes],
        last_seq: int,
    ) -> None:
        """Never asked: an audit decides every trade the readable way."""
        raise NotImplementedError((shard, len(names), len(keys), len(lines), last_seq))

    def drop(self, shard: str) -> None:
        """A shard is not looked at any more: what it decided last is not what it recorded."""
        self._shards.pop(shard, None)

    def end(self) -> None:
        """A chunk is decided: its ids join the index; a span that ends is checked."""
        for shard, held in sorted(self._shards.items()):
            if not held.fresh:
                continue
            keys = np.array([key_of(identity) for identity in held.fresh], np.int64)
            seqs = np.array([seen.seq for seen in held.fresh.values()], np.int64)
            held.fresh = {}
            seals = held.index.add(keys, seqs)
            held.keys.append(keys)
            held.seqs.append(seqs)
            for seal in seals:
                self._check_seal(seal)
            if seals:
                self._check_runs(shard, held, below=int(seqs[-1]) >> SPAN_BITS)

    def finish(self) -> None:
        """Hold the open spans against the tables; no other span has ids."""
        for shard, held in sorted(self._shards.items()):
            self._check_runs(shard, held, below=None)
        for name, query in _SPANS.items():
            with translated(f"reading {name}"):
                found = self._reader.connection.execute(query).fetchall()
            for shard, span in found:
                if (shard, span) not in self._spans[name]:
                    self._check_stray(name, shard, span=span)

    def _check_stray(self, name: str, shard: str, *, span: int) -> None:
        """A span of which nothing was decided has no ids, but of rows that were not looked at."""
        first, after = span << SPAN_BITS, self._after.get(shard, -1)
        if name == IDENTITY.name and first <= after:
            self._check_span(shard, span, ids=(np.zeros(0, np.int64), np.zeros(0, np.int64)))
        elif (span + 1) << SPAN_BITS > after + 1:
            said = f"{name} span {span}: expected no ids of this span, found some"
            self._findings.note(shard, first, found=said)

    def _of(self, shard: str) -> _ShardIds:
        held = self._shards.get(shard)
        if held is None:
            until = self._after.get(shard, -1)
            held = _ShardIds(IdIndex(shard, self._reader.connection, until=until))
            self._shards[shard] = held
        return held

    def _check_seal(self, seal: Seal) -> None:
        place = (seal.shard, seal.span)
        pages = self._all(_PAGES, place, name=IDENTITY_PAGE.name)
        words = self._all(_FILTER, place, name=IDENTITY_FILTER.name)
        for name, wanted, found in (
            (IDENTITY_PAGE.name, seal.pages, pages),
            (IDENTITY_FILTER.name, [(seal.words,)], words),
        ):
            self._spans[name].add(place)
            if [tuple(row) for row in wanted] != found:
                said = f"{name} span {seal.span}: expected what the decisions remember"
                seq = seal.span << SPAN_BITS
                self._findings.note(seal.shard, seq, found=f"{said}, found other bytes")

    def _check_runs(self, shard: str, held: _ShardIds, *, below: int | None) -> None:
        """Hold the spans below one (None: all) against the table of runs, id by id."""
        if not held.seqs:
            return
        keys, seqs = np.concatenate(held.keys), np.concatenate(held.seqs)
        ends = len(seqs) if below is None else int(np.searchsorted(seqs, below << SPAN_BITS))
        for span in np.unique(seqs[:ends] >> SPAN_BITS).tolist():
            chosen = (seqs >> SPAN_BITS) == span
            self._check_span(shard, span, ids=(seqs[chosen], keys[chosen]))
        held.keys, held.seqs = [keys[ends:]], [seqs[ends:]]
        if ends == len(seqs):
            held.keys, held.seqs = [], []

    def _check_span(self, shard: str, span: int, *, ids: tuple[Int64s, Int64s]) -> None:
        self._spans[IDENTITY.name].add((shard, span))
        after, first = self._after.get(shard, -1), span << SPAN_BITS
        found_seqs, found_keys = [], []
        for keys, offsets in self._all(_RUNS, (shard, span), name=IDENTITY.name):
            found_keys.append(np.frombuffer(keys, "<i8"))
            found_seqs.append(np.frombuffer(offsets, "<i4").astype(np.int64) + first)
        found = _pairs(found_seqs, found_keys)
        expected = _pairs([ids[0]], [ids[1]])
        found = found[found[:, 0] > after]
        size = min(len(found), len(expected))
        differ = np.flatnonzero((found[:size] != expected[:size]).any(axis=1))
        if not len(differ) and len(found) == len(expected):
            return
        place = int(differ[0]) if len(differ) else size
        rows = [
            pairs[place].tolist() if place < len(pairs) else None for pairs in (expected, found)
        ]
        seq = min(row[0] for row in rows if row is not None)
        said = f"identity (row, key): expected {rows[0]}, found {rows[1]}"
        self._findings.note(shard, seq, found=said)

    def _all(self, query: str, place: tuple[str, int], *, name: str) -> list[Any]:
        with translated(f"reading {name}"):
            return self._reader.connection.execute(query.encode(), place, binary=True).fetchall()


def _pairs(seqs: Sequence[Int64s], keys: Sequence[Int64s]) -> Int64s:
    """Rows and keys of ids, side by side, in order. Shape (ids, 2)."""
    if not seqs:
        return np.zeros((0, 2), np.int64)
    rows, hashes = np.concatenate(seqs), np.concatenate(keys).astype(np.int64)
    order = np.lexsort((hashes, rows))
    return np.stack((rows[order], hashes[order]), axis=1)
