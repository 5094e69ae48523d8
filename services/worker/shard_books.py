"""One shard of a journal that is fed by Kafka: its books, its rows, where its inbox goes on.

In: a reader. Out: the shard as of its last durable row; a shard that was never opened is opened by
its row 0. A product's shard begins when `control/0` has put the product in use, with what control
knew by then (ARCHITECTURE §2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.hosting.restore import check_rules, restore_control, restore_market, restore_member
from services.journal.reader import Head, NumberedCommand, Reader
from services.shards.clearinghouse import (
    Clearinghouse,
    Market,
    open_market,
    open_shard,
)
from services.shards.control_commands import put_in_use, standing_command
from services.shards.log import ShardLog
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD
from settlement.control_books import ControlBooks

_CHUNK: Final = 4_096


@dataclass(slots=True)
class ShardBooks:
    """A house in which one shard lives; the others are empty and never asked.

    head: the last durable row, None before row 0 is; decided: the logical time of the last row.
    """

    shard: str
    house: Clearinghouse
    head: int | None
    decided: int
    next_offset: int

    @property
    def market(self) -> Market | None:
        """The market, if the shard is one."""
        kind, _, product = self.shard.partition("/")
        return self.house.markets[product] if kind == "market" else None

    @property
    def log(self) -> ShardLog:
        """The rows of the shard."""
        market = self.market
        if market is not None:
            return market.log
        is_control = self.shard == CONTROL_SHARD
        return self.house.control_log if is_control else self.house.member_log

    @property
    def control(self) -> ControlBooks:
        """Control as the shard knows it."""
        market = self.market
        if market is not None:
            return market.books.control
        return self.house.control if self.shard == CONTROL_SHARD else self.house.member.control


class NotInUse(Exception):
    """A product that control has not put in use has no shard yet.

    looked_until: the number of the last control command that was looked at.
    """

    def __init__(self, shard: str, *, looked_until: int) -> None:
        super().__init__(f"{shard}: no control command has put the product in use")
        self.looked_until = looked_until


def load_shard(reader: Reader, shard: str, *, looked_until: int = 0) -> ShardBooks:
    """The shard as it stands in the journal.

    looked_until: of an earlier NotInUse; up to there no command is looked at again. Errors:
    NotInUse, RulesChanged.
    """
    head = reader.heads().get(shard)
    if head is None:
        return _opened(reader, shard, looked_until=looked_until)
    check_rules(reader, shard)
    house = Clearinghouse()
    log = ShardLog(shard, seq=head.seq + 1, chain=head.chain)
    kind, _, product = shard.partition("/")
    if kind == "market":
        books, sent = restore_market(reader, shard)
        house.markets[product] = Market(books, log, sent)
    elif shard == CONTROL_SHARD:
        house.control, house.control_log = restore_control(reader), log
    else:
        assert shard == MEMBER_SHARD, shard
        house.member, house.member_log = restore_member(reader), log
    return ShardBooks(shard, house, head.seq, _decided(reader, head), head.next_offset)


def _decided(reader: Reader, head: Head) -> int:
    return reader.rows_at(head.shard, [head.seq])[0][5]


def number_in_use(reader: Reader, shard: str, *, after: int = 0) -> int | None:
    """The control command with which a shard begins: 0 the beginning, None not in use yet.

    after: up to here none of them is it.
    """
    kind, _, product = shard.partition("/")
    if kind != "market" or product in ControlBooks().products:
        return 0
    for row in _control_commands(reader, after=after):
        if put_in_use(standing_command(row.line)) is None:
            continue
        if product in restore_control(reader, until_number=row.number).products:
            return row.number
    return None


def _opened(reader: Reader, shard: str, *, looked_until: int) -> ShardBooks:
    """A shard with row 0 to be written."""
    last = reader.last_number()
    number = number_in_use(reader, shard, after=looked_until)
    if number is None:
        raise NotInUse(shard, looked_until=last)
    house = Clearinghouse()
    kind, _, product = shard.partition("/")
    if kind != "market":
        open_shard(house.control_log if shard == CONTROL_SHARD else house.member_log, decided=0)
        return ShardBooks(shard, house, None, 0, 0)
    # What opens it has a time of its own: right after the command that put the product in use.
    decided = reader.numbered_in([number])[0].decided + 1 if number else 0
    control = restore_control(reader, until_number=number) if number else ControlBooks()
    open_market(house, product, control=control, decided=decided)
    return ShardBooks(shard, house, None, decided, 0)


def _control_commands(reader: Reader, *, after: int) -> Iterator[NumberedCommand]:
    """The control commands that stand after a number, some at a time."""
    while rows := reader.numbered(after=after, until=after + _CHUNK):
        yield from rows
        after += _CHUNK
