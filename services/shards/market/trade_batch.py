"""Ordinary trades by the thousand: the fast twin of `trade` (RULEBOOK §3).

In: trades read by the pattern, in the order of the stream. Out: the same rows, facts, books and
hashes as by deciding them one by one. Fields become columns. An unusual trade (a suspect id, a
stopped account, a halt, a price not strictly inside the limits, a large position) is decided by
`trade`, in its turn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final, Protocol, cast

import numpy as np
import numpy.typing as npt

from events.chain import ROW_NUMBERS, row_prefix
from events.codec import decode_command
from events.command import Command, Malformed
from events.contracts import ticks_of
from events.fact_text import fact_template
from events.int64 import IntArray, magnitude_of
from events.market_facts import TradeNovated
from events.trade_line import TradeFields
from events.units import INT64_MAX, day_start, parse_decimal
from services.shards.ids import Memory
from services.shards.instant_columns import NEVER, canonical_texts, instants_of
from services.shards.log import Inbound, ShardLog
from services.shards.market.books import ContractBooks, MarketBooks, tradable
from services.shards.market.novations import (
    Novations,
    integers,
    novate_columns,
    widen_lots_bounds,
)
from services.shards.rows import JournalRow
from settlement.control_books import LOOK_AHEAD_NS, LOOK_BACK_NS

LOTS_FAST_MAX: Final = 1 << 40
_CACHE_MAX: Final = 1 << 16
_BOUND: Final = 1 << 61
_UNKNOWN: Final = -1
# The formats of the columns in a novation's text.
_FILLS: Final = {
    "trade_id": "%b", "contract": "%b", "price_ticks": "%d", "lots": "%b", "buyer": "%b",
    "seller": "%b",
}  # fmt: skip

Bools = npt.NDArray[np.bool_]


class TradingMarket(Protocol):
    """The parts of a market that clear trades. ticks: by the text of a price; a cache."""

    books: MarketBooks
    log: ShardLog
    ticks: dict[bytes, int]

    def decide(self, inbound: Inbound, command: Command | Malformed, *, memory: Memory) -> bool:
        """Decide a trade by itself."""
        ...


@dataclass(frozen=True, slots=True)
class TradeRun:
    """Trades of one market in the order of the stream, as columns of one length.

    fields: texts of the lines; keys: of their ids; suspects: True where the id may be a repeat.
    """

    fields: Sequence[TradeFields]
    positions: Sequence[int]
    logical_times: Sequence[int]
    lines: Sequence[bytes]
    keys: Sequence[int]
    suspects: Bools

    def chosen(self, numbers: Sequence[int]) -> TradeRun:
        """The trades of some numbers."""
        return TradeRun(
            [self.fields[number] for number in numbers],
            [self.positions[number] for number in numbers],
            [self.logical_times[number] for number in numbers],
            [self.lines[number] for number in numbers],
            [self.keys[number] for number in numbers],
            self.suspects[np.array(numbers, dtype=np.intp)],
        )

    def inbound(self, number: int, *, origin: str) -> Inbound:
        """The trade of a number as an input by itself."""
        return Inbound(
            origin, self.positions[number], self.logical_times[number], self.lines[number]
        )

    def part(self, span: slice) -> TradeRun:
        """The trades of a span."""
        return TradeRun(
            self.fields[span],
            self.positions[span],
            self.logical_times[span],
            self.lines[span],
            self.keys[span],
            self.suspects[span],
        )


@dataclass(frozen=True, slots=True)
class _Columns:
    """The fields of a run: texts as on the wire; numbers as int64, −1 for unknown ones."""

    ids: Sequence[bytes]
    symbols: Sequence[bytes]
    amounts: Sequence[bytes]
    buyers: Sequence[bytes]
    sellers: Sequence[bytes]
    instants: Sequence[bytes]
    contract: IntArray
    ticks: IntArray
    lots: IntArray
    buyer: IntArray
    seller: IntArray
    executed_at: IntArray


def clear_trades(market: TradingMarket, run: TradeRun, *, origin: str, memory: Memory) -> None:
    """Decide trades of one market in order; same rows, ids and books as by deciding each."""
    columns = _read(market, run)
    first = 0
    while first < len(run.lines):
        limits = _limits(market.books)
        unusual = run.suspects[first:] | _is_unusual(market.books, columns, first=first)
        for number in (*(np.flatnonzero(unusual) + first).tolist(), len(run.lines)):
            _clear_ordinary(market, run, columns=columns, span=(first, number), origin=origin)
            memory.keep_cleared(
                market.log.shard,
                columns.ids[first:number],
                keys=run.keys[first:number],
                lines=run.lines[first:number],
                last_seq=market.log.seq - 1,
            )
            if number == len(run.lines):
                return
            inbound = run.inbound(number, origin=origin)
            market.decide(inbound, decode_command(inbound.line), memory=memory)
            first = number + 1
            # `_is_large` counts a large trade with fewer lots than it has.
            if _limits(market.books) != limits or columns.lots[number] > LOTS_FAST_MAX:
                break


def _read(market: TradingMarket, run: TradeRun) -> _Columns:
    ids, symbols, prices, lots, buyers, sellers, instants = zip(*run.fields, strict=True)
    books, count = market.books, len(ids)
    if len(market.ticks) > _CACHE_MAX:
        market.ticks.clear()
    for price in dict.fromkeys(prices):
        if price not in market.ticks:
            _read_price(market, price)
    numbers = {symbol.encode(): number for number, symbol in enumerate(books.contracts)}
    executed_at = instants_of(instants)
    assert executed_at is not None, "the pattern found an instant of another form"
    return _Columns(
        ids=ids,
        symbols=symbols,
        amounts=lots,
        buyers=buyers,
        sellers=sellers,
        instants=canonical_texts(instants),
        contract=integers(map(numbers.get, symbols, repeat(_UNKNOWN)), count),
        ticks=integers(map(market.ticks.__getitem__, prices), count),
        lots=integers(map(int, lots), count),
        buyer=integers(map(books.numbers.get, buyers, repeat(_UNKNOWN)), count),
        seller=integers(map(books.numbers.get, sellers, repeat(_UNKNOWN)), count),
        executed_at=executed_at,
    )


def _read_price(market: TradingMarket, price: bytes) -> None:
    """Add the ticks of a price to the cache; −1 for a price off the tick."""
    ticks = ticks_of(parse_decimal(price.decode()), market.books.product)
    market.ticks[price] = _UNKNOWN if ticks is None else ticks


def _limits(books: MarketBooks) -> list[tuple[int, int]]:
    """The bounds of ordinary prices of each contract; (0, 0) while no price is ordinary."""
    return [_bounds(books, contract) for contract in books.contracts.values()]


def _bounds(books: MarketBooks, contract: ContractBooks) -> tuple[int, int]:
    low, high, has_halts = contract.halts.ordinary_bounds
    if has_halts or not tradable(books, contract):
        return 0, 0
    return max(low, 0), min(high, INT64_MAX)


def _is_unusual(books: MarketBooks, columns: _Columns, *, first: int) -> Bools:
    """Whether each trade from `first` on is unusual, by the present books."""
    session = books.control.business_date
    buyer, seller = columns.buyer[first:], columns.seller[first:]
    contract, ticks, lots = columns.contract[first:], columns.ticks[first:], columns.lots[first:]
    executed_at = columns.executed_at[first:]
    if session is None or not books.contracts or not books.numbers:
        return np.ones(len(buyer), dtype=np.bool_)
    low, high = np.array(_limits(books), dtype=np.int64).T
    stopped = np.frombuffer(books.stopped, dtype=np.bool_)
    unusual: Bools = (buyer < 0) | (seller < 0) | (buyer == seller)
    unusual |= stopped[buyer] | stopped[seller]
    unusual |= (contract < 0) | (ticks <= low[contract]) | (ticks >= high[contract])
    unusual |= (executed_at == NEVER) | (executed_at < books.control.opened_at - LOOK_BACK_NS)
    unusual |= executed_at > day_start(session) + LOOK_AHEAD_NS
    unusual |= lots > LOTS_FAST_MAX
    return unusual | _is_large(books, (buyer, seller), lots=lots, ticks=ticks)


def _is_large(
    books: MarketBooks, sides: tuple[IntArray, IntArray], *, lots: IntArray, ticks: IntArray
) -> Bools:
    """Whether each trade could bring an owner near a position limit, or an amount near int64."""
    owner_of = np.frombuffer(books.owner_of, dtype=np.int64)
    bounded = np.minimum(lots, LOTS_FAST_MAX)
    # A bound may be the largest int64: it is lowered, so that the sums cannot wrap.
    bounds = np.minimum(np.array(books.lots_bound, dtype=np.int64), _BOUND)
    for side in sides:
        np.add.at(bounds, owner_of[side], bounded)
    contracts = books.contracts.values()
    opened = max(magnitude_of(contract.positions.open_cents) for contract in contracts)
    dearest = max(int(ticks.max(initial=1)), *map(_highest, contracts), 1)
    if opened + max(int(bounded.sum()), int(bounds.max())) * dearest > _BOUND:
        return np.ones(len(lots), dtype=np.bool_)
    watch = min(books.limit_watch_lots, _BOUND // dearest)
    is_large: Bools = bounds > watch
    return is_large[owner_of[sides[0]]] | is_large[owner_of[sides[1]]]


def _highest(contract: ContractBooks) -> int:
    """The highest of a contract's marks, trade prices, best bid and price set by the exchange."""
    marked = max(contract.positions.mark_ticks or 0, contract.carried_ticks or 0)
    overruled = contract.overruled_ticks or 0
    return max(marked, contract.trades.highest, contract.quotes.highest_bid, overruled)


