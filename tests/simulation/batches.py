"""The same market in batches, ordinary trades and quotes by columns, with restarts in between.

In: the lines of a market. Out: nothing, or an AssertionError that names the first row that differs
from a run line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from events import texts
from events.command import TRADE, Command, Malformed
from services.embedded.memory import DictMemory
from services.hosting import blocks
from services.hosting.blocks import decode_lines
from services.journal.batch import Int64s
from services.shards.clearinghouse import (
    COPIES_A_LINE_MAX,
    Clearinghouse,
    decide_line,
    open_clearinghouse,
)
from services.shards.ids import Identity
from services.shards.log import Inbound, ShardLog
from services.shards.routing import shard_of
from services.shards.table import markets_among
from tests.simulation.restarts import hashes, restarted

ORIGIN = "memory"


class BlockDict(DictMemory):
    """A dictionary in the place of the journal's memory of ids."""

    def begin_block(self) -> None:
        """Nothing was looked up."""

    def prepare_trades(
        self, shard: str, names: Sequence[bytes], *, keys: Int64s, chosen: npt.NDArray[np.bool_]
    ) -> list[int]:
        """The keys of the trades that have a known id."""
        return [
            int(keys[number])
            for number in np.flatnonzero(chosen).tolist()
            if self.find(shard, Identity(TRADE, names[number].decode())) is not None
        ]

    def prepare(self, shard: str, ids: Sequence[tuple[Identity, int]]) -> None:
        """A dictionary is always ready."""


class BatchedRun:
    """A clearinghouse that takes lines in batches: ordinary trades and quotes by columns."""

    def __init__(self) -> None:
        self.clearinghouse = open_clearinghouse()
        self.memory = BlockDict()
        self.lines = 0

    def take(self, batch: list[bytes]) -> None:
        """Decide a batch of lines as a host of all shards does.

        However few they are, their fields are read by columns; in half of the batches their facts
        are joined by columns too, and not one by one.
        """
        few = 0 if len(batch) % 2 else 100
        with patch.object(blocks, "COLUMNS_FEWEST", 1), patch.object(texts, "_FEW", few):
            self._take(batch)

    def _take(self, batch: list[bytes]) -> None:
        stripped = [text.removesuffix(b"\n").removesuffix(b"\r") for text in batch]
        lines = [line for line in stripped if line]
        first, self.lines = self.lines + 1, self.lines + len(lines)
        block = decode_lines(
            lines,
            positions=range(first, self.lines + 1),
            markets=markets_among(self.clearinghouse.shards.values()),
            memory=self.memory,
            home_of=self._home_of,
        )
        for numbers, queue in block.steps():
            step = COPIES_A_LINE_MAX
            times = range((first + numbers.start) * step, (first + numbers.stop) * step, step)
            if queue is not None:
                queue.clear(numbers, times, origin=ORIGIN)
                continue
            number, time = numbers[0], times[0]
            inbound = Inbound(ORIGIN, first + number, time, lines[number])
            command = block.commands[number]
            decide_line(self.clearinghouse, inbound, command=command, memory=self.memory)

    def _home_of(self, command: Command | Malformed) -> str:
        return shard_of(command, self.clearinghouse.control.books.products)

    def restart(self) -> None:
        """Dump the books of every shard and load them again."""
        before = hashes(self.clearinghouse)
        self.clearinghouse = restarted(self.clearinghouse)
        assert hashes(self.clearinghouse) == before, "a restart has changed the books"


def check_batches(lines: list[bytes], plain: Clearinghouse, *, rng: Random) -> None:
    """In batches of any size and with restarts, the same chain and hashes as line by line."""
    run, first = BatchedRun(), 0
    size = rng.choice((1, 7, 40, len(lines)))
    for _ in range(3):
        middle = rng.randrange(first, len(lines) + 1)
        for start in range(first, middle, size):
            run.take(lines[start : min(middle, start + size)])
        run.restart()
        first = middle
    run.take(lines[first:])
    for ours, theirs in zip(run.clearinghouse.in_order(), plain.in_order(), strict=True):
        check_rows(ours.log, theirs.log)
    assert hashes(run.clearinghouse) == hashes(plain)


def check_rows(ours: ShardLog, theirs: ShardLog) -> None:
    """Two logs of one shard are equal; the error names the first row that differs."""
    for seq, (ours_row, theirs_row) in enumerate(
        zip(ours.pending.rows, theirs.pending.rows, strict=True)
    ):
        assert ours_row == theirs_row, (
            f"row {seq} of {ours.shard} differs in batches: {ours_row} {theirs_row}"
        )
    assert ours.pending == theirs.pending
    assert (ours.seq, ours.chain) == (theirs.seq, theirs.chain)
