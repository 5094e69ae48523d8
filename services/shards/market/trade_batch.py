"""Ordinary trades by the thousand: the fast twin of `market_trade` (RULEBOOK §3).

In: trades that one pattern could read, in the order of the stream. Out: the same rows, facts, books
and hashes as deciding them one by one. Fields become columns; what is not plainly ordinary (a
suspect id, a stopped account, a halt, a price not strictly inside the limits, a large position) is
decided the readable way in its place.
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
    widen_reaches,
)
from services.shards.rows import JournalRow
from settlement.control_books import LOOK_AHEAD_NS, LOOK_BACK_NS

LOTS_FAST_MAX: Final = 1 << 40
_CACHE_MAX: Final = 1 << 16
_BOUND: Final = 1 << 61
_NOWHERE: Final = -1
# How the columns of a novation are filled into its text.
_FILLS: Final = {
    "trade_id": "%b", "contract": "%b", "price_ticks": "%d", "lots": "%b", "buyer": "%b",
    "seller": "%b",
}  # fmt: skip

Bools = npt.NDArray[np.bool_]


class TradingMarket(Protocol):
    """A market as this path needs it. ticks: of prices as they stand on the wire, read before."""

    books: MarketBooks
    log: ShardLog
    ticks: dict[bytes, int]

    def decide(self, inbound: Inbound, command: Command | Malformed, *, memory: Memory) -> bool:
        """Decide a trade the readable way."""
        ...


@dataclass(frozen=True, slots=True)
class TradeRun:
    """Trades of one market in the order of the stream, as columns of one length.

    fields: as they stand in the lines; keys: of their ids; suspects: whose id was or may have been
    seen before.
    """

    fields: Sequence[TradeFields]
    positions: Sequence[int]
    logical_times: Sequence[int]
    lines: Sequence[bytes]
    keys: Sequence[int]
    suspects: Bools

    def chosen(self, places: Sequence[int]) -> TradeRun:
        """Some of them."""
        return TradeRun(
            [self.fields[place] for place in places],
            [self.positions[place] for place in places],
            [self.logical_times[place] for place in places],
            [self.lines[place] for place in places],
            [self.keys[place] for place in places],
            self.suspects[np.array(places, dtype=np.intp)],
        )

    def inbound(self, number: int, *, origin: str) -> Inbound:
        """One of them as an input by itself."""
        return Inbound(
            origin, self.positions[number], self.logical_times[number], self.lines[number]
        )

    def part(self, places: slice) -> TradeRun:
        """Some of them that follow one another."""
        return TradeRun(
            self.fields[places],
            self.positions[places],
            self.logical_times[places],
            self.lines[places],
            self.keys[places],
            self.suspects[places],
        )


@dataclass(frozen=True, slots=True)
class _Columns:
    """The fields of a run: texts as on the wire; numbers as int64, −1 for what is unknown."""

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
    """Decide trades of one market in order; rows, ids and books as by deciding each."""
    columns = _read(market, run)
    first = 0
    while first < len(run.lines):
        limits = _limits(market.books)
        unusual = run.suspects[first:] | _is_unusual(market.books, columns, first=first)
        for place in (*(np.flatnonzero(unusual) + first).tolist(), len(run.lines)):
            _clear_ordinary(market, run, columns=columns, span=(first, place), origin=origin)
            memory.keep_cleared(
                market.log.shard,
                columns.ids[first:place],
                keys=run.keys[first:place],
                lines=run.lines[first:place],
                last_seq=market.log.seq - 1,
            )
            first = place
            if place == len(run.lines):
                return
            inbound = Inbound(
                origin, run.positions[place], run.logical_times[place], run.lines[place]
            )
            market.decide(inbound, decode_command(inbound.line), memory=memory)
            first = place + 1
            # A large one counted as less in what was found to be unusual.
            if _limits(market.books) != limits or columns.lots[place] > LOTS_FAST_MAX:
                break


def _read(market: TradingMarket, run: TradeRun) -> _Columns:
    ids, symbols, prices, lots, buyers, sellers, instants = zip(*run.fields, strict=True)
    books, count = market.books, len(ids)
    if len(market.ticks) > _CACHE_MAX:
        market.ticks.clear()
    for price in dict.fromkeys(prices):
        if price not in market.ticks:
            _learn_price(market, price)
    places = {symbol.encode(): place for place, symbol in enumerate(books.contracts)}
    executed_at = instants_of(instants)
    assert executed_at is not None, "the pattern found an instant of another form"
    return _Columns(
        ids=ids,
        symbols=symbols,
        amounts=lots,
        buyers=buyers,
        sellers=sellers,
        instants=canonical_texts(instants),
        contract=integers(map(places.get, symbols, repeat(_NOWHERE)), count),
        ticks=integers(map(market.ticks.__getitem__, prices), count),
        lots=integers(map(int, lots), count),
        buyer=integers(map(books.numbers.get, buyers, repeat(_NOWHERE)), count),
        seller=integers(map(books.numbers.get, sellers, repeat(_NOWHERE)), count),
        executed_at=executed_at,
    )


def _learn_price(market: TradingMarket, price: bytes) -> None:
    """Remember a price in ticks; −1 when it lies on none, or in none that a trade could have."""
    ticks = ticks_of(parse_decimal(price.decode()), market.books.product)
    market.ticks[price] = _NOWHERE if ticks is None else ticks


def _limits(books: MarketBooks) -> list[tuple[int, int]]:
    """Of each contract the bounds inside which a trade is ordinary; (0, 0) when none is."""
    return [_bounds(books, contract) for contract in books.contracts.values()]


def _bounds(books: MarketBooks, contract: ContractBooks) -> tuple[int, int]:
    low, high, has_halts = contract.halts.ordinary_bounds
    if has_halts or not tradable(books, contract):
        return 0, 0
    return max(low, 0), min(high, INT64_MAX)


def _is_unusual(books: MarketBooks, columns: _Columns, *, first: int) -> Bools:
    """Which trades from `first` on are not plainly ordinary as the books stand."""
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
    """Which trades could bring an owner near a position limit, or an amount near int64."""
    owner_of = np.frombuffer(books.owner_of, dtype=np.int64)
    bounded = np.minimum(lots, LOTS_FAST_MAX)
    # A bound may be all of int64, and what is added to it must not wrap.
    reach = np.minimum(np.array(books.reach_lots, dtype=np.int64), _BOUND)
    for side in sides:
        np.add.at(reach, owner_of[side], bounded)
    opened = max(magnitude_of(one.positions.open_cents) for one in books.contracts.values())
    dearest = max(int(ticks.max(initial=1)), *map(_highest, books.contracts.values()), 1)
    if opened + max(int(bounded.sum()), int(reach.max())) * dearest > _BOUND:
        return np.ones(len(lots), dtype=np.bool_)
    watch = min(books.limit_watch_lots, _BOUND // dearest)
    is_large: Bools = reach > watch
    return is_large[owner_of[sides[0]]] | is_large[owner_of[sides[1]]]


def _highest(contract: ContractBooks) -> int:
    """The highest price that a contract stands at, was traded at or has a bid at."""
    marked = contract.positions.mark_ticks or 0
    return max(marked, contract.trades.highest, contract.quotes.highest_bid)


def _clear_ordinary(
    market: TradingMarket,
    run: TradeRun,
    *,
    columns: _Columns,
    span: tuple[int, int],
    origin: str,
) -> None:
    """Novate the trades of a span, none of which can fail."""
    first, last = span
    if first == last:
        return
    _add_up(market.books, columns, chosen=slice(first, last), first_seq=market.log.seq)
    _record(market, run, columns=columns, chosen=slice(first, last), origin=origin)


def _add_up(books: MarketBooks, columns: _Columns, *, chosen: slice, first_seq: int) -> None:
    """Positions, reach and session trades, by columns."""
    lots, contract = columns.lots[chosen], columns.contract[chosen]
    trades = Novations(
        seqs=np.arange(first_seq, first_seq + len(lots), dtype=np.int64),
        executed_at=columns.executed_at[chosen],
        ticks=columns.ticks[chosen],
        lots=lots,
        buyer=columns.buyer[chosen],
        seller=columns.seller[chosen],
    )
    widen_reaches(books, (trades.buyer, trades.seller), lots=lots)
    for place, one in enumerate(books.contracts.values()):
        here = np.flatnonzero(contract == place)
        if len(here):
            novate_columns(one, Novations(*(column[here] for column in trades)))


def _record(
    market: TradingMarket, run: TradeRun, *, columns: _Columns, chosen: slice, origin: str
) -> None:
    """Facts, chain and journal rows."""
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
    # Plain tuples in a row's order: to name each would cost a seventh of a trade, and until they
    # are written nobody asks for a column by its name.
    log.pending.rows += cast("Iterable[JournalRow]", rows)
    log.seq, log.chain = seqs.stop, chain
    log.pending.novated += len(lines)
