"""Looks at all shards once a second, those of other workers too, and tells Kafka how far ours are.

In: Kafka's group and the ends of all inboxes, the journal. Out: the overview; and for ordinary lag
tools the offsets of our shards in the group, each after it is durable in Postgres. Nothing is ever
read from those: what decides is the offset in Postgres. A look that fails leaves what is known to
grow old, and the overview says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.broker.connecting import client_options, started, until_ended
from services.broker.group import GroupAdmin
from services.broker.topics import shard_partitions
from services.broker.trouble import BrokerRefused, BrokerTrouble, broker_translated
from services.hosting.restore import NotInUse, check_in_use
from services.journal.reader import Reader
from services.journal.shard_states import ShardState, shard_states
from services.journal.trouble import JournalTrouble, RightsMissing
from services.worker.context import WorkerContext

WATCH_S: Final = 1.0
# A broker that is away is not waited for: the next commit says the same and more.
COMMIT_S: Final = 1.0

_log = logging.getLogger(__name__)


class ShardWatch:
    """Watches all shards for one worker."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._overview = context.metrics.overview
        # Each asks for itself: a group without a coordinator holds up nothing else.
        self._topics, self._group = GroupAdmin(context.settings), GroupAdmin(context.settings)
        self._shards = {
            TopicPartition(partition.topic, partition.number): partition.shard
            for partition in shard_partitions(context.settings.topic_prefix)
        }
        self._uncommitted: AIOKafkaConsumer | None = None
        self._reader: Reader | None = None
        self._checked_until: dict[str, int] = {}
        self._committed: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        looks = (
            self._look_at_replicas, self._look_at_group, self._look_at_ends, self._look_at_journal,
            self._tell_group,
        )  # fmt: skip
        try:
            await asyncio.gather(*map(self._each_second, looks))
        finally:
            await self._topics.close()
            await self._group.close()
            if self._uncommitted is not None:
                await until_ended(self._uncommitted.stop())
            if self._reader is not None:
                self._reader.close()

    async def commit(self, durable: Mapping[TopicPartition, int]) -> None:
        """Commit offsets up to which all is durable to the group. Errors: BrokerTrouble."""
        fresh = {key: at for key, at in durable.items() if self._committed.get(key) != at}
        if fresh:
            with broker_translated("committing offsets", self._context.settings, right="Read"):
                async with asyncio.timeout(COMMIT_S):
                    await self._context.consumer.commit(fresh)
            self._committed |= fresh

    async def _tell_group(self) -> None:
        offsets = self._context.metrics.durable_offsets()
        await self.commit(
            {key: offsets[shard] for key, shard in self._shards.items() if shard in offsets}
        )

    async def _look_at_replicas(self) -> None:
        replicas = await self._topics.replicas({key.topic for key in self._shards})
        self._overview.note_replicas(
            {self._shards[key]: replicas[key] for key in replicas if key in self._shards},
            read_from={shard: self._leaders(key) for key, shard in self._shards.items()},
            at=monotonic(),
        )

    async def _look_at_group(self) -> None:
        at, members = monotonic(), await self._group.members()
        by_shard = {self._shards[key]: members[key] for key in members if key in self._shards}
        self._overview.note_members(by_shard, at=at)

    def _leaders(self, key: TopicPartition) -> set[int]:
        """The brokers that this worker asks for messages and ends of a partition, if any."""
        consumer, clients = self._context.consumer, []
        if key in consumer.assignment():
            clients.append(consumer)
        if self._uncommitted is not None:
            clients.append(self._uncommitted)
        clusters = [client._client.cluster for client in clients]  # noqa: SLF001 - nothing public
        return {cluster.leader_for_partition(key) for cluster in clusters} - {None, -1}

    async def _look_at_ends(self) -> None:
        """The ends of all inboxes, also behind messages that an open transaction holds back."""
        settings = self._context.settings
        if self._uncommitted is None:
            options = client_options(settings, "watch")
            self._uncommitted = await started(lambda: AIOKafkaConsumer(**options), settings)
        at = monotonic()
        with broker_translated("asking for the ends of all inboxes", settings):
            ends = await self._uncommitted.end_offsets([*self._shards])
        for key, shard in self._shards.items():
            self._overview.lags[shard].note_end(ends[key], at=at)

    async def _look_at_journal(self) -> None:
        at = monotonic()
        states, not_in_use = await asyncio.to_thread(self._read_journal)
        self._overview.note_states(states, not_in_use=not_in_use, at=at)

    def _read_journal(self) -> tuple[list[ShardState], set[str]]:
        try:
            if self._reader is None:
                self._reader = Reader(self._context.database)
            states = shard_states(self._reader)
            not_begun = {*self._shards.values()} - {state.shard for state in states}
            return states, {shard for shard in not_begun if not self._is_in_use(shard)}
        except JournalTrouble:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            raise

    def _is_in_use(self, shard: str) -> bool:
        """Whether control has put a shard in use that has no row; commands are looked at once."""
        assert self._reader is not None, shard
        try:
            check_in_use(self._reader, shard, after=self._checked_until.get(shard, 0))
        except NotInUse as reason:
            self._checked_until[shard] = reason.checked_until
            return False
        return True

    async def _each_second(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            # Other trouble is reported by whoever reads the inboxes or writes the journal.
            with suppress(BrokerTrouble, JournalTrouble):
                try:
                    await look()
                except (BrokerRefused, RightsMissing) as trouble:
                    self._context.metrics.note_denial(trouble)
                    _log.warning("%s", trouble)
            await asyncio.sleep(WATCH_S)
