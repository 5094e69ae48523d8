"""The keeper of one shard: from assignment to revocation, through whatever the world does.

In: a partition of the consumer. Out: its messages, durable in Postgres, from the offset that
Postgres says. When somebody else moves the head, or the database breaks, the shard is forgotten and
loaded anew from the truth; nothing is ever tried twice. What no reload can mend ends the worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Final, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, OffsetOutOfRangeError

from services.broker.batches import UNREAD
from services.broker.messages import Message, Record, leading, read_messages
from services.broker.raw_fetch import refetch
from services.broker.topics import ShardPartition, partition_of
from services.broker.trouble import BrokerTrouble, BrokerUnreachable
from services.hosting.restore import NotInUse
from services.journal.batch import Batch
from services.journal.trouble import (
    FencedOff,
    JournalTrouble,
)
from services.shards.routing import CONTROL_SHARD
from services.worker.context import PASSING, WorkerContext
from services.worker.lag import Progress
from services.worker.metrics import (
    CATCHING_UP,
    LOADING,
    NOT_IN_USE,
    TROUBLED,
    WAITING,
)
from services.worker.offsets import check_offset, end_of
from services.worker.pg_notify import CONTROL, LINKS
from services.worker.shard_run import ShardRun

CONSUMER_GONE: Final = (ConsumerStoppedError, IllegalStateError)
RELOAD_S: Final = 0.5
RELOAD_S_MAX: Final = 10.0
FENCE_LOSSES_MAX: Final = 5
LOOK_S: Final = 1.0
_IDLE_MS: Final = 250
_TOLD_FIRST_S: Final = 1.0

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Released(Exception):
    """The partition is being taken away; the shard ends where it stands."""


class ShardSupervisor:
    """Keeps one shard while its partition is ours.

    checked: done when the topics are found to be those recorded; nothing is read before.
    """

    def __init__(
        self, partition: ShardPartition, around: WorkerContext, *, checked: Awaitable[None]
    ) -> None:
        self._checked = asyncio.ensure_future(checked)
        self._partition = partition
        self._around = around
        self._topic_partition = TopicPartition(partition.topic, partition.number)
        self._released = asyncio.Event()
        self._written = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._losses = 0
        self._reload_s = RELOAD_S
        self._seq = -1
        self._looked_until = 0
        self._progress = Progress()
        self.run_now: ShardRun | None = None

    @property
    def partition(self) -> ShardPartition:
        """The partition and its shard."""
        return self._partition

    def release(self) -> None:
        """Let go: what was handed over is finished, nothing more is taken."""
        self._released.set()

    async def keep(self) -> None:
        """Keep the shard until released. Errors: whatever no reload can mend."""
        shard, metrics = self._partition.shard, self._around.metrics
        metrics.follow(shard, self._progress)
        looking = asyncio.create_task(self._look_on(), name=f"end of {shard}")
        try:
            while True:
                await self._keep_once()
        except CONSUMER_GONE:
            # The consumer gives a partition up before whoever keeps it can see that.
            if not self._released.is_set():
                raise
            _log.info("let go", extra=self._where())
        except Released:
            _log.info("let go", extra=self._where())
        finally:
            looking.cancel()
            metrics.let_go(shard)

    async def _look_on(self) -> None:
        """Look where the inbox ends, however its shard stands, until cancelled."""
        while True:
            at = monotonic()
            # What is wrong with Kafka is said by whoever reads from it; here silence is told.
            with suppress(BrokerTrouble):
                self._progress.look(await end_of(self._around, self._partition), at=at)
            await asyncio.sleep(LOOK_S)

    async def _keep_once(self) -> None:
        """Load and serve until something breaks that a reload mends."""
        try:
            await self._serve()
        except NotInUse as reason:
            self._looked_until = reason.looked_until
            self._around.metrics.stands(self._partition.shard, NOT_IN_USE, detail=str(reason))
            self._around.consumer.seek(self._topic_partition, 0)
            with self._paused():
                await self._idle(CONTROL)
        except FencedOff as loss:
            await self._lose(loss)
        except PASSING as trouble:
            await self._wait_out(trouble)
        except OffsetOutOfRangeError as error:
            # Asked again Kafka has it: a broker that became the leader was behind for a moment.
            msg = f"Kafka did not have an offset of {self._partition.origin} for a moment: {error}"
            await self._wait_out(BrokerUnreachable(msg))

    async def _serve(self) -> None:
        partition, settings = self._partition, self._around.settings
        run = await asyncio.to_thread(
            ShardRun,
            self._around.database,
            partition,
            timeout_s=settings.writer_timeout_s,
            looked_until=self._looked_until,
            done=self._note_durable,
        )
        try:
            self.run_now = run
            await asyncio.to_thread(run.drain)
            checking = check_offset(self._around, partition, wanted=run.next_offset)
            await self._unless_released(checking)
            await self._unless_released(asyncio.shield(self._checked))
            self._around.consumer.seek(self._topic_partition, run.next_offset)
            _log.info("loaded; goes on at offset %d", run.next_offset, extra=self._where())
            self._progress.durable = run.next_offset
            self._around.metrics.stands(partition.shard, CATCHING_UP)
            await self._read_on(run)
        except Released:
            await asyncio.to_thread(run.close)
            raise
        except BaseException as error:
            await asyncio.to_thread(run.abandon, error)
            raise
        finally:
            self.run_now = None

    async def _read_on(self, run: ShardRun) -> None:
        """Take what comes."""
        while True:
            is_behind = await self._read_once(run)
            if not is_behind and not run.is_durable:
                await self._gather()

    async def _read_once(self, run: ShardRun) -> bool:
        """Take what one fetch gives, and hold it no longer; whether there is more in Kafka."""
        records = await self._fetch(self._around.settings.batch_messages, _IDLE_MS)
        if not records:
            await self._rest(run)
            return False
        # Not here: the hash of a value of a gigabyte would take longer than a heartbeat.
        messages = await asyncio.to_thread(read_messages, self._partition.shard, records)
        await self._take(run, messages)
        # A full batch, or what a fetch had left: the rest is in Kafka and comes at once.
        return self._end(records[-1]) > records[-1].offset + 1

    async def _rest(self, run: ShardRun) -> None:
        """Nothing came: see that all is durable, and that Postgres knows what left no row."""
        offset = await self._around.consumer.position(self._topic_partition)
        if offset > run.next_offset:
            await asyncio.to_thread(run.pass_to, offset)
        if not run.is_durable:
            await self._unless_released(asyncio.to_thread(run.drain))

    async def _gather(self) -> None:
        """Let messages gather while the batch before is written, not longer than the interval."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._around.settings.batch_interval_ms / 1000):
                await self._unless_released(self._written.wait())
        self._written.clear()

    async def _take(self, run: ShardRun, messages: list[Message]) -> None:
        if any(one.number is not None for one in messages):
            await self._await_control(run, messages)
        while messages:
            free = leading(messages)
            if run.decider.has_barriers:
                free = min(free, await asyncio.to_thread(run.decider.until_barrier, messages))
            if not free:
                await self._await_markets(run, messages[0])
                free = 1
            begun = monotonic()
            await asyncio.to_thread(run.take, messages[:free])
            shard, seconds = self._partition.shard, monotonic() - begun
            self._around.metrics.decided(shard, messages=free, seconds=seconds)
            self._around.metrics.refused(shard, run.refusals())
            messages = messages[free:]
            if self._released.is_set():
                raise Released

    async def _await_markets(self, run: ShardRun, barrier: Message) -> None:
        """Wait until every market has answered a barrier."""
        number = barrier.number
        assert number is not None, barrier
        await self._await(lambda: run.decider.missing(number), f"barrier {number}", channel=LINKS)

    async def _await_control(self, run: ShardRun, messages: Sequence[Message]) -> None:
        """Wait until `control/0` has taken what lay in its inbox when a copy was ahead of it.

        A copy of what control has not said is forged, or the database was set back to an earlier
        time and control has yet to say it again: whoever judged at once could not tell.
        """
        number = await asyncio.to_thread(run.decider.ahead_of_control, messages)
        if number is None:
            return
        control = partition_of(CONTROL_SHARD, self._around.settings.topic_prefix)
        end = await self._unless_released(end_of(self._around, control))
        await self._await(
            lambda: run.decider.behind(CONTROL_SHARD, offset=end), f"copy {number}", channel=CONTROL
        )
        run.decider.refetch_copies()

    async def _await(self, missing: Callable[[], list[str]], what: str, *, channel: str) -> None:
        """Wait with the inbox paused, polling on, until no shard is missing; tell which is."""
        shard, metrics = self._partition.shard, self._around.metrics
        told = _TOLD_FIRST_S
        begun = since = monotonic()
        with self._paused():
            while found := await asyncio.to_thread(missing):
                metrics.stands(shard, WAITING, detail=f"{what}: {', '.join(found)}")
                now = monotonic()
                for other in found:
                    metrics.waited(other, now - since)
                since = now
                if now - begun > told:
                    waits = f"{what} waits for {', '.join(found)}"
                    _log.info("%s (%.0f s)", waits, now - begun, extra=self._where())
                    told *= 2
                await self._idle(channel)
        metrics.stands(shard, CATCHING_UP)

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Nothing comes out of the inbox meanwhile, however often it is polled."""
        consumer = self._around.consumer
        consumer.pause(self._topic_partition)
        try:
            yield
        finally:
            if self._topic_partition in consumer.assignment():
                consumer.resume(self._topic_partition)

    async def _idle(self, channel: str) -> None:
        """Wait for a notice and poll the paused inbox, so that Kafka sees us alive."""
        await self._unless_released(self._around.notices.wait(channel))
        await self._fetch(1, 1)

    async def _fetch(self, most: int, timeout_ms: int) -> Sequence[Record]:
        """What comes next, at most so many; where aiokafka cannot be believed, as Kafka has it."""
        consumer = self._around.consumer
        offset: int = await consumer.position(self._topic_partition)
        fetching = consumer.getmany(self._topic_partition, timeout_ms=timeout_ms, max_records=most)
        try:
            found = await self._unless_released(fetching)
        except OffsetOutOfRangeError:
            run = self.run_now
            assert run is not None, self._partition
            checking = check_offset(self._around, self._partition, wanted=run.next_offset)
            await self._unless_released(checking)
            raise
        except UNREAD as error:
            said = f"{type(error).__name__}: {error}"
            _log.warning("looks again from offset %d on: %s", offset, said, extra=self._where())
            return await self._look_again(offset, most)
        records: Sequence[Record] = found.get(self._topic_partition, ())
        expected = range(offset, offset + len(records))
        if [one.offset for one in records] != [*expected]:
            return await self._look_again(offset, most)
        return records

    async def _look_again(self, offset: int, most: int) -> Sequence[Record]:
        """The records at an offset, read batch by batch; a batch that cannot be read is one."""
        refetching = refetch(self._around.settings, self._partition, offset=offset, most=most)
        found = await self._unless_released(refetching)
        self._around.consumer.seek(self._topic_partition, found.next_offset)
        return found.records

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await self._unless_released(asyncio.sleep(seconds))

    async def _unless_released(self, waited: Awaitable[_T]) -> _T:
        """What is waited for; Released as soon as we are to let go."""
        task = asyncio.ensure_future(waited)
        release = asyncio.ensure_future(self._released.wait())
        try:
            await asyncio.wait({task, release}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Released
            return task.result()
        finally:
            task.cancel()
            release.cancel()

    async def _lose(self, loss: FencedOff) -> None:
        """The fence let somebody else through; look again who owns the shard."""
        self._losses += 1
        self._around.metrics.fenced(self._partition.shard)
        self._around.metrics.stands(self._partition.shard, LOADING)
        _log.warning("fenced off, lets go: %s", loss, extra=self._where())
        if self._losses >= FENCE_LOSSES_MAX:
            msg = f"{self._partition.shard}: lost the fence {self._losses} times in a row: {loss}"
            raise FencedOff(msg) from loss
        await self._pause(RELOAD_S * self._losses)

    async def _wait_out(self, trouble: JournalTrouble | BrokerTrouble) -> None:
        """Forget the shard and load it anew from Postgres, a while later."""
        name = type(trouble).__name__
        self._around.metrics.troubled(self._partition.shard, name)
        self._around.metrics.stands(self._partition.shard, TROUBLED, detail=str(trouble))
        _log.warning("%s, loads anew in %.1f s: %s", name, self._reload_s, trouble,
                     extra=self._where())  # fmt: skip
        await self._pause(self._reload_s)
        self._reload_s = min(2 * self._reload_s, RELOAD_S_MAX)

    def _note_durable(self, batch: Batch, seconds: float) -> None:
        """On the writing thread: a batch is durable."""
        self._seq, self._progress.durable = batch.heads[0].seq_after, batch.heads[0].next_offset
        self._losses, self._reload_s = 0, RELOAD_S
        self._loop.call_soon_threadsafe(self._written.set)
        self._around.metrics.committed(self._partition.shard, seq=self._seq, seconds=seconds)

    def _end(self, last: Record) -> int:
        """The offset behind all that Kafka had when it was asked last."""
        end: int | None = self._around.consumer.highwater(self._topic_partition)
        behind: int = last.offset + 1
        return max(end or 0, behind)

    def _where(self) -> dict[str, object]:
        """What every line of log says: which shard, and its last durable row."""
        return {"shard": self._partition.shard, "seq": self._seq}
