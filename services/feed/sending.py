"""Sends one command of an operator to Kafka and reads what its shard decided.

In: settings, a command. Out: the row that its shard wrote for it, with all facts. After a control
command that stands it waits until every shard has it, so that the next command comes after it; the
rows that markets wrote for a spread are answers too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Final, LiteralString, NamedTuple

from events.command import CONTROL
from services.feed.command_text import Composed
from services.feed.fact_tail import fact_lines
from services.feed.inboxes import RecordedInboxes
from services.feed.kafka_producer import kafka_line_producer
from services.feed.stall import StallTimer
from services.feed.waiting import JournalHeads, ShardWaiter
from services.journal.reader import Reader
from services.journal.trouble import translated
from services.settings import Settings
from services.shards.routing import CONTROL_SHARD, shard_of
from services.shards.spread_votes import spread_markets

_REFUSED: Final = b'{"type":"command_refused/1"'
_SEQ_OF: Final[LiteralString] = (
    "SELECT seq FROM clearing.journal "
    "WHERE shard = %s AND seq > %s AND origin = %s AND position = %s"
)

_NUMBER_OF: Final[LiteralString] = "SELECT number FROM clearing.control_number WHERE seq = %s"


class Answer(NamedTuple):
    """A shard's decision about a command. facts: none when the command is a repetition."""

    shard: str
    seq: int
    facts: list[bytes]

    @property
    def is_refused(self) -> bool:
        """Whether the command was refused."""
        return bool(self.facts) and self.facts[0].startswith(_REFUSED)


def send(
    settings: Settings,
    composed: Composed,
    *,
    stall: StallTimer,
    on_answer: Callable[[Answer], None],
) -> None:
    """Send a command. on_answer: called with each answer, the first before waiting for shards.

    Errors: those of Kafka and the journal, Stalled.
    """
    assert settings.database is not None, "an answer is read from the journal"
    with Reader(settings.database) as reader, closing(JournalHeads(settings.database)) as journal:
        inboxes = RecordedInboxes(settings, reader)
        shard = shard_of(composed.command, journal.products())
        before = journal.heads().get(shard)

        async def send_and_wait() -> None:
            waiter = ShardWaiter(journal, stall)
            async with kafka_line_producer(inboxes, settings=settings, stall=stall) as producer:
                await producer.put(shard, [composed.line])
                await producer.flush()
                offset = producer.last_offset(shard)
            head = await waiter.until_decided(shard, offset)
            inbox = inboxes.of(shard)
            message = (f"{inbox.topic}/{inbox.partition}", offset)
            answer = _answer(reader, shard, message=message, after=before.seq if before else -1)
            on_answer(answer)
            if composed.command.SHARD == CONTROL and not answer.is_refused:
                await waiter.until_known(head.control_number)
                for market in spread_markets(composed.command) if answer.facts else ():
                    copy = (CONTROL_SHARD, _number(reader, answer.seq))
                    decided = _answer(reader, market, message=copy, after=-1)
                    if decided.facts:
                        on_answer(decided)

        asyncio.run(send_and_wait())


def _number(reader: Reader, seq: int) -> int:
    """The control number of a row of `control/0`."""
    with translated("reading the journal"):
        row = reader.connection.execute(_NUMBER_OF, [seq]).fetchone()
    assert row is not None, f"row {seq} of {CONTROL_SHARD} stands and has no number"
    return int(row[0])


def _answer(reader: Reader, shard: str, *, message: tuple[str, int], after: int) -> Answer:
    """The row for a message. message: its origin and offset."""
    with translated("reading the journal"):
        seqs = reader.connection.execute(_SEQ_OF, [shard, after, *message]).fetchone()
    assert seqs is not None, f"{shard} has gone past {message} and has no row for it"
    seq: int = seqs[0]
    (row,) = reader.rows_at(shard, [seq])
    return Answer(shard, seq, list(fact_lines(reader, row)))
