"""Which partitions of Kafka feed a journal: recorded once, before the first row; never changed.

In: the inboxes of all shards. Out: rows of `clearing.inbox`, all in one transaction, or
FedOtherwise: a journal is fed from files by one process or from Kafka by workers, never both. The
heads would be those of the one, and the other would go on from them as if they were its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

from services.journal.connecting import Connection, connect
from services.journal.reader import Inbox, Reader
from services.journal.trouble import FedOtherwise, translated
from services.journal.writer_lock import claim

_RECORDED: Final[LiteralString] = (
    "SELECT shard, topic, partition, topic_id FROM clearing.inbox ORDER BY topic, partition"
)
_RECORD: Final[LiteralString] = (
    "INSERT INTO clearing.inbox (shard, topic, partition, topic_id) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT DO NOTHING"
)


def record_inboxes(url: str, inboxes: Sequence[Inbox]) -> list[Inbox]:
    """Record those that are not yet, and give them back. The schema must be migrated.

    Errors: FedOtherwise if a file was cleared into this journal, or if a shard has another inbox.
    """
    with connect(url) as connection, translated("recording the inboxes"):
        if not _missing(connection, inboxes):
            return []
        # No `clear` may begin between the look at the heads and the record; workers may go on.
        claim(connection, is_shared=True)
        with connection.transaction():
            missing = _missing(connection, inboxes)
            refuse_embedded(connection)
            for one in missing:
                connection.execute(_RECORD, [one.shard, one.topic, one.partition, one.topic_id])
            # Another process may have recorded at the same time: what it did must be the same.
            for one in _missing(connection, inboxes):
                message = f"{one.topic}/{one.partition} is recorded as the inbox of another shard"
                raise FedOtherwise(message)
    return missing


def refuse_embedded(connection: Connection) -> None:
    """Raise FedOtherwise if a file was cleared into this journal: rows, and no inbox recorded."""
    query: LiteralString = (
        "SELECT exists(SELECT FROM clearing.shard_head), exists(SELECT FROM clearing.inbox)"
    )
    with translated("looking at who feeds the journal"):
        found = connection.execute(query).fetchone()
    if found == (True, False):
        message = (
            "this journal was written by `clearing clear` from files; workers need one of their "
            "own: name another database, and send the same files there with `clearing feed`"
        )
        raise FedOtherwise(message)


def refuse_streamed(reader: Reader) -> None:
    """Raise FedOtherwise if workers write this journal from Kafka."""
    inboxes = reader.inboxes()
    if inboxes:
        topics = ", ".join(sorted({inbox.topic for inbox in inboxes}))
        message = (
            f"this journal belongs to the topics {topics} of Kafka, from which workers write it: "
            "send them commands with `clearing feed`, or clear into another database"
        )
        raise FedOtherwise(message)


def _missing(connection: Connection, inboxes: Sequence[Inbox]) -> list[Inbox]:
    recorded = [Inbox(*row) for row in connection.execute(_RECORDED).fetchall()]
    known = {inbox.shard: inbox for inbox in recorded}
    for one in inboxes:
        other = known.get(one.shard, one)
        if other != one:
            message = (
                f"the inbox of {one.shard} is recorded as {other.topic}/{other.partition}, topic "
                f"id {other.topic_id}; found {one.topic}/{one.partition}, {one.topic_id}"
            )
            raise FedOtherwise(message)
    return [one for one in inboxes if one.shard not in known]
