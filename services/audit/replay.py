"""`clearing replay`: the books of every shard from its first row, by folding recorded facts.

In: a database. Out: one line per shard: its name, last row, chain there, hash of the books.
Nothing is decided and no snapshot is used; whether the facts are the right ones is `verify`'s
question. Rows are read as of one instant.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Final

from services.hosting.interpreter import paced
from services.hosting.restore import blocks_of, rows_of
from services.journal.reader import SEQ_MAX, Reader
from services.shards.fold import fold_control, fold_member
from services.shards.market.books import MarketBooks, open_market_books
from services.shards.market.fold_trades import fold_market_rows
from services.shards.member.books import MemberBooks
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from services.shards.state import control_hash, market_hash, member_hash
from settlement.control_books import ControlBooks

_DECIDED: Final = 5


def replay(url: str, *, until: date | None = None) -> list[str]:
    """A line `shard seq chain state_hash` for every shard, by name.

    until: up to the close of this session and with it; then the hashes are those stated at it.
    """
    with Reader(url) as reader:
        reader.freeze()
        last = {
            shard: head.seq if until is None else _last_seq(reader, shard, day=until)
            for shard, head in reader.heads().items()
        }
        known = [(shard, seq) for shard, seq in sorted(last.items()) if seq is not None]
        return [_line(reader, shard, seq=seq) for shard, seq in known]


def _last_seq(reader: Reader, shard: str, *, day: date) -> int | None:
    """The last row of a session or before; None when the shard was opened later."""
    seq, control = reader.last_seq(shard, day), reader.last_seq(CONTROL_SHARD, day)
    if seq is None or control is None:
        return None
    opened, closed = reader.rows_at(shard, [0])[0], reader.rows_at(CONTROL_SHARD, [control])[0]
    return seq if opened[_DECIDED] <= closed[_DECIDED] else None


def _line(reader: Reader, shard: str, *, seq: int) -> str:
    chain = reader.rows_at(shard, [seq])[0][9]
    return f"{shard} {seq} {chain.hex()} {_state_hash(reader, shard, seq=seq)}"


def _state_hash(reader: Reader, shard: str, *, seq: int) -> str:
    if shard == CONTROL_SHARD:
        return control_hash(replay_control(reader, until=seq))
    if shard == MEMBER_SHARD:
        return member_hash(replay_member(reader, until=seq))
    return market_hash(replay_market(reader, shard, until=seq))


def replay_control(
    reader: Reader, *, until: int = SEQ_MAX, until_number: int | None = None
) -> ControlBooks:
    """The control books after a row, or as of a control number."""
    books = ControlBooks()
    for row in rows_of(reader, CONTROL_SHARD, after=0, until=until):
        if books.number == until_number:
            break
        fold_control(books, row)
    return books


def replay_market(reader: Reader, shard: str, *, until: int = SEQ_MAX) -> MarketBooks:
    """A market's books after a row; they begin with what control had said by then."""
    opened = json.loads(reader.rows_at(shard, [0])[0][8])
    control = replay_control(reader, until_number=opened["control_number"])
    books = open_market_books(shard.partition("/")[2], control)
    with paced():
        for block in blocks_of(reader, shard, after=0, until=until):
            fold_market_rows(books, block)
    return books


def replay_member(reader: Reader, *, until: int = SEQ_MAX) -> MemberBooks:
    """The members' books after a row."""
    books = MemberBooks()
    for row in rows_of(reader, MEMBER_SHARD, after=0, until=until):
        fold_member(books, row)
    return books
