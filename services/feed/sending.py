"""One command of an operator: into Kafka, and what its shard made of it.

In: settings, a command. Out: the row that its shard wrote for it, with all facts; and for a control
command that stands a wait until every shard knows it, so that what is sent next comes after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Final, LiteralString, NamedTuple

from events.command import CONTROL
from services.feed.command_text import Composed
from services.feed.fact_tail import fact_lines
from services.feed.inboxes import Inboxes
from services.feed.kafka_producer import kafka_outlet
from services.feed.stall import Stillness
from services.feed.waiting import JournalHeads, Waiting
from services.journal.reader import Reader
from services.journal.trouble import translated
from services.settings import Settings
from services.shards.routing import shard_of

_REFUSED: Final = b'{"type":"command_refused/1"'
_SEQ_OF: Final[LiteralString] = (
    "SELECT seq FROM clearing.journal "
    "WHERE shard = %s AND seq > %s AND origin = %s AND position = %s"
)


class Answer(NamedTuple):
    """What a shard made of a command. facts: none when it had done the same before."""

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
    stillness: Stillness,
    told: Callable[[Answer], None],
) -> None:
    """Send a command. told: called with the answer, before other shards are waited for.

    Errors: those of Kafka and the journal, NothingMoves.
    """
    assert settings.database is not None, "an answer is read from the journal"
    with Reader(settings.database) as reader, closing(JournalHeads(settings.database)) as journal:
        inboxes = Inboxes(settings, reader)
        shard = shard_of(composed.command, journal.products())
        before = journal.heads().get(shard)

        async def sent() -> None:
            waiting = Waiting(journal, stillness)
            async with kafka_outlet(inboxes, settings=settings, stillness=stillness) as outlet:
                await outlet.put(shard, [composed.line])
                await outlet.flush()
                offset = outlet.last_offset(shard)
            head = await waiting.until_decided(shard, offset)
            inbox = inboxes.of(shard)
            place = (f"{inbox.topic}/{inbox.partition}", offset)
            answer = _answer(reader, shard, place=place, after=before.seq if before else -1)
            told(answer)
            if composed.command.SHARD == CONTROL and not answer.is_refused:
                await waiting.until_known(head.control_number)

        asyncio.run(sent())


def _answer(reader: Reader, shard: str, *, place: tuple[str, int], after: int) -> Answer:
    """The row for the message at a place."""
    with translated("reading the journal"):
        found = reader.connection.execute(_SEQ_OF, [shard, after, *place]).fetchone()
    assert found is not None, f"{shard} has gone past {place} and has no row for it"
    (row,) = reader.rows_at(shard, [found[0]])
    return Answer(shard, found[0], list(fact_lines(reader, row)))
