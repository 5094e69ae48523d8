"""Ordinary trades by the thousand: the fast twin of `market_trade` (RULEBOOK §3).

In: trades that one pattern could read, in the order of the stream. Out: the same rows, facts, books and hashes
as deciding them one by one. Whatever is not plainly ordinary (a known id, a stopped account, a halt, a price
not strictly inside the limits, a large position) takes the readable way, one trade at a time.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from events.chain import ROW_NUMBERS, row_prefix
from events.codec import decode_command
from events.contracts import ticks_of
from events.trade_line import FRACTION_NS, second_of
from events.units import day_start, parse_decimal
from risk.price_limits import HaltState
from services.shards.clearinghouse import Market, take_market
from services.shards.identity import Memory
from services.shards.log import Inbound
from services.shards.market_books import MarketBooks
from settlement.control_books import LOOK_AHEAD_NS, LOOK_BACK_NS
from settlement.session_trades import SessionTrades

LOTS_FAST_MAX: Final = 1 << 40
_CACHE_MAX: Final = 1 << 16
_BOUND: Final = 1 << 61
_ZERO: Final = ord("0")

@dataclass(frozen=True, slots=True)
class TradeRun:
    """Trades of one market in the order of the stream, as columns of one length.

    fields: what the pattern found; decided: their place in the run of the house; keys: of their ids.
    """

    fields: Sequence[re.Match[bytes]]
    positions: Sequence[int]
    decided: Sequence[int]
    lines: Sequence[bytes]
    keys: Sequence[int]

    def chosen(self, places: Sequence[int]) -> TradeRun:
        """Some of them."""
        return TradeRun(
            [self.fields[place] for place in places],
            [self.positions[place] for place in places],
            [self.decided[place] for place in places],
            [self.lines[place] for place in places],
            [self.keys[place] for place in places],
        )

    def part(self, places: slice) -> TradeRun:
        """Some of them that follow one another."""
        return TradeRun(
            self.fields[places],
            self.positions[places],
            self.decided[places],
            self.lines[places],
            self.keys[places],
        )


class _View(NamedTuple):
    """One contract as the loop needs it; good until anything but an ordinary trade happens."""

    low: int
    high: int
    mark: int
    lots: array[int]
    opened: array[int]
    deals: list[tuple[int, int, int, int]]
    trades: SessionTrades


def clear_trades(market: Market, run: TradeRun, *, origin: str, memory: Memory) -> None:
    """Decide trades of one market in order; rows, ids and books as by deciding each."""
    place = _clear_ordinary(market, run, origin=origin, memory=memory)
    while place < len(run.lines):
        inbound = Inbound(origin, run.positions[place], run.decided[place], run.lines[place])
        take_market(market, inbound, decoded=decode_command(inbound.line), memory=memory)
        left = run.part(slice(place + 1, None))
        place += 1 + _clear_ordinary(market, left, origin=origin, memory=memory)


def _clear_ordinary(  # noqa: PLR0914, PLR0915, C901
    market: Market, run: TradeRun, *, origin: str, memory: Memory
) -> int:
    """Clear trades until one is not ordinary; the place of that one, or the end."""
    books, log = market.books, market.log
    control = books.control
    session = control.business_date
    if session is None:
        return 0
    earliest = control.opened_at - LOOK_BACK_NS
    latest = _latest(books)
    recent, suspects = memory.of_trades(log.shard)
    holders = books.holders_by_wire
    views: dict[bytes, _View] = {}
    prices, instants = market.prices, market.seconds
    watch = books.limit_watch_lots
    shard, seq, chain, rows = log.shard, log.seq, log.chain, log.rows
    head, ends = row_prefix(shard, origin)
    numbers = ROW_NUMBERS.pack
    days = session.toordinal() - 1
    template = (
        b'{"type":"trade_novated/1","shard":"%b","seq":%%d,"at":"%%b","trade_id":"%%b",'
        b'"contract":"%%b","price_ticks":%%d,"lots":%%d,"buyer":"%%b","seller":"%%b",'
        b'"business_date":"%b"}' % (shard.encode(), session.isoformat().encode())
    )
    sha256, join, add_row = hashlib.sha256, b"".join, rows.append
    for one, position, decided, line in zip(
        run.fields, run.positions, run.decided, run.lines, strict=True
    ):
        trade_id, symbol, price, lots_text, buyer_name, seller_name, at, second, part = one.groups()
        if trade_id in recent or trade_id in suspects:
            break
        view = views.get(symbol)
        if view is None:
            view = _view_of(books, symbol)
            if view is None:
                break
            views[symbol] = view
        low, high, mark, held, opened, deals, _ = view
        buyer, seller = holders.get(buyer_name), holders.get(seller_name)
        if buyer is None or seller is None or buyer is seller:
            break
        ticks = prices.get(price)
        if ticks is None:
            ticks = _ticks(market, price)
        executed_at = instants.get(second)
        if executed_at is None:
            executed_at = _second(market, second)
        if part is not None:
            executed_at += int(part[1:]) * FRACTION_NS[len(part)]
            if part[-1] == _ZERO:
                at = second + part.rstrip(b"0").rstrip(b".") + b"Z"
        lots = int(lots_text)
        if (
            buyer.is_stopped
            or seller.is_stopped
            or not low < ticks < high
            or not earliest <= executed_at <= latest
            or lots > LOTS_FAST_MAX
        ):
            break
        gains, gives = buyer.owner, seller.owner
        reach, reach_other = gains.reach_lots + lots, gives.reach_lots + lots
        if reach > watch or reach_other > watch or max(reach, reach_other) * ticks > _BOUND:
            break
        value = lots * (ticks - mark)
        b, s = buyer.number, seller.number
        opened_b, opened_s = opened[b] + value, opened[s] - value
        if not (-_BOUND < opened_b < _BOUND and -_BOUND < opened_s < _BOUND):
            break
        # Nothing can fail from here.
        gains.reach_lots = reach
        gives.reach_lots = gives.reach_lots + lots
        held[b] += lots
        held[s] -= lots
        opened[b] = opened_b
        opened[s] = opened_s
        deals.append((seq, executed_at, ticks, lots))
        fact = template % (seq, at, trade_id, symbol, ticks, lots, buyer_name, seller_name)
        chain = sha256(
            join(
                (
                    head, chain, ends,
                    numbers(seq, days, position, decided, len(line), 1, len(fact)), line, fact,
                )
            )
        ).digest()  # fmt: skip
        add_row((shard, seq, session, origin, position, decided, line, 1, fact, chain))
        recent[trade_id] = (seq, line)
        seq += 1
    cleared = seq - log.seq
    memory.keep_cleared(shard, run.keys[:cleared], first_seq=log.seq)
    for view in views.values():
        view.trades.extend(view.deals)
    log.seq, log.chain = seq, chain
    log.novated += cleared
    return cleared


def _latest(books: MarketBooks) -> int:
    session = books.control.business_date
    assert session is not None, "no session is open"
    return day_start(session) + LOOK_AHEAD_NS


def _view_of(books: MarketBooks, symbol: bytes) -> _View | None:
    """A contract that trades, is not disturbed by halts, and has columns for everybody."""
    contract = books.contracts.get(symbol.decode())
    session = books.control.business_date
    if contract is None or session is None or contract.last_trading_day < session:
        return None
    low, high, has_halts = _limits(contract.halts)
    if has_halts:
        return None
    return _View(
        low=low,
        high=high,
        mark=contract.positions.mark_ticks or 0,
        lots=contract.positions.lots,
        opened=contract.positions.open_cents,
        deals=[],
        trades=contract.trades,
    )


def _limits(halts: HaltState) -> tuple[int, int, bool]:
    """Strict bounds inside which a trade is ordinary; a price below one tick never is."""
    low, high, has_halts = halts.fast_path
    return max(low, 0), high, has_halts


def _ticks(market: Market, price: bytes) -> int:
    """The price in ticks, remembered; −1 when it lies on none, which no limit has inside."""
    ticks = ticks_of(parse_decimal(price.decode()), market.books.product)
    if len(market.prices) >= _CACHE_MAX:
        market.prices.clear()
    market.prices[price] = -1 if ticks is None else ticks
    return market.prices[price]


def _second(market: Market, second: bytes) -> int:
    """The second's beginning, remembered; when there is none, an instant out of every range."""
    begun = second_of(second)
    if len(market.seconds) >= _CACHE_MAX:
        market.seconds.clear()
    market.seconds[second] = -(1 << 100) if begun is None else begun
    return market.seconds[second]
