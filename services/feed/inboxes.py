"""The inboxes to feed: those that the journal has recorded, if Kafka has them.

In: settings, a reader. Out: the inbox of a shard, and the offset of its next message.
"""

from __future__ import annotations

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from services.broker.topic_state import check_recorded, topics_admin
from services.broker.trouble import TopicsUnfit
from services.journal.reader import Inbox, Reader
from services.settings import Settings


class RecordedInboxes:
    """The inbox of each shard. Constructing it and `end_of` block: not inside an event loop."""

    def __init__(self, settings: Settings, reader: Reader) -> None:
        """Check that Kafka has them. Errors: BrokerTrouble, JournalTrouble."""
        check_recorded(settings, reader)
        self._settings = settings
        self._recorded = {inbox.shard: inbox for inbox in reader.inboxes()}

    def of(self, shard: str) -> Inbox:
        """The inbox of a shard. Errors: TopicsUnfit."""
        inbox = self._recorded.get(shard)
        if inbox is None:
            msg = f"no inbox is recorded for {shard}: run `clearing topics create`"
            raise TopicsUnfit(msg)
        return inbox

    def end_of(self, shard: str) -> int:
        """The offset of the next message of a shard's inbox. Errors: BrokerTrouble."""
        inbox = self.of(shard)
        partition = TopicPartition(inbox.topic, inbox.partition)
        with topics_admin(self._settings) as admin:
            ends = admin.list_partition_offsets({partition: OffsetSpec.LATEST})
        return int(ends[partition].offset)
