"""Shards from their journal: last snapshot, then the facts after it.

In: a reader of the journal. Out: a shard as it stood after a row. The time it takes grows with what
came after the last close, not with history; a replay takes no snapshot and folds all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from services.hosting.interpreter import paced
from services.journal.ahead import ahead
from services.journal.reader import SEQ_MAX, Reader
from services.journal.trouble import RulesChanged
from services.shards.clearinghouse import COPIES_A_LINE_MAX, Clearinghouse, clearinghouse_of
from services.shards.control.shard import fold_control
from services.shards.control.state import load_control
from services.shards.log import ShardLog
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import FoldRow
from services.shards.shard import RULES_VERSION, Shard, join_parts
from services.shards.table import load_shard, open_shard
from settlement.control_books import ControlBooks


def restore(reader: Reader) -> Clearinghouse | None:
    """The shards of a journal; None when it is empty. Errors: RulesChanged."""
    heads = reader.heads()
    for shard in heads:
        check_rules(reader, shard)
    return clearinghouse_of(restore_shard(reader, shard) for shard in heads) if heads else None


def check_rules(reader: Reader, shard: str) -> None:
    """See that a shard was begun under the rules of this program: row 0 says under which.

    Errors: RulesChanged.
    """
    begun_under = _opening(reader, shard)["rules_version"]
    if begun_under != RULES_VERSION:
        message = (
            f"{shard} was begun under rules {begun_under}, this program decides by rules "
            f"{RULES_VERSION}: go on with the program that began it, or clear its commands into "
            "another database"
        )
        raise RulesChanged(message)


def last_line(reader: Reader) -> int:
    """How many lines were decided, over all sources: the newest row tells."""
    newest = [
        row.logical_time // COPIES_A_LINE_MAX
        for head in reader.heads().values()
        for row in reader.rows_at(head.shard, [head.seq])
    ]
    return max(newest, default=0)


def restore_shard(reader: Reader, name: str) -> Shard:
    """A shard as of its last row, with a log that goes on from there."""
    snapshot = reader.snapshot(name)
    if snapshot is None:
        shard = replay_shard(reader, name)
    else:
        as_of = partial(restore_control, reader)
        shard = load_shard(name, snapshot.state, control_as_of=as_of)
        _fold(reader, shard, after=snapshot.seq, until=SEQ_MAX)
    head = reader.heads()[name]
    shard.log = ShardLog(name, head.seq + 1, head.chain, reader.links_sent(name))
    return shard


def replay_shard(reader: Reader, name: str, *, until: int = SEQ_MAX) -> Shard:
    """A shard after a row, from its first row on; it begins with what control had said by then."""
    number = _opening(reader, name)["control_number"]
    control = restore_control(reader, number, from_snapshot=False)
    shard = open_shard(name, control)
    _fold(reader, shard, after=0, until=until)
    return shard


def restore_control(
    reader: Reader, number: int | None = None, *, from_snapshot: bool = True
) -> ControlBooks:
    """The control books as of a control number; as of the last row without one."""
    books, after = ControlBooks(), 0
    if number == 0:
        return books
    snapshot = reader.snapshot(CONTROL_SHARD) if from_snapshot else None
    while snapshot is not None:
        loaded = load_control(snapshot.state)
        if number is None or loaded.number <= number:
            books, after = loaded, snapshot.seq
            break
        snapshot = reader.snapshot(CONTROL_SHARD, seq=snapshot.seq - 1)
    for block in blocks_of(reader, CONTROL_SHARD, after=after):
        for _, _, line, facts, _ in block:
            if books.number == number:
                return books
            fold_control(books, line, facts=facts)
    return books


def blocks_of(
    reader: Reader, shard: str, *, after: int, until: int = SEQ_MAX
) -> Iterator[list[FoldRow]]:
    """A shard's rows after one and up to another, whole, in blocks; the next is read meanwhile."""
    for block in ahead(reader.rows_to_fold(shard, after=after, until=until)):
        yield [_whole(reader, shard, row=row) for row in block] if _has_parts(block) else block


def _fold(reader: Reader, shard: Shard, *, after: int, until: int) -> None:
    with paced():
        for block in blocks_of(reader, shard.log.shard, after=after, until=until):
            shard.fold(block)


def _has_parts(block: list[FoldRow]) -> bool:
    return max([parts for _, _, _, _, parts in block]) > 1


def _whole(reader: Reader, shard: str, *, row: FoldRow) -> FoldRow:
    seq, origin, line, facts, parts = row
    whole = facts if parts == 1 else join_parts([facts, *reader.parts(shard, seq)])
    return seq, origin, line, whole, parts


def _opening(reader: Reader, shard: str) -> dict[str, Any]:
    """What row 0 of a shard states."""
    opened: dict[str, Any] = json.loads(reader.rows_at(shard, [0])[0].facts)
    return opened
