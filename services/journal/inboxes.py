"""The partitions of Kafka that feed a journal: recorded once, before the first row; never changed.

In: the inboxes of all shards. Out: rows of `clearing.inbox`, all in one transaction, or
FedOtherwise: a journal is fed from files by one process or from Kafka by workers, never both. The
heads say where the input goes on, and that of a file means nothing to workers.
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
        # No `clear` may begin between reading the heads and the record; workers may go on.
        claim(connection, is_shared=True)
        with connection.transaction():
            missing = _missing(connection, inboxes)
            refuse_embedded(connection)
            for inbox in missing:
                values = [inbox.shard, inbox.topic, inbox.partition, inbox.topic_id]
                connection.execute(_RECORD, values)
            # Another process may have recorded at the same time: its inboxes must be the same.
            for inbox in _missing(connection, inboxes):
                message = (
                    f"{inbox.topic}/{inbox.partition} is recorded as the inbox of another shard"
                )
                raise FedOtherwise(message)
    return missing


def refuse_embedded(connection: Connection) -> None:
    """Raise FedOtherwise if a file was cleared into this journal: rows, and no inbox recorded."""
    query: LiteralString = (
        "SELECT exists(SELECT FROM clearing.shard_head), exists(SELECT FROM clearing.inbox)"
    )
    with translated("looking at who feeds the journal"):
        has_rows_and_inboxes = connection.execute(query).fetchone()
    if has_rows_and_inboxes == (True, False):
        message = (
            "this journal was written by `clearing clear` from files; workers need one of their "
            "own: name another database, and send the same files there with `clearing feed`, or "
            "what `clearing export` writes of this journal"
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
    by_shard = {inbox.shard: inbox for inbox in recorded}
    for inbox in inboxes:
        before = by_shard.get(inbox.shard, inbox)
        if before != inbox:
            message = (
                f"the inbox of {inbox.shard} is recorded as {before.topic}/{before.partition}, "
                f"topic id {before.topic_id}; "
                f"found {inbox.topic}/{inbox.partition}, {inbox.topic_id}"
            )
            raise FedOtherwise(message)
    return [inbox for inbox in inboxes if inbox.shard not in by_shard]
