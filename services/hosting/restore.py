"""Shards from their journal: last snapshot, then the facts after it.

In: a reader of the journal. Out: a shard as it stood after a row. Its time grows with the rows
since the last close, not with history; a replay uses no snapshot and folds all rows. A shard of
workers that was never opened is opened by its row 0: that of a product when `control/0` has put the
product in use, with the control books as of that command (ARCHITECTURE §2).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from events.history import InputHistory
from services.hosting.control_history import blocks_of, restore_control
from services.hosting.interpreter import paced
from services.journal.reader import SEQ_MAX, NumberedCommand, Reader
from services.journal.trouble import RulesChanged
from services.shards.control_commands import put_in_use, standing_command
from services.shards.log import ShardLog
from services.shards.routing import kind_of, market_shard, product_in
from services.shards.shard import RULES_VERSION, Shard, parameter_defaults, record_opening
from services.shards.table import load_shard, open_shard
from settlement.control_books import ControlBooks

_COMMANDS_AT_ONCE: Final = 4_096


@dataclass(slots=True)
class LoadedShard:
    """A shard as loaded.

    head: the last durable row, None before row 0 is durable; logical_time: of the last row;
    next_offset: of its inbox.
    """

    shard: Shard
    head: int | None
    logical_time: int
    next_offset: int


class NotInUse(Exception):
    """A product that control has not put in use has no shard yet.

    checked_until: the number of the last control command that was checked.
    """

    def __init__(self, shard: str, *, checked_until: int) -> None:
        super().__init__(f"{shard}: no control command has put the product in use")
        self.checked_until = checked_until


def load_from_journal(reader: Reader, name: str, *, checked_until: int = 0) -> LoadedShard:
    """The shard as it stands in the journal.

    checked_until: of an earlier NotInUse; commands up to it are not checked again. Errors:
    NotInUse, RulesChanged.
    """
    head = reader.heads().get(name)
    if head is None:
        return _opened(reader, name, checked_until=checked_until)
    check_rules(reader, name)
    (last,) = reader.rows_at(name, [head.seq])
    return LoadedShard(restore_shard(reader, name), head.seq, last.logical_time, head.next_offset)


def number_in_use(reader: Reader, shard: str, *, after: int = 0) -> int | None:
    """The control command with which a shard begins: 0 the beginning, None not in use yet.

    after: commands up to this number are not checked.
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


def check_in_use(reader: Reader, shard: str, *, after: int = 0) -> int:
    """The same of a shard that is in use. Errors: NotInUse."""
    last = reader.last_number()
    number = number_in_use(reader, shard, after=after)
    if number is None:
        raise NotInUse(shard, checked_until=last)
    return number


def is_open_from_the_start(shard: str) -> bool:
    """True if a shard needs no command to be in use."""
    return shard in map(market_shard, ControlBooks().products) or kind_of(shard) != "market"


def check_rules(reader: Reader, shard: str) -> None:
    """Check that a shard was begun under the rules of this program, by what its row 0 says.

    The version of the rules, and each parameter with its default. Errors: RulesChanged.
    """
    opening = _opening(reader, shard)
    recorded, defaults = opening["parameters"], parameter_defaults()
    differing = [name for name in recorded | defaults if recorded.get(name) != defaults.get(name)]
    if opening["rules_version"] != RULES_VERSION:
        difference = f"under rules {opening['rules_version']}, this program decides by rules "
        difference += f"{RULES_VERSION}"
    elif differing:
        difference = f"with other parameters or defaults: {', '.join(sorted(differing))}"
    else:
        return
    message = (
        f"{shard} was begun {difference}: go on with the program that began it, or clear or feed "
        "its commands, which `clearing export` writes, into another database"
    )
    raise RulesChanged(message)


def restore_shard(reader: Reader, name: str) -> Shard:
    """A shard as of its last row, with a log that goes on from there."""
    snapshot = reader.snapshot(name)
    if snapshot is None:
        shard, history, after = opened_shard(reader, name), InputHistory(name), 0
        history.add_row(b"", reader.rows_at(name, [0])[0].facts, seq=0)
    else:
        as_of = partial(restore_control, reader)
        shard = load_shard(name, snapshot.state, control_as_of=as_of)
        history, after = InputHistory(name, snapshot.history), snapshot.seq
    with paced():
        for block in blocks_of(reader, name, after=after, has_inputs=True):
            shard.fold(block)
            history.add_rows(block.seqs, block.lines, quoted=block.quoted)
    head = reader.heads()[name]
    shard.log = ShardLog(name, head.seq + 1, head.chain, reader.links_sent(name))
    shard.log.history = history
    return shard


def shard_at(reader: Reader, name: str, *, until: int = SEQ_MAX) -> Shard:
    """The books of a shard after a row, from the last snapshot before it, for who only reads."""
    snapshot = reader.snapshot(name, seq=until)
    if snapshot is None:
        return replay_shard(reader, name, until=until)
    as_of = partial(restore_control, reader)
    shard = load_shard(name, snapshot.state, control_as_of=as_of)
    with paced():
        for block in blocks_of(reader, name, after=snapshot.seq, until=until):
            shard.fold(block)
    return shard


def replay_shard(reader: Reader, name: str, *, until: int = SEQ_MAX) -> Shard:
    """A shard after a row, folded from its first; no snapshot is used."""
    shard = opened_shard(reader, name, from_snapshot=False)
    with paced():
        for block in blocks_of(reader, name, after=0, until=until):
            shard.fold(block)
    return shard


def opened_shard(reader: Reader, name: str, *, from_snapshot: bool = True) -> Shard:
    """A shard after its row 0, with the control books of then.

    from_snapshot: take those books from a snapshot where there is one.
    """
    number = _opening(reader, name)["control_number"]
    return open_shard(name, restore_control(reader, number, from_snapshot=from_snapshot))


def _opening(reader: Reader, shard: str) -> dict[str, Any]:
    """The fields of the first fact in row 0 of a shard."""
    opened: dict[str, Any] = json.loads(reader.rows_at(shard, [0])[0].facts)
    return opened


def _opened(reader: Reader, name: str, *, checked_until: int) -> LoadedShard:
    """A shard with row 0 to be written."""
    number = check_in_use(reader, name, after=checked_until)
    # Row 0 has a time of its own: right after the command that put the product in use.
    logical_time = reader.numbered_in([number])[0].logical_time + 1 if number else 0
    shard = open_shard(name, restore_control(reader, number))
    record_opening(shard, logical_time=logical_time)
    return LoadedShard(shard, None, logical_time, 0)


def _control_commands(reader: Reader, *, after: int) -> Iterator[NumberedCommand]:
    """The control commands that stand, after a number; read in chunks."""
    while rows := reader.numbered(after=after, until=after + _COMMANDS_AT_ONCE):
        yield from rows
        after += _COMMANDS_AT_ONCE
