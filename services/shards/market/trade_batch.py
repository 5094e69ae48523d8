"""Ordinary trades and quotes by the thousand: the fast twin of `trade` and `orders` (RULEBOOK §3).

In: lines read by the patterns, in the order of the stream. Out: the same rows, facts, books and
hashes as by deciding them one by one. Fields become columns, once for a block, whatever lies
between the lines. An unusual line (a suspect id, or one that `ordinary` names) is decided by the
market, in its turn; one that changes nothing, whatever the lines before it do, does not end a run
of ordinary ones: a malformed line, and a trade whose id is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, repeat
from typing import Final, Protocol, cast

import numpy as np

from events.chain import ROW_NUMBERS, row_prefix
from events.codec import decode_command
from events.command import TRADE, Command, Malformed
from events.fact_text import fact_template
from events.int64 import IntArray
from events.market_facts import QuoteSet, TradeNovated
from services.shards.ids import Identity, Memory
from services.shards.log import Inbound, ShardLog
from services.shards.market.books import MarketBooks, MarketEmission
from services.shards.market.line_columns import MarketLines, Ticks, read_columns
from services.shards.market.makers import follow_quote, makers_of
from services.shards.market.novations import Novations, novate
from services.shards.market.ordinary import LOTS_FAST_MAX, ordinary_limits, unusual_lines
from services.shards.rows import JournalRow
from settlement.quotes import Quote

# The formats of the columns in a fact's text.
_OF_TRADE: Final = {
    "trade_id": "%b", "contract": "%b", "price_ticks": "%d", "lots": "%b", "buyer": "%b",
    "seller": "%b",
}  # fmt: skip
_OF_QUOTE: Final = {
    "maker": "%b", "contract": "%b", "bid_ticks": "%d", "bid_lots": "%b", "ask_ticks": "%b",
    "ask_lots": "%b",
}  # fmt: skip


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
        "_changes", "_columns", "_limits", "_lines", "_malformed", "_market", "_next", "_templates",
        "_unusual",
    )  # fmt: skip

    def __init__(
        self, market: TradingMarket, lines: MarketLines, *, malformed: Mapping[int, Malformed]
    ) -> None:
        """malformed: by their numbers those among the lines that are neither trade nor quote."""
        self._market = market
        self._lines = lines
        self._malformed = malformed
        self._columns = read_columns(lines, market.books.product, ticks=market.ticks)
        self._next = 0
        self._changes = -1
        self._unusual: list[int] = []
        self._limits: list[tuple[int, int]] = []
        self._templates = (b"", b"")

    def clear(self, times: Sequence[int], *, origin: str, memory: Memory) -> None:
        """Decide the next lines; same rows, ids and books as by deciding each. times: logical."""
        first, end = self._next, self._next + len(times)
        while self._next < end:
            self._look()
            stated = self._state_known(end, memory=memory)
            number = min(self._unusual[-1], end)
            if self._next < number:
                span = slice(self._next, number)
                part = times[span.start - first : number - first]
                self._clear_ordinary(span, part, stated=stated, origin=origin, memory=memory)
            self._next = number
            if number < end:
                self._next += 1
                line, position = self._lines.lines[number], self._lines.positions[number]
                inbound = Inbound(origin, position, times[number - first], line)
                self._decide(number, inbound, memory=memory)

    def _look(self) -> None:
        """Look for unusual lines, if they may not be those of before."""
        market, first = self._market, self._next
        if self._changes == market.changes:
            return
        self._changes = market.changes
        self._limits = ordinary_limits(market.books)
        if market.books.control.business_date is not None:
            self._templates = _templates(market)
        self._columns.number(market.books, first=first)
        is_quote = self._lines.is_quote
        unusual = unusual_lines(market.books, self._columns, is_quote=is_quote, first=first)
        numbers = np.flatnonzero(unusual | self._lines.suspects[first:]) + first
        # The next one last.
        self._unusual = [len(self._lines.lines), *numbers[::-1].tolist()]

    def _state_known(self, end: int, *, memory: Memory) -> dict[int, bytes]:
        """The facts of the next unusual lines that change nothing, by their numbers."""
        log, stated = self._market.log, dict[int, bytes]()
        while (number := self._unusual[-1]) < end:
            command = self._known(number, memory=memory)
            if command is None:
                break
            seq = log.seq + number - self._next
            emission = self._market.state(command, seq=seq, memory=memory)
            (stated[number],) = emission.blocks
            log.count_refusal(emission)
            self._unusual.pop()
        return stated

    def _known(self, number: int, *, memory: Memory) -> Command | Malformed | None:
        """The unusual line if no line before it matters: a malformed one, a trade sent again."""
        lines, market = self._lines, self._market
        if market.books.control.business_date is None:
            return None
        if lines.suspects[number] and not lines.is_quote[number]:
            identity = Identity(TRADE, self._columns.names[number].decode())
            if memory.find(market.log.shard, identity) is not None:
                return decode_command(lines.lines[number])
        return self._malformed.get(number)

    def _decide(self, number: int, inbound: Inbound, *, memory: Memory) -> None:
        """Decide an unusual line by itself."""
        market = self._market
        command = self._malformed.get(number) or decode_command(inbound.line)
        market.decide(inbound, command, memory=memory)
        self._unusual.pop()
        # `unusual_lines` counts each trade of the batch, a large one with fewer lots than it has.
        is_counted = self._columns.lots[number] <= LOTS_FAST_MAX
        has_changed = market.changes != self._changes
        if has_changed and is_counted and ordinary_limits(market.books) == self._limits:
            self._changes = market.changes

    def _clear_ordinary(
        self,
        span: slice,
        times: Sequence[int],
        *,
        stated: Mapping[int, bytes],
        origin: str,
        memory: Memory,
    ) -> None:
        """Clear lines that are ordinary and cannot fail. stated: the facts of those that are not.

        A repeat may be of no trade but a line that is not ordinary: such lines change nothing.
        """
        log, lines, is_quote = self._market.log, self._lines, self._lines.is_quote[span]
        is_trade = ~is_quote
        is_trade[[number - span.start for number in stated]] = False
        rows = np.flatnonzero(is_trade)
        seqs, quotes = rows + log.seq, np.flatnonzero(is_quote)
        self._add_up(rows + span.start, seqs=seqs)
        self._quote(quotes + span.start)
        self._record(span, times, stated=stated, origin=origin)
        log.pending.novated += len(rows)
        names, keys, texts = self._columns.names[span], lines.keys[span], lines.lines[span]
        if len(rows) < len(texts):
            are_trades = is_trade.tolist()
            names = [*compress(names, are_trades)]
            keys, texts = [*compress(keys, are_trades)], [*compress(texts, are_trades)]
        memory.keep_cleared(log.shard, names, keys=keys, lines=texts, seqs=seqs.tolist())

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
        """Apply the quotes of some lines."""
        books, columns = self._market.books, self._columns
        contracts, makers = [*books.contracts.values()], makers_of(books)
        chosen = (
            columns.contract, columns.ticks, columns.lots, columns.ask_ticks, columns.executed_at,
        )  # fmt: skip
        for row, number, bid, lots, ask, at in zip(
            rows.tolist(), *(column[rows].tolist() for column in chosen), strict=True
        ):
            quote = Quote(bid, lots, ask, int(columns.fourths[row]), at)
            contract, maker = contracts[number], columns.names[row].decode()
            contract.quotes.set(maker, quote)
            if maker in makers:
                follow_quote(books, contract, maker=maker, quote=quote)

    def _record(
        self, span: slice, times: Sequence[int], *, stated: Mapping[int, bytes], origin: str
    ) -> None:
        """Append facts, chain and journal rows to the log. times: logical, of the span."""
        log, session = self._market.log, self._market.books.control.business_date
        assert session is not None, "a trade was accepted without a session"
        lines, positions = self._lines.lines[span], self._lines.positions[span]
        seqs = range(log.seq, log.seq + len(lines))
        are_quotes = self._lines.is_quote[span].tolist()
        facts = self._facts(span, seqs=seqs)
        heads = [_head(template) for template in self._templates]
        starts = [*map(heads.__getitem__, are_quotes)]
        for number, fact in stated.items():
            facts[number - span.start], starts[number - span.start] = fact, _head(fact)
        log.history.add_alike(lines, facts, seqs=seqs, starts=starts)
        numbers = map(
            ROW_NUMBERS.pack, seqs, repeat(session.toordinal() - 1), positions, times,
            map(len, lines), repeat(1), map(len, facts),
        )  # fmt: skip
        head, ends = row_prefix(log.shard, origin)
        chain, chains, sha256, join = log.chain, [], hashlib.sha256, b"".join
        for fixed, line, fact in zip(numbers, lines, facts, strict=True):
            chain = sha256(join((head, chain, ends, fixed, line, fact))).digest()
            chains.append(chain)
        rows = zip(
            repeat(log.shard), seqs, repeat(session), repeat(origin), positions, times, lines,
            repeat(1), facts, chains,
        )  # fmt: skip
        # Plain tuples in the order of a row's columns: named tuples would take a seventh longer per
        # trade, and the writer needs no names.
        log.pending.rows += cast("Iterable[JournalRow]", rows)
        log.seq, log.chain = seqs.stop, chain

    def _facts(self, span: slice, *, seqs: range) -> list[bytes]:
        """The one fact of each line."""
        columns = self._columns
        values = zip(
            seqs, columns.instants[span], columns.names[span], columns.symbols[span],
            columns.ticks[span].tolist(), columns.amounts[span], columns.thirds[span],
            columns.fourths[span], strict=True,
        )  # fmt: skip
        chosen = map(self._templates.__getitem__, self._lines.is_quote[span].tolist())
        return [*map(bytes.__mod__, chosen, values)]


def _head(fact: bytes) -> bytes:
    """A fact's text up to its row's number."""
    return fact.partition(b',"seq":')[0]


def _templates(market: TradingMarket) -> tuple[bytes, bytes]:
    """The texts of the facts of a trade and of a quote, with `%` for what differs."""
    shard, day = market.log.shard, {"business_date": market.books.control.business_date}
    return (
        fact_template(TradeNovated, shard, columns=_OF_TRADE, alike=day),
        fact_template(QuoteSet, shard, columns=_OF_QUOTE, alike={}),
    )
