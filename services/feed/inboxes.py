"""The inboxes to feed: those that the journal has recorded, if Kafka has them.

In: settings, a reader. Out: partitions by shard, and where an inbox ends now.
"""

from __future__ import annotations

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from services.broker.topic_state import check_recorded, topics_admin
from services.broker.trouble import TopicsUnfit
from services.journal.reader import Inbox, Reader
from services.settings import Settings


class Inboxes:
    """The partition of each shard; not to be made inside an event loop."""

    def __init__(self, settings: Settings, reader: Reader) -> None:
        """Look at both. Errors: BrokerTrouble, JournalTrouble."""
        check_recorded(settings, reader)
        self._settings = settings
        self._recorded = {inbox.shard: inbox for inbox in reader.inboxes()}

    def of(self, shard: str) -> Inbox:
        """The partition of a shard. Errors: TopicsUnfit."""
        inbox = self._recorded.get(shard)
        if inbox is None:
            msg = f"no inbox is recorded for {shard}: run `clearing topics create`"
            raise TopicsUnfit(msg)
        return inbox

    def end_of(self, shard: str) -> int:
        """The offset of the next message of a shard's inbox. Errors: BrokerTrouble."""
        inbox = self.of(shard)
        place = TopicPartition(inbox.topic, inbox.partition)
        with topics_admin(self._settings) as admin:
            return int(admin.list_partition_offsets({place: OffsetSpec.LATEST})[place].offset)
