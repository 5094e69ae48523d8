"""One shard of a journal that is fed by Kafka, as of its last durable row.

In: a reader. Out: the shard and where its inbox goes on; a shard that was never opened is opened by
its row 0. A product's shard begins when `control/0` has put the product in use, with what control
knew by then (ARCHITECTURE §2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.hosting.restore import check_rules, restore_control, restore_shard
from services.journal.reader import NumberedCommand, Reader
from services.shards.control_commands import put_in_use, standing_command
from services.shards.routing import kind_of, market_shard, product_in
from services.shards.shard import Shard, record_opening
from services.shards.table import open_shard
from settlement.control_books import ControlBooks

_CHUNK: Final = 4_096


@dataclass(slots=True)
class LoadedShard:
    """A shard, and what its journal says of it.

    head: the last durable row, None before row 0 is; logical_time: of the last row.
    """

    shard: Shard
    head: int | None
    logical_time: int
    next_offset: int


class NotInUse(Exception):
    """A product that control has not put in use has no shard yet.

    looked_until: the number of the last control command that was looked at.
    """

    def __init__(self, shard: str, *, looked_until: int) -> None:
        super().__init__(f"{shard}: no control command has put the product in use")
        self.looked_until = looked_until


def load_from_journal(reader: Reader, name: str, *, looked_until: int = 0) -> LoadedShard:
    """The shard as it stands in the journal.

    looked_until: of an earlier NotInUse; up to there no command is looked at again. Errors:
    NotInUse, RulesChanged.
    """
    head = reader.heads().get(name)
    if head is None:
        return _opened(reader, name, looked_until=looked_until)
    check_rules(reader, name)
    (last,) = reader.rows_at(name, [head.seq])
    return LoadedShard(restore_shard(reader, name), head.seq, last.logical_time, head.next_offset)


def number_in_use(reader: Reader, shard: str, *, after: int = 0) -> int | None:
    """The control command with which a shard begins: 0 the beginning, None not in use yet.

    after: up to here none of them is it.
    """
    product = product_in(shard)
    if is_open_from_the_start(shard):
        return 0
    for row in _control_commands(reader, after=after):
        if put_in_use(standing_command(row.line)) is None:
            continue
        if product in restore_control(reader, row.number).products:
            return row.number
    return None


def is_open_from_the_start(shard: str) -> bool:
    """Whether a shard needs no command to be in use."""
    return shard in map(market_shard, ControlBooks().products) or kind_of(shard) != "market"


def _opened(reader: Reader, name: str, *, looked_until: int) -> LoadedShard:
    """A shard with row 0 to be written."""
    last = reader.last_number()
    number = number_in_use(reader, name, after=looked_until)
    if number is None:
        raise NotInUse(name, looked_until=last)
    # What opens it has a time of its own: right after the command that put the product in use.
    logical_time = reader.numbered_in([number])[0].logical_time + 1 if number else 0
    shard = open_shard(name, restore_control(reader, number))
    record_opening(shard, logical_time=logical_time)
    return LoadedShard(shard, None, logical_time, 0)


def _control_commands(reader: Reader, *, after: int) -> Iterator[NumberedCommand]:
    """The control commands that stand after a number, a chunk at a time."""
    while rows := reader.numbered(after=after, until=after + _CHUNK):
        yield from rows
        after += _CHUNK