def _clear_ordinary(
    market: TradingMarket,
    run: TradeRun,
    *,
    columns: _Columns,
    span: tuple[int, int],
    origin: str,
) -> None:
    """Novate the trades of a span; all are ordinary and cannot fail."""
    first, last = span
    if first == last:
        return
    _add_up(market.books, columns, chosen=slice(first, last), first_seq=market.log.seq)
    _record(market, run, columns=columns, chosen=slice(first, last), origin=origin)


def _add_up(books: MarketBooks, columns: _Columns, *, chosen: slice, first_seq: int) -> None:
    """Apply the trades to positions, lots bounds and session trades, by columns."""
    lots, contracts = columns.lots[chosen], columns.contract[chosen]
    trades = Novations(
        seqs=np.arange(first_seq, first_seq + len(lots), dtype=np.int64),
        executed_at=columns.executed_at[chosen],
        ticks=columns.ticks[chosen],
        lots=lots,
        buyer=columns.buyer[chosen],
        seller=columns.seller[chosen],
    )
    widen_lots_bounds(books, (trades.buyer, trades.seller), lots=lots)
    for number, contract in enumerate(books.contracts.values()):
        rows = np.flatnonzero(contracts == number)
        if len(rows):
            novate_columns(contract, Novations(*(column[rows] for column in trades)))


def _record(
    market: TradingMarket, run: TradeRun, *, columns: _Columns, chosen: slice, origin: str
) -> None:
    """Append facts, chain and journal rows to the log."""
    log, session = market.log, market.books.control.business_date
    assert session is not None, "a trade was accepted without a session"
    lines, positions, times = run.lines[chosen], run.positions[chosen], run.logical_times[chosen]
    seqs = range(log.seq, log.seq + len(lines))
    template = fact_template(
        TradeNovated, log.shard, columns=_FILLS, alike={"business_date": session}
    )
    values = zip(
        seqs, columns.instants[chosen], columns.ids[chosen], columns.symbols[chosen],
        columns.ticks[chosen].tolist(), columns.amounts[chosen],
        columns.buyers[chosen], columns.sellers[chosen], strict=True,
    )  # fmt: skip
    facts = [*map(template.__mod__, values)]
    log.history.add_alike(lines, facts, seqs=seqs)
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
    log.pending.novated += len(lines)
