"""Deciding what lies in one shard's inbox, in the order of its offsets (ARCHITECTURE §2).

In: messages. Out: rows in the shard's log, and what they caused in its outbox; nothing is written
here. Trades go together by the thousand, anything else one by one in its place. What a barrier of
`member/0` needs is awaited by the caller (`until_barrier`, `missing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from events.codec import Malformed, decode_command
from events.commands import CloseSession, Command, RunCycle
from events.trade_line import TRADE_LINES, TradeFields
from services.broker.messages import Fault, Message
from services.broker.topics import ShardPartition
from services.hosting.id_memory import IdMemory, key_of, suspects_among
from services.hosting.snapshots import rows_of
from services.journal.batch import SnapshotRow
from services.journal.id_index import wire_keys
from services.journal.reader import NumberedCommand, Reader
from services.shards.clearinghouse import (
    take_control,
    take_market,
    take_market_copy,
    take_member,
    take_member_copy,
)
from services.shards.control_commands import standing_command
from services.shards.ids import TRADE, Identity, identity_named
from services.shards.links import ContractFlow
from services.shards.log import Inbound
from services.shards.market.trade_batch import TradeRun, clear_trades
from services.shards.misplaced import refuse_misplaced, wrong_shard
from services.shards.routing import CONTROL_SHARD, MEMBER_SHARD, shard_of
from services.shards.state import dump_control, dump_market, dump_member
from services.worker.barriers import answers, missing
from services.worker.copy_check import NO_COPIES, Copies, is_next
from services.worker.shard_books import ShardBooks

# Where a line is no plain trade, the pattern is shown this instead.
_NO_TRADE: Final = b"-"
_Barrier = CloseSession | RunCycle


class Decider:
    """Decides for one shard.

    memory: of its ids; snapshots: rows of its books at closes, not handed over yet.
    """

    def __init__(self, partition: ShardPartition, books: ShardBooks, *, reader: Reader) -> None:
        self._partition = partition
        self._reader = reader
        self._decided = books.decided
        self._copies = Copies(reader)
        self.books = books
        self.memory = IdMemory(reader)
        self.snapshots: list[SnapshotRow] = []
        self._links = self._links_taken()

    @property
    def has_barriers(self) -> bool:
        """Whether the shard ever waits for others: `member/0` does."""
        return self._partition.shard == MEMBER_SHARD

    def until_barrier(self, messages: Sequence[Message]) -> int:
        """How many leading messages can be decided without waiting for other shards."""
        if not self.has_barriers:
            return len(messages)
        self._copies.prepare(messages)
        last = self.books.control.number
        for count, message in enumerate(messages):
            row = None if message.number is None else self._copies.row_of(message)
            if isinstance(row, NumberedCommand) and row.number == last + 1:
                if isinstance(standing_command(row.line), _Barrier):
                    return count
                last += 1
        return len(messages)

    def ahead_of_control(self, messages: Sequence[Message]) -> int | None:
        """The first copy among messages of a command that `control/0` has not said."""
        self._copies.prepare(messages)
        return self._copies.first_ahead(messages)

    def look_again(self) -> None:
        """Control may have said more since the copies of this batch were looked up."""
        self._copies.forget()

    def behind(self, shard: str, *, offset: int) -> list[str]:
        """The shard, while its inbox is not durably taken up to an offset."""
        head = self._reader.heads().get(shard)
        return [] if head is not None and head.next_offset >= offset else [shard]

    def missing(self, number: int) -> list[str]:
        """The markets that a barrier waits for."""
        return missing(self._reader, number, products=self.books.control.products)

    def take(self, messages: Sequence[Message]) -> None:
        """Decide messages; the markets must have answered what is a barrier.

        Errors: ControlGap, LinkBroken, those of the journal when it is read.
        """
        self._copies.prepare(messages)
        if self.books.market is None:
            self.memory.begin_block()
            commands, _ = self._decode(messages, range(len(messages)))
            for message in messages:
                self._take(message, commands)
        else:
            self._take_trades(messages)

    def _take_trades(self, messages: Sequence[Message]) -> None:
        """Trades that one pattern reads are decided together until anything else comes."""
        market = self.books.market
        assert market is not None, self._partition
        lines = [one.line for one in messages]
        found: list[TradeFields] = TRADE_LINES.findall(_shown(messages, lines))
        assert len(found) == len(lines), f"read {len(found)} of {len(lines)} messages"
        own = market.books.product.code.encode()
        others = [place for place, one in enumerate(found) if one[1][:3] != own]
        names = [one[0] for one in found]
        keys = wire_keys(TRADE, names)
        is_trade = np.ones(len(found), np.bool_)
        is_trade[others] = False
        self.memory.begin_block()
        commands, known = self._decode(messages, others)
        known += self.memory.prepare_trades(
            self._partition.shard, names, keys=keys, chosen=is_trade
        )
        suspects = suspects_among(keys, is_trade=is_trade, known=known)
        offsets = [one.offset for one in messages]
        whole = TradeRun(found, offsets, range(len(found)), lines, keys.tolist(), suspects)
        begun = 0
        for place in others:
            self._clear(whole.part(slice(begun, place)))
            self._take(messages[place], commands)
            begun = place + 1
        self._clear(whole.part(slice(begun, None)))

    def _clear(self, run: TradeRun) -> None:
        market = self.books.market
        assert market is not None, self._partition
        if not run.lines:
            return
        first = self._decided + 1
        self._decided += len(run.lines)
        timed = replace(run, decided=range(first, self._decided + 1))
        clear_trades(market, timed, origin=self._partition.origin, memory=self.memory)

    def _decode(
        self, messages: Sequence[Message], places: Sequence[int]
    ) -> tuple[dict[int, Command | Malformed], list[int]]:
        """Decode the plain commands at these places, by offset, and look up the ids they need.

        Gives the keys of those ids too.
        """
        commands = {}
        ids: list[tuple[Identity, int]] = []
        for place in places:
            message = messages[place]
            if message.number is not None or message.fault is not None:
                continue
            command = decode_command(message.line)
            commands[message.offset] = command
            identity = None if isinstance(command, Malformed) else identity_named(command)
            if identity is not None:
                ids.append((identity, key_of(identity)))
        if ids:
            self.memory.prepare(self._partition.shard, ids)
        return commands, [key for _, key in ids]

    def _take(self, message: Message, commands: dict[int, Command | Malformed]) -> None:
        if message.fault is not None:
            self._refuse(message, message.fault)
        elif message.number is not None:
            self._take_copy(message)
        else:
            self._take_command(message, commands[message.offset])

    def _take_command(self, message: Message, command: Command | Malformed) -> None:
        books, shard = self.books, self._partition.shard
        inbound = self._inbound(message)
        is_readable = not isinstance(command, Malformed) or command.kind is not None
        belongs = shard_of(command, books.control.products) if is_readable else shard
        if belongs != shard:
            refusal = wrong_shard(shard, belongs)
            refuse_misplaced(
                books.log, inbound, decoded=command, refusal=refusal, control=books.control
            )
        elif books.market is not None:
            take_market(books.market, inbound, decoded=command, memory=self.memory)
        elif shard == CONTROL_SHARD:
            stands = take_control(books.house, inbound, decoded=command)
            if stands and isinstance(command, CloseSession):
                self.snapshots += self._snapshot(command)
        else:
            take_member(books.house, inbound, decoded=command, memory=self.memory)

    def _take_copy(self, message: Message) -> None:
        books, shard = self.books, self._partition.shard
        row = NO_COPIES if shard == CONTROL_SHARD else self._copies.row_of(message)
        if isinstance(row, Fault):
            self._refuse(message, row)
        elif is_next(row, last=books.control.number, shard=shard):
            self._take_next(row)

    def _take_next(self, row: NumberedCommand) -> None:
        books, command = self.books, standing_command(row.line)
        flows: list[ContractFlow] = []
        self._decided = max(self._decided, row.decided)
        if books.market is None and isinstance(command, _Barrier):
            products = books.control.products
            answered = answers(self._reader, row.number, products=products, last=self._links)
            flows, self._links = answered.flows, answered.last
            self._decided = max(self._decided, answered.decided)
        self._decided += 1
        inbound = Inbound(CONTROL_SHARD, row.number, self._decided, row.line)
        if books.market is not None:
            outbox = books.house.outbox
            take_market_copy(books.market, outbox, inbound=inbound, command=command)
        else:
            take_member_copy(books.house, inbound, command=command, flows=flows)
        if isinstance(command, CloseSession):
            self.snapshots += self._snapshot(command)

    def _refuse(self, message: Message, fault: Fault) -> None:
        books, inbound = self.books, self._inbound(message)
        refuse_misplaced(
            books.log,
            inbound._replace(origin=inbound.origin + fault.mark),
            decoded=decode_command(message.line),
            refusal=fault.refusal,
            control=books.control,
        )

    def _inbound(self, message: Message) -> Inbound:
        self._decided += 1
        return Inbound(self._partition.origin, message.offset, self._decided, message.line)

    def _snapshot(self, command: CloseSession) -> list[SnapshotRow]:
        books = self.books
        if books.market is not None:
            state = dump_market(books.market.books, links_sent=books.market.links_sent)
        elif self._partition.shard == CONTROL_SHARD:
            state = dump_control(books.house.control)
        else:
            state = dump_member(books.house.member)
        return rows_of(books.log, state, day=command.business_date)

    def _links_taken(self) -> dict[str, int]:
        """Of each market the last link that `member/0` has read: those of its last barrier."""
        if not self.has_barriers:
            return {}
        return self._reader.links_before(MEMBER_SHARD, self.books.control.number)


def _shown(messages: Sequence[Message], lines: Sequence[bytes]) -> bytes:
    """What the pattern is shown of each message, a line for each."""
    joined = b"\n".join(lines)
    others = [one for one in messages if one.number is not None or one.fault is not None]
    if not others and all(lines) and joined.count(b"\n") == len(lines) - 1:
        return joined
    return b"\n".join(
        [
            one.line
            if one.number is None and one.fault is None and one.line and b"\n" not in one.line
            else _NO_TRADE
            for one in messages
        ]
    )
