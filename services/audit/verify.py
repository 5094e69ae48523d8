"""`clearing verify`: the journal recomputed, from bytes in to cents out (ARCHITECTURE §3).

In: a database. Out: nothing when all is well; else one line per shard: its first wrong row, the
part or column, the expected and the found content.

Every recorded input is decided again, in the order in which it was and the readable way, by a
clearinghouse that knows nothing but these inputs: no read model, no recorded fact, no table of ids
unless proved equal first (`id_tables.py`). The rows it would write are compared with the recorded
ones: every column of every row and part, so the hash chain too, copies of control commands, links,
day hashes, snapshots, read models, ids, heads, and the positions in files or inboxes. Deciding
stops where a decision differs from the record, for the following rows were decided from different
books; the chains are still followed to their ends.

A journal that names a file it was read from was written by one process, any other journal by
workers. The two kinds order their inputs differently, so neither passes an audit as the other.

An audit from inside cannot see a history rewritten whole, inputs, chain, heads and all, nor one cut
off at its end. A list of days kept elsewhere (`days.py`) shows both, up to its last day; of
workers' journals Kafka is a second witness, as long as it keeps messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from events.chain import GENESIS
from services.audit.days import closed_days, first_day_that_differs
from services.audit.embedded_order import EmbeddedOrder
from services.audit.evidence import Evidence
from services.audit.findings import Findings
from services.audit.journal_rows import RecordedRows
from services.audit.start_point import from_first_row, from_last_snapshot
from services.audit.streamed_order import StreamedOrder
from services.audit.verdict import AuditVerdict, scopes
from services.hosting.interpreter import paced
from services.journal.guards import has_checksums, open_guards
from services.journal.reader import Reader
from services.journal.trouble import translated
from services.shards.rows import JournalRow

# Called with the number of rows checked so far, and of all rows to check.
RowReport = Callable[[int, int], None]


class Order(Protocol):
    """Decides recorded inputs again and compares the outcome with the record.

    There are two orders. One process that reads files decides line after line, and a control
    command with all its copies (`embedded_order.py`). Workers on Kafka decide each shard by itself;
    logical times tell which rows depend on which (`streamed_order.py`).
    """

    def group_key(self, row: JournalRow) -> tuple[int | str, ...]:
        """The key of the rows that are decided together; keys ascend in the order."""
        ...

    def decide(self, chunk: Sequence[JournalRow]) -> bool:
        """Decide the inputs of a chunk; False when there is no use in going on."""
        ...

    @property
    def is_whole(self) -> bool:
        """True if every row so far was decided and agrees."""
        ...

    def finish(self) -> None:
        """Every row was decided: compare the sources or inboxes of the inputs with the record."""
        ...


def verify(
    url: str, *, from_snapshot: bool = False, progress: RowReport | None = None
) -> list[str]:
    """The findings of an audit, one line per shard; empty when all is well.

    from_snapshot: begin with the books of the last close and check only the rows after it.
    """
    return list(audit(url, from_snapshot=from_snapshot, progress=progress).differences)


def audit(
    url: str,
    *,
    from_snapshot: bool = False,
    expected: Sequence[Mapping[str, str]] | None = None,
    progress: RowReport | None = None,
) -> AuditVerdict:
    """The findings of an audit, and what it looked at. expected: a list of days kept elsewhere."""
    findings = Findings()
    with Reader(url) as reader:
        reader.freeze()
        is_streamed, start = was_streamed(reader), from_first_row()
        if from_snapshot:
            start = from_last_snapshot(reader, findings, is_streamed=is_streamed)
        if not findings.lines() and reader.heads():
            evidence = Evidence(reader, findings, start=start)
            order = StreamedOrder(evidence) if is_streamed else EmbeddedOrder(evidence)
            with paced():
                _run(evidence, order, progress=progress)
        looked_at = scopes(reader, after=start.after)
        verdict = AuditVerdict(
            findings.lines(),
            looked_at,
            is_streamed=is_streamed,
            guards=open_guards(reader.connection),
            has_checksums=has_checksums(reader.connection),
        )
        return verdict if expected is None else _compared(reader, verdict, expected=expected)


def _compared(
    reader: Reader, verdict: AuditVerdict, *, expected: Sequence[Mapping[str, str]]
) -> AuditVerdict:
    """The verdict with the comparison of the days with a list of them."""
    days = closed_days(reader)
    difference = first_day_that_differs(expected, days)
    last = max(day["business_date"] for day in expected)
    return replace(
        verdict,
        differences=[*verdict.differences, *filter(None, [difference])],
        expected_days=len(expected),
        later_days=sum(day.business_date.isoformat() > last for day in days),
    )


def was_streamed(reader: Reader) -> bool:
    """True if workers wrote the journal: one read from a file names it in its first transaction."""
    with translated("reading the sources"):
        source = reader.connection.execute("SELECT FROM clearing.source LIMIT 1").fetchone()
    return source is None


def _run(evidence: Evidence, order: Order, *, progress: RowReport | None) -> None:
    """Decide the rows to the end or the first that differs; then check all that needs no books."""
    after = evidence.start.after
    rows = RecordedRows(evidence.reader, evidence.findings, after=after)
    total = sum(head.seq - after.get(shard, -1) for shard, head in rows.heads.items())
    done = 0
    for chunk in rows.chunks(order.group_key):
        goes_on = order.decide(chunk) and not rows.is_broken
        done += len(chunk)
        if progress is not None:
            progress(done, total)
        if not goes_on:
            break
    if order.is_whole and not rows.is_broken:
        order.finish()
        evidence.finish()
    else:
        _walk_chains(evidence, rows)
        evidence.settle_doubt()
    rows.check_heads()


def _walk_chains(evidence: Evidence, rows: RecordedRows) -> None:
    for shard in rows.heads:
        if shard not in evidence.findings:
            seq, chain = evidence.next.get(shard, (0, GENESIS))
            rows.walk_chain(shard, seq=seq, chain=chain)
