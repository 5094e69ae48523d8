"""The inboxes to feed: those that the journal has recorded, if Kafka has them.

In: settings, a reader. Out: the inbox of a shard, and the offsets of their next messages.
"""

from __future__ import annotations

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from services.broker.topic_state import ask_admin, check_recorded
from services.broker.trouble import TopicsUnfit
from services.journal.reader import Inbox, Reader
from services.settings import Settings


class RecordedInboxes:
    """The inbox of each shard. Constructing it and `ends` block: not inside an event loop."""

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

    @property
    def all(self) -> list[Inbox]:
        """The inboxes of all shards."""
        return [*self._recorded.values()]

    def ends(self) -> dict[Inbox, int]:
        """The offset of the next message of each inbox. Errors: BrokerTrouble."""
        partitions = {TopicPartition(inbox.topic, inbox.partition): inbox for inbox in self.all}
        latest = dict.fromkeys(partitions, OffsetSpec.LATEST)
        ends = ask_admin(self._settings, lambda admin: admin.list_partition_offsets(latest))
        return {inbox: int(ends[partition].offset) for partition, inbox in partitions.items()}
