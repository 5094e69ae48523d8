"""`clearing verify`: the journal recomputed, from bytes in to cents out (ARCHITECTURE §3).

In: a database. Out: nothing when all is well; else one line per shard: its first row that is not
what it should be, the part or column, what was expected and found.

Every recorded input is decided again, in the order in which it was and the readable way, by a house
that knows nothing but these inputs: no read model, no recorded fact, no table of ids unless found
equal first (`id_tables.py`). What it would write is held against what is written: every column of
every row and part, so the hash chain too, copies of control commands, links, day hashes,
snapshots, read models, ids, heads, and how far files or inboxes were read. Where decisions part
from the record they stop, for what follows was decided from other books; the chains are still
followed to their ends.

A journal that names a file it was read from was written by one process, every other by workers: an
order that fits the one fits the other nowhere, so a journal can't be passed off as the other kind.

What no audit from inside can see: a history rewritten whole, inputs, chain, heads and all. Keep
day hashes elsewhere; of workers' journals Kafka is a second witness, as long as it keeps messages.
"""

from __future__ import annotations

from collections.abc import Callable

from events.chain import GENESIS
from services.audit.embedded_order import EmbeddedOrder
from services.audit.evidence import Evidence
from services.audit.findings import Findings
from services.audit.journal_rows import RecordedRows
from services.audit.order import Order
from services.audit.start_point import from_first_row, from_last_snapshot
from services.audit.streamed_order import StreamedOrder
from services.hosting.interpreter import paced
from services.journal.reader import Reader
from services.journal.trouble import translated

# Rows looked at, and how many there are.
Progress = Callable[[int, int], None]


def verify(url: str, *, from_snapshot: bool = False, progress: Progress | None = None) -> list[str]:
    """What is not as it should be, one line per shard; empty when all is well.

    from_snapshot: begin with the books of the last close and look only at what follows.
    """
    findings = Findings()
    with Reader(url) as reader:
        reader.freeze()
        is_streamed = _is_streamed(reader)
        if from_snapshot:
            start = from_last_snapshot(reader, findings, is_streamed=is_streamed)
        else:
            start = from_first_row()
        if not findings.lines() and reader.heads():
            evidence = Evidence(reader, findings, start=start)
            order = StreamedOrder(evidence) if is_streamed else EmbeddedOrder(evidence)
            with paced():
                _run(evidence, order, progress=progress)
    return findings.lines()


def _is_streamed(reader: Reader) -> bool:
    """Whether workers wrote the journal: whoever reads a file names it in the same transaction."""
    with translated("reading the sources"):
        found = reader.connection.execute("SELECT FROM clearing.source LIMIT 1").fetchone()
    return found is None


def _run(evidence: Evidence, order: Order, *, progress: Progress | None) -> None:
    """Decide until the end or where it is no use; then whatever needs no decisions."""
    after = evidence.start.after
    rows = RecordedRows(evidence.reader, evidence.findings, after=after)
    total = sum(head.seq - after.get(shard, -1) for shard, head in rows.heads.items())
    done = 0
    for chunk in rows.chunks(order.place):
        goes_on = order.decide(chunk) and not rows.is_broken
        done += len(chunk)
        if progress is not None:
            progress(done, total)
        if not goes_on:
            break
    if order.is_whole and not rows.is_broken:
        evidence.finish()
        order.finish()
    else:
        _walk_chains(evidence, rows)
        evidence.settle_doubt()
    rows.check_heads()


def _walk_chains(evidence: Evidence, rows: RecordedRows) -> None:
    for shard in rows.heads:
        if shard not in evidence.findings:
            seq, chain = evidence.next.get(shard, (0, GENESIS))
            rows.walk_chain(shard, seq=seq, chain=chain)
