"""The start of an audit: the first row, or the newest snapshots that belong together.

In: a reader. Out: shards, the last row of each that is not checked, and its time. A snapshot is
accepted when it can be read, its chain is that of its row, and its books have the hash that the
shard stated at that close; an audit that is to prove those rows too begins at the first. Shards of
workers may have closed different sessions last: they begin at the newest close that all of them
have decided, which is one control command for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from events.history import InputHistory
from services.audit.evidence import Start
from services.audit.findings import Findings, contrast
from services.journal.reader import Reader
from services.journal.trouble import translated
from services.shards.control.state import load_control
from services.shards.log import ShardLog
from services.shards.routing import CONTROL_SHARD
from services.shards.shard import Shard
from services.shards.table import load_shard
from settlement.control_books import ControlBooks

_TROUBLE: Final = (ValueError, KeyError, IndexError, TypeError, AttributeError)


def from_first_row() -> Start:
    """The start with every row to be checked and no shard open."""
    return Start({})


class _Closed(NamedTuple):
    """A shard's close of a session: its row, and the hashes it stated."""

    seq: int
    stated: bytes
    history: bytes


@dataclass(frozen=True, slots=True)
class _Saved:
    """A snapshot of a shard's books; stated: their hash at the close; history: as saved with it."""

    shard: str
    seq: int
    chain: bytes
    history: bytes
    state: bytes
    stated: str


def from_last_snapshot(reader: Reader, findings: Findings, *, is_streamed: bool) -> Start:
    """The books after the last close; the first row when no session has been closed.

    A wrong snapshot is a finding; then nothing can be decided from it.
    """
    closed = _last_closed_by_all(reader) if is_streamed else _last_closed(reader)
    if closed and not is_streamed:
        _expect_all(reader, findings, closed=closed)
    saved = _saved(reader, findings, closed=closed)
    if not saved or findings.lines():
        return from_first_row()
    control = next(snapshot for snapshot in saved if snapshot.shard == CONTROL_SHARD)
    shards, times = list[Shard](), dict[str, int]()
    for snapshot in saved:
        times[snapshot.shard] = _check_row(reader, findings, snapshot=snapshot)
        try:
            shards.append(_load(snapshot, control=control.state))
        except _TROUBLE as trouble:
            finding = f"snapshot state: expected books, found what cannot be read ({trouble})"
            findings.note(snapshot.shard, snapshot.seq, finding=finding)
    if not findings.lines():
        _check_hashes(shards, findings, saved=saved)
    by_name = {shard.log.shard: shard for shard in shards}
    return Start(by_name, {snapshot.shard: snapshot.seq for snapshot in saved}, times)


def _last_closed(reader: Reader) -> dict[str, _Closed]:
    """The last close, by shard; empty when there was none."""
    with translated("reading the days"):
        rows = reader.connection.execute(
            "SELECT shard, seq, state_hash, history_hash FROM clearing.day "
            "WHERE business_date = (SELECT max(business_date) FROM clearing.day) ORDER BY shard"
        ).fetchall()
    return {row[0]: _Closed(*row[1:]) for row in rows}


def _last_closed_by_all(reader: Reader) -> dict[str, _Closed]:
    """The last close of a session that was decided by every shard open by then."""
    heads = reader.heads()
    opened = {row.shard: row.logical_time for shard in heads for row in reader.rows_at(shard, [0])}
    with translated("reading the days"):
        rows = reader.connection.execute(
            "SELECT business_date, shard, seq, state_hash, history_hash FROM clearing.day "
            "ORDER BY business_date DESC, shard"
        ).fetchall()
    for _, day_rows in groupby(rows, key=itemgetter(0)):
        closed = {row[1]: _Closed(*row[2:]) for row in day_rows if row[1] in heads}
        if CONTROL_SHARD not in closed:
            continue
        control_rows = reader.rows_at(CONTROL_SHARD, [closed[CONTROL_SHARD].seq])
        last = max((row.logical_time for row in control_rows), default=-1)
        if all(shard in closed or time > last for shard, time in opened.items()):
            return closed
    return {}


