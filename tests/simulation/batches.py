"""The same market in batches, ordinary trades by columns, with restarts in between.

In: the lines of a market. Out: nothing, or an AssertionError that names the first row that differs
from a run line by line.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import cast

import numpy as np
import numpy.typing as npt

from events.codec import decode_command
from events.command import TRADE
from events.trade_line import TRADE_LINE, TradeFields
from services.embedded.memory import DictMemory
from services.shards.clearinghouse import (
    COPIES_A_LINE_MAX,
    Clearinghouse,
    decide_line,
    open_clearinghouse,
)
from services.shards.ids import Identity
from services.shards.log import Inbound, ShardLog
from services.shards.market.trade_batch import TradeRun, clear_trades
from services.shards.routing import market_shard
from tests.simulation.restarts import hashes, restarted

ORIGIN = "memory"
WaitingTrade = tuple[TradeFields, int, bytes]


class BatchedRun:
    """A clearinghouse that takes lines in batches: ordinary trades together, by columns."""

    def __init__(self) -> None:
        self.clearinghouse = open_clearinghouse()
        self.memory = DictMemory()
        self.lines = 0

    def take(self, batch: list[bytes]) -> None:
        """Decide a batch of lines; trades wait until anything else comes, by market."""
        waiting: dict[str, list[WaitingTrade]] = {}
        for text in batch:
            line = text.removesuffix(b"\n").removesuffix(b"\r")
            if not line:
                continue
            self.lines += 1
            match = TRADE_LINE.fullmatch(line)
            product = "" if match is None else match[2][:3].decode()
            if match is not None and product in self.clearinghouse.markets:
                waiting.setdefault(product, []).append(
                    (cast("TradeFields", match.groups()), self.lines, line)
                )
                continue
            self._clear(waiting)
            waiting = {}
            inbound = Inbound(ORIGIN, self.lines, self.lines * COPIES_A_LINE_MAX, line)
            decide_line(
                self.clearinghouse, inbound, command=decode_command(line), memory=self.memory
            )
        self._clear(waiting)

    def _clear(self, waiting: dict[str, list[WaitingTrade]]) -> None:
        for product, trades in waiting.items():
            fields, positions, lines = zip(*trades, strict=True)
            run = TradeRun(
                fields,
                positions,
                [position * COPIES_A_LINE_MAX for position in positions],
                lines,
                [0] * len(lines),
                self._suspects(product, [trade[0].decode() for trade in fields]),
            )
            clear_trades(
                self.clearinghouse.markets[product], run, origin=ORIGIN, memory=self.memory
            )

    def _suspects(self, product: str, names: list[str]) -> npt.NDArray[np.bool_]:
        """Whether each trade has a repeated id, here or before."""
        counts, shard = Counter(names), market_shard(product)
        repeated = [self.memory.find(shard, Identity(TRADE, name)) is not None for name in names]
        twice = [counts[name] > 1 for name in names]
        return np.logical_or(repeated, twice)

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
