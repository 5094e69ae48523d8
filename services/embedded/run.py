"""The embedded clearinghouse at work: blocks of lines in, durable batches out.

In: blocks of a source. Out: one transaction for each block, in order, written while the next is
decided. All that a block caused (rows, links, ids, read models, snapshots) and the place in the
source become durable together, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Self

import numpy as np

from events.codec import Malformed, decode_command
from events.command import Command
from events.control_commands import CloseSession
from events.trade_line import TRADE_LINES, TradeFields
from services.embedded.law_note import BROKEN, Undecided
from services.hosting.commit_queue import CommitQueue
from services.hosting.id_memory import IdMemory, key_of, suspects_among
from services.hosting.interpreter import paced
from services.hosting.outbox_batch import emptied, refusals_in
from services.hosting.restore import last_line, restore
from services.hosting.snapshots import snapshot_rows
from services.journal.batch import Batch, HeadMove, Int64s, SnapshotRow, SourceMove
from services.journal.id_index import wire_keys
from services.journal.reader import Reader
from services.journal.writer import Journal
from services.shards.clearinghouse import (
    RANKS,
    Clearinghouse,
    open_clearinghouse,
    take_decoded,
)
from services.shards.ids import TRADE, Identity, identity_named
from services.shards.log import Inbound, ShardLog
from services.shards.market.trade_batch import Bools, TradeRun, clear_trades
from services.shards.routing import market_shard, shard_of
from services.sources.source import Block

LINES_A_BLOCK: Final = 8_192
_NO_MARKET: Final = b""
_NOVATED: Final = b'{"type":"trade_novated/1"'


@dataclass(slots=True)
class Tally:
    """What a run has done so far."""

    read: int = 0
    trades: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    days: list[tuple[date, str, str]] = field(default_factory=list)


class EmbeddedRun:
    """A clearinghouse on a journal; a context manager that leaves everything durable."""

    def __init__(self, url: str) -> None:
        """Restore the shards, or open them; nobody else may write them from here on."""
        with ExitStack() as opened:
            self._journal = opened.enter_context(Journal(url))
            self._journal.claim()
            self._reader = opened.enter_context(Reader(url))
            restored = restore(self._reader)
            self._line = last_line(self._reader)
            opened.enter_context(paced())
            self._opened = opened.pop_all()
        self.house: Clearinghouse = restored or open_clearinghouse()
        self._heads: dict[str, int] = {
            log.shard: log.seq - 1 for log in self.house.logs() if restored is not None
        }
        self._memory = IdMemory(self._reader)
        self._handing = CommitQueue(self._journal, self._memory)
        self._snapshots: list[SnapshotRow] = []
        self._decoded: dict[int, Command | Malformed] = {}
        self._undecided: Undecided | None = None
        self.tally = Tally()

    @property
    def reader(self) -> Reader:
        """The reading end of the same journal."""
        return self._reader

    @property
    def memory_bytes(self) -> int:
        """Memory of remembered ids."""
        return self._memory.bytes_held

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, *rest: object
    ) -> None:
        with self._opened:
            self._handing.writer.__exit__(kind, error, *rest)
            if self._undecided is not None and self._undecided.places and isinstance(error, BROKEN):
                error.add_note(self._undecided.note(self._reader))

    def take(self, block: Block, *, source: str, position_before: int | None) -> None:
        """Decide a block and hand it to the writer; waits while two others are not durable yet."""
        self._handing.forget_durable()
        self._undecided = Undecided(source, block, range(len(block.lines)))
        self._decide(block, self._undecided)
        self._undecided = None
        ended = block.is_last
        move = SourceMove(
            source, position_before, block.end, block.sha256, block.lines_so_far, ended=ended
        )
        self._submit(move)
        self.tally.read += len(block.lines)

    def drain(self) -> None:
        """Wait until all is durable."""
        self._handing.writer.drain()
        self._handing.forget_durable()

    def _decide(self, block: Block, at: Undecided) -> None:
        """Trades that one pattern reads are gathered by market until anything else comes."""
        source = at.source
        found: list[TradeFields] = TRADE_LINES.findall(b"\n".join(block.lines))
        assert len(found) == len(block.lines), f"read {len(found)} of {len(block.lines)} lines"
        others = [place for place, one in enumerate(found) if not one[0]]
        keys, suspects = self._prepare(block, found, others=others)
        first = self._line + 1
        whole = TradeRun(
            found,
            block.positions,
            range(first * RANKS, (first + len(found)) * RANKS, RANKS),
            block.lines,
            keys.tolist(),
            suspects,
        )
        begun = 0
        for place in others:
            at.places = range(begun, place)
            self._clear(whole.part(slice(begun, place)), source)
            at.places = range(place, place + 1)
            self._take(
                Inbound(source, block.positions[place], whole.decided[place], block.lines[place])
            )
            begun = place + 1
        at.places = range(begun, len(found))
        self._clear(whole.part(slice(begun, None)), source)
        self._line += len(found)

    def _clear(self, run: TradeRun, source: str) -> None:
        """Clear a run of trades, each in its market; those of no market one by one, at the end."""
        markets = {product.encode(): market for product, market in self.house.markets.items()}
        # Products of no market go together: all their trades are rows of control/0, in order.
        home = {one: one if one in markets else _NO_MARKET for one in _products(run.fields)}
        places: dict[bytes, list[int]] = {product: [] for product in home.values()}
        if len(places) > 1:
            for place, one in enumerate(run.fields):
                places[home[one[1][:3]]].append(place)
        for product, chosen in places.items():
            some = run if len(places) == 1 else run.chosen(chosen)
            if product in markets:
                clear_trades(markets[product], some, origin=source, memory=self._memory)
            else:
                for place in range(len(some.lines)):
                    self._take(
                        Inbound(
                            source, some.positions[place], some.decided[place], some.lines[place]
                        )
                    )

    def _take(self, inbound: Inbound) -> None:
        decoded = self._decoded.pop(inbound.position, None) or decode_command(inbound.line)
        closes = self.house.outbox.closes
        take_decoded(self.house, inbound, decoded=decoded, memory=self._memory)
        if isinstance(decoded, CloseSession) and self.house.outbox.closes > closes:
            self._snapshots += snapshot_rows(self.house, decoded.business_date)

    def _prepare(
        self, block: Block, found: list[TradeFields], *, others: list[int]
    ) -> tuple[Int64s, Bools]:
        """Look up every id of the block; gives each line's key, and which trades are suspect.

        Suspect is an id that the journal knows, or that comes more than once in the block.
        others: the places of lines that are no plain trades.
        """
        names = [one[0] for one in found]
        keys = wire_keys(TRADE, names)
        is_trade = np.ones(len(found), np.bool_)
        is_trade[others] = False
        self._memory.begin_block()
        known = self._prepare_others(block, others)
        for shard, chosen in self._trades_by_shard(found, is_trade).items():
            known += self._memory.prepare_trades(shard, names, keys=keys, chosen=chosen)
        suspects = suspects_among(keys, is_trade=is_trade, known=known)
        return keys, suspects

    def _trades_by_shard(self, found: list[TradeFields], is_trade: Bools) -> dict[str, Bools]:
        """Which lines are trades of which market."""
        there = {product.decode() for product in _products(found)}
        products = [product for product in self.house.markets if product in there]
        if len(there - {""}) == 1:
            return {market_shard(product): is_trade for product in products}
        named = [one[1][:3] for one in found]
        return {
            market_shard(product): np.fromiter(
                map(product.encode().__eq__, named), np.bool_, len(named)
            )
            for product in products
        }

    def _prepare_others(self, block: Block, places: list[int]) -> list[int]:
        """Decode every line that is no plain trade, look up the ids it needs; gives their keys."""
        self._decoded = {}
        wanted: dict[str, list[tuple[Identity, int]]] = {}
        for place in places:
            command = decode_command(block.lines[place])
            self._decoded[block.positions[place]] = command
            identity = None if isinstance(command, Malformed) else identity_named(command)
            if identity is not None:
                shard = shard_of(command, self.house.control.products)
                wanted.setdefault(shard, []).append((identity, key_of(identity)))
        for shard, ids in wanted.items():
            self._memory.prepare(shard, ids)
        return [key for ids in wanted.values() for _, key in ids]

    def _submit(self, move: SourceMove) -> None:
        outbox = self.house.outbox
        self.tally.days += [(day, shard, said) for shard, day, _, said in outbox.days]
        batch = emptied(outbox)
        batch.source = move
        for log in self.house.logs():
            self._add_rows(batch, log, offset=move.position)
        batch.snapshots, self._snapshots = self._snapshots, []
        self._handing.submit(batch)

    def _add_rows(self, batch: Batch, log: ShardLog, *, offset: int) -> None:
        if not log.rows:
            return
        batch.rows += log.rows
        batch.parts += log.parts
        before = self._heads.get(log.shard)
        number = self.house.control.number
        batch.heads.append(HeadMove(log.shard, before, log.seq - 1, log.chain, offset, number))
        self._heads[log.shard] = log.seq - 1
        self._count(log)
        log.rows, log.parts = [], []

    def _count(self, log: ShardLog) -> None:
        self.tally.trades += log.novated + sum(_NOVATED in facts for facts in log.decided)
        self.tally.refused += refusals_in(log.decided)
        log.novated, log.decided = 0, []


def _products(fields: Sequence[TradeFields]) -> list[bytes]:
    """The products of trades in the order in which they come; empty for what is no trade."""
    symbols = dict.fromkeys([one[1] for one in fields])
    return [*dict.fromkeys([symbol[:3] for symbol in symbols])]
