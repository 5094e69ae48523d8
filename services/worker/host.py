"""The host of the shards: one consumer of the group, a supervisor for each assigned partition.

In: assignments by Kafka. Out: each assigned shard served, `control/0` with its copy sender. When
the group shares the partitions anew, all shards stand still, durable, before another worker can
have one; those that stay go on with the books that they have. The first error that no reload can
mend ends the worker (`failure`): another worker, or this one again, begins from Postgres.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from services.broker.bounded_fetch import bound_fetches
from services.broker.connecting import consumer_options, started
from services.broker.group import group_refusal
from services.broker.topic_state import check_recorded
from services.broker.topics import partition_counts, shard_partitions
from services.broker.trouble import (
    BrokerRefused,
    BrokerTrouble,
    BrokerUnreachable,
    broker_translated,
)
from services.journal.reader import Reader
from services.journal.trouble import JournalTrouble
from services.settings import Settings
from services.shards.routing import CONTROL_SHARD
from services.worker.clock import SessionClock
from services.worker.context import WorkerContext
from services.worker.copy_sender import CopySender
from services.worker.metrics import Metrics
from services.worker.pg_notify import Notices
from services.worker.shard_supervisor import RELOAD_S, ShardSupervisor
from services.worker.shard_watch import ShardWatch

# Loading a shard may take longer than Kafka's five minutes between polls; the fence keeps us safe.
POLL_INTERVAL_MS_MAX: Final = 1_800_000
# Time for a worker to finish its batches before other workers share its partitions.
REBALANCE_MS_MAX: Final = 30_000
# Time to tell the group that we leave; after the session it knows by itself.
LEAVE_S: Final = 3.0
GROUP_CHECK_S: Final = 1.0
# Asking for the messages of a partition that no topic has gives none, only what is wrong.
_NO_PARTITION: Final = -1

_log = logging.getLogger(__name__)


class ShardHost(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """Serves the shards of the partitions that Kafka assigns to this worker."""

    def __init__(
        self, on_failure: Callable[[], None], *, settings: Settings, database: str
    ) -> None:
        self._settings = settings
        self._database = database
        self._on_failure = on_failure
        self._notices = Notices(database)
        self._partitions = {
            TopicPartition(partition.topic, partition.number): partition
            for partition in shard_partitions(settings.topic_prefix)
        }
        self._supervisors: dict[TopicPartition, tuple[ShardSupervisor, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: list[asyncio.Task[None]] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._copying: asyncio.Task[None] | None = None
        self._context: WorkerContext | None = None
        self._watch: ShardWatch | None = None
        self._is_leaving = False
        self.clock = SessionClock(settings)
        self.metrics = Metrics()
        self.failure: BaseException | None = None

    async def start(self) -> None:
        """Join the group. Errors: BrokerTrouble."""
        self._tasks.add(self._watched(self._notices.run(), "notices"))
        consumer = await started(lambda: group_consumer(self._settings), self._settings)
        self._context = WorkerContext(
            self._settings, self._database, consumer, self.metrics, self._notices
        )
        self._watch = ShardWatch(self._context)
        self._looking.append(self._watched(self._hear_group(consumer), "group"))
        self._looking.append(self._watched(self._watch.run(), "all shards"))
        consumer.subscribe([*partition_counts(self._settings.topic_prefix)], listener=self)

    async def stop(self) -> None:
        """Finish the batches that were handed over, leave the group."""
        self._is_leaving = True
        self.metrics.is_in_group = False
        for task in self._looking:
            task.cancel()
        await self._release([*self._supervisors])
        await self.clock.stop()
        if self._context is not None:
            # With no broker there it would wait for an answer to its farewell.
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await self._context.consumer.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait({*self._tasks})

    async def tick(self) -> None:
        """Advance the clock of the session, if its shard is served here."""
        supervisor = self._supervisor_of(CONTROL_SHARD)
        run = None if supervisor is None else supervisor.run_now
        if supervisor is None or run is None:
            return
        try:
            # Meanwhile shards come and go: after this line the supervisor is not used again.
            await self.clock.advance(supervisor.partition, run.shard.control)
        except BrokerTrouble as trouble:
            # The next tick tells a later time; nothing depends on this one.
            self.metrics.note_denial(trouble)
            _log.warning("the clock stands: %s", trouble, extra={"shard": CONTROL_SHARD})

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 - it is always all of them
        """Let all shards stand still before other workers get any.

        Raises nothing: aiokafka would log an error and go on.
        """
        self.metrics.is_in_group = False
        await self._stop_copying()
        await asyncio.gather(*(supervisor.park() for supervisor in self._at_work()))
        await self._tell_group(
            {key: supervisor for key, (supervisor, _) in self._supervisors.items()}
        )

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Serve the assigned partitions, unless the worker is leaving."""
        if self._context is None or self._is_leaving:
            return
        await self._release([key for key in self._supervisors if key not in assigned])
        for supervisor in self._at_work():
            supervisor.resume()
        checked = self._watched(self._check_topics(), "topics")
        self._tasks.add(checked)
        new = self._partitions.keys() & set(assigned) - self._supervisors.keys()
        for partition in sorted(new):
            supervisor = ShardSupervisor(
                self._partitions[partition], self._context, checked=checked
            )
            shard = supervisor.partition.shard
            task = self._watched(supervisor.run(), shard)
            self._supervisors[partition] = supervisor, task
        if self._supervisor_of(CONTROL_SHARD) is not None:
            self._copying = self._watched(CopySender(self._context).run(), "copies")
        self.metrics.is_in_group = True
        shards = ", ".join(
            supervisor.partition.shard for supervisor, _ in self._supervisors.values()
        )
        _log.info("assigned: %s", shards or "nothing")

    async def _hear_group(self, consumer: AIOKafkaConsumer) -> None:
        """Hear why the group does not take this worker in; without a shard nobody else asks.

        aiokafka also waits for somebody to ask before it tries again. Errors: BrokerTrouble.
        """
        no_partition = TopicPartition(next(iter(self._partitions)).topic, _NO_PARTITION)
        while True:
            try:
                with broker_translated("joining the group", self._settings, right="Read"):
                    await consumer.getmany(no_partition)
            except BrokerUnreachable as trouble:
                _log.warning("%s", trouble)
            except BrokerRefused as trouble:
                _log.warning("%s", trouble)
                self.metrics.note_denial(trouble)
                self.metrics.is_in_group = False
                # Once its heartbeat was refused aiokafka never sends one again, unless it joins.
                consumer._coordinator.request_rejoin()  # noqa: SLF001 - nothing public does it
            except BrokerTrouble as trouble:
                raise await group_refusal(trouble, self._settings) from trouble
            await asyncio.sleep(GROUP_CHECK_S)

    def _at_work(self) -> list[ShardSupervisor]:
        """The supervisors that no error has ended."""
        return [supervisor for supervisor, task in self._supervisors.values() if not task.done()]

    def _supervisor_of(self, shard: str) -> ShardSupervisor | None:
        """The supervisor of a shard; None when the shard is not assigned to this worker."""
        supervisors = (supervisor for supervisor, _ in self._supervisors.values())
        return next((entry for entry in supervisors if entry.partition.shard == shard), None)

    async def _check_topics(self) -> None:
        """Check that the topics are those that were recorded: an operator may add partitions.

        No inbox is read before Kafka and Postgres have answered. Errors: TopicsUnfit.
        """
        while True:
            try:
                unread = await asyncio.to_thread(check_topics, self._settings, self._database)
            except (BrokerRefused, BrokerUnreachable, JournalTrouble) as trouble:
                self.metrics.note_denial(trouble)
                _log.warning("topics are not checked yet: %s", trouble)
                await asyncio.sleep(RELOAD_S)
            else:
                self._note_unread(unread)
                return

    def _note_unread(self, unread: dict[str, range]) -> None:
        self.metrics.note_unread(unread)
        added = [
            f"{topic}: nobody reads partition {', '.join(map(str, numbers))}"
            for topic, numbers in unread.items()
        ]
        if added:
            # In one line: of several in a second the log shows the first.
            text = "%s: `clearing topics check` says what lies there"
            _log.warning(text, "; ".join(added))

    async def _release(self, partitions: Collection[TopicPartition]) -> None:
        released = {
            key: self._supervisors.pop(key) for key in partitions if key in self._supervisors
        }
        for supervisor, _ in released.values():
            supervisor.release()
        if self._supervisor_of(CONTROL_SHARD) is None:
            await self._stop_copying()
        self._leaving |= {task for _, task in released.values()}
        if self._leaving:
            # Also those of a rebalance under way, when the worker ends in the middle of it.
            await asyncio.wait({*self._leaving})
        await self._tell_group({key: supervisor for key, (supervisor, _) in released.items()})

    async def _tell_group(self, shards: Mapping[TopicPartition, ShardSupervisor]) -> None:
        """Commit how far shards are, for lag tools; the next worker asks Postgres."""
        durable = {
            key: supervisor.durable
            for key, supervisor in shards.items()
            if supervisor.durable is not None
        }
        if self._watch is not None:
            with suppress(BrokerTrouble):
                await self._watch.commit(durable)

    async def _stop_copying(self) -> None:
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.cancel()
            await asyncio.wait({copying})

    def _watched(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """A task whose failure ends the worker."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._check_failure)
        return task

    def _check_failure(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._leaving.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or self.failure is not None:
            return
        self.failure = error
        _log.critical("%s: %s", type(error).__name__, error, extra={"shard": task.get_name()})
        self._on_failure()


def check_topics(settings: Settings, database: str) -> dict[str, range]:
    """Raise TopicsUnfit unless Kafka has the topics that the journal was begun with.

    Gives by topic the partitions that nobody reads.
    """
    with Reader(database) as reader:
        return check_recorded(settings, reader)


def group_consumer(settings: Settings) -> AIOKafkaConsumer:
    """A consumer by which a worker joins the group."""
    bound_fetches()
    return AIOKafkaConsumer(
        **consumer_options(settings),
        # As few shards as possible move. Of several ways aiokafka joins with the first and at once
        # again with all: each time the others begin anew, and two workers may go on so for ever.
        partition_assignment_strategy=(StickyPartitionAssignor,),
        max_poll_interval_ms=POLL_INTERVAL_MS_MAX,
        rebalance_timeout_ms=max(REBALANCE_MS_MAX, settings.session_timeout_ms),
    )
