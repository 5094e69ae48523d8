"""The books of a clearinghouse from its journal: last snapshot, then the facts after it.

In: a reader of the journal. Out: the shards as they stood after their last durable rows. The time
it takes grows with what came after the last close, not with history.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from services.hosting.interpreter import paced
from services.journal.ahead import ahead
from services.journal.reader import SEQ_MAX, FoldingRow, Head, Reader
from services.journal.trouble import RulesChanged
from services.shards.clearinghouse import RANKS, RULES_VERSION, Clearinghouse, Market
from services.shards.fold import Row, fold_control, fold_member, join_parts
from services.shards.log import ShardLog
from services.shards.market.books import MarketBooks, open_market_books
from services.shards.market.fold_trades import RowTuple, fold_market_rows
from services.shards.member.books import MemberBooks
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from services.shards.state import control_number, load_control, load_market, load_member
from settlement.control_books import ControlBooks


def restore(reader: Reader) -> Clearinghouse | None:
    """The shards of a journal; None when it is empty. Errors: RulesChanged."""
    heads = reader.heads()
    if not heads:
        return None
    for shard in heads:
        check_rules(reader, shard)
    house = Clearinghouse(
        control=restore_control(reader),
        control_log=_log(heads[CONTROL_SHARD]),
        member=restore_member(reader),
        member_log=_log(heads[MEMBER_SHARD]),
    )
    for shard, head in heads.items():
        kind, _, product = shard.partition("/")
        if kind == "market":
            books, sent = restore_market(reader, shard)
            house.markets[product] = Market(books, _log(head), sent)
    return house


def check_rules(reader: Reader, shard: str) -> None:
    """See that a shard was begun under the rules of this program: row 0 says under which.

    Errors: RulesChanged.
    """
    begun = _opened(reader, shard)["rules_version"]
    if begun != RULES_VERSION:
        message = (
            f"{shard} was begun under rules {begun}, this program decides by rules "
            f"{RULES_VERSION}: go on with the program that began it, or clear its commands into "
            "another database"
        )
        raise RulesChanged(message)


def last_line(reader: Reader) -> int:
    """How many lines were decided, over all sources: the newest row tells."""
    newest = [
        row[5] // RANKS
        for head in reader.heads().values()
        for row in reader.rows_at(head.shard, [head.seq])
    ]
    return max(newest, default=0)


def restore_control(reader: Reader, *, until_number: int | None = None) -> ControlBooks:
    """The control books as of the last row, or as of a control number."""
    books, after = ControlBooks(), 0
    snapshot = reader.snapshot(CONTROL_SHARD)
    while snapshot is not None:
        loaded = load_control(snapshot.state)
        if until_number is None or loaded.number <= until_number:
            books, after = loaded, snapshot.seq
            break
        snapshot = reader.snapshot(CONTROL_SHARD, seq=snapshot.seq - 1)
    for row in rows_of(reader, CONTROL_SHARD, after=after):
        if books.number == until_number:
            break
        fold_control(books, row)
    return books


def restore_market(reader: Reader, shard: str) -> tuple[MarketBooks, int]:
    """A market's books as of its last row, and how many links it has sent."""
    snapshot = reader.snapshot(shard)
    if snapshot is None:
        number = _opened(reader, shard)["control_number"]
        control = restore_control(reader, until_number=number)
        books, after = open_market_books(shard.partition("/")[2], control), 0
    else:
        control = restore_control(reader, until_number=control_number(snapshot.state))
        (books, _), after = load_market(snapshot.state, control), snapshot.seq
    with paced():
        for block in blocks_of(reader, shard, after=after):
            fold_market_rows(books, block)
    return books, reader.links_sent(shard)


def restore_member(reader: Reader) -> MemberBooks:
    """The members' books as of their last row."""
    snapshot = reader.snapshot(MEMBER_SHARD)
    books, after = MemberBooks(), 0
    if snapshot is not None:
        control = restore_control(reader, until_number=control_number(snapshot.state))
        books, after = load_member(snapshot.state, control), snapshot.seq
    for row in rows_of(reader, MEMBER_SHARD, after=after):
        fold_member(books, row)
    return books


def rows_of(reader: Reader, shard: str, *, after: int, until: int = SEQ_MAX) -> Iterator[Row]:
    """A shard's rows after one and up to another, each with all its parts."""
    for block in blocks_of(reader, shard, after=after, until=until):
        for row in block:
            yield Row(*row[:5])


def blocks_of(
    reader: Reader, shard: str, *, after: int, until: int = SEQ_MAX
) -> Iterator[list[RowTuple]]:
    """The same in blocks of plain tuples in the order of `Row`, the next read during a fold."""
    for block in ahead(reader.rows_to_fold(shard, after=after, until=until)):
        yield [_whole(reader, shard, row=row) for row in block] if _has_parts(block) else block


def _has_parts(block: list[FoldingRow]) -> bool:
    return max([row[5] for row in block]) > 1


def _whole(reader: Reader, shard: str, *, row: FoldingRow) -> RowTuple:
    seq, origin, position, line, facts, parts = row
    whole = facts if parts == 1 else join_parts([facts, *reader.parts(shard, seq)])
    return seq, origin, position, line, whole


def _opened(reader: Reader, shard: str) -> dict[str, Any]:
    """What row 0 of a shard states."""
    opened: dict[str, Any] = json.loads(reader.rows_at(shard, [0])[0][8])
    return opened


def _log(head: Head) -> ShardLog:
    return ShardLog(head.shard, seq=head.seq + 1, chain=head.chain)
