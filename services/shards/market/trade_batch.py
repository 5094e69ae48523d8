"""Ordinary trades and quotes by the thousand: the fast twin of `trade` and `orders` (RULEBOOK §3).

In: lines read by their shapes, in the order of the stream. Out: the same rows, facts, books and
hashes as by deciding them one by one. Fields become columns, once for a block, whatever lies
between the lines. An unusual line (a suspect id, or one that `ordinary` names) is decided by the
market, in its turn. It does not end a run of ordinary lines if none of them matters to it, nor it
to them: a malformed line, a trade whose id is known, the bust of one that counts among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np

from events.chain import CHAIN_BYTES, RowKey, chain_column
from events.codec import decode_command
from events.command import TRADE, Command, Malformed
from events.fact_text import split_at_seq
from events.int64 import IntArray
from events.market_commands import BustTrade, SubmitTrade
from events.texts import decimals
from services.shards.ids import Identity, Memory, decode_again
from services.shards.log import Inbound, ShardLog
from services.shards.market.books import MarketBooks, MarketEmission
from services.shards.market.fact_columns import state_facts
from services.shards.market.line_columns import MarketLines, Ticks, read_columns
from services.shards.market.makers import rows_that_count, set_quotes
from services.shards.market.novations import Novations, novate
from services.shards.market.ordinary import LOTS_FAST_MAX, ordinary_limits, unusual_lines
from services.shards.rows import RowColumns

# Rows recorded and packed at once: their bytes stay in a core's cache, and in memory used again.
_ROWS_AT_ONCE: Final = 2048
# A line of a market that is neither trade nor quote, and may yet lie among them.
LoneLine = Malformed | BustTrade


class TradingMarket(Protocol):
    """The parts of a market that clear lines. changes: counts what may make lines unusual."""

    books: MarketBooks
    log: ShardLog
    ticks: Ticks
    changes: int

    def decide(self, inbound: Inbound, command: Command | Malformed, *, memory: Memory) -> bool:
        """Decide a line by itself."""
        ...

    def state(self, command: Command | Malformed, *, seq: int, memory: Memory) -> MarketEmission:
        """The facts of a line, applied but not recorded. seq: of its row."""
        ...


class LineBatch:
    """The trades and quotes of one market in a block, cleared in order as far as is asked."""

    __slots__ = (
        "_changes", "_columns", "_is_unusual", "_limits", "_lines", "_lone", "_market", "_memory",
        "_next", "_pack", "_unusual",
    )  # fmt: skip

    def __init__(
        self,
        market: TradingMarket,
        lines: MarketLines,
        *,
        lone: Mapping[int, LoneLine],
        memory: Memory,
        pack: Callable[[RowColumns], memoryview],
    ) -> None:
        """Read the columns of lines.

        lone: by their numbers those among the lines that are neither trade nor quote; pack: packs
        rows for the journal, while a core's cache has their bytes.
        """
        self._market = market
        self._lines = lines
        self._lone = lone
        self._memory = memory
        self._pack = pack
        self._columns = read_columns(lines, market.books.product, ticks=market.ticks)
        for number, command in lone.items():
            trade = self._busted(command)
            if trade is not None:
                self._columns.count(number, trade, product=market.books.product)
        self._is_unusual = np.ones(len(lines.lines), np.bool_)
        self._next = 0
        self._changes = -1
        self._unusual: list[int] = []
        self._limits: list[tuple[int, int]] = []

    def clear(self, times: IntArray, *, origin: str) -> None:
        """Decide the next lines; same rows, ids and books as by deciding each. times: logical."""
        first, end = self._next, self._next + len(times)
        while self._next < end:
            self._look()
            timeless = self._timeless_before(end)
            number = min(self._unusual[-1], end)
            if self._next < number:
                span = slice(self._next, number)
                part = times[span.start - first : number - first]
                self._clear_run(span, part, timeless=timeless, origin=origin)
            self._next = number
            if number < end:
                self._next += 1
                line, position = self._lines.lines[number], int(self._lines.positions[number])
                inbound = Inbound(origin, position, int(times[number - first]), line)
                self._decide(number, inbound)

    def _look(self) -> None:
        """Look for unusual lines, if they may not be those of before."""
        market, first = self._market, self._next
        if self._changes == market.changes:
            return
        self._changes = market.changes
        self._limits = ordinary_limits(market.books)
        self._columns.number(market.books, first=first)
        unusual = unusual_lines(market.books, self._columns, first=first)
        self._is_unusual[first:] = unusual
        is_lone = self._lines.suspects[first:] | unusual
        is_lone[[number - first for number in self._lone if number >= first]] = True
        numbers = np.flatnonzero(is_lone) + first
        # The next one last.
        self._unusual = [len(self._lines.lines), *numbers[::-1].tolist()]

    def _timeless_before(self, end: int) -> list[int]:
        """Take out the next unusual lines, as long as they can change places with ordinary ones."""
        numbers: list[int] = []
        while self._unusual[-1] < end and self._is_timeless(self._unusual[-1]):
            numbers.append(self._unusual.pop())
        return numbers

    def _is_timeless(self, number: int) -> bool:
        """Whether an unusual line may as well be decided behind the ordinary ones around it."""
        market, lone = self._market, self._lone.get(number)
        if market.books.control.business_date is None:
            return False
        if isinstance(lone, BustTrade):
            # It was counted as its trade: whenever it is decided, no limit and no int64 is near.
            return not self._is_unusual[number] and self._busted(lone) is not None
        if self._lines.suspects[number]:
            identity = Identity(TRADE, self._columns.names[number].decode())
            is_known = self._memory.find(market.log.shard, identity) is not None
            return is_known or self._repeats_run(number)
        return lone is not None

    def _repeats_run(self, number: int) -> bool:
        """Whether a trade has the id of an ordinary one of the run that it would lie in."""
        keys, names, is_quote = self._lines.keys, self._columns.names, self._lines.is_quote
        alike = np.flatnonzero(keys[self._next : number] == keys[number]) + self._next
        return any(
            names[row] == names[number] and not is_quote[row] and row not in self._lone
            for row in alike.tolist()
        )

    def _busted(self, command: LoneLine) -> SubmitTrade | None:
        """The trade that a command busts, if it was cleared and is as it was."""
        market = self._market
        if isinstance(command, Malformed) or command.trade_id in market.books.amendments:
            return None
        seen = self._memory.find(market.log.shard, Identity(TRADE, command.trade_id))
        if seen is None or seen.reason is not None or not isinstance(seen.command, SubmitTrade):
            return None
        return seen.command

    def _decide(self, number: int, inbound: Inbound) -> None:
        """Decide an unusual line by itself."""
        market, lone = self._market, self._lone.get(number)
        command = decode_command(inbound.line) if lone is None else lone
        market.decide(inbound, command, memory=self._memory)
        self._unusual.pop()
        # `unusual_lines` counts each trade of the batch, a large one with fewer lots than it has.
        is_counted = lone is None and self._columns.lots[number] <= LOTS_FAST_MAX
        has_changed = market.changes != self._changes
        if has_changed and is_counted and ordinary_limits(market.books) == self._limits:
            self._changes = market.changes

    def _clear_run(
        self, span: slice, times: IntArray, *, timeless: Sequence[int], origin: str
    ) -> None:
        """Clear lines that are ordinary and cannot fail, then those that lie among them."""
        log, lines, is_quote = self._market.log, self._lines, self._lines.is_quote[span]
        is_trade = ~is_quote
        is_trade[[number - span.start for number in timeless]] = False
        rows = np.flatnonzero(is_trade)
        seqs, quotes = rows + log.seq, np.flatnonzero(is_quote)
        self._add_up(rows + span.start, seqs=seqs)
        self._quote(quotes + span.start)
        log.pending.novated += len(rows)
        cleared = lines.chosen(rows + span.start)
        self._memory.keep_cleared(
            log.shard, cleared.fields[0], keys=cleared.keys, lines=cleared.lines, seqs=seqs
        )
        stated = self._state(timeless, span)
        for first in range(0, len(times), _ROWS_AT_ONCE):
            part = slice(span.start + first, min(span.start + first + _ROWS_AT_ONCE, span.stop))
            at = times[first : first + _ROWS_AT_ONCE]
            self._record(part, at, stated=stated, origin=origin)

    def _state(self, timeless: Sequence[int], span: slice) -> dict[int, bytes]:
        """Decide lines of a run that are not ordinary; gives the one fact of each, by number."""
        log, stated = self._market.log, dict[int, bytes]()
        for number in timeless:
            lone, seq = self._lone.get(number), log.seq + number - span.start
            command = decode_again(self._lines.lines[number]) if lone is None else lone
            emission = self._market.state(command, seq=seq, memory=self._memory)
            (stated[number],) = emission.blocks
            log.count_refusal(emission)
        return stated

    def _add_up(self, rows: IntArray, *, seqs: IntArray) -> None:
        """Apply the trades of some lines."""
        columns = self._columns
        trades = Novations(
            seqs=seqs,
            executed_at=columns.executed_at[rows],
            ticks=columns.ticks[rows],
            lots=columns.lots[rows],
            buyer=columns.buyer[rows],
            seller=columns.seller[rows],
        )
        novate(self._market.books, trades, contract=columns.contract[rows])

    def _quote(self, rows: IntArray) -> None:
        """Apply the quotes of some lines, of which not all count."""
        books, columns = self._market.books, self._columns
        contract, maker = columns.contract, columns.buyer
        rows = rows[rows_that_count(books, contract=contract[rows], maker=maker[rows])]
        quotes = columns.quotes_in(rows)
        set_quotes(books, quotes, contract=contract[rows], maker=maker[rows])

    def _record(
        self, span: slice, times: IntArray, *, stated: Mapping[int, bytes], origin: str
    ) -> None:
        """Append facts, chain and journal rows to the log. times: logical, of the span."""
        log, session = self._market.log, self._market.books.control.business_date
        assert session is not None, "a trade was accepted without a session"
        rows, columns = self._lines.chosen(span), self._columns
        lines, positions = rows.lines, rows.positions
        heads, rests = state_facts(
            rows, ticks=columns.ticks[span], asks=columns.ask_ticks[span],
            shard=log.shard, day=session,
        )  # fmt: skip
        lone = {n - span.start: fact for n, fact in stated.items() if span.start <= n < span.stop}
        if lone:
            cut = [split_at_seq(fact) for fact in lone.values()]
            heads = heads.replaced([*lone], [head for head, _ in cut])
            rests = rests.replaced([*lone], [tail for _, tail in cut])
        log.history.add_column(lines, heads, rests=rests)
        seqs = decimals(np.arange(log.seq, log.seq + len(lines)))
        facts, chains = chain_column(
            log.chain,
            RowKey(log.shard, log.seq, session, origin, position=0, logical_time=0),
            positions=positions,
            times=times,
            lines=lines,
            facts=(heads, seqs, rests),
        )
        stretch = RowColumns(
            log.shard, log.seq, session, origin, positions, times, lines, facts, chains
        )
        log.pending.rows.extend([replace(stretch, packed=self._pack(stretch))])
        log.seq, log.chain = log.seq + len(lines), chains[-CHAIN_BYTES:]
