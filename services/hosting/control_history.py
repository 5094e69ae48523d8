"""Recorded rows for folding, and the control books as of any command.

In: a reader of the journal. Out: a shard's rows, whole, in blocks; the control books as of a
command's number, from the last snapshot before it and the rows after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from events.texts import Texts
from services.journal.ahead import ahead
from services.journal.reader import SEQ_MAX, Reader
from services.shards.control.shard import fold_control
from services.shards.control.state import load_control
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import FoldBlock
from services.shards.shard import join_parts
from settlement.control_books import ControlBooks


def restore_control(
    reader: Reader, number: int | None = None, *, from_snapshot: bool = True
) -> ControlBooks:
    """The control books as of a control number; as of the last row if number is None."""
    books, after = ControlBooks(), 0
    if number == 0:
        return books
    # The snapshot before the command's row, not the last one and from there one by one.
    named = [] if number is None else reader.numbered_in([number])
    until = named[0].seq if named else SEQ_MAX
    snapshot = reader.snapshot(CONTROL_SHARD, seq=until) if from_snapshot else None
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
    reader: Reader, shard: str, *, after: int, until: int = SEQ_MAX, has_inputs: bool = False
) -> Iterator[FoldBlock]:
    """A shard's rows of `after` < seq <= `until`, whole, in blocks; the next is read meanwhile.

    has_inputs: with the inputs of all rows, not of control commands only.
    """
    for block in ahead(reader.rows_to_fold(shard, after=after, until=until, has_inputs=has_inputs)):
        cut = np.flatnonzero(block.parts > 1).tolist()
        yield replace(block, facts=_whole(reader, shard, block=block, cut=cut)) if cut else block


def _whole(reader: Reader, shard: str, *, block: FoldBlock, cut: Sequence[int]) -> Texts:
    """The facts of rows, all parts joined. cut: the numbers of those with several."""
    rows = [block[number] for number in cut]
    joined = [join_parts([facts, *reader.parts(shard, seq)]) for seq, _, _, facts, _ in rows]
    return block.facts.replaced(cut, joined)
