"""Deciding the messages of one shard's inbox, in the order of their offsets (ARCHITECTURE §2).

In: messages. Out: rows in the shard's log; nothing is written here. Trades go together by the
thousand, every other message one by one in its place. The caller waits for what a barrier of
`member/0`, or a spread of two markets, needs of other shards (`until_barrier`, `missing_markets`).
"""

from __future__ import annotations

from collections.abc import Sequence

from events.codec import decode_command
from events.command import Command, Malformed
from events.control_commands import Barrier, CloseSession, ControlCommand
from events.spread_commands import SubmitSpread
from services.broker.messages import Fault, Message
from services.broker.topics import ShardPartition
from services.hosting.blocks import MarketQueue, Markets, decode_lines
from services.hosting.id_memory import IdMemory, key_of
from services.hosting.snapshots import snapshot_rows
from services.journal.reader import NumberedCommand, Reader
from services.shards.ids import ids_named
from services.shards.links import NO_ANSWERS
from services.shards.log import Inbound
from services.shards.market.shard import MarketShard
from services.shards.routing import CONTROL_SHARD
from services.shards.rows import LinkRow, SnapshotRow
from services.shards.shard import Shard, decide_where_it_lies, refuse_unread
from services.shards.spread_votes import voters
from services.worker.barriers import (
    missing_markets,
    missing_votes,
    read_answered_votes,
    read_answers,
    votes_to_write,
)
from services.worker.copy_check import NO_COPIES, Copies, is_next


