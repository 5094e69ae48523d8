"""The books of all markets and of the members after the same date, for who asks what would follow.

In: the journal, a date. Out: books in memory; whoever changes them changes no journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from events.contracts import product_of
from services.hosting.restore import shard_at
from services.reports.report import UnknownSubject
from services.reports.view import JournalView
from services.shards.market.books import ContractBooks, MarketBooks
from services.shards.market.shard import MarketShard
from services.shards.member.books import MemberBooks
from services.shards.member.shard import MemberShard
from services.shards.routing import MEMBER_SHARD


@dataclass(frozen=True, slots=True)
class BooksAt:
    """Markets by product, and members. business_date: of the last close.

    member_seq: the members' last row that is in the books.
    """

    markets: Mapping[str, MarketBooks]
    member: MemberBooks
    business_date: date
    member_seq: int

    def contract(self, symbol: str) -> tuple[MarketBooks, ContractBooks]:
        """A listed contract with its market. Errors: UnknownSubject."""
        market = self.markets.get(product_of(symbol))
        contract = None if market is None else market.contracts.get(symbol)
        if market is None or contract is None:
            listed = [name for books in self.markets.values() for name in sorted(books.contracts)]
            msg = f"contract {symbol} is not listed; listed are {', '.join(listed) or 'none yet'}"
            raise UnknownSubject(msg)
        return market, contract

    def lots_of(self, number: int) -> list[tuple[str, int]]:
        """The positions of an account: contract and lots, by contract."""
        return [
            (symbol, contract.positions.lots[number])
            for market in self.markets.values()
            for symbol, contract in sorted(market.contracts.items())
            if contract.positions.lots[number]
        ]


def books_at(view: JournalView, day: date | None) -> BooksAt:
    """The books after the last row of a date; None: of all. Errors: UnknownSubject."""
    if day is not None and day not in view.sessions():
        msg = f"there is no session on {day}"
        raise UnknownSubject(msg)
    markets, member, member_seq = {}, None, 0
    for name in (*view.markets(), MEMBER_SHARD):
        seq = view.reader.last_seq(name, day or date.max)
        if seq is None:
            continue
        shard = shard_at(view.reader, name, until=seq)
        if isinstance(shard, MarketShard):
            markets[shard.books.product.code] = shard.books
        elif isinstance(shard, MemberShard):
            member, member_seq = shard.books, seq
    if member is None:
        msg = f"{MEMBER_SHARD} has no row yet"
        raise UnknownSubject(msg)
    return BooksAt(markets, member, min(day or date.max, view.last_date()), member_seq)
