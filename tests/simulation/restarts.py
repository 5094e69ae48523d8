"""Books from snapshots and from rows: a restart at any line, and folding without deciding.

In: a clearinghouse in memory. Out: books that must be its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from services.shards.clearinghouse import Clearinghouse, clearinghouse_of
from services.shards.control.shard import fold_control
from services.shards.control.state import dump_control, load_control
from services.shards.log import ShardLog
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import FoldRow
from services.shards.shard import Shard, join_parts
from services.shards.table import load_shard, open_shard
from settlement.control_books import ControlBooks


def restarted(clearinghouse: Clearinghouse) -> Clearinghouse:
    """The shards from the snapshots of their books, their logs going on."""
    control = clearinghouse.control.dump()
    shards = []
    for shard in clearinghouse.in_order():
        fresh = load_shard(
            shard.log.shard, shard.dump(), control_as_of=lambda _: load_control(control)
        )
        assert fresh.log.links_sent in (0, shard.log.links_sent)
        fresh.log = shard.log
        shards.append(fresh)
    return clearinghouse_of(shards)


def hashes(clearinghouse: Clearinghouse) -> dict[str, str]:
    """The state hash of every shard."""
    return {shard.log.shard: shard.state_hash() for shard in clearinghouse.in_order()}


def check_folding(clearinghouse: Clearinghouse, *, rng: Random) -> None:
    """Folding the rows, from row 0 on or from a snapshot, gives the books of deciding."""
    for shard in clearinghouse.in_order():
        folded, reloaded = folded_shards(clearinghouse, shard, rng=rng)
        folded.log.links_sent = shard.log.links_sent
        assert folded.state_hash() == shard.state_hash()
        assert folded.dump() == shard.dump()
        assert reloaded.state_hash() == shard.state_hash()


def folded_shards(
    clearinghouse: Clearinghouse, shard: Shard, *, rng: Random
) -> tuple[Shard, Shard]:
    """A shard from its rows, and one that was loaded anew from its snapshot, once, somewhere.

    They begin with the control books that row 0 names.
    """
    log = shard.log
    number = json.loads(log.pending.rows[0].facts)["control_number"]
    folded, rows = open_shard(log.shard, control_as_of(clearinghouse, number)), fold_rows(log)
    halfway = rng.randrange(1, len(rows) + 1)
    fold_blocks(folded, rows[:halfway], rng=rng)
    reloaded = load_shard(
        log.shard,
        folded.dump(),
        control_as_of=lambda as_of: control_as_of(clearinghouse, as_of),
    )
    for shard_read in (folded, reloaded):
        fold_blocks(shard_read, rows[halfway:], rng=rng)
    return folded, reloaded


def fold_blocks(shard: Shard, rows: Sequence[FoldRow], *, rng: Random) -> None:
    """Fold rows as they come from a journal, in blocks of any size."""
    size = rng.choice((1, 7, 40, len(rows) or 1))
    for first in range(0, len(rows), size):
        shard.fold(rows[first : first + size])


def control_as_of(clearinghouse: Clearinghouse, number: int) -> ControlBooks:
    """Control books from their rows, up to a command's number."""
    books = ControlBooks()
    for _, _, line, facts, _ in fold_rows(clearinghouse.control.log):
        if books.number == number:
            break
        fold_control(books, line, facts=facts)
    return load_control(dump_control(books))


def fold_rows(log: ShardLog) -> list[FoldRow]:
    """The rows of a shard with all their facts, as a journal gives them: lines of control alone."""
    further: dict[int, list[bytes]] = {}
    for part in log.pending.parts:
        further.setdefault(part.seq, []).append(part.facts)
    return [
        (
            seq,
            origin,
            line if CONTROL_SHARD in (origin, log.shard) else b"",
            join_parts([facts, *further.get(seq, ())]),
            parts,
        )
        for _, seq, _, origin, _, _, line, parts, facts, _ in log.pending.rows
    ]