class ShardDecider:
    """Decides for one shard.

    logical_time: of its last row; markets: the shard by its product, if it is a market; memory: of
    its ids; snapshots: rows of its books at closes, not handed over yet.
    """

    def __init__(
        self,
        partition: ShardPartition,
        shard: Shard,
        *,
        logical_time: int,
        markets: Markets,
        reader: Reader,
    ) -> None:
        self._partition = partition
        self._reader = reader
        self._logical_time = logical_time
        self._copies = Copies(reader)
        self.shard = shard
        self.memory = IdMemory(reader)
        self.snapshots: list[SnapshotRow] = []
        self._markets = markets
        self._links = self._links_read()

    @property
    def has_to_wait(self) -> bool:
        """True if the shard may have to wait for markets: at barriers, or for votes on spreads."""
        return self.shard.HAS_COPIES

    @property
    def awaited(self) -> str:
        """The kind of command at which the shard waits for markets."""
        return "barrier" if self.shard.WAITS_AT_BARRIERS else "spread"

    def until_barrier(self, messages: Sequence[Message]) -> int:
        """The number of leading messages that can be decided without waiting for other shards."""
        self._copies.prepare(messages)
        last = self.shard.control.number
        for count, message in enumerate(messages):
            row = None if message.number is None else self._copies.row_of(message)
            if isinstance(row, NumberedCommand) and row.number == last + 1:
                if self._waits_for(self._copies.command_of(row)):
                    return count
                last += 1
        return len(messages)

    def ahead_of_control(self, messages: Sequence[Message]) -> int | None:
        """The first copy among messages of a command that the control journal does not have."""
        self._copies.prepare(messages)
        return self._copies.first_ahead(messages)

    def refetch_copies(self) -> None:
        """Read the control journal again for this batch: more commands may stand by now."""
        self._copies.forget()

    def behind(self, shard: str, *, offset: int) -> list[str]:
        """The shard, until the rows of its inbox are durable up to an offset; then empty."""
        head = self._reader.heads().get(shard)
        return [] if head is not None and head.next_offset >= offset else [shard]

    def missing_markets(self, message: Message) -> list[str]:
        """The markets that have not answered a barrier, or not voted on a spread."""
        row, shard = self._standing(message), self.shard
        if shard.WAITS_AT_BARRIERS:
            return missing_markets(self._reader, row.number, products=shard.control.products)
        command = self._copies.command_of(row)
        return missing_votes(self._reader, row.number, command=command, shard=shard.log.shard)

    def vote(self, message: Message) -> list[LinkRow]:
        """The votes on a spread, a copy of which is next, that are not in the table yet.

        Errors: LinkBroken if others are there.
        """
        row, shard = self._standing(message), self.shard
        if not isinstance(shard, MarketShard):
            return []
        command, name = self._copies.command_of(row), shard.log.shard
        self.memory.begin_block()
        ids = ids_named(command, name)
        self.memory.prepare(name, [(identity, key_of(identity)) for identity in ids])
        votes = shard.vote(row.number, command, memory=self.memory)
        return votes_to_write(self._reader, votes)

    def _standing(self, message: Message) -> NumberedCommand:
        """The control command that a genuine copy is of."""
        row = self._copies.row_of(message)
        assert isinstance(row, NumberedCommand), row
        return row

    def _waits_for(self, command: ControlCommand) -> bool:
        """Whether the shard needs those of other shards to decide a copy."""
        if self.shard.WAITS_AT_BARRIERS:
            return isinstance(command, Barrier)
        return bool(voters(command, self.shard.log.shard))

    def decide(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Decide messages; the markets must have answered every barrier among them.

        Gives those that left a row, in the order of the rows: copies sent twice leave none.
        Errors: ControlGap, LinkBroken, those of the journal when it is read.
        """
        self._copies.prepare(messages)
        name = self.shard.log.shard
        block = decode_lines(
            [message.line for message in messages],
            positions=[message.offset for message in messages],
            markets=self._markets,
            memory=self.memory,
            home_of=lambda _: name,
            closed={
                number: self._spread_in(message)
                for number, message in enumerate(messages)
                if message.number is not None or message.fault is not None
            },
        )
        ignored = set[int]()
        for numbers, queue in block.steps():
            if queue is not None:
                self._clear(queue, numbers)
            else:
                (number,) = numbers
                seq = self.shard.log.seq
                self._decide(messages[number], block.commands.get(number))
                if self.shard.log.seq == seq:
                    ignored.add(number)
        if not ignored:
            return messages
        return [message for number, message in enumerate(messages) if number not in ignored]

    def _spread_in(self, message: Message) -> SubmitSpread | None:
        """The spread that a genuine copy carries; None for any other message."""
        if message.number is None:
            return None
        row = self._copies.row_of(message)
        command = None if isinstance(row, Fault) else self._copies.command_of(row)
        return command if isinstance(command, SubmitSpread) else None

    def _clear(self, queue: MarketQueue, numbers: range) -> None:
        """Clear the lines of some numbers, all of this market, at the next logical times."""
        first = self._logical_time + 1
        self._logical_time += len(numbers)
        times = range(first, self._logical_time + 1)
        queue.clear(numbers, times, origin=self._partition.origin)

    def _decide(self, message: Message, command: Command | Malformed | None) -> None:
        if message.fault is not None:
            self._refuse(message, message.fault)
        elif message.number is not None:
            self._decide_copy(message)
        else:
            assert command is not None, message
            stands = decide_where_it_lies(
                self.shard, self._inbound(message), command=command, memory=self.memory
            )
            if stands and isinstance(command, CloseSession):
                self.snapshots += snapshot_rows([self.shard], command.business_date)

    def _decide_copy(self, message: Message) -> None:
        shard = self.shard
        row = self._copies.row_of(message) if shard.HAS_COPIES else NO_COPIES
        if isinstance(row, Fault):
            self._refuse(message, row)
        elif is_next(row, last=shard.control.number, shard=shard.log.shard):
            self._decide_next(row)

    def _decide_next(self, row: NumberedCommand) -> None:
        shard, command = self.shard, self._copies.command_of(row)
        answers = NO_ANSWERS
        self._logical_time = max(self._logical_time, row.logical_time)
        if shard.WAITS_AT_BARRIERS and isinstance(command, Barrier):
            products = shard.control.products
            answers, self._links = read_answers(
                self._reader, row.number, products=products, last=self._links
            )
        elif self._waits_for(command):
            answers = read_answered_votes(
                self._reader, row.number, command=command, shard=shard.log.shard
            )
        self._logical_time = max(self._logical_time, answers.logical_time) + 1
        inbound = Inbound(CONTROL_SHARD, row.number, self._logical_time, row.line)
        shard.decide_copy(inbound, command, answers=answers, memory=self.memory)
        if isinstance(command, CloseSession):
            self.snapshots += snapshot_rows([shard], command.business_date)

    def _refuse(self, message: Message, fault: Fault) -> None:
        inbound = self._inbound(message)
        refuse_unread(
            self.shard,
            inbound._replace(origin=inbound.origin + fault.mark),
            command=decode_command(message.line),
            refusal=fault.refusal,
        )

    def _inbound(self, message: Message) -> Inbound:
        self._logical_time += 1
        return Inbound(self._partition.origin, message.offset, self._logical_time, message.line)

    def _links_read(self) -> dict[str, int]:
        """By market the number of the last link that was read, up to the last barrier."""
        if not self.shard.WAITS_AT_BARRIERS:
            return {}
        return self._reader.links_before(self.shard.log.shard, self.shard.control.number)
