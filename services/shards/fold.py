"""Folding: the books from recorded rows, without deciding anything (ARCHITECTURE §3).

In: journal rows of one shard in order, each with its facts. Out: the same books that deciding gave.
Trades come by the million: their facts are read by one pattern and added up in the order of the
stream.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from events.codec import Malformed, decode_command, decode_fact
from events.control_commands import RunCycle
from events.control_facts import CommandRefused
from events.fact import Fact
from events.market_facts import TradeNovated
from events.refusals import Reason, Refusal
from events.units import parse_instant
from services.shards.control_commands import standing_command
from services.shards.market.apply import apply_market_fact
from services.shards.market.books import MarketBooks
from services.shards.market.control_copy import fold_copy
from services.shards.market.trade import novate
from services.shards.member.apply import apply_member_copy, apply_member_fact
from services.shards.member.books import MemberBooks
from services.shards.routing import CONTROL_SHARD
from settlement.control_books import ControlBooks, apply_control, apply_cycle_refused

# Possessive throughout: there is one way to read a fact, and nothing to go back for.
NOVATED: Final = re.compile(
    rb'\{"type":"trade_novated/1","shard":"[^"]*+","seq":[0-9]++,"at":"([^"]*+)",'
    rb'"trade_id":"[^"]*+","contract":"([^"]*+)","price_ticks":([0-9]++),"lots":([0-9]++),'
    rb'"buyer":"([^"]*+)","seller":"([^"]*+)","business_date":"[^"]*+"\}'
)

_NOT_JUDGED: Final = (Reason.MALFORMED.value, Reason.WRONG_SHARD.value)


class Row(NamedTuple):
    """What folding needs of a journal row. facts: the parts joined by line ends, or empty."""

    seq: int
    origin: str
    position: int
    line: bytes
    facts: bytes


def facts_of(row: Row) -> list[Fact]:
    """The facts of a row."""
    return [decode_fact(line).fact for line in row.facts.split(b"\n")] if row.facts else []


def fold_control(books: ControlBooks, row: Row) -> None:
    """Fold a row of `control/0`: a command that stands has facts, none of which is a refusal.

    A cycle's name is not used up by an order that was never judged, its envelope being refused.
    """
    facts = facts_of(row)
    command = decode_command(row.line)
    if not facts or isinstance(command, Malformed):
        return
    first = facts[0]
    if not isinstance(first, CommandRefused):
        apply_control(books, command)
    elif isinstance(command, RunCycle) and first.reason not in _NOT_JUDGED:
        apply_cycle_refused(books, command, refusal=Refusal(Reason(first.reason), first.detail))


def fold_market(books: MarketBooks, row: Row) -> None:
    """Fold a row of a market shard."""
    match = NOVATED.fullmatch(row.facts)
    if match is not None:
        at, symbol, ticks, lots, buyer, seller = match.groups()
        sides = (books.holders[buyer.decode()], books.holders[seller.decode()])
        deal = (parse_instant(at.decode()), int(ticks), int(lots))
        novate(books, books.contracts[symbol.decode()], sides=sides, seq=row.seq, deal=deal)
    elif row.origin == CONTROL_SHARD:
        fold_copy(books, standing_command(row.line), facts=facts_of(row))
    else:
        for fact in facts_of(row):
            _fold_fact(books, fact, seq=row.seq)


def _fold_fact(books: MarketBooks, fact: Fact, *, seq: int) -> None:
    if not isinstance(fact, TradeNovated):
        apply_market_fact(books, fact)
        return
    sides = (books.holders[fact.buyer], books.holders[fact.seller])
    deal = (fact.at, fact.price_ticks, fact.lots)
    novate(books, books.contracts[fact.contract], sides=sides, seq=seq, deal=deal)


def fold_member(books: MemberBooks, row: Row) -> None:
    """Fold a row of `member/0`."""
    for fact in facts_of(row):
        apply_member_fact(books, fact)
    if row.origin == CONTROL_SHARD:
        apply_member_copy(books, standing_command(row.line))


def join_parts(parts: Sequence[bytes]) -> bytes:
    """The facts of an input whose parts are these."""
    return parts[0] if len(parts) == 1 else b"\n".join(parts)
