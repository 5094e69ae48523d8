"""Ordinary trades by the thousand: the fast twin of `market_trade` (RULEBOOK §3).

In: trades that one pattern could read, in the order of the stream. Out: the same rows, facts, books and hashes
as deciding them one by one. Whatever is not plainly ordinary (a known id, a stopped account, a halt, a price
not strictly inside the limits, a large position) takes the readable way, one trade at a time.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable
from struct import Struct
from typing import Final, NamedTuple

from events.chain import row_prefix
from events.codec import decode_command
from events.contracts import ticks_of
from events.trade_line import SECONDS, minute_of, nanos_of
from events.units import day_start, parse_decimal
from risk.price_limits import HaltState
from services.shards.clearinghouse import Market, take_market
from services.shards.identity import Memory
from services.shards.log import Inbound
from services.shards.market_books import MarketBooks
from settlement.control_books import LOOK_AHEAD_NS, LOOK_BACK_NS

LOTS_FAST_MAX: Final = 1 << 40
_CACHE_MAX: Final = 1 << 16
_BOUND: Final = 1 << 61

_NUMBERS: Final = Struct(">qIqq").pack
_LENGTH: Final = Struct(">I").pack
_ONE_PART: Final = Struct(">II").pack

Groups = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes | None]


class Trade(NamedTuple):
    """A trade that the pattern could read. key: of its id, for the journal's memory."""

    groups: Groups
    position: int
    decided: int
    line: bytes
    key: int


class _View(NamedTuple):
    """One contract as the loop needs it; good until anything but an ordinary trade happens."""

    low: int
    high: int
    mark: int
    lots: array[int]
    opened: array[int]
    add_seq: Callable[[int], None]
    add_time: Callable[[int], None]
    add_price: Callable[[int], None]
    add_lots: Callable[[int], None]


def clear_trades(
    market: Market, trades: list[Trade], *, origin: str, memory: Memory
) -> None:
    """Decide trades of one market in order; rows, ids and books as by deciding each."""
    place = 0
    while place < len(trades):
        place = _clear_ordinary(market, trades, first=place, origin=origin, memory=memory)
        if place < len(trades):
            trade = trades[place]
            inbound = Inbound(origin, trade.position, trade.decided, trade.line)
            take_market(market, inbound, decoded=decode_command(trade.line), memory=memory)
            place += 1


def _clear_ordinary(  # noqa: PLR0914, PLR0915, C901
    market: Market, trades: list[Trade], *, first: int, origin: str, memory: Memory
) -> int:
    """Clear trades from `first` on until one is not ordinary; the place of that one, or the end."""
    books, log = market.books, market.log
    control = books.control
    session = control.business_date
    if session is None:
        return first
    earliest = control.opened_at - LOOK_BACK_NS
    latest = _latest(books)
    recent, suspects, keep_key = memory.of_trades(log.shard)
    holders = books.holders_by_wire
    views: dict[bytes, _View | None] = {}
    prices, minutes = market.prices, market.minutes
    watch = books.limit_watch_lots
    shard, seq, chain, rows = log.shard, log.seq, log.chain, log.rows
    head, shard_part = row_prefix(shard)
    origin_part = len(origin).to_bytes(2, "big") + origin.encode()
    days = session.toordinal() - 1
    template = (
        b'{"type":"trade_novated/1","shard":"%b","seq":%%d,"at":"%%b","trade_id":"%%b",'
        b'"contract":"%%b","price_ticks":%%d,"lots":%%d,"buyer":"%%b","seller":"%%b",'
        b'"business_date":"%b"}' % (shard.encode(), session.isoformat().encode())
    )
    sha256, join, add_row = hashlib.sha256, b"".join, rows.append
    place = first
    for trade in trades[first:] if first else trades:
        groups, position, decided, line, key = trade
        trade_id, symbol, price, lots_text, buyer_name, seller_name, minute, second, part = groups
        if trade_id in recent or trade_id in suspects:
            break
        view = views.get(symbol)
        if view is None:
            view = _view_of(books, symbol)
            if view is None:
                break
            views[symbol] = view
        low, high, mark, held, opened, add_seq, add_time, add_price, add_lots = view
        buyer, seller = holders.get(buyer_name), holders.get(seller_name)
        if buyer is None or seller is None or buyer is seller:
            break
        ticks = prices.get(price)
        if ticks is None:
            ticks = _ticks(market, price)
        begun = minutes.get(minute)
        if begun is None:
            begun = _minute(market, minute)
        lots = int(lots_text)
        executed_at = begun + SECONDS[second] + (nanos_of(part) if part else 0)
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
        add_seq(seq)
        add_time(executed_at)
        add_price(ticks)
        add_lots(lots)
        at = b"%b:%b%bZ" % (minute, second, _fraction(part) if part else b"")
        fact = template % (seq, at, trade_id, symbol, ticks, lots, buyer_name, seller_name)
        chain = sha256(
            join(
                (
                    head, chain, shard_part, _NUMBERS(seq, days, position, decided), origin_part,
                    _LENGTH(len(line)), line, _ONE_PART(1, len(fact)), fact,
                )
            )
        ).digest()  # fmt: skip
        add_row((shard, seq, session, origin, position, decided, line, 1, fact, chain))
        recent[trade_id] = (seq, line)
        keep_key(key, seq)
        seq += 1
        place += 1
    log.seq, log.chain = seq, chain
    return place


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
    trades = contract.trades
    return _View(
        low=low,
        high=high,
        mark=contract.positions.mark_ticks or 0,
        lots=contract.positions.lots,
        opened=contract.positions.open_cents,
        add_seq=trades.seqs.append,
        add_time=trades.times.append,
        add_price=trades.prices.append,
        add_lots=trades.lots.append,
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


def _minute(market: Market, minute: bytes) -> int:
    """The minute's beginning, remembered; when there is none, an instant out of every range."""
    begun = minute_of(minute)
    if len(market.minutes) >= _CACHE_MAX:
        market.minutes.clear()
    market.minutes[minute] = -(1 << 100) if begun is None else begun
    return market.minutes[minute]


def _fraction(part: bytes) -> bytes:
    shown = part.rstrip(b"0")
    return b"" if shown == b"." else shown
