"""Books from snapshots and from rows: a restart at any line, and folding without deciding.

In: a clearinghouse in memory. Out: books that must be its own.
"""

from __future__ import annotations

import json
from random import Random

from services.shards.clearinghouse import (
    Clearinghouse,
    Market,
)
from services.shards.fold import Row, fold_control, fold_market, fold_member, join_parts
from services.shards.log import ShardLog
from services.shards.market.books import MarketBooks, open_market_books
from services.shards.member.books import MemberBooks
from services.shards.state import (
    control_hash,
    dump_control,
    dump_market,
    dump_member,
    load_control,
    load_market,
    load_member,
    market_hash,
    member_hash,
)
from settlement.control_books import ControlBooks


def restarted(house: Clearinghouse) -> Clearinghouse:
    """The shards from the snapshots of their books, their logs going on."""
    control = dump_control(house.control)
    fresh = Clearinghouse(
        control=load_control(control),
        control_log=house.control_log,
        member=load_member(dump_member(house.member), load_control(control)),
        member_log=house.member_log,
    )
    for product, market in house.markets.items():
        state = dump_market(market.books, links_sent=market.links_sent)
        books, sent = load_market(state, load_control(control))
        fresh.markets[product] = Market(books, market.log, sent)
    return fresh


def hashes(house: Clearinghouse) -> dict[str, str]:
    """The state hash of every shard."""
    markets = {market.log.shard: market_hash(market.books) for market in house.markets.values()}
    return {
        house.control_log.shard: control_hash(house.control),
        house.member_log.shard: member_hash(house.member),
        **markets,
    }


def check_folding(house: Clearinghouse, *, rng: Random) -> None:
    """Folding the rows, from row 0 on or from a snapshot, gives the books of deciding."""
    control = folded_control(house.control_log, rng=rng)
    assert control_hash(control) == control_hash(house.control)
    for product, market in house.markets.items():
        books = folded_market(house, product, rng=None)
        assert market_hash(books) == market_hash(market.books)
        assert dump_market(books, links_sent=0) == dump_market(market.books, links_sent=0)
        assert market_hash(folded_market(house, product, rng=rng)) == market_hash(market.books)
    for chance in (None, rng):
        member = folded_member(house, rng=chance)
        assert member_hash(member) == member_hash(house.member)


def folded_control(
    log: ShardLog, *, rng: Random | None = None, number: int | None = None
) -> ControlBooks:
    """Control books from their rows, perhaps only up to a command's number."""
    books, halfway = ControlBooks(), snapshot_row(log, rng)
    for row in rows_of(log):
        if books.number == number:
            break
        fold_control(books, row)
        if row.seq == halfway:
            books = load_control(dump_control(books))
    return books


def folded_market(house: Clearinghouse, product: str, *, rng: Random | None) -> MarketBooks:
    """A market's books from its rows; it begins with the control books that its row 0 names."""
    log = house.markets[product].log
    number = json.loads(log.rows[0][8])["control_number"]
    books = open_market_books(product, folded_control(house.control_log, number=number))
    halfway = snapshot_row(log, rng)
    for row in rows_of(log):
        fold_market(books, row)
        if row.seq == halfway:
            state = dump_market(books, links_sent=0)
            as_of = folded_control(house.control_log, number=books.control.number)
            books, _ = load_market(state, as_of)
    return books


def folded_member(house: Clearinghouse, *, rng: Random | None) -> MemberBooks:
    """The members' books from their rows."""
    log, books = house.member_log, MemberBooks()
    halfway = snapshot_row(log, rng)
    for row in rows_of(log):
        fold_member(books, row)
        if row.seq == halfway:
            as_of = folded_control(house.control_log, number=books.control.number)
            books = load_member(dump_member(books), as_of)
    return books


def snapshot_row(log: ShardLog, rng: Random | None) -> int | None:
    """The row after which a snapshot is made and loaded; None for never."""
    return None if rng is None else rng.randrange(len(log.rows))


def rows_of(log: ShardLog) -> list[Row]:
    """The rows of a shard with all their facts, as a journal gives them."""
    further: dict[int, list[bytes]] = {}
    for _, seq, _, part in log.parts:
        further.setdefault(seq, []).append(part)
    return [
        Row(seq, origin, position, line, join_parts([facts, *further.get(seq, ())]))
        for _, seq, _, origin, position, _, line, _, facts, _ in log.rows
    ]