def _saved(reader: Reader, findings: Findings, *, closed: Mapping[str, _Closed]) -> list[_Saved]:
    """The snapshots made at a close."""
    saved = []
    for shard, (seq, stated, history) in closed.items():
        content = _snapshot(reader, shard, seq=seq)
        if content is None:
            finding = "snapshot: expected the books of this close, found not all parts of them"
            findings.note(shard, seq, finding=finding)
        else:
            saved.append(_Saved(shard, seq, *content, stated.hex()))
            if saved[-1].history != history:
                finding = f"history of the snapshot: {contrast(history, saved[-1].history)}"
                findings.note(shard, seq, finding=finding)
    if closed and CONTROL_SHARD not in {snapshot.shard for snapshot in saved}:
        findings.note_apart(
            "snapshot of control/0", finding="at the last close: expected, found none"
        )
    return saved


def _expect_all(reader: Reader, findings: Findings, *, closed: Mapping[str, _Closed]) -> None:
    """Check that every shard open at the close has closed the day."""
    rows = [row for shard, (seq, *_) in closed.items() for row in reader.rows_at(shard, [seq])]
    last = max((row.logical_time for row in rows), default=0)
    for shard in reader.heads():
        opened = reader.rows_at(shard, [0])
        if shard not in closed and opened and opened[0].logical_time < last:
            findings.note(shard, 0, finding="day: expected the hash of the last close, found none")


def _snapshot(reader: Reader, shard: str, *, seq: int) -> tuple[bytes, bytes, bytes] | None:
    """Chain, history and state of a snapshot; None when a part is missing."""
    with translated("reading a snapshot"):
        rows: list[Any] = reader.connection.execute(
            "SELECT part, parts, chain, history, state FROM clearing.snapshot "
            "WHERE shard = %s AND seq = %s ORDER BY part",
            [shard, seq],
            binary=True,
        ).fetchall()
    if not rows or [row[0] for row in rows] != list(range(rows[0][1])):
        return None
    return rows[0][2], rows[0][3], b"".join([row[4] for row in rows])


def _check_row(reader: Reader, findings: Findings, *, snapshot: _Saved) -> int:
    """Compare a snapshot's chain with its row; gives the logical time of the row."""
    shard, seq = snapshot.shard, snapshot.seq
    rows = reader.rows_at(shard, [seq])
    if not rows:
        findings.note(shard, seq, finding="seq: expected the snapshot's row, found none")
        return 0
    if rows[0].chain != snapshot.chain:
        finding = f"chain of the snapshot: {contrast(rows[0].chain, snapshot.chain)}"
        findings.note(shard, seq, finding=finding)
    return rows[0].logical_time


def _load(snapshot: _Saved, *, control: bytes) -> Shard:
    """The shard of a snapshot. control: the state that every shard's control books had."""

    def as_of(number: int) -> ControlBooks:
        books = load_control(control)
        if number != books.number:
            message = f"control number {number}, {books.number} in control/0"
            raise ValueError(message)
        return books

    shard = load_shard(snapshot.shard, snapshot.state, control_as_of=as_of)
    next_seq, links_sent = snapshot.seq + 1, shard.log.links_sent
    shard.log = ShardLog(snapshot.shard, next_seq, snapshot.chain, links_sent)
    shard.log.history = InputHistory(snapshot.shard, snapshot.history)
    return shard


def _check_hashes(shards: Iterable[Shard], findings: Findings, *, saved: Iterable[_Saved]) -> None:
    """Compare loaded books with the hash stated at the close, and their dump with the snapshot."""
    for shard, snapshot in zip(shards, saved, strict=True):
        actual, state = shard.state_hash(), shard.dump()
        if actual != snapshot.stated:
            difference = f"expected books with hash {snapshot.stated}, found {actual}"
        elif state != snapshot.state:
            difference = contrast(state, snapshot.state)
        else:
            continue
        findings.note(snapshot.shard, snapshot.seq, finding=f"snapshot state: {difference}")
